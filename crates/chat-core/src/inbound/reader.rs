//! The background work of `listen`: reads the inbox's partition into the history.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chat_store::failpoint::{Place, reach};
use chat_store::{Cursor, Store};
use chat_transport::{
    Offset, Page, Position, ReadOptions, StoredRecord, TopicName, Transport, TransportError,
};
use tokio::sync::Notify;

use super::reconcile::{Log, Look, OlderLeader, Start};
use super::store::OpenedRecord;
use super::{Batch, Inbox, Stored, reopen_newer, store_batch};
use crate::error::{Error, ReceiveError};
use crate::hash::stored_hash;
use crate::inbound::store::Skipped;
use crate::mutant::{Mutant, breaks};

/// Reads one inbox for as long as it is polled.
pub(crate) struct Reader {
    pub(crate) store: Store,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) topic: TopicName,
    pub(crate) inbox: Arc<Inbox>,
    /// The largest record of the topic: a read must be able to return one.
    pub(crate) max_record: u32,
    pub(crate) live: Arc<SharedLive>,
}

/// What the background work has to say, bounded: newer words take the place of older ones.
#[derive(Default)]
pub(crate) struct SharedLive {
    state: Mutex<Live>,
    /// Connections that were made.
    sessions: AtomicU64,
    changed: Notify,
}

/// See [`SharedLive`].
#[derive(Debug, Default)]
pub(crate) struct Live {
    pub(crate) connected: bool,
    pub(crate) disconnected: Option<Error>,
    pub(crate) caught_up: bool,
    pub(crate) skipped: Skipped,
    pub(crate) behind: Option<u64>,
    /// The work has ended for good.
    pub(crate) failed: Option<Error>,
}

impl SharedLive {
    pub(crate) fn update(&self, change: impl FnOnce(&mut Live)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_one();
    }

    /// Looks at the words and takes some away.
    pub(crate) fn take<R>(&self, take: impl FnOnce(&mut Live) -> R) -> R {
        take(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many connections were made so far.
    pub(crate) fn sessions(&self) -> u64 {
        self.sessions.load(Ordering::Relaxed)
    }

    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }
}

/// Why a session ended without an error of the connection.
enum End {
    /// The log must be compared with the cursor again.
    LookAgain,
    /// The log seems to be another than the one that was read up to this cursor.
    Suspicious(Cursor),
    /// The leader is older than the one that was seen up to this cursor.
    OlderLeader(Cursor),
    /// The records at these offsets cannot be decoded.
    Damaged(Range<u64>),
}

/// What was seen that must be seen again before it is believed.
#[derive(Debug, Default)]
struct Doubts {
    /// Looks in a row that found another log.
    other_log: u32,
    /// Looks in a row that found an older leader.
    older_leader: u32,
    /// Looks in a row that found the same records damaged.
    damaged: (Range<u64>, u32),
}

impl Doubts {
    /// How many looks in a row have found these records damaged, this one with them.
    fn damaged(&mut self, offsets: &Range<u64>) -> u32 {
        let (before, looks) = &self.damaged;
        let looks = if before == offsets { looks + 1 } else { 1 };
        self.damaged = (offsets.clone(), looks);
        looks
    }
}

impl Reader {
    /// Reads until the store fails. Errors of the connection are told and tried again.
    pub(crate) async fn run(self) {
        let mut pause = FIRST_PAUSE;
        let mut doubts = Doubts::default();
        self.try_newer().await;
        loop {
            match self.session(&mut doubts, &mut pause).await {
                Ok(()) => {}
                Err(error) if error.is_final() => {
                    return self.live.update(|live| live.failed = Some(error.into()));
                }
                Err(error) => {
                    tracing::debug!(%error, "reading stopped; trying again");
                    self.live.update(|live| {
                        live.connected = false;
                        live.caught_up = false;
                        live.disconnected = Some(error.into());
                    });
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LAST_PAUSE);
                }
            }
        }
    }

    async fn try_newer(&self) {
        let reopened = self.with_store(|reader| {
            let (topic, partition) = (reader.topic.as_str(), reader.inbox.mailbox.partition.0);
            if reader.store.read(|tx| tx.newer_list(topic, partition))?.is_empty() {
                return Ok(0);
            }
            reader.store.write(|tx| reopen_newer(tx, &reader.inbox, topic))
        });
        match reopened.await {
            Ok(0) => {}
            Ok(_) => self.live.update(|_| {}),
            Err(error) => self.live.update(|live| live.failed = Some(error.into())),
        }
    }

    /// One connection's worth of reading.
    async fn session(&self, doubts: &mut Doubts, pause: &mut Duration) -> Result<(), ReceiveError> {
        let log = self.log();
        let answer = log.ask().await?;
        self.live.update(|live| live.connected = true);
        let end = match self.with_store(move |reader| reader.log().compare(answer)).await {
            Ok(Look::Start(start)) => {
                self.live.sessions.fetch_add(1, Ordering::Relaxed);
                *pause = FIRST_PAUSE;
                doubts.older_leader = 0;
                self.read_from(start, doubts).await?
            }
            Ok(Look::Shorter(cursor)) => End::Suspicious(cursor),
            Ok(Look::OlderLeader(cursor)) => End::OlderLeader(cursor),
            Err(ReceiveError::Moved) => End::LookAgain,
            Err(error) => return Err(error),
        };
        let believed = match end {
            End::LookAgain => {
                tokio::time::sleep(SHORT_PAUSE).await;
                return Ok(());
            }
            End::Suspicious(_) if doubts.other_log + 1 < SUSPICIONS => {
                doubts.other_log += 1;
                tokio::time::sleep(SECOND_LOOK).await;
                return Ok(());
            }
            End::Suspicious(cursor) => log.truncated(&cursor, OlderLeader::Refused).await,
            End::OlderLeader(_) if doubts.older_leader + 1 < OLDER_LEADERS => {
                doubts.older_leader += 1;
                return Err(log.older_leader());
            }
            End::OlderLeader(cursor) => log.truncated(&cursor, OlderLeader::Believed).await,
            End::Damaged(offsets) if doubts.damaged(&offsets) < DAMAGES => {
                tokio::time::sleep(SECOND_LOOK).await;
                return Ok(());
            }
            End::Damaged(offsets) => {
                self.with_store(move |reader| reader.log().damaged(&offsets)).await
            }
        };
        *doubts = Doubts::default();
        match believed {
            Ok(()) | Err(ReceiveError::Moved) => self.live.update(|_| {}),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    async fn read_from(&self, start: Start, doubts: &mut Doubts) -> Result<End, ReceiveError> {
        let mut from = start.from;
        let mut expect = start.expect;
        if expect.is_none() {
            doubts.other_log = 0;
            // The first read may wait for as long as nothing comes; where the log ends is known.
            self.tell_progress(from, start.end);
        }
        loop {
            let page = match self.read_page(&start, from).await {
                Ok(page) => page,
                // The next look compares the log with the cursor as it is then.
                Err(TransportError::OutOfRange { .. } | TransportError::TopicReplaced { .. }) => {
                    return Ok(End::LookAgain);
                }
                Err(TransportError::Damaged { from, next, reason, .. }) => {
                    tracing::warn!(%from, %next, %reason, "records cannot be decoded");
                    return Ok(End::Damaged(from.0..next.0));
                }
                Err(error) => return Err(error.into()),
            };
            if page.records.is_empty() && page.resume.0 <= from {
                self.tell_progress(from, page.end.0);
                continue;
            }
            if let Some(hash) = expect.take() {
                let first = page.records.first();
                let same = first.is_some_and(|r| r.offset.0 == from && stored_hash(r) == hash);
                if !same && !breaks(Mutant::IgnoreRecordHash) {
                    return Ok(End::Suspicious(start.cursor));
                }
                doubts.other_log = 0;
            }
            match self.store_page(&start, &page).await {
                Ok(next) => from = next.max(page.resume.0),
                Err(ReceiveError::Moved) => return Ok(End::LookAgain),
                Err(error) => return Err(error),
            }
            self.tell_progress(from, page.end.0);
        }
    }

    async fn read_page(&self, start: &Start, from: u64) -> Result<Page, TransportError> {
        let at = [Position { partition: self.inbox.mailbox.partition, offset: Offset(from) }];
        let options = ReadOptions {
            max_bytes: BATCH_BYTES.max(self.max_record),
            max_records: BATCH_RECORDS,
            max_wait: LONG_POLL,
        };
        let pages = self.transport.read(&self.topic, start.topic_id, &at, options).await?;
        reach(Place::AfterRead);
        let empty = Page {
            partition: at[0].partition,
            records: vec![],
            resume: at[0].offset,
            end: at[0].offset,
        };
        Ok(pages.into_iter().next().unwrap_or(empty))
    }

    /// Opens a page's records and stores them, in as few transactions as may be; returns the cursor.
    async fn store_page(&self, start: &Start, page: &Page) -> Result<u64, ReceiveError> {
        let (start, resume) = (start.clone(), page.resume.0);
        let records: Vec<StoredRecord> = page.records.clone();
        let stored =
            self.with_store(move |reader| reader.store_records(&start, &records, resume)).await?;
        Ok(stored)
    }

    fn store_records(
        &self,
        start: &Start,
        records: &[StoredRecord],
        resume: u64,
    ) -> Result<u64, ReceiveError> {
        let open = |record: &StoredRecord| OpenedRecord {
            offset: record.offset.0,
            timestamp_ms: record.timestamp_ms,
            leader_epoch: record.leader_epoch,
            hash: stored_hash(record),
            opened: self.inbox.open(record),
        };
        let batch = |records: &[StoredRecord], resume| Batch {
            inbox: &self.inbox,
            topic: self.topic.as_str(),
            topic_id: start.topic_id,
            truncations: start.truncations,
            records: records.iter().map(open).collect(),
            resume,
            longest: LONGEST_TRANSACTION,
        };
        match self.store_whole(&batch(records, resume)) {
            Err(error) if records.len() > 1 && error.is_final() => {
                // One of them cannot be stored: those before it are, and the error is its own.
                for record in records {
                    let one = std::slice::from_ref(record);
                    self.store_whole(&batch(one, record.offset.0.saturating_add(1)))?;
                }
                self.store_whole(&batch(&[], resume))
            }
            other => other,
        }
    }

    /// Stores a batch to its end.
    fn store_whole(&self, batch: &Batch<'_>) -> Result<u64, ReceiveError> {
        if breaks(Mutant::CursorBeforeRows) {
            self.store.write::<_, ReceiveError>(|tx| {
                let partition = self.inbox.mailbox.partition.0;
                let cursor = tx.cursor(batch.topic, partition, None)?.ok_or(ReceiveError::Moved)?;
                let cursor = Cursor { next: batch.resume, ..cursor };
                Ok(tx.set_cursor(batch.topic, partition, None, &cursor)?)
            })?;
        }
        loop {
            let Stored { skipped, next, unfinished, .. } =
                self.store.write(|tx| store_batch(tx, batch))?;
            self.live.update(|live| live.skipped.add(skipped));
            if !unfinished {
                return Ok(next);
            }
        }
    }

    /// Runs blocking work on the store apart from the runtime's own threads.
    async fn with_store<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<R, ReceiveError> + Send + 'static,
    ) -> Result<R, ReceiveError> {
        let reader = self.share();
        tokio::task::spawn_blocking(move || work(&reader))
            .await
            .map_err(|_| ReceiveError::Stopped)?
    }

    fn log(&self) -> Log<'_> {
        Log {
            store: &self.store,
            transport: &*self.transport,
            topic: &self.topic,
            inbox: &self.inbox,
        }
    }

    fn share(&self) -> Self {
        Self {
            store: self.store.clone(),
            transport: Arc::clone(&self.transport),
            topic: self.topic.clone(),
            inbox: Arc::clone(&self.inbox),
            max_record: self.max_record,
            live: Arc::clone(&self.live),
        }
    }

    fn tell_progress(&self, next: u64, end: u64) {
        let behind = end.saturating_sub(next);
        self.live.update(|live| {
            live.behind = Some(behind);
            live.caught_up = behind == 0;
        });
    }
}

/// Looks that must agree before a log counts as truncated.
const SUSPICIONS: u32 = 2;
/// Looks that must agree before an older leader is believed: with the growing pauses between them they
/// take a quarter of a minute, longer than any cluster hands out what it knew before.
const OLDER_LEADERS: u32 = 7;
/// Looks that must agree before records count as damaged.
const DAMAGES: u32 = 3;
const SECOND_LOOK: Duration = Duration::from_secs(2);
const SHORT_PAUSE: Duration = Duration::from_millis(50);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LAST_PAUSE: Duration = Duration::from_secs(5);
const LONG_POLL: Duration = Duration::from_secs(5);
const LONGEST_TRANSACTION: Duration = Duration::from_millis(200);
const BATCH_RECORDS: usize = 4096;
const BATCH_BYTES: u32 = 8 * 1024 * 1024;
