//! Offsets: the first, the last, and the first since a time.

use std::sync::Arc;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::list_offsets_request::ListOffsetsPartition;
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::{ListOffsetsRequest, ListOffsetsResponse, TopicName};

use super::{Caller, blocking, check_epoch, code, partition_of, topic_named};
use crate::log::partition::Timed;

pub(crate) async fn answer(
    caller: Arc<Caller>,
    request: ListOffsetsRequest,
    version: i16,
) -> ListOffsetsResponse {
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for asked in topic.partitions {
            let found = find(&caller, &topic.name, &asked).await;
            let error = code(&found);
            let found = found.ok().flatten();
            let found = found.unwrap_or(Timed { offset: -1, timestamp: -1, epoch: -1 });
            let partition = ListOffsetsPartitionResponse::default()
                .with_partition_index(asked.partition_index)
                .with_error_code(error)
                .with_timestamp(found.timestamp)
                .with_offset(found.offset);
            partitions.push(match version {
                4.. => partition.with_leader_epoch(found.epoch),
                _ => partition,
            });
        }
        let found = ListOffsetsTopicResponse::default().with_name(topic.name);
        topics.push(found.with_partitions(partitions));
    }
    ListOffsetsResponse::default().with_topics(topics)
}

/// The offset that is asked for; `None` if there is no such record.
async fn find(
    caller: &Caller,
    topic: &TopicName,
    asked: &ListOffsetsPartition,
) -> Result<Option<Timed>, ResponseError> {
    let partition = partition_of(&*topic_named(caller, topic)?, asked.partition_index)?;
    check_epoch(caller, asked.current_leader_epoch)?;
    let bounds = partition.bounds()?;
    let at = |offset| Timed { offset, timestamp: -1, epoch: partition.view().epochs.at(offset) };
    match asked.timestamp {
        LATEST => Ok(Some(Timed { epoch: caller.context.log.leader_epoch, ..at(bounds.end) })),
        EARLIEST | EARLIEST_LOCAL => Ok(Some(at(bounds.start))),
        NEWEST => blocking(move || partition.newest()).await,
        LATEST_TIERED => Ok(None),
        timestamp if timestamp >= 0 => blocking(move || partition.first_since(timestamp)).await,
        _ => Err(ResponseError::UnsupportedVersion),
    }
}

/// Times that stand for something else.
const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const NEWEST: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;
