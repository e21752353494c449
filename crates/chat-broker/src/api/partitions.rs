//! Partitions of topics, page by page: what clients ask instead of all metadata.

use std::sync::Arc;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::describe_topic_partitions_response::{
    Cursor, DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};
use kafka_protocol::messages::{
    DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, TopicName,
};

use super::metadata::is_topic_name;
use super::{Caller, NODE, text, topic_named};
use crate::log::topic::Topic;

/// As many partitions as one answer has, whatever the client asks for.
const MOST: usize = 2000;

pub(crate) async fn answer(
    caller: Arc<Caller>,
    request: DescribeTopicPartitionsRequest,
) -> DescribeTopicPartitionsResponse {
    let limit = usize::try_from(request.response_partition_limit).unwrap_or(1).clamp(1, MOST);
    let mut page = Page { epoch: caller.context.log.leader_epoch, left: limit, topics: Vec::new() };
    let (start, first) = request.cursor.map_or((None, 0), |cursor| {
        (Some(cursor.topic_name.0.to_string()), cursor.partition_index.max(0))
    });
    let mut names: Vec<String> =
        request.topics.into_iter().map(|topic| topic.name.0.to_string()).collect();
    if names.is_empty() {
        names = caller.context.log.catalog.all().iter().map(|topic| topic.name.clone()).collect();
    }
    names.sort_unstable();
    names.dedup();
    let mut next = None;
    for name in names {
        if start.as_ref().is_some_and(|start| name < *start) {
            continue;
        }
        let first = if start.as_ref() == Some(&name) { first } else { 0 };
        if let Some(partition) = page.add(&caller, &name, first) {
            let cursor = Cursor::default().with_topic_name(TopicName(text(name)));
            next = Some(cursor.with_partition_index(partition));
            break;
        }
    }
    DescribeTopicPartitionsResponse::default().with_topics(page.topics).with_next_cursor(next)
}

/// What one answer holds.
struct Page {
    epoch: i32,
    left: usize,
    topics: Vec<DescribeTopicPartitionsResponseTopic>,
}

impl Page {
    /// Adds a topic from partition `first` on. Returns where the next page begins if it is full.
    fn add(&mut self, caller: &Caller, name: &str, first: i32) -> Option<i32> {
        let topic_name = TopicName(text(name.to_owned()));
        let found = match is_topic_name(name) {
            true => topic_named(caller, &topic_name),
            false => Err(ResponseError::InvalidTopicException),
        };
        let described = DescribeTopicPartitionsResponseTopic::default().with_name(Some(topic_name));
        let topic = match found {
            Ok(topic) => topic,
            Err(error) => {
                self.topics.push(described.with_error_code(error.code()));
                return None;
            }
        };
        if self.left == 0 {
            return Some(first);
        }
        let mut numbers = topic.partitions.iter().map(|p| p.number).filter(|n| *n >= first);
        let here: Vec<i32> = numbers.by_ref().take(self.left).collect();
        self.left = self.left.saturating_sub(here.len());
        self.topics.push(self.describe(described, &topic, here));
        numbers.next()
    }

    fn describe(
        &self,
        described: DescribeTopicPartitionsResponseTopic,
        topic: &Topic,
        numbers: Vec<i32>,
    ) -> DescribeTopicPartitionsResponseTopic {
        let partitions = numbers.into_iter().map(|number| {
            DescribeTopicPartitionsResponsePartition::default()
                .with_partition_index(number)
                .with_leader_id(NODE)
                .with_leader_epoch(self.epoch)
                .with_replica_nodes(vec![NODE])
                .with_isr_nodes(vec![NODE])
        });
        described.with_topic_id(topic.id).with_partitions(partitions.collect())
    }
}
