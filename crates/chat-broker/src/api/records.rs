//! Deletes records before an offset.

use std::sync::Arc;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use kafka_protocol::messages::{DeleteRecordsRequest, DeleteRecordsResponse, TopicName};

use super::{Caller, code, partition_of, topic_named};

pub(crate) async fn delete(
    caller: Arc<Caller>,
    request: DeleteRecordsRequest,
) -> DeleteRecordsResponse {
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for partition in topic.partitions {
            let at = (partition.partition_index, partition.offset);
            let outcome = raise_start(&caller, &topic.name, at).await;
            let result = DeleteRecordsPartitionResult::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(code(&outcome))
                .with_low_watermark(outcome.unwrap_or(-1));
            partitions.push(result);
        }
        let result = DeleteRecordsTopicResult::default().with_name(topic.name);
        topics.push(result.with_partitions(partitions));
    }
    DeleteRecordsResponse::default().with_topics(topics)
}

/// Makes an offset the first that can be read; returns the first.
async fn raise_start(
    caller: &Caller,
    topic: &TopicName,
    (number, offset): (i32, i64),
) -> Result<i64, ResponseError> {
    let topic = topic_named(caller, topic)?;
    let partition = partition_of(&topic, number)?;
    if topic.configs.is_compacted() && !topic.configs.value("cleanup.policy").contains("delete") {
        return Err(ResponseError::PolicyViolation);
    }
    caller.context.log.run(move |_| partition.raise_start(offset)).await?
}
