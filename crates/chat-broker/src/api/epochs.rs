//! Where a leader epoch ends: how a client finds out that a log was cut.

use std::sync::Arc;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::offset_for_leader_epoch_request::OffsetForLeaderPartition;
use kafka_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use kafka_protocol::messages::{
    OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, TopicName,
};

use super::{Caller, check_epoch, code, partition_of, topic_named};

pub(crate) async fn answer(
    caller: Arc<Caller>,
    request: OffsetForLeaderEpochRequest,
) -> OffsetForLeaderEpochResponse {
    let topic =
        |topic: kafka_protocol::messages::offset_for_leader_epoch_request::OffsetForLeaderTopic| {
            let end = |asked: &OffsetForLeaderPartition| {
                let found = end_of(&caller, &topic.topic, asked);
                let (epoch, offset) = found.unwrap_or((-1, -1));
                EpochEndOffset::default()
                    .with_error_code(code(&found))
                    .with_partition(asked.partition)
                    .with_leader_epoch(epoch)
                    .with_end_offset(offset)
            };
            let partitions = topic.partitions.iter().map(end).collect();
            OffsetForLeaderTopicResult::default()
                .with_topic(topic.topic)
                .with_partitions(partitions)
        };
    let topics = request.topics.into_iter().map(topic).collect();
    OffsetForLeaderEpochResponse::default().with_topics(topics)
}

/// The largest epoch up to the one asked for, and where it ends; -1 if it never was.
fn end_of(
    caller: &Caller,
    topic: &TopicName,
    asked: &OffsetForLeaderPartition,
) -> Result<(i32, i64), ResponseError> {
    let partition = partition_of(&*topic_named(caller, topic)?, asked.partition)?;
    check_epoch(caller, asked.current_leader_epoch)?;
    let end = partition.bounds()?.end;
    Ok(partition.view().epochs.end_of(asked.leader_epoch, end).unwrap_or((-1, -1)))
}
