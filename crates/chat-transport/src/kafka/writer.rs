//! The handle for appending and asking.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use krafka::Kafka;
use krafka::admin::AdminClient;
use krafka::producer::{Acks, Producer, RecordMetadata};
use tokio::sync::OnceCell;

use super::config::{KafkaConfig, Timeouts};
use super::errors::{Asked, Errors};
use super::wire_partition;
use crate::error::{AppendError, TransportError};
use crate::record::{Ack, Offset, Partition, Record};
use crate::topic::{TopicName, TopicSettings};

/// Connections for appends and questions; no read ever waits on them.
pub(crate) struct Writer {
    pub(crate) kafka: Kafka,
    pub(crate) admin: AdminClient,
    pub(crate) errors: Errors,
    pub(crate) timeouts: Timeouts,
    /// Made with the first append: it asks the broker for an identity.
    producer: OnceCell<Producer>,
    /// The largest record that a topic takes, as far as it was seen.
    limits: Mutex<HashMap<TopicName, usize>>,
}

impl Writer {
    pub(crate) async fn connect(
        config: &KafkaConfig,
        errors: &Errors,
    ) -> Result<Self, TransportError> {
        let timeouts = config.timeouts();
        let kafka =
            config.open().await.map_err(|error| errors.connecting(&error, timeouts.connect))?;
        let admin = kafka.admin().default_api_timeout(timeouts.request).metrics_push(false);
        Ok(Self {
            kafka,
            admin,
            errors: errors.clone(),
            timeouts,
            producer: OnceCell::new(),
            limits: Mutex::default(),
        })
    }

    /// Remembers the largest record that a topic takes, where its settings could be seen.
    pub(crate) fn remember_limit(&self, topic: &TopicName, settings: Option<&TopicSettings>) {
        let Some(limit) = settings.and_then(|settings| settings.max_record_bytes) else { return };
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.limits.lock().unwrap_or_else(PoisonError::into_inner).insert(topic.clone(), limit);
    }

    fn limit(&self, topic: &TopicName) -> Option<usize> {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner).get(topic).copied()
    }

    pub(crate) fn knows_limit(&self, topic: &TopicName) -> bool {
        self.limit(topic).is_some()
    }

    /// Appends records in order. The client fills batches without knowing the topic's limit; where
    /// that is small, records are handed over in groups that fit into one batch of half of it.
    pub(crate) async fn append(
        &self,
        topic: &TopicName,
        partition: Partition,
        records: Vec<Record>,
    ) -> Result<Vec<Ack>, AppendError> {
        let group = self.limit(topic).map_or(usize::MAX, |limit| limit / 2);
        let groups = if group < BATCH { grouped(records, group) } else { vec![records] };
        let mut acked = Vec::new();
        for records in groups {
            match self.append_group(topic, partition, records).await {
                Ok(more) => acked.extend(more),
                Err(mut stopped) => {
                    acked.append(&mut stopped.acked);
                    let error = self.named(topic, partition, stopped.error).await;
                    return Err(AppendError { acked, error });
                }
            }
        }
        Ok(acked)
    }

    /// A refusal without a name, by its cause: the client refuses a partition that is not there.
    async fn named(
        &self,
        topic: &TopicName,
        partition: Partition,
        error: TransportError,
    ) -> TransportError {
        if !matches!(error, TransportError::Broker { transient: false, .. }) {
            return error;
        }
        match self.has_partition(topic, partition).await {
            Ok(false) => TransportError::UnknownPartition { topic: topic.clone(), partition },
            _ => error,
        }
    }

    /// Appends records: all are handed over before the first acknowledgement is awaited.
    async fn append_group(
        &self,
        topic: &TopicName,
        partition: Partition,
        records: Vec<Record>,
    ) -> Result<Vec<Ack>, AppendError> {
        let within = self.timeouts.delivery;
        let asked = Asked { operation: "an append", topic: Some(topic), append: true, within };
        let producer = self.producer().await.map_err(|error| {
            AppendError::before_all(
                self.errors.translate(&error, &Asked { append: false, ..asked }),
            )
        })?;
        let mut acked = Vec::with_capacity(records.len());
        let mut weights = Vec::with_capacity(records.len());
        let mut waiting = Vec::with_capacity(records.len());
        let mut refused = None;
        for record in records {
            weights.push(record.weight());
            match producer.enqueue(to_krafka(topic, partition, record)).await {
                Ok(handle) => waiting.push(handle),
                Err(error) => {
                    refused = Some(self.errors.translate(&error, &asked));
                    break;
                }
            }
        }
        for (handle, weight) in waiting.into_iter().zip(&weights) {
            match handle.await {
                Ok(metadata) => acked.push(ack(&metadata)),
                Err(error) => {
                    let error = with_size(self.errors.translate(&error, &asked), *weight);
                    return Err(AppendError { acked, error });
                }
            }
        }
        match refused {
            None => Ok(acked),
            Some(error) => {
                let weight = weights.last().copied().unwrap_or_default();
                Err(AppendError { acked, error: with_size(error, weight) })
            }
        }
    }

    async fn producer(&self) -> krafka::Result<&Producer> {
        let build = || {
            let producer = self.kafka.producer();
            producer
                .acks(Acks::All)
                .idempotent(true)
                .linger(std::time::Duration::ZERO)
                .batch_size(BATCH)
                .max_request_size(MAX_REQUEST)
                .delivery_timeout(self.timeouts.delivery)
                .metrics_push(false)
                .build()
        };
        self.producer.get_or_try_init(build).await
    }

    pub(crate) async fn close(&self) {
        if let Some(producer) = self.producer.get() {
            // What was not acknowledged is in the caller's hands; nobody waits for it here.
            drop(tokio::time::timeout(CLOSE, producer.close()).await);
        }
        drop(tokio::time::timeout(CLOSE, self.admin.close()).await);
    }
}

/// Splits records into groups of at most `most` bytes; a larger record is alone.
fn grouped(records: Vec<Record>, most: usize) -> Vec<Vec<Record>> {
    let mut groups: Vec<Vec<Record>> = Vec::new();
    let mut left = 0;
    for record in records {
        let weight = record.weight();
        match groups.last_mut() {
            Some(group) if weight <= left => {
                group.push(record);
                left -= weight;
            }
            _ => {
                groups.push(vec![record]);
                left = most.saturating_sub(weight);
            }
        }
    }
    groups
}

fn to_krafka(topic: &TopicName, partition: Partition, record: Record) -> krafka::Record {
    let sent =
        krafka::Record::new(topic.as_str(), record.value).partition(wire_partition(partition));
    match record.key {
        Some(key) => sent.key(key),
        None => sent.without_key(),
    }
}

fn ack(metadata: &RecordMetadata) -> Ack {
    Ack { offset: u64::try_from(metadata.offset).ok().map(Offset), leader_epoch: None }
}

fn with_size(error: TransportError, weight: usize) -> TransportError {
    match error {
        TransportError::TooLarge { topic, .. } => TransportError::TooLarge { topic, size: weight },
        other => other,
    }
}

/// A batch of several records; far below half of the smallest limit that a mail topic has by default.
const BATCH: usize = 256 * 1024;
/// The largest request, in bytes: a record of any size that a topic may take.
const MAX_REQUEST: usize = 64 * 1024 * 1024;
const CLOSE: std::time::Duration = std::time::Duration::from_secs(1);
