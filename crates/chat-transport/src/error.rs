//! The one error of all transports: what, where, and whether an append may have happened.

use std::time::Duration;

use crate::record::{Ack, Bounds, Offset, Partition};
use crate::topic::{TopicId, TopicName};

/// Why an operation failed. Texts of brokers are quoted: escape them before they reach a terminal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// No bootstrap server could be reached. Check that it runs, and the address.
    #[error("cannot reach {addresses}: {reason}")]
    Unreachable {
        /// Where it was tried.
        addresses: String,
        /// What the system said.
        reason: String,
    },
    /// There was no answer in time. Try again.
    #[error("{addresses} did not answer {operation} within {} s", after.as_secs_f32())]
    Timeout {
        /// Where it was tried.
        addresses: String,
        /// What was asked.
        operation: &'static str,
        /// How long it was waited.
        after: Duration,
        /// Whether the append may have happened all the same.
        applied: Applied,
    },
    /// The connection broke. Try again.
    #[error("the connection to {addresses} broke: {reason}")]
    Disconnected {
        /// Where it was connected.
        addresses: String,
        /// What happened.
        reason: String,
        /// Whether the append may have happened all the same.
        applied: Applied,
    },
    /// There is no such topic. Create it.
    #[error("there is no topic {topic}")]
    UnknownTopic {
        /// The topic.
        topic: TopicName,
    },
    /// There is a topic of that name already.
    #[error("there is a topic {topic} already")]
    TopicExists {
        /// The topic.
        topic: TopicName,
    },
    /// There is no such partition.
    #[error("topic {topic} has no partition {partition}")]
    UnknownPartition {
        /// The topic.
        topic: TopicName,
        /// The partition.
        partition: Partition,
    },
    /// The topic was deleted and made anew.
    #[error("topic {topic} was made anew")]
    TopicReplaced {
        /// The topic.
        topic: TopicName,
        /// The identity that was asked for.
        expected: TopicId,
        /// The one that is there.
        found: TopicId,
    },
    /// The log does not reach to the position: it was deleted, or cut.
    #[error("topic {topic}, partition {}: offset {asked} is outside the log, {} to {}", bounds.partition, bounds.start, bounds.end)]
    OutOfRange {
        /// The topic.
        topic: TopicName,
        /// The offset that was asked for.
        asked: Offset,
        /// Where the log begins and ends.
        bounds: Bounds,
    },
    /// The log goes on and the broker gives nothing of it: no right to read, or damage on its disk.
    #[error("topic {topic}, partition {}: the log goes on to {}, and the broker gives nothing from {from} on; is there a right to READ, or a quota?", bounds.partition, bounds.end)]
    Withheld {
        /// The topic.
        topic: TopicName,
        /// The offset from which nothing comes.
        from: Offset,
        /// Where the log begins and ends.
        bounds: Bounds,
    },
    /// Records that cannot be decoded: damage on the broker's disk, or a broker that lies. Everything
    /// before `from` was read; the log can be read again at `next`.
    #[error(
        "topic {topic}, partition {partition}: the records from offset {from} to before {next} cannot be decoded: {reason}"
    )]
    Damaged {
        /// The topic.
        topic: TopicName,
        /// The partition.
        partition: Partition,
        /// The offset that was asked for.
        from: Offset,
        /// The first offset behind it from which records come again; the log's end if none do.
        next: Offset,
        /// What is wrong with them.
        reason: String,
    },
    /// The record is larger than the topic takes.
    #[error("the record of {size} bytes is larger than topic {topic} takes")]
    TooLarge {
        /// The topic.
        topic: TopicName,
        /// The record's weight, in bytes.
        size: usize,
    },
    /// The topic takes no such record: a compacted topic needs keys.
    #[error("topic {topic} refused the record: {reason}")]
    InvalidRecord {
        /// The topic.
        topic: TopicName,
        /// What the broker said.
        reason: String,
    },
    /// TLS failed: unknown authority, wrong name, expired, or no TLS at all on the other side.
    #[error("no secure connection to {addresses}: {reason}")]
    Tls {
        /// Where it was tried.
        addresses: String,
        /// What is wrong.
        reason: String,
    },
    /// The broker refused the login.
    #[error("{addresses} refused the login: {reason}")]
    Authentication {
        /// Where it was tried.
        addresses: String,
        /// What the broker said.
        reason: String,
    },
    /// The principal may not do this. Ask the cluster's administrator.
    #[error("not allowed: {operation}{}", topic.as_ref().map_or(String::new(), |t| format!(" on topic {t}")))]
    Denied {
        /// What was asked.
        operation: &'static str,
        /// On which topic.
        topic: Option<TopicName>,
    },
    /// The broker has failed or refused in another way.
    #[error("the broker refused {operation}: {reason}")]
    Broker {
        /// What was asked.
        operation: &'static str,
        /// What the broker said.
        reason: String,
        /// Whether trying again may help.
        transient: bool,
        /// Whether the append may have happened all the same.
        applied: Applied,
    },
    /// The broker refused with an error code that this version does not know: a newer broker. Trying the
    /// same again is not known to help.
    #[error("the broker refused {operation} with the unknown code {code}: {reason}")]
    UnknownCode {
        /// What was asked.
        operation: &'static str,
        /// The error code of the Kafka protocol.
        code: i16,
        /// What the broker said, or nothing.
        reason: String,
        /// Whether the append may have happened all the same.
        applied: Applied,
    },
    /// The broker's answer makes no sense: it lies, or is broken.
    #[error("the broker's answer makes no sense: {what}")]
    Protocol {
        /// What is wrong with it.
        what: String,
    },
    /// The transport was closed.
    #[error("the connection was closed")]
    Closed,
}

/// Whether an append that failed may have happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Certainly not.
    No,
    /// It may have: the same bytes may be on the log.
    Maybe,
}

impl TransportError {
    /// Whether trying again later may help without anybody doing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Timeout { .. }
            | Self::Disconnected { .. }
            | Self::Withheld { .. }
            | Self::Damaged { .. } => true,
            Self::Broker { transient, .. } => *transient,
            _ => false,
        }
    }

    /// Whether an append that failed so may have happened.
    pub fn applied(&self) -> Applied {
        match self {
            Self::Timeout { applied, .. }
            | Self::Disconnected { applied, .. }
            | Self::Broker { applied, .. }
            | Self::UnknownCode { applied, .. } => *applied,
            _ => Applied::No,
        }
    }
}

/// Why an append stopped, and how far it came.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct AppendError {
    /// The leading records, which are on the log.
    pub acked: Vec<Ack>,
    /// What happened to the one behind them.
    #[source]
    pub error: TransportError,
}

impl AppendError {
    /// Nothing was acknowledged.
    pub(crate) fn before_all(error: TransportError) -> Self {
        Self { acked: Vec::new(), error }
    }
}
