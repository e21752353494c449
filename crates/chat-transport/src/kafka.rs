//! Kafka, through the client `krafka`, with what it leaves out: bounds, identities, no resets.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::OnceCell;

use self::config::KafkaConfig;
use self::errors::Errors;
use self::reader::Reader;
use self::writer::Writer;
use crate::error::{AppendError, TransportError};
use crate::record::{Ack, Bounds, Offset, Page, Partition, Position, ReadOptions, Record};
use crate::topic::{TopicId, TopicInfo, TopicName, TopicSpec, TopicState};
use crate::transport::{Transport, TransportAdmin};

mod admin;
mod codes;
pub(crate) mod config;
mod errors;
mod probe;
mod reader;
mod writer;

/// A Kafka cluster.
///
/// Connections are made when they are first needed: one for writing and asking, others for
/// reading, because a broker answers a connection in order and a waiting read would hold up
/// whatever comes behind it.
pub struct KafkaTransport {
    config: KafkaConfig,
    errors: Errors,
    writer: OnceCell<Arc<Writer>>,
    /// Readers that nobody uses at the moment; each has its own connections.
    idle: Mutex<Vec<Reader>>,
    closed: std::sync::atomic::AtomicBool,
}

impl KafkaTransport {
    /// Takes a configuration. Nothing is connected before it is needed.
    pub fn new(config: KafkaConfig) -> Self {
        let errors = Errors::new(config.bootstrap().join(","));
        let (writer, idle) = (OnceCell::new(), Mutex::default());
        Self { config, errors, writer, idle, closed: false.into() }
    }

    /// Takes a configuration and connects, so that mistakes in it show at once.
    ///
    /// # Errors
    /// [`TransportError::Unreachable`], [`TransportError::Tls`], [`TransportError::Authentication`].
    pub async fn connect(config: KafkaConfig) -> Result<Self, TransportError> {
        let transport = Self::new(config);
        transport.writer().await?;
        Ok(transport)
    }

    /// The handle for writing and asking, connected.
    async fn writer(&self) -> Result<&Arc<Writer>, TransportError> {
        if self.closed.load(std::sync::atomic::Ordering::Acquire) {
            return Err(TransportError::Closed);
        }
        self.writer
            .get_or_try_init(|| async {
                Writer::connect(&self.config, &self.errors).await.map(Arc::new)
            })
            .await
    }

    /// A reader that goes on at these positions, or any idle one, or a new one.
    async fn take_reader(
        &self,
        topic: &TopicName,
        at: &[Position],
    ) -> Result<Reader, TransportError> {
        let idle = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let best = idle.iter().position(|reader| reader.continues(topic, at));
            let index = best.or_else(|| idle.len().checked_sub(1));
            index.map(|index| idle.swap_remove(index))
        };
        match idle {
            Some(reader) => Ok(reader),
            None => Reader::connect(&self.config, &self.errors).await,
        }
    }
}

impl std::fmt::Debug for KafkaTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KafkaTransport").field("config", &self.config).finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for KafkaTransport {
    async fn create_topic(&self, spec: &TopicSpec) -> Result<TopicInfo, TransportError> {
        let writer = self.writer().await?;
        writer.create_topic(spec).await?;
        // Other brokers, and the partitions' leaders, may learn of a topic a moment later.
        let partitions: Vec<_> = (0..spec.partitions.get()).map(Partition).collect();
        for _ in 0..CREATION_LOOKS {
            if writer.bounds(&spec.name, &partitions).await.is_ok()
                && let Ok(info) = writer.topic(&spec.name).await
            {
                return Ok(info);
            }
            tokio::time::sleep(CREATION_PAUSE).await;
        }
        writer.topic(&spec.name).await
    }

    async fn topic(&self, topic: &TopicName) -> Result<TopicInfo, TransportError> {
        self.writer().await?.topic(topic).await
    }

    async fn bounds(
        &self,
        topic: &TopicName,
        partitions: &[Partition],
    ) -> Result<Vec<Bounds>, TransportError> {
        self.writer().await?.bounds(topic, partitions).await
    }

    async fn state(
        &self,
        topic: &TopicName,
        partitions: &[Partition],
    ) -> Result<TopicState, TransportError> {
        self.writer().await?.state(topic, partitions).await
    }

    async fn append(
        &self,
        topic: &TopicName,
        partition: Partition,
        records: Vec<Record>,
    ) -> Result<Vec<Ack>, AppendError> {
        let writer = self.writer().await.map_err(AppendError::before_all)?;
        writer.append(topic, partition, records).await
    }

    async fn read(
        &self,
        topic: &TopicName,
        id: TopicId,
        at: &[Position],
        options: ReadOptions,
    ) -> Result<Vec<Page>, TransportError> {
        let writer = Arc::clone(self.writer().await?);
        let mut reader = self.take_reader(topic, at).await?;
        let pages = reader.read(&writer, topic, id, at, options).await;
        // After an error a reader's buffers are not to be trusted: it ends here.
        if pages.is_ok() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
        }
        pages
    }

    fn describe(&self) -> String {
        format!("kafka at {}", self.config.bootstrap().join(","))
    }

    async fn close(&self) {
        self.closed.store(true, std::sync::atomic::Ordering::Release);
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for reader in idle {
            reader.close().await;
        }
        if let Some(writer) = self.writer.get() {
            writer.close().await;
        }
    }
}

#[async_trait]
impl TransportAdmin for KafkaTransport {
    async fn delete_topic(&self, topic: &TopicName) -> Result<(), TransportError> {
        self.writer().await?.delete_topic(topic).await
    }

    async fn delete_records(
        &self,
        topic: &TopicName,
        partition: Partition,
        before: Offset,
    ) -> Result<(), TransportError> {
        self.writer().await?.delete_records(topic, partition, before).await
    }
}

/// The value of the one key of a map that was asked for one key.
fn only<K, V>(map: HashMap<K, V>) -> Option<V> {
    map.into_values().next()
}

/// A partition as the protocol counts it.
fn wire_partition(partition: Partition) -> i32 {
    i32::try_from(partition.0).unwrap_or(i32::MAX)
}

/// An offset as the protocol counts it.
fn wire_offset(offset: Offset) -> i64 {
    i64::try_from(offset.0).unwrap_or(i64::MAX)
}

const CREATION_LOOKS: usize = 100;
const CREATION_PAUSE: Duration = Duration::from_millis(50);
