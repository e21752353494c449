//! Brokers, topics, partitions, and who leads them: always the broker that is asked.

use std::sync::Arc;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{MetadataRequest, MetadataResponse, TopicName};

use super::{Caller, NODE, text, topic_named, topic_with_id};
use crate::log::topic::Topic;

pub(crate) async fn answer(
    caller: Arc<Caller>,
    request: MetadataRequest,
    version: i16,
) -> MetadataResponse {
    let address = caller.local.ip().to_canonical();
    let broker = MetadataResponseBroker::default()
        .with_node_id(NODE)
        .with_host(text(address.to_string()))
        .with_port(i32::from(caller.local.port()));
    // The first version has no null: there an empty list stands for all topics.
    let all = |topics: &Vec<_>| version == 0 && topics.is_empty();
    let epoch = caller.context.log.leader_epoch;
    let topics = match request.topics.filter(|topics| !all(topics)) {
        None => {
            let all = caller.context.log.catalog.all();
            all.iter().map(|topic| describe(topic, epoch, version)).collect()
        }
        Some(topics) => topics.into_iter().map(|topic| look_up(&caller, topic, version)).collect(),
    };
    let response = MetadataResponse::default().with_brokers(vec![broker]).with_topics(topics);
    let response = if version >= 1 { response.with_controller_id(NODE) } else { response };
    if version < 2 {
        return response;
    }
    response.with_cluster_id(Some(text(caller.context.log.cluster_id.clone())))
}

fn look_up(caller: &Caller, asked: MetadataRequestTopic, version: i16) -> MetadataResponseTopic {
    let found = match &asked.name {
        Some(name) if !is_topic_name(name.0.as_str()) => Err(ResponseError::InvalidTopicException),
        Some(name) => topic_named(caller, name),
        None => topic_with_id(caller, asked.topic_id),
    };
    match found {
        Ok(topic) => describe(&topic, caller.context.log.leader_epoch, version),
        Err(error) => {
            let nameless = (version < 12).then(TopicName::default);
            let topic = MetadataResponseTopic::default().with_error_code(error.code());
            let topic = topic.with_name(asked.name.or(nameless));
            if version >= 10 { topic.with_topic_id(asked.topic_id) } else { topic }
        }
    }
}

fn describe(topic: &Topic, leader_epoch: i32, version: i16) -> MetadataResponseTopic {
    let partition = |number| {
        let partition = MetadataResponsePartition::default()
            .with_partition_index(number)
            .with_leader_id(NODE)
            .with_replica_nodes(vec![NODE])
            .with_isr_nodes(vec![NODE]);
        if version >= 7 { partition.with_leader_epoch(leader_epoch) } else { partition }
    };
    let partitions = topic.partitions.iter().map(|found| partition(found.number)).collect();
    let described = MetadataResponseTopic::default()
        .with_name(Some(TopicName(text(topic.name.clone()))))
        .with_partitions(partitions);
    if version >= 10 { described.with_topic_id(topic.id) } else { described }
}

/// Whether a topic may be called so.
pub(crate) fn is_topic_name(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=249).contains(&name.len()) && name != "." && name != ".." && name.bytes().all(legal)
}
