//! The trait: everything that a messenger needs of an ordered log.

use async_trait::async_trait;

use crate::error::{AppendError, TransportError};
use crate::record::{Ack, Bounds, Offset, Page, Partition, Position, ReadOptions, Record};
use crate::topic::{TopicId, TopicInfo, TopicName, TopicSpec, TopicState};

/// Ordered logs: append records, read records.
///
/// Nothing is created, reset or skipped by itself. All methods may be called at once, from several
/// tasks: a waiting [`read`](Self::read) never delays an [`append`](Self::append). Futures may
/// be dropped; a dropped append may have happened.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Creates a topic and returns once it can be used.
    ///
    /// # Errors
    /// [`TransportError::TopicExists`], [`TransportError::Denied`].
    async fn create_topic(&self, spec: &TopicSpec) -> Result<TopicInfo, TransportError>;

    /// Describes a topic, asking the cluster anew.
    ///
    /// # Errors
    /// [`TransportError::UnknownTopic`].
    async fn topic(&self, topic: &TopicName) -> Result<TopicInfo, TransportError>;

    /// Where the logs of some partitions begin and end, in the order asked for, asking the cluster
    /// anew.
    ///
    /// # Errors
    /// [`TransportError::UnknownTopic`], [`TransportError::UnknownPartition`].
    async fn bounds(
        &self,
        topic: &TopicName,
        partitions: &[Partition],
    ) -> Result<Vec<Bounds>, TransportError>;

    /// The identity of a topic and the [`bounds`](Self::bounds) of some partitions, in as few questions as may
    /// be, asking the cluster anew.
    ///
    /// # Errors
    /// As [`topic`](Self::topic) and [`bounds`](Self::bounds).
    async fn state(
        &self,
        topic: &TopicName,
        partitions: &[Partition],
    ) -> Result<TopicState, TransportError> {
        let TopicInfo { id, partitions: count, .. } = self.topic(topic).await?;
        let bounds = self.bounds(topic, partitions).await?;
        Ok(TopicState { id, partitions: count, bounds })
    }

    /// Appends records to a partition, in order, each acknowledged by all replicas in sync.
    ///
    /// # Errors
    /// [`AppendError`] says how many of the leading records are on the log, and what happened to
    /// the next; see [`TransportError::applied`].
    async fn append(
        &self,
        topic: &TopicName,
        partition: Partition,
        records: Vec<Record>,
    ) -> Result<Vec<Ack>, AppendError>;

    /// Reads from several partitions in one wait: returns as soon as something is there, or the
    /// time is over. A page for each position, in the order asked for; empty ones too.
    ///
    /// * `id` - the identity that the topic must have
    ///
    /// # Errors
    /// [`TransportError::TopicReplaced`], [`TransportError::OutOfRange`]: never another position
    /// than the one asked for. [`TransportError::Damaged`] where a position's record cannot be decoded,
    /// with the place behind it where reading can go on.
    async fn read(
        &self,
        topic: &TopicName,
        id: TopicId,
        at: &[Position],
        options: ReadOptions,
    ) -> Result<Vec<Page>, TransportError>;

    /// Says for people what it is connected to, such as `kafka at a:9092`.
    fn describe(&self) -> String;

    /// Ends all connections. Every later call fails with [`TransportError::Closed`].
    async fn close(&self);
}

/// What administrators and tests need beyond [`Transport`].
#[async_trait]
pub trait TransportAdmin: Transport {
    /// Deletes a topic.
    ///
    /// # Errors
    /// [`TransportError::UnknownTopic`], [`TransportError::Denied`].
    async fn delete_topic(&self, topic: &TopicName) -> Result<(), TransportError>;

    /// Deletes the records before an offset, so that the log begins there.
    ///
    /// # Errors
    /// [`TransportError::OutOfRange`] behind the log's end.
    async fn delete_records(
        &self,
        topic: &TopicName,
        partition: Partition,
        before: Offset,
    ) -> Result<(), TransportError>;
}
