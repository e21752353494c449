//! Makes and deletes topics.

use std::collections::HashMap;
use std::sync::Arc;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::create_topics_response::{
    CreatableTopicConfigs, CreatableTopicResult,
};
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{
    CreateTopicsRequest, CreateTopicsResponse, DeleteTopicsRequest, DeleteTopicsResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::configs::topic_settings;
use super::metadata::is_topic_name;
use super::{Caller, NODE, code, text, topic_named, topic_with_id};
use crate::log::configs::TopicConfigs;
use crate::log::topic::NewTopic;

/// Why a topic is not made.
struct NotCreated(ResponseError, String);

pub(crate) async fn create(
    caller: Arc<Caller>,
    request: CreateTopicsRequest,
    version: i16,
) -> CreateTopicsResponse {
    let mut times: HashMap<TopicName, usize> = HashMap::new();
    for topic in &request.topics {
        *times.entry(topic.name.clone()).or_default() += 1;
    }
    let mut results = Vec::new();
    for topic in request.topics {
        // A name that comes twice is refused, once.
        let made = match times.remove(&topic.name) {
            None => continue,
            Some(1) => create_one(&caller, &topic, request.validate_only).await,
            Some(_) => Err(not_created(ResponseError::InvalidRequest, "the topic is named twice")),
        };
        let result = CreatableTopicResult::default().with_name(topic.name).with_error_message(None);
        results.push(match made {
            Ok(new) => created(result, &new, version),
            Err(NotCreated(error, what)) => {
                result.with_error_code(error.code()).with_error_message(Some(text(what)))
            }
        });
    }
    CreateTopicsResponse::default().with_topics(results)
}

async fn create_one(
    caller: &Caller,
    asked: &CreatableTopic,
    validate_only: bool,
) -> Result<NewTopic, NotCreated> {
    let name = asked.name.0.as_str();
    if !is_topic_name(name) {
        let what = "a name has 1 to 249 of the characters a-z A-Z 0-9 . _ -";
        return Err(not_created(ResponseError::InvalidTopicException, what));
    }
    let partitions = partitions(asked)?;
    let configs = asked.configs.iter().map(|c| (c.name.as_str(), c.value.as_deref()));
    let configs = TopicConfigs::parse(configs)
        .map_err(|bad| NotCreated(ResponseError::InvalidConfig, bad.0))?;
    let mut new = NewTopic { name: name.to_owned(), id: Uuid::new_v4(), partitions, configs };
    check_free(caller, &new)?;
    if validate_only {
        new.id = Uuid::nil();
        return Ok(new);
    }
    let limits = caller.context.limits;
    let made = caller.context.log.run(move |log| {
        // Looked at again on the thread that makes topics, one after the other.
        if log.catalog.by_name(&new.name).is_some() {
            return Err(ResponseError::TopicAlreadyExists);
        }
        let (topics, partitions) = log.catalog.counts();
        let more = usize::try_from(new.partitions).unwrap_or(usize::MAX);
        if topics >= limits.topics || partitions.saturating_add(more) > limits.partitions {
            return Err(ResponseError::PolicyViolation);
        }
        log.create_topic(&new).map(|_| new)
    });
    let made = made.await.and_then(|made| made);
    made.map_err(|error| not_created(error, error.to_string()))
}

/// How many partitions are asked for, with one copy each.
fn partitions(asked: &CreatableTopic) -> Result<i32, NotCreated> {
    if !asked.assignments.is_empty() {
        let ours = (0..).zip(&asked.assignments).all(|(number, assignment)| {
            assignment.partition_index == number && assignment.broker_ids == [NODE]
        });
        if !ours || asked.num_partitions != -1 || asked.replication_factor != -1 {
            let what = "there is one broker, number 1";
            return Err(not_created(ResponseError::InvalidReplicaAssignment, what));
        }
        return Ok(i32::try_from(asked.assignments.len()).unwrap_or(i32::MAX));
    }
    if !matches!(asked.replication_factor, -1 | 1) {
        let what = "there is one broker: the replication factor is 1";
        return Err(not_created(ResponseError::InvalidReplicationFactor, what));
    }
    match asked.num_partitions {
        -1 => Ok(1),
        partitions if partitions >= 1 => Ok(partitions),
        _ => {
            let what = "a topic has at least one partition";
            Err(not_created(ResponseError::InvalidPartitions, what))
        }
    }
}

/// Whether there is room for a topic.
fn check_free(caller: &Caller, new: &NewTopic) -> Result<(), NotCreated> {
    let log = &caller.context.log;
    if log.catalog.by_name(&new.name).is_some() {
        let what = format!("topic {} exists", new.name);
        return Err(NotCreated(ResponseError::TopicAlreadyExists, what));
    }
    let limits = caller.context.limits;
    let (topics, partitions) = log.catalog.counts();
    let more = usize::try_from(new.partitions).unwrap_or(usize::MAX);
    if topics >= limits.topics || partitions.saturating_add(more) > limits.partitions {
        let (topics, partitions) = (limits.topics, limits.partitions);
        let what = format!("this broker takes {topics} topics and {partitions} partitions");
        return Err(NotCreated(ResponseError::PolicyViolation, what));
    }
    Ok(())
}

fn not_created(error: ResponseError, what: impl Into<String>) -> NotCreated {
    NotCreated(error, what.into())
}

fn created(result: CreatableTopicResult, new: &NewTopic, version: i16) -> CreatableTopicResult {
    if version < 5 {
        return result;
    }
    let tell = |told: super::configs::Told| {
        CreatableTopicConfigs::default()
            .with_name(StrBytes::from_static_str(told.name))
            .with_value(Some(text(told.value)))
            .with_config_source(told.source)
    };
    let configs = topic_settings(&new.configs).into_iter().map(tell).collect();
    let result = result
        .with_num_partitions(new.partitions)
        .with_replication_factor(1)
        .with_configs(Some(configs));
    if version >= 7 { result.with_topic_id(new.id) } else { result }
}

pub(crate) async fn delete(
    caller: Arc<Caller>,
    request: DeleteTopicsRequest,
    version: i16,
) -> DeleteTopicsResponse {
    let named = request.topic_names.into_iter().map(|name| (Some(name), Uuid::nil()));
    let listed = request.topics.into_iter().map(|topic| (topic.name, topic.topic_id));
    let mut results = Vec::new();
    for (name, id) in named.chain(listed) {
        let found = match &name {
            Some(name) => topic_named(&caller, name),
            None => topic_with_id(&caller, id),
        };
        let result = DeletableTopicResult::default();
        let (name, id) = match &found {
            Ok(topic) => (Some(TopicName(text(topic.name.clone()))), topic.id),
            Err(_) => (name, id),
        };
        let outcome = match found {
            Ok(topic) => caller.context.log.run(move |log| log.delete_topic(&topic)).await,
            Err(error) => Err(error),
        };
        let outcome = outcome.and_then(|deleted| deleted);
        let result =
            result.with_name(name).with_error_message(None).with_error_code(code(&outcome));
        results.push(if version >= 6 { result.with_topic_id(id) } else { result });
    }
    DeleteTopicsResponse::default().with_responses(results)
}
