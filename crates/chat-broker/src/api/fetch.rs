//! Reads records, and waits for them: a true long poll.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::fetch_request::FetchPartition;
use kafka_protocol::messages::fetch_response::{
    EpochEndOffset, FetchableTopicResponse, PartitionData,
};
use kafka_protocol::messages::{FetchRequest, FetchResponse};
use tokio::time::{Instant, timeout_at};

use super::{
    Answer, Caller, Head, Reply, blocking, check_epoch, partition_of, topic_named, topic_with_id,
};
use crate::connection::Closed;
use crate::connection::room::SMALL;
use crate::log::partition::{LogBounds, Partition};

/// One partition that is asked for, as it stands now.
enum Stand {
    /// Records may be read from here.
    Ready(Ready),
    /// The client's log and ours went different ways at this epoch and offset.
    Diverging(LogBounds, (i32, i64)),
    Error(ResponseError),
}

struct Ready {
    partition: Arc<Partition>,
    bounds: LogBounds,
    offset: i64,
    most: usize,
    /// About how many bytes there are; 0 exactly if there are none.
    bytes: u64,
}

/// What is read of a partition.
type Read = Result<Bytes, ResponseError>;

/// The answer, when there is something to say or the time is over.
pub(crate) fn answer(caller: Arc<Caller>, head: Head, request: FetchRequest) -> Answer {
    Box::pin(async move {
        if request.session_id != 0 {
            let code = ResponseError::FetchSessionIdNotFound.code();
            return head.reply(&FetchResponse::default().with_error_code(code));
        }
        fetch(&caller, head, request).await
    })
}

async fn fetch(
    caller: &Caller,
    head: Head,
    request: FetchRequest,
) -> Result<Option<Reply>, Closed> {
    let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
    let deadline = Instant::now() + wait.min(LONGEST_WAIT);
    let enough = u64::try_from(request.min_bytes).unwrap_or(0);
    let most =
        usize::try_from(request.max_bytes).unwrap_or(0).min(caller.context.limits.frame_bytes);
    let mut news = caller.context.log.news();
    loop {
        news.borrow_and_update();
        let stands = look(caller, &request, head.version);
        let settled = stands.iter().any(|stand| !matches!(stand, Stand::Ready(_)));
        let bytes: u64 = stands.iter().map(Stand::bytes).sum();
        let expired = Instant::now() >= deadline;
        if settled || expired || bytes >= enough {
            let most = usize::try_from(bytes).unwrap_or(usize::MAX).min(most);
            // Where there is no room for much, little comes, and the client asks again.
            let answers = &caller.context.answers;
            let large = if most > SMALL { answers.try_large(most) } else { None };
            let (most, room) = match large {
                Some(room) => (most, room),
                None => (most.min(SMALL), answers.small(most).await),
            };
            let enough = enough.min(most as u64);
            let (stands, reads) = read(stands, most).await;
            let bytes: usize = reads.iter().flatten().map(Bytes::len).sum();
            let failed = reads.iter().any(Result::is_err);
            if settled || expired || failed || bytes as u64 >= enough || bytes >= most.max(1) {
                let response = respond(request, head.version, stands.into_iter().zip(reads));
                let reply = head.reply(&response)?;
                return Ok(reply.map(|reply| Reply { room: Some(room), ..reply }));
            }
        }
        // Either there is news, or the time is over; the loop finds out which.
        drop(timeout_at(deadline, news.changed()).await);
    }
}

/// How every partition stands that is asked for, in order.
fn look(caller: &Caller, request: &FetchRequest, version: i16) -> Vec<Stand> {
    let mut stands = Vec::new();
    for asked in &request.topics {
        let topic = if version >= 13 {
            topic_with_id(caller, asked.topic_id)
        } else {
            topic_named(caller, &asked.topic)
        };
        for wanted in &asked.partitions {
            let found = topic.clone().and_then(|topic| partition_of(&topic, wanted.partition));
            let stand = found.and_then(|partition| Stand::of(caller, partition, wanted));
            stands.push(stand.unwrap_or_else(Stand::Error));
        }
    }
    stands
}

impl Stand {
    fn of(
        caller: &Caller,
        partition: Arc<Partition>,
        wanted: &FetchPartition,
    ) -> Result<Self, ResponseError> {
        check_epoch(caller, wanted.current_leader_epoch)?;
        let bounds = partition.bounds()?;
        let offset = wanted.fetch_offset;
        if wanted.last_fetched_epoch >= 0 {
            let end = partition.view().epochs.end_of(wanted.last_fetched_epoch, bounds.end);
            let end = end.unwrap_or((-1, -1));
            if end.0 < wanted.last_fetched_epoch || end.1 < offset {
                return Ok(Self::Diverging(bounds, end));
            }
        }
        if !(bounds.start..=bounds.end).contains(&offset) {
            return Err(ResponseError::OffsetOutOfRange);
        }
        let bytes = partition.bytes_from(offset);
        let most = usize::try_from(wanted.partition_max_bytes).unwrap_or(0);
        Ok(Self::Ready(Ready { partition, bounds, offset, most, bytes }))
    }

    fn bytes(&self) -> u64 {
        match self {
            Self::Ready(ready) => ready.bytes,
            Self::Diverging(..) | Self::Error(_) => 0,
        }
    }
}

/// Reads what there is, up to a number of bytes; the first batch comes whatever its size.
async fn read(stands: Vec<Stand>, most: usize) -> (Vec<Stand>, Vec<Read>) {
    let nothing = || Ok(Bytes::new());
    if stands.iter().all(|stand| stand.bytes() == 0) {
        let reads = stands.iter().map(|_| nothing()).collect();
        return (stands, reads);
    }
    let places: Vec<_> = stands.iter().map(Stand::place).collect();
    let read = blocking(move || {
        let mut left = most;
        let mut reads = Vec::with_capacity(places.len());
        for place in places {
            let Some((partition, offset, own_most)) = place.filter(|_| left > 0) else {
                reads.push(nothing());
                continue;
            };
            let allowed = own_most.min(left);
            let bytes = partition.read(offset, allowed);
            // Only the first batch of an answer may be larger than what is allowed.
            let first = left == most;
            let fits = |bytes: &Vec<u8>| first || bytes.len() <= allowed;
            let bytes = bytes.map(|bytes| if fits(&bytes) { bytes } else { Vec::new() });
            left = left.saturating_sub(bytes.as_ref().map_or(0, Vec::len));
            reads.push(bytes.map(Bytes::from));
        }
        Ok(reads)
    });
    match read.await {
        Ok(reads) => (stands, reads),
        Err(error) => {
            let reads = stands.iter().map(|_| Err(error)).collect();
            (stands, reads)
        }
    }
}

impl Stand {
    /// Where to read, if there is anything.
    fn place(&self) -> Option<(Arc<Partition>, i64, usize)> {
        match self {
            Self::Ready(ready) if ready.bytes > 0 => {
                Some((Arc::clone(&ready.partition), ready.offset, ready.most))
            }
            _ => None,
        }
    }
}

/// Puts what was read back under its topics.
fn respond(
    request: FetchRequest,
    version: i16,
    stands: impl Iterator<Item = (Stand, Read)>,
) -> FetchResponse {
    let mut stands = stands;
    let committed_only = request.isolation_level == READ_COMMITTED;
    let mut responses = Vec::with_capacity(request.topics.len());
    for asked in request.topics {
        let mut partitions = Vec::with_capacity(asked.partitions.len());
        for (wanted, (stand, read)) in asked.partitions.iter().zip(&mut stands) {
            let data = partition_data(stand, read, version).with_partition_index(wanted.partition);
            // There are no transactions, so none was aborted.
            partitions.push(data.with_aborted_transactions(committed_only.then(Vec::new)));
        }
        let topic = FetchableTopicResponse::default().with_partitions(partitions);
        responses.push(if version >= 13 {
            topic.with_topic_id(asked.topic_id)
        } else {
            topic.with_topic(asked.topic)
        });
    }
    FetchResponse::default().with_responses(responses)
}

fn partition_data(stand: Stand, read: Read, version: i16) -> PartitionData {
    let data = PartitionData::default();
    let (bounds, data) = match (stand, read) {
        (Stand::Ready(ready), Ok(bytes)) => (Some(ready.bounds), data.with_records(Some(bytes))),
        (Stand::Diverging(bounds, (epoch, offset)), _) => {
            let end = EpochEndOffset::default().with_epoch(epoch).with_end_offset(offset);
            let data = data.with_diverging_epoch(end);
            (Some(bounds), data.with_records(Some(Bytes::new())))
        }
        (Stand::Error(error), _) | (Stand::Ready(_), Err(error)) => {
            let data = data.with_error_code(error.code());
            (None, data.with_records(Some(Bytes::new())))
        }
    };
    let (start, end) = bounds.map_or((-1, -1), |bounds| (bounds.start, bounds.end));
    let data = data.with_high_watermark(end).with_last_stable_offset(end);
    if version >= 5 { data.with_log_start_offset(start) } else { data }
}

/// The longest that a client may wait for records.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
const READ_COMMITTED: i8 = 1;
