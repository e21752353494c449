#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod conformance;
mod error;
pub mod kafka;
mod memory;
mod record;
mod topic;
mod transport;

// The public interface is:
pub use crate::error::{AppendError, Applied, TransportError};
pub use crate::kafka::KafkaTransport;
pub use crate::kafka::config::{
    ConfigError, KafkaConfig, SaslMechanism, SaslOptions, Security, Timeouts, TlsOptions,
};
pub use crate::memory::MemoryTransport;
pub use crate::memory::faults::ReadFate;
pub use crate::record::{
    Ack, Bounds, LeaderEpoch, Offset, Page, Partition, Position, ReadOptions, Record, StoredRecord,
};
pub use crate::topic::{
    Cleanup, TimestampType, TopicId, TopicInfo, TopicName, TopicNameError, TopicSettings,
    TopicSpec, TopicState,
};
pub use crate::transport::{Transport, TransportAdmin};

// Crates that appear in the signatures above.
pub use async_trait::async_trait;
pub use bytes;
