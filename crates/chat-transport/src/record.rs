//! Records, and where they lie.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;

/// A partition of a topic, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(pub u32);

/// A place in a partition's log, from 0; below 2^63.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(pub u64);

/// Which leader of a partition wrote something; rises with every change of the leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaderEpoch(pub u32);

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A record to append. There are no headers, and the broker gives the time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The key; none for a picture.
    pub key: Option<Bytes>,
    /// The value.
    pub value: Bytes,
}

impl Record {
    /// Bytes that count against a topic's limit: key and value, and 100 for the framing.
    pub fn weight(&self) -> usize {
        self.key.as_ref().map_or(0, Bytes::len).saturating_add(self.value.len()).saturating_add(100)
    }
}

/// A record as it lies on the log. Everything in it is from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    /// Its place.
    pub offset: Offset,
    /// The broker's time, milliseconds since 1970.
    pub timestamp_ms: i64,
    /// The leader that wrote it, where known.
    pub leader_epoch: Option<LeaderEpoch>,
    /// The key.
    pub key: Option<Bytes>,
    /// The value; `None` is a tombstone.
    pub value: Option<Bytes>,
}

/// Where a partition's log begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The partition.
    pub partition: Partition,
    /// The first offset that may still be read.
    pub start: Offset,
    /// The offset that the next record will get.
    pub end: Offset,
    /// The leader that says so, where known.
    pub leader_epoch: Option<LeaderEpoch>,
}

/// Where to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The partition.
    pub partition: Partition,
    /// The first offset to read.
    pub offset: Offset,
}

/// How much to read, and how long to wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadOptions {
    /// About so many bytes of one partition; a single larger record still comes. Default 1 MiB.
    pub max_bytes: u32,
    /// At most so many records of one partition. Default 4,096.
    pub max_records: usize,
    /// How long to wait if nothing is there; zero does not wait. Default zero.
    pub max_wait: Duration,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { max_bytes: 1024 * 1024, max_records: 4096, max_wait: Duration::ZERO }
    }
}

/// What was read of one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The partition.
    pub partition: Partition,
    /// Records in rising order of their offsets, none below the position that was asked for.
    pub records: Vec<StoredRecord>,
    /// Where to read on: behind the last record, and further where the log is known to hold none.
    pub resume: Offset,
    /// The log's end as of this read.
    pub end: Offset,
}

/// A record that is on the log for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack {
    /// Its offset; `None` if the broker only knows that it has the record already.
    pub offset: Option<Offset>,
    /// The leader that took it, where known.
    pub leader_epoch: Option<LeaderEpoch>,
}
