//! Requests and their answers.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{ApiKey, BrokerId, RequestHeader, ResponseHeader, TopicName};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, StrBytes};
use uuid::Uuid;

use crate::connection::Closed;
use crate::connection::frame::Frame;
use crate::connection::room::Room;
use crate::log::partition::Partition;
use crate::log::topic::Topic;
use crate::server::Context;
use crate::shape::requests::shape;

mod cluster;
mod configs;
mod coordinator;
mod epochs;
mod fetch;
mod metadata;
mod offsets;
mod partitions;
mod produce;
mod producer_id;
mod records;
mod refused;
mod topics;
pub(crate) mod versions;

/// Who asks.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) context: Arc<Context>,
    /// The address of ours that the client connected to; it is told to come back there.
    pub(crate) local: SocketAddr,
}

/// What becomes an answer once it is its turn.
pub(crate) type Answer = Pin<Box<dyn Future<Output = Result<Option<Reply>, Closed>> + Send>>;

/// An answer, ready to be sent.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) bytes: Bytes,
    /// What it holds of the shared budget until it is sent.
    pub(crate) room: Option<Room>,
}

/// What an answer has to repeat of its request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) key: ApiKey,
    pub(crate) version: i16,
    correlation: i32,
}

impl Head {
    /// Makes an answer of a response.
    fn reply<R: Encodable + HeaderVersion>(self, response: &R) -> Result<Option<Reply>, Closed> {
        self.encode(R::header_version(self.version), |out| response.encode(out, self.version))
    }

    fn encode<E: std::fmt::Display>(
        self,
        header_version: i16,
        body: impl FnOnce(&mut BytesMut) -> Result<(), E>,
    ) -> Result<Option<Reply>, Closed> {
        let failed = |error: &dyn std::fmt::Display| {
            tracing::error!(key = ?self.key, version = self.version, %error, "no answer possible");
            Closed::Request("the answer cannot be encoded")
        };
        let mut out = BytesMut::new();
        out.put_i32(0);
        let header = ResponseHeader::default().with_correlation_id(self.correlation);
        header.encode(&mut out, header_version).map_err(|error| failed(&error))?;
        body(&mut out).map_err(|error| failed(&error))?;
        let len = i32::try_from(out.len() - LENGTH).map_err(|error| failed(&error))?;
        if let Some(length) = out.get_mut(..LENGTH) {
            length.copy_from_slice(&len.to_be_bytes());
        }
        Ok(Some(Reply { bytes: out.freeze(), room: None }))
    }

    /// An answer that is made when its turn comes.
    fn later<R: Encodable + HeaderVersion + Send>(
        self,
        response: impl Future<Output = R> + Send + 'static,
    ) -> Answer {
        Box::pin(async move { self.reply(&response.await) })
    }
}

/// Begins a request; what it returns becomes the answer.
///
/// # Errors
/// The request does not follow the protocol, or there is no answer to it.
pub(crate) async fn begin(caller: &Arc<Caller>, frame: Frame) -> Result<Answer, Closed> {
    let Frame { mut bytes, room } = frame;
    let head = read_head(&mut bytes)?;
    let Some(shape) = shape(head.key).filter(|_| versions::serves(head.key, head.version)) else {
        return refused::answer(head);
    };
    if shape.walk(head.version, &bytes, caller.context.limits.items).is_err() {
        return Err(Closed::Request("a request is malformed or has too many entries"));
    }
    let caller = Arc::clone(caller);
    let (version, body) = (head.version, &mut bytes);
    Ok(match head.key {
        ApiKey::Produce => {
            return produce::begin(&caller, head, decode(body, version)?, room).await;
        }
        ApiKey::Fetch => fetch::answer(caller, head, decode(body, version)?),
        ApiKey::ListOffsets => head.later(offsets::answer(caller, decode(body, version)?, version)),
        ApiKey::Metadata => head.later(metadata::answer(caller, decode(body, version)?, version)),
        ApiKey::FindCoordinator => head.later(coordinator::answer(decode(body, version)?, version)),
        ApiKey::ApiVersions => head.later(versions::answer()),
        ApiKey::CreateTopics => head.later(topics::create(caller, decode(body, version)?, version)),
        ApiKey::DeleteTopics => head.later(topics::delete(caller, decode(body, version)?, version)),
        ApiKey::DeleteRecords => head.later(records::delete(caller, decode(body, version)?)),
        ApiKey::InitProducerId => head.later(producer_id::answer(caller, decode(body, version)?)),
        ApiKey::OffsetForLeaderEpoch => head.later(epochs::answer(caller, decode(body, version)?)),
        ApiKey::DescribeConfigs => {
            head.later(configs::describe(caller, decode(body, version)?, version))
        }
        ApiKey::DescribeCluster => {
            head.later(cluster::answer(caller, decode(body, version)?, version))
        }
        ApiKey::DescribeTopicPartitions => {
            head.later(partitions::answer(caller, decode(body, version)?))
        }
        _ => return refused::answer(head),
    })
}

/// Takes a request apart as [`begin`] does, and does nothing of what it asks.
pub(crate) fn take_apart(mut bytes: Bytes) {
    let Ok(head) = read_head(&mut bytes) else { return };
    let known = shape(head.key).filter(|_| versions::serves(head.key, head.version));
    let items = crate::Limits::default().items;
    if known.is_some_and(|shape| shape.walk(head.version, &bytes, items).is_ok()) {
        drop(kafka_protocol::messages::RequestKind::decode(head.key, &mut bytes, head.version));
    }
}

/// Reads the header of a request.
fn read_head(bytes: &mut Bytes) -> Result<Head, Closed> {
    let malformed = || Closed::Request("the header of a request is malformed");
    let mut start: &[u8] = bytes;
    let key = start.try_get_i16().map_err(|_| malformed())?;
    let version = start.try_get_i16().map_err(|_| malformed())?;
    let key = ApiKey::try_from(key).map_err(|()| Closed::Request("an unknown kind of request"))?;
    // A client may ask for the versions in a version that came after us.
    let known = if key == ApiKey::ApiVersions { version.min(NEWEST_VERSIONS) } else { version };
    let header = RequestHeader::decode(bytes, key.request_header_version(known));
    let header = header.map_err(|_| malformed())?;
    Ok(Head { key, version, correlation: header.correlation_id })
}

fn decode<R: Decodable>(body: &mut Bytes, version: i16) -> Result<R, Closed> {
    R::decode(body, version).map_err(|_| Closed::Request("a request cannot be decoded"))
}

/// Looks a topic up by its name.
fn topic_named(caller: &Caller, name: &TopicName) -> Result<Arc<Topic>, ResponseError> {
    let found = caller.context.log.catalog.by_name(name.0.as_str());
    found.ok_or(ResponseError::UnknownTopicOrPartition)
}

/// Looks a topic up by its id.
fn topic_with_id(caller: &Caller, id: Uuid) -> Result<Arc<Topic>, ResponseError> {
    caller.context.log.catalog.by_id(id).ok_or(ResponseError::UnknownTopicId)
}

/// Looks a partition up.
fn partition_of(topic: &Topic, number: i32) -> Result<Arc<Partition>, ResponseError> {
    topic.partition(number).map(Arc::clone).ok_or(ResponseError::UnknownTopicOrPartition)
}

/// Compares the leader epoch that a client knows with ours; -1 stands for none.
fn check_epoch(caller: &Caller, known: i32) -> Result<(), ResponseError> {
    match known.cmp(&caller.context.log.leader_epoch) {
        _ if known < 0 => Ok(()),
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Less => Err(ResponseError::FencedLeaderEpoch),
        std::cmp::Ordering::Greater => Err(ResponseError::UnknownLeaderEpoch),
    }
}

/// Runs work that blocks on files.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ResponseError> + Send + 'static,
) -> Result<T, ResponseError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or(Err(ResponseError::KafkaStorageError))
}

/// The code of an outcome; 0 is success.
fn code<T>(outcome: &Result<T, ResponseError>) -> i16 {
    outcome.as_ref().err().map_or(0, ResponseError::code)
}

fn text(value: impl Into<String>) -> StrBytes {
    StrBytes::from_string(value.into())
}

/// The one broker that there is.
const NODE: BrokerId = BrokerId(1);
/// Bytes of a frame's length.
const LENGTH: usize = 4;
/// The newest version of the request for versions whose header is known.
const NEWEST_VERSIONS: i16 = 4;
