//! A handle for reading: its own connections, no consumer group, no resets.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use krafka::consumer::{AutoOffsetReset, Consumer, ConsumerRecord, IsolationLevel};
use krafka::{Kafka, KrafkaError};

use super::config::{KafkaConfig, Timeouts};
use super::errors::{Asked, Errors};
use super::probe::{Probe, Probed};
use super::writer::Writer;
use super::{wire_offset, wire_partition};
use crate::error::TransportError;
use crate::record::{
    Bounds, LeaderEpoch, Offset, Page, Partition, Position, ReadOptions, StoredRecord,
};
use crate::topic::{TopicId, TopicName};

/// One consumer, and where it stands.
pub(crate) struct Reader {
    consumer: Consumer,
    kafka: Kafka,
    errors: Errors,
    timeouts: Timeouts,
    /// What is assigned, and the position behind what was handed out.
    topic: Option<TopicName>,
    next: BTreeMap<Partition, Offset>,
    /// Reads in a row that brought nothing although the log goes on.
    empty_reads: u32,
}

impl Reader {
    pub(crate) async fn connect(
        config: &KafkaConfig,
        errors: &Errors,
    ) -> Result<Self, TransportError> {
        let timeouts = config.timeouts();
        let connecting = |error: KrafkaError| errors.connecting(&error, timeouts.connect);
        let kafka = config.open().await.map_err(connecting)?;
        let consumer = consumer(&kafka, MAX_BYTES).await.map_err(connecting)?;
        let errors = errors.clone();
        let (topic, next) = (None, BTreeMap::new());
        Ok(Self { consumer, kafka, errors, timeouts, topic, next, empty_reads: 0 })
    }

    /// Whether it stands at exactly these positions.
    pub(crate) fn continues(&self, topic: &TopicName, at: &[Position]) -> bool {
        self.topic.as_ref() == Some(topic)
            && self.next.len() == at.len()
            && at
                .iter()
                .all(|position| self.next.get(&position.partition) == Some(&position.offset))
    }

    /// See [`Transport::read`](crate::Transport::read).
    ///
    /// The client would rewind a position past the log's end in silence, and read on in a topic that
    /// was made anew; so bounds are asked before every jump, and the topic's identity after every
    /// read: an identity that is still the one expected then was so while the records were read.
    pub(crate) async fn read(
        &mut self,
        writer: &Writer,
        topic: &TopicName,
        id: TopicId,
        at: &[Position],
        options: ReadOptions,
    ) -> Result<Vec<Page>, TransportError> {
        if !self.continues(topic, at) {
            self.check_id(writer, topic, id).await?;
            drop(self.check_bounds(writer, topic, at).await?);
            self.jump(topic, at).await?;
        }
        let asked = self.asked(topic);
        let polled = tokio::select! {
            polled = self.consumer.poll(options.max_wait.max(SHORTEST_WAIT)) => polled,
            lost = self.pulse(writer, topic) => return Err(lost),
        };
        self.check_id(writer, topic, id).await?;
        let records = match polled {
            Ok(records) => records,
            Err(error) => {
                // Records that are gone, or a log that was cut, are a matter of bounds.
                let bounds = self.check_bounds(writer, topic, at).await?;
                let translated = self.errors.translate(&error, &asked);
                if !Probe::is_due(&error) {
                    return Err(translated);
                }
                return Err(match self.probe(topic, at, &bounds).await? {
                    Probed::Damaged(at, offsets) => damaged(topic, at, offsets, &error.to_string()),
                    Probed::Readable | Probed::Withheld => translated,
                });
            }
        };
        if !records.is_empty() {
            return self.pages(topic, at, records, options).await;
        }
        let bounds = self.check_bounds(writer, topic, at).await?;
        self.check_withheld(topic, at, &bounds).await?;
        let mut pages = self.pages(topic, at, records, options).await?;
        for (page, bounds) in pages.iter_mut().zip(&bounds) {
            page.end = page.end.max(bounds.end);
        }
        Ok(pages)
    }

    /// Asks the broker for a sign of life while a read waits: the client keeps the loss of its fetch
    /// connection to itself. Returns when there is none.
    async fn pulse(&self, writer: &Writer, topic: &TopicName) -> TransportError {
        loop {
            tokio::time::sleep(PULSE).await;
            if let Err(error) = self.answer(topic, writer.topic_id(topic)).await {
                return error;
            }
        }
    }

    /// The answer to a small question. It has as long as a connection may take to be made: the client
    /// itself would try a broker that is gone for much longer.
    async fn answer<T>(
        &self,
        topic: &TopicName,
        question: impl Future<Output = Result<T, TransportError>>,
    ) -> Result<T, TransportError> {
        let within = self.timeouts.connect;
        let asked = Asked { within, ..self.asked(topic) };
        let answer = tokio::time::timeout(within, question).await;
        answer.unwrap_or_else(|_| Err(self.errors.no_answer(&asked)))
    }

    /// The client keeps refusals of a fetch to itself: no right to read, a batch that the broker finds
    /// damaged. A read that has brought nothing although the log goes on counts as such a refusal when
    /// the next one brings nothing either; as damage, if there is something to read behind it.
    async fn check_withheld(
        &mut self,
        topic: &TopicName,
        at: &[Position],
        all: &[Bounds],
    ) -> Result<(), TransportError> {
        let mut withheld = None;
        for (bounds, position) in all.iter().zip(at) {
            let partition = wire_partition(position.partition);
            let stands = self.consumer.position(topic.as_str(), partition).await;
            let stands = stands.and_then(|offset| u64::try_from(offset).ok()).unwrap_or(0);
            if stands.max(position.offset.0) < bounds.end.0 {
                withheld = Some((*bounds, stands.max(position.offset.0)));
            }
        }
        let Some((bounds, from)) = withheld else {
            self.empty_reads = 0;
            return Ok(());
        };
        self.empty_reads += 1;
        if self.empty_reads < EMPTY_READS {
            return Ok(());
        }
        self.empty_reads = 0;
        Err(match self.probe(topic, at, all).await? {
            Probed::Damaged(at, offsets) => {
                damaged(topic, at, offsets, "the broker gives nothing of them")
            }
            Probed::Withheld => {
                TransportError::Withheld { topic: topic.clone(), from: Offset(from), bounds }
            }
            // It is there for others: this connection leads to a broker that leads no more.
            Probed::Readable => self.errors.silent_connection(),
        })
    }

    /// Looks over a connection of its own for the position that cannot be read.
    async fn probe(
        &self,
        topic: &TopicName,
        at: &[Position],
        bounds: &[Bounds],
    ) -> Result<Probed, TransportError> {
        let probed = async {
            let consumer = consumer(&self.kafka, ONE_BATCH).await?;
            let mut probe = Probe::new(consumer, topic, self.timeouts.connect);
            let probed = probe.look_at(at, bounds).await;
            probe.close().await;
            probed
        };
        probed.await.map_err(|error| self.errors.translate(&error, &self.asked(topic)))
    }

    async fn check_id(
        &self,
        writer: &Writer,
        topic: &TopicName,
        id: TopicId,
    ) -> Result<(), TransportError> {
        let found = self.answer(topic, writer.topic_id(topic)).await?;
        if found == id {
            return Ok(());
        }
        Err(TransportError::TopicReplaced { topic: topic.clone(), expected: id, found })
    }

    async fn check_bounds(
        &self,
        writer: &Writer,
        topic: &TopicName,
        at: &[Position],
    ) -> Result<Vec<Bounds>, TransportError> {
        let partitions: Vec<Partition> = at.iter().map(|position| position.partition).collect();
        let bounds = self.answer(topic, writer.bounds(topic, &partitions)).await?;
        let outside = bounds
            .iter()
            .zip(at)
            .find(|(b, position)| !(b.start..=b.end).contains(&position.offset));
        match outside {
            None => Ok(bounds),
            Some((bounds, position)) => Err(TransportError::OutOfRange {
                topic: topic.clone(),
                asked: position.offset,
                bounds: *bounds,
            }),
        }
    }

    async fn jump(&mut self, topic: &TopicName, at: &[Position]) -> Result<(), TransportError> {
        let asked = self.asked(topic);
        let translate = |error: KrafkaError| self.errors.translate(&error, &asked);
        let partitions = at.iter().map(|position| wire_partition(position.partition)).collect();
        if let Some(old) = self.topic.take().filter(|old| old != topic) {
            self.consumer.assign(old.as_str(), Vec::new()).await.map_err(translate)?;
        }
        self.consumer.assign(topic.as_str(), partitions).await.map_err(translate)?;
        for position in at {
            let (partition, offset) =
                (wire_partition(position.partition), wire_offset(position.offset));
            self.consumer.seek(topic.as_str(), partition, offset).await.map_err(translate)?;
        }
        self.topic = Some(topic.clone());
        self.next = at.iter().map(|position| (position.partition, position.offset)).collect();
        Ok(())
    }

    /// Sorts records by partition. A record below the position that was asked for, or out of order,
    /// means that the log is not the one that was asked for.
    async fn pages(
        &mut self,
        topic: &TopicName,
        at: &[Position],
        records: Vec<ConsumerRecord>,
        options: ReadOptions,
    ) -> Result<Vec<Page>, TransportError> {
        let mut sorted: BTreeMap<Partition, Vec<StoredRecord>> = BTreeMap::new();
        for record in records {
            let partition =
                u32::try_from(record.partition).map(Partition).unwrap_or(Partition(u32::MAX));
            sorted.entry(partition).or_default().push(stored(record)?);
        }
        let lags = self.consumer.lag().await;
        let mut pages = Vec::with_capacity(at.len());
        for position in at {
            let partition = position.partition;
            let mut records = sorted.remove(&partition).unwrap_or_default();
            check_order(position.offset, &records)?;
            let cut = records.len() > options.max_records;
            records.truncate(options.max_records.max(1));
            let behind =
                records.last().map_or(position.offset, |record| Offset(record.offset.0 + 1));
            let stands = self.consumer.position(topic.as_str(), wire_partition(partition)).await;
            let stands =
                stands.and_then(|offset| u64::try_from(offset).ok()).map_or(behind, Offset);
            // Dropped records must be read again: the next read then jumps back to them.
            let resume = if cut { behind } else { behind.max(stands) };
            let lag = lags.iter().find(|(tp, _)| {
                tp.topic == topic.as_str() && tp.partition == wire_partition(partition)
            });
            let end = lag
                .and_then(|(_, lag)| u64::try_from(lag.high_watermark?).ok())
                .map_or(resume, Offset);
            self.next.insert(partition, if cut { Offset(u64::MAX) } else { resume });
            pages.push(Page { partition, records, resume, end: end.max(resume) });
        }
        Ok(pages)
    }

    fn asked<'a>(&self, topic: &'a TopicName) -> Asked<'a> {
        Asked {
            operation: "a read",
            topic: Some(topic),
            append: false,
            within: self.timeouts.request,
        }
    }

    pub(crate) async fn close(self) {
        drop(tokio::time::timeout(Duration::from_secs(1), self.consumer.close()).await);
    }
}

/// A consumer without a group and without resets.
///
/// * `max_bytes` - of one fetch; a single larger batch still comes
async fn consumer(kafka: &Kafka, max_bytes: i32) -> Result<Consumer, KrafkaError> {
    kafka
        .consumer_without_group()
        .auto_offset_reset(AutoOffsetReset::None)
        .enable_auto_commit(false)
        .fetch_min_bytes(1)
        .fetch_max_wait(LONGEST_WAIT)
        .fetch_max_bytes(max_bytes)
        .max_partition_fetch_bytes(max_bytes)
        .max_poll_records(MAX_RECORDS)
        .max_decompressed_size(MAX_INFLATED)
        .metrics_push(false)
        // Waiting for commits would let a stranger's open transaction hold up everybody.
        .isolation_level(IsolationLevel::ReadUncommitted)
        .build()
        .await
}

fn stored(record: ConsumerRecord) -> Result<StoredRecord, TransportError> {
    let offset = u64::try_from(record.offset).map(Offset);
    let negative =
        |_| TransportError::Protocol { what: format!("a record at offset {}", record.offset) };
    Ok(StoredRecord {
        offset: offset.map_err(negative)?,
        timestamp_ms: record.timestamp,
        leader_epoch: record
            .leader_epoch
            .and_then(|epoch| u32::try_from(epoch).ok())
            .map(LeaderEpoch),
        key: record.key,
        value: record.value,
    })
}

fn damaged(topic: &TopicName, at: Position, offsets: Range<u64>, reason: &str) -> TransportError {
    TransportError::Damaged {
        topic: topic.clone(),
        partition: at.partition,
        from: Offset(offsets.start),
        next: Offset(offsets.end),
        reason: reason.to_owned(),
    }
}

fn check_order(asked: Offset, records: &[StoredRecord]) -> Result<(), TransportError> {
    let mut least = asked.0;
    for record in records {
        if record.offset.0 < least {
            let what = format!(
                "a record at offset {} where {least} or later was asked for",
                record.offset
            );
            return Err(TransportError::Protocol { what });
        }
        least = record.offset.0.saturating_add(1);
    }
    Ok(())
}

/// The longest that a broker is asked to hold a fetch.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// A poll that does not wait still has to ask the broker once.
const SHORTEST_WAIT: Duration = Duration::from_millis(500);
/// Bytes of one fetch; a single larger batch still comes.
const MAX_BYTES: i32 = 8 * 1024 * 1024;
/// Bytes of a fetch that wants a single batch.
const ONE_BATCH: i32 = 1;
/// How often a waiting reader looks whether the broker is still there.
const PULSE: Duration = Duration::from_secs(1);
/// Reads that must bring nothing, one after the other, before the broker counts as refusing.
const EMPTY_READS: u32 = 2;
/// What one compressed batch may grow to: no client of this kind compresses, but a broker may.
const MAX_INFLATED: usize = 16 * 1024 * 1024;
/// Records of one poll.
const MAX_RECORDS: i32 = 4096;
