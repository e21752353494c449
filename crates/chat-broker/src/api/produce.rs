//! Appends record batches.

use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::{ProduceRequest, ProduceResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::{Answer, Caller, Head, partition_of, topic_named, topic_with_id};
use crate::connection::Closed;
use crate::connection::room::Room;
use crate::log::Waiting;
use crate::log::appender::Appended;
use crate::log::incoming::{IncomingBatch, Refused};
use crate::log::partition::Partition;
use crate::log::topic::Topic;

/// The batches of one request that are on their way, topic by topic.
struct Submitted {
    topics: Vec<(TopicName, Uuid, Vec<Batch>)>,
    version: i16,
}

/// One batch on its way, or why it is not.
struct Batch {
    number: i32,
    partition: Option<Arc<Partition>>,
    outcome: Result<Waiting, Refused>,
}

/// What a request says of all its batches.
struct Terms {
    acks: i16,
    version: i16,
    room: Arc<Room>,
    refused: Option<Refused>,
}

/// Hands all batches to the log, in order; the answer waits until they are durable.
pub(crate) async fn begin(
    caller: &Caller,
    head: Head,
    request: ProduceRequest,
    room: Arc<Room>,
) -> Result<Answer, Closed> {
    let (acks, version) = (request.acks, head.version);
    let terms = Terms { acks, version, room, refused: refusal(&request) };
    let mut topics = Vec::with_capacity(request.topic_data.len());
    for data in request.topic_data {
        let topic = if version >= 13 {
            topic_with_id(caller, data.topic_id)
        } else {
            topic_named(caller, &data.name)
        };
        let mut batches = Vec::with_capacity(data.partition_data.len());
        for partition in data.partition_data {
            let (number, records) = (partition.index, partition.records.unwrap_or_default());
            batches.push(submit(caller, &topic, (number, records), &terms).await);
        }
        topics.push((data.name, data.topic_id, batches));
    }
    let submitted = Submitted { topics, version };
    if acks == NO_ACKS {
        return submitted.silent();
    }
    Ok(Box::pin(async move { head.reply(&submitted.finish().await) }))
}

/// Why none of a request's batches is taken.
fn refusal(request: &ProduceRequest) -> Option<Refused> {
    if !matches!(request.acks, ALL_ACKS | NO_ACKS | LEADER_ACK) {
        return Some(Refused(ResponseError::InvalidRequiredAcks, "acks is -1, 0 or 1"));
    }
    let what = "transactions are not served";
    let refused = Refused(ResponseError::TransactionalIdAuthorizationFailed, what);
    request.transactional_id.is_some().then_some(refused)
}

async fn submit(
    caller: &Caller,
    topic: &Result<Arc<Topic>, ResponseError>,
    (number, records): (i32, Bytes),
    terms: &Terms,
) -> Batch {
    let found = topic.clone().and_then(|topic| Ok((partition_of(&topic, number)?, topic)));
    let (partition, topic) = match found {
        Ok(found) => found,
        Err(error) => {
            let outcome = Err(Refused(error, "there is no such topic or partition"));
            return Batch { number, partition: None, outcome };
        }
    };
    let to = (topic, Arc::clone(&partition));
    let outcome = match check(&to.0, records, terms) {
        Ok(batch) => {
            let submitted = caller.context.log.submit(to, batch, Arc::clone(&terms.room)).await;
            submitted.map_err(|error| Refused(error, "the broker stops"))
        }
        Err(refused) => Err(refused),
    };
    Batch { number, partition: Some(partition), outcome }
}

fn check(topic: &Topic, records: Bytes, terms: &Terms) -> Result<IncomingBatch, Refused> {
    if let Some(refused) = terms.refused {
        return Err(refused);
    }
    if terms.acks == ALL_ACKS && topic.configs.min_insync_replicas() > 1 {
        let what = "the topic wants more copies than this broker has";
        return Err(Refused(ResponseError::NotEnoughReplicas, what));
    }
    let batch = IncomingBatch::check(records, &topic.configs)?;
    if batch.header.compression() == ZSTD && terms.version < SINCE_ZSTD {
        let what = "this version of the request cannot carry zstd";
        return Err(Refused(ResponseError::UnsupportedCompressionType, what));
    }
    Ok(batch)
}

impl Submitted {
    /// Nothing is answered; a refusal can only be told by closing the connection.
    fn silent(self) -> Result<Answer, Closed> {
        let batches = self.topics.iter().flat_map(|topic| &topic.2);
        if batches.into_iter().any(|batch| batch.outcome.is_err()) {
            return Err(Closed::Request("a batch that wants no answer was refused"));
        }
        Ok(Box::pin(async { Ok(None) }))
    }

    async fn finish(self) -> ProduceResponse {
        let version = self.version;
        let mut responses = Vec::with_capacity(self.topics.len());
        for (name, id, batches) in self.topics {
            let mut partitions = Vec::with_capacity(batches.len());
            for batch in batches {
                partitions.push(batch.finish(version).await);
            }
            let topic = TopicProduceResponse::default().with_partition_responses(partitions);
            responses.push(if version >= 13 {
                topic.with_topic_id(id)
            } else {
                topic.with_name(name)
            });
        }
        ProduceResponse::default().with_responses(responses)
    }
}

impl Batch {
    async fn finish(self, version: i16) -> PartitionProduceResponse {
        let outcome = match self.outcome {
            Ok(waiting) => appended(waiting).await,
            Err(refused) => Err(refused),
        };
        let response = PartitionProduceResponse::default().with_index(self.number);
        match outcome {
            Ok(Appended { base_offset, append_time }) => {
                let bounds = self.partition.and_then(|partition| partition.bounds().ok());
                let response = response.with_base_offset(base_offset);
                let response = response.with_log_append_time_ms(append_time);
                let start = bounds.map_or(-1, |bounds| bounds.start);
                if version >= 5 { response.with_log_start_offset(start) } else { response }
            }
            Err(Refused(error, what)) => {
                let response = response.with_error_code(error.code()).with_base_offset(-1);
                let response = response.with_log_append_time_ms(-1);
                let what = Some(StrBytes::from_static_str(what));
                if version >= 8 { response.with_error_message(what) } else { response }
            }
        }
    }
}

async fn appended(waiting: Waiting) -> Result<Appended, Refused> {
    let stopped = Refused(ResponseError::KafkaStorageError, "the broker stops");
    let appended = waiting.await.map_err(|_| stopped)?;
    appended.map_err(|error| match error {
        ResponseError::OutOfOrderSequenceNumber => {
            Refused(error, "the sequence number does not follow the last one")
        }
        ResponseError::InvalidProducerEpoch => Refused(error, "the producer has a newer epoch"),
        _ => Refused(error, "the batch was not written"),
    })
}

const ALL_ACKS: i16 = -1;
const NO_ACKS: i16 = 0;
const LEADER_ACK: i16 = 1;
const ZSTD: i16 = 4;
const SINCE_ZSTD: i16 = 7;
