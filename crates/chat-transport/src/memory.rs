//! Logs in memory: for tests, examples and teaching.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use tokio::sync::watch;

use self::faults::ReadFate;
use crate::error::{AppendError, Applied, TransportError};
use crate::record::{
    Ack, Bounds, LeaderEpoch, Offset, Page, Partition, Position, ReadOptions, Record, StoredRecord,
};
use crate::topic::{Cleanup, TopicId, TopicInfo, TopicName, TopicSettings, TopicSpec};
use crate::transport::{Transport, TransportAdmin};

pub(crate) mod faults;

/// Logs in memory, shared by all clones; gone with the last one. Each clone is a client of its own:
/// closing it leaves the others open.
pub struct MemoryTransport {
    cluster: Arc<Cluster>,
    closed: AtomicBool,
}

struct Cluster {
    state: Mutex<State>,
    /// Raised whenever something changed, so that waiting reads look again.
    changed: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    topics: BTreeMap<TopicName, Topic>,
    topics_made: u128,
    offline: bool,
    /// The next appends do not happen, and their clients cannot know it.
    lose_appends: usize,
    /// The next appends happen, and their acknowledgements are lost.
    lose_acks: usize,
    /// Batches of more records are too large.
    most_records: Option<usize>,
    /// What becomes of the next reads.
    reads: VecDeque<ReadFate>,
}

struct Topic {
    id: TopicId,
    spec: TopicSpec,
    logs: Vec<Log>,
}

#[derive(Default)]
struct Log {
    start: u64,
    end: u64,
    epoch: u32,
    records: BTreeMap<u64, StoredRecord>,
    /// The next append finds the log cut there, under a new leader, with these records behind the cut.
    cut_at_append: Option<(u64, Vec<Record>)>,
    /// Nobody leads it: it can be neither read nor written nor asked.
    leaderless: bool,
    /// Offsets whose records cannot be decoded.
    damaged: Vec<Range<u64>>,
}

impl MemoryTransport {
    /// An empty cluster.
    pub fn new() -> Self {
        let (changed, _) = watch::channel(0);
        let cluster = Arc::new(Cluster { state: Mutex::default(), changed });
        Self { cluster, closed: AtomicBool::new(false) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.cluster.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs one operation on the state, unless the cluster is away.
    fn with<R>(
        &self,
        work: impl FnOnce(&mut State) -> Result<R, TransportError>,
    ) -> Result<R, TransportError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(TransportError::Closed);
        }
        let mut state = self.state();
        if state.offline {
            let (addresses, reason) = (self.describe(), "it is offline".to_owned());
            return Err(TransportError::Unreachable { addresses, reason });
        }
        work(&mut state)
    }

    fn notify(&self) {
        self.cluster.changed.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// What is there now; `None` if all positions are at their logs' ends.
    fn look(
        &self,
        topic: &TopicName,
        id: TopicId,
        at: &[Position],
        options: ReadOptions,
    ) -> Result<(Vec<Page>, bool), TransportError> {
        let fate = self.state().fate_of_read(topic);
        if fate == ReadFate::Lost {
            let (addresses, reason) = (self.describe(), "the read was lost".to_owned());
            let applied = Applied::No;
            return Err(TransportError::Disconnected { addresses, reason, applied });
        }
        self.with(|state| {
            let found = state.topic(topic)?;
            if found.id != id {
                return Err(TransportError::TopicReplaced {
                    topic: topic.clone(),
                    expected: id,
                    found: found.id,
                });
            }
            let pages = at.iter().map(|position| {
                let log = state.led(topic, position.partition)?;
                let page = log.page(topic, *position, options)?;
                Ok(if fate == ReadFate::Empty {
                    Page { records: vec![], resume: position.offset, ..page }
                } else {
                    page
                })
            });
            let pages = pages.collect::<Result<Vec<_>, _>>()?;
            let something = fate == ReadFate::Empty
                || pages.iter().zip(at).any(|(page, position)| page.resume > position.offset);
            Ok((pages, something))
        })
    }
}

impl Default for MemoryTransport {
    fn default() -> Self {
        Self::new()
    }
}

impl Clone for MemoryTransport {
    fn clone(&self) -> Self {
        Self { cluster: Arc::clone(&self.cluster), closed: AtomicBool::new(false) }
    }
}

impl std::fmt::Debug for MemoryTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MemoryTransport")
    }
}

impl State {
    fn topic(&mut self, name: &TopicName) -> Result<&mut Topic, TransportError> {
        self.topics
            .get_mut(name)
            .ok_or_else(|| TransportError::UnknownTopic { topic: name.clone() })
    }

    /// Whether faults that are counted, and not of one log, pass a topic by: those that are compacted.
    fn is_spared(&self, name: &TopicName) -> bool {
        self.topics.get(name).is_some_and(|topic| topic.spec.cleanup == Cleanup::Compact)
    }

    fn fate_of_read(&mut self, name: &TopicName) -> ReadFate {
        let next = if self.is_spared(name) { None } else { self.reads.pop_front() };
        next.unwrap_or(ReadFate::Answered)
    }

    fn log(&mut self, name: &TopicName, partition: Partition) -> Result<&mut Log, TransportError> {
        let index = usize::try_from(partition.0).unwrap_or(usize::MAX);
        let unknown = TransportError::UnknownPartition { topic: name.clone(), partition };
        self.topic(name)?.logs.get_mut(index).ok_or(unknown)
    }

    /// A log as a client finds it: through its leader.
    fn led(&mut self, name: &TopicName, partition: Partition) -> Result<&mut Log, TransportError> {
        let log = self.log(name, partition)?;
        if log.leaderless {
            let reason = format!("partition {partition} of {name} has no leader");
            let (operation, transient, applied) = ("a request", true, Applied::No);
            return Err(TransportError::Broker { operation, reason, transient, applied });
        }
        Ok(log)
    }

    fn create(&mut self, spec: &TopicSpec) -> Result<TopicInfo, TransportError> {
        if self.topics.contains_key(&spec.name) {
            return Err(TransportError::TopicExists { topic: spec.name.clone() });
        }
        self.topics_made += 1;
        let logs = (0..spec.partitions.get()).map(|_| Log::default()).collect();
        let topic = Topic { id: TopicId(self.topics_made.to_be_bytes()), spec: spec.clone(), logs };
        let info = topic.info();
        self.topics.insert(spec.name.clone(), topic);
        Ok(info)
    }
}

impl Topic {
    fn info(&self) -> TopicInfo {
        let configs = self.spec.configs();
        let settings =
            TopicSettings::parse(configs.iter().map(|(name, value)| (*name, value.as_str())));
        TopicInfo {
            id: self.id,
            partitions: self.spec.partitions.get(),
            replication: 1,
            settings: Some(settings),
        }
    }

    fn check(&self, record: &Record) -> Result<(), TransportError> {
        let topic = self.spec.name.clone();
        if record.weight() > usize::try_from(self.spec.max_record_bytes).unwrap_or(usize::MAX) {
            return Err(TransportError::TooLarge { topic, size: record.weight() });
        }
        if self.spec.cleanup == Cleanup::Compact && record.key.is_none() {
            let reason = "a compacted topic needs keys".to_owned();
            return Err(TransportError::InvalidRecord { topic, reason });
        }
        Ok(())
    }
}

impl Log {
    fn bounds(&self, partition: Partition) -> Bounds {
        let (start, end) = (Offset(self.start), Offset(self.end));
        Bounds { partition, start, end, leader_epoch: Some(LeaderEpoch(self.epoch)) }
    }

    fn push(&mut self, record: Record) -> Ack {
        if let Some((end, others)) = self.cut_at_append.take() {
            drop(self.records.split_off(&end));
            (self.end, self.epoch) = (end, self.epoch + 1);
            for other in others {
                self.push(other);
            }
        }
        let (offset, leader_epoch) = (Offset(self.end), Some(LeaderEpoch(self.epoch)));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let timestamp_ms = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
        let Record { key, value } = record;
        let stored = StoredRecord { offset, timestamp_ms, leader_epoch, key, value: Some(value) };
        self.records.insert(self.end, stored);
        self.end += 1;
        // As Kafka, which says in no acknowledgement under which leader it was.
        Ack { offset: Some(offset), leader_epoch: None }
    }

    fn page(
        &self,
        topic: &TopicName,
        at: Position,
        options: ReadOptions,
    ) -> Result<Page, TransportError> {
        let bounds = self.bounds(at.partition);
        if !(bounds.start..=bounds.end).contains(&at.offset) {
            return Err(TransportError::OutOfRange {
                topic: topic.clone(),
                asked: at.offset,
                bounds,
            });
        }
        let damage = |offset: &u64| self.damaged.iter().find(|range| range.contains(offset));
        if let Some(range) = damage(&at.offset.0) {
            return Err(TransportError::Damaged {
                topic: topic.clone(),
                partition: at.partition,
                from: at.offset,
                next: Offset(range.end.min(self.end)),
                reason: "they were damaged".to_owned(),
            });
        }
        let (mut records, mut bytes) = (Vec::new(), 0);
        let limit = usize::try_from(options.max_bytes).unwrap_or(usize::MAX);
        let mut whole = true;
        for record in self.records.range(at.offset.0..).map(|(_, record)| record) {
            bytes += record.value.as_ref().map_or(0, bytes::Bytes::len) + 100;
            let full = records.len() >= options.max_records;
            if full || (bytes > limit && !records.is_empty()) || damage(&record.offset.0).is_some()
            {
                whole = false;
                break;
            }
            records.push(record.clone());
        }
        let behind_last = records.last().map_or(at.offset, |record| Offset(record.offset.0 + 1));
        let resume = if whole { bounds.end } else { behind_last };
        Ok(Page { partition: at.partition, records, resume, end: bounds.end })
    }
}

#[async_trait]
impl Transport for MemoryTransport {
    async fn create_topic(&self, spec: &TopicSpec) -> Result<TopicInfo, TransportError> {
        self.with(|state| state.create(spec))
    }

    async fn topic(&self, topic: &TopicName) -> Result<TopicInfo, TransportError> {
        self.with(|state| Ok(state.topic(topic)?.info()))
    }

    async fn bounds(
        &self,
        topic: &TopicName,
        partitions: &[Partition],
    ) -> Result<Vec<Bounds>, TransportError> {
        self.with(|state| {
            partitions
                .iter()
                .map(|partition| Ok(state.led(topic, *partition)?.bounds(*partition)))
                .collect()
        })
    }

    async fn append(
        &self,
        topic: &TopicName,
        partition: Partition,
        records: Vec<Record>,
    ) -> Result<Vec<Ack>, AppendError> {
        let mut acked = Vec::with_capacity(records.len());
        let appended = self.with(|state| {
            let spared = state.is_spared(topic);
            if !spared && state.most_records.is_some_and(|most| records.len() > most) {
                let size = records.iter().map(Record::weight).sum();
                return Err(TransportError::TooLarge { topic: topic.clone(), size });
            }
            if !spared && state.lose_appends > 0 {
                state.lose_appends -= 1;
                let (addresses, reason) = (self.describe(), "the request was lost".to_owned());
                let applied = Applied::Maybe;
                return Err(TransportError::Disconnected { addresses, reason, applied });
            }
            for record in records {
                state.topic(topic)?.check(&record)?;
                acked.push(state.led(topic, partition)?.push(record));
            }
            if !spared && state.lose_acks > 0 {
                state.lose_acks -= 1;
                acked.clear();
                let (addresses, reason) =
                    (self.describe(), "the acknowledgement was lost".to_owned());
                return Err(TransportError::Disconnected {
                    addresses,
                    reason,
                    applied: Applied::Maybe,
                });
            }
            Ok(())
        });
        self.notify();
        match appended {
            Ok(()) => Ok(acked),
            Err(error) => Err(AppendError { acked, error }),
        }
    }

    async fn read(
        &self,
        topic: &TopicName,
        id: TopicId,
        at: &[Position],
        options: ReadOptions,
    ) -> Result<Vec<Page>, TransportError> {
        let mut changed = self.cluster.changed.subscribe();
        let deadline = tokio::time::Instant::now() + options.max_wait;
        loop {
            changed.mark_unchanged();
            let (pages, something) = self.look(topic, id, at, options)?;
            if something || tokio::time::timeout_at(deadline, changed.changed()).await.is_err() {
                return Ok(pages);
            }
        }
    }

    fn describe(&self) -> String {
        "logs in memory".to_owned()
    }

    async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.notify();
    }
}

#[async_trait]
impl TransportAdmin for MemoryTransport {
    async fn delete_topic(&self, topic: &TopicName) -> Result<(), TransportError> {
        let deleted = self.with(|state| {
            let removed = state.topics.remove(topic).map(drop);
            removed.ok_or_else(|| TransportError::UnknownTopic { topic: topic.clone() })
        });
        self.notify();
        deleted
    }

    async fn delete_records(
        &self,
        topic: &TopicName,
        partition: Partition,
        before: Offset,
    ) -> Result<(), TransportError> {
        let deleted = self.with(|state| {
            let log = state.led(topic, partition)?;
            if before.0 > log.end {
                let bounds = log.bounds(partition);
                return Err(TransportError::OutOfRange {
                    topic: topic.clone(),
                    asked: before,
                    bounds,
                });
            }
            log.start = log.start.max(before.0);
            log.records = log.records.split_off(&log.start);
            Ok(())
        });
        self.notify();
        deleted
    }
}
