//! The background work of `listen`: reads one partition into the history.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chat_store::Cursor;
use chat_store::failpoint::{Place, reach};
use chat_transport::{Offset, Page, Partition, Position, ReadOptions, TransportError};
use tokio::sync::watch;
use tokio::time::Instant;

use super::conversations::Conversations;
use super::course::{Course, Doubts, FIRST_PAUSE, LAST_PAUSE, Until};
use super::live::LivePart;
use super::page::Fetched;
use super::reconcile::{Log, Look, OlderLeader, Start};
use super::restored::note_end;
use super::{Mail, Mailboxes, Skipped, reopen_newer};
use crate::error::ReceiveError;
use crate::hash::stored_hash;
use crate::mutant::{Mutant, breaks};

/// Reads one partition for as long as it is polled, or to the end of its log.
#[derive(Clone)]
pub(crate) struct Reader {
    pub(super) mail: Mail,
    pub(super) partition: Partition,
    pub(super) live: LivePart,
    pub(super) conversations: Arc<Mutex<Box<dyn Conversations>>>,
    /// Changes when other mailboxes may be stored than before.
    pub(super) nudge: watch::Receiver<()>,
}

/// Why a reader has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// No mailbox of the partition is ours any more.
    NoMailboxes,
    /// The network has other keys than those that are read with.
    OtherKeys,
    /// The store has failed, as was told.
    Failed,
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
    /// The topic has no such partition: whoever invited us has named one that is not there.
    NoPartition,
    /// No mailbox of the partition is ours any more.
    NoMailboxes,
    /// The end that was to be reached.
    Reached,
}

/// Whether to go on after a session.
#[derive(PartialEq, Eq)]
enum Next {
    Again,
    NoPartition,
    NoMailboxes,
    Reached,
}

impl Reader {
    /// Reads until nothing of the partition is ours any more or the store fails. Errors of the connection are told
    /// and tried again.
    pub(crate) async fn run(self) -> Ended {
        let mut course = Course::new(Until::Stopped);
        self.try_newer().await;
        loop {
            match self.session(&mut course).await {
                Ok(Next::NoMailboxes) => return Ended::NoMailboxes,
                Ok(Next::NoPartition) => {
                    self.live.progress(0);
                    tokio::time::sleep(LAST_PAUSE).await;
                }
                Ok(Next::Again | Next::Reached) => {}
                Err(ReceiveError::OtherKeys) => return Ended::OtherKeys,
                Err(error) if error.is_final() => {
                    self.live.fail(error);
                    return Ended::Failed;
                }
                Err(error) => {
                    tracing::debug!(%error, "reading stopped; trying again");
                    self.live.disconnected(error);
                    course.rest().await;
                }
            }
        }
    }

    /// Reads to where the log ends now; returns whether that was reached before the deadline.
    ///
    /// # Errors
    /// When the broker cannot be reached or the store fails; what was read until then is stored.
    pub(crate) async fn read_to_end(&self, deadline: Instant) -> Result<bool, ReceiveError> {
        let mut course = Course::new(Until::End(None));
        let reading = async {
            loop {
                match self.session(&mut course).await {
                    Ok(Next::Again) => {}
                    Ok(next) => return Ok(next == Next::Reached),
                    Err(ReceiveError::StaleLeader { .. } | ReceiveError::Moved) => {
                        course.rest().await;
                    }
                    Err(error) => return Err(error),
                }
            }
        };
        tokio::time::timeout_at(deadline, reading).await.unwrap_or(Ok(false))
    }

    async fn try_newer(&self) {
        let reopened = self.with_store(|reader| {
            let place = (reader.mail.topic.as_str(), reader.partition);
            if reader.mail.store.read(|tx| tx.newer_list(place.0, place.1.0))?.is_empty() {
                return Ok(0);
            }
            let mut conversations =
                reader.conversations.lock().unwrap_or_else(PoisonError::into_inner);
            reader
                .mail
                .store
                .write(|tx| reopen_newer(tx, &reader.mail.inbox, place, &mut **conversations))
        });
        match reopened.await {
            Ok(0) => {}
            Ok(_) => self.live.stored(Skipped::default()),
            Err(error) => self.live.fail(error),
        }
    }

    /// One connection's worth of reading.
    async fn session(&self, course: &mut Course) -> Result<Next, ReceiveError> {
        let is_for_groups = !self.mail.inbox.lies_in(self.partition);
        if is_for_groups && self.with_store(Self::mailboxes).await?.is_empty() {
            return Ok(Next::NoMailboxes);
        }
        let answer = self.log().ask().await?;
        self.live.connected();
        let look = match answer {
            Some(answer) => {
                self.with_store(move |reader| reader.log().compare(answer)).await.map(Some)
            }
            None => Ok(None),
        };
        let end = match look {
            Ok(Some(Look::Start(start))) => {
                self.live.begin_session();
                course.pause = FIRST_PAUSE;
                course.doubts.older_leader = 0;
                course.see_end(start.end);
                if !is_for_groups {
                    let end = (self.partition, start.topic_id, start.end);
                    self.with_store(move |reader| note_end(&reader.mail.store, end)).await?;
                }
                self.read_from(start, course).await?
            }
            Ok(Some(Look::Shorter(cursor))) => End::Suspicious(cursor),
            Ok(Some(Look::OlderLeader(cursor))) => End::OlderLeader(cursor),
            Ok(Some(Look::NoMailboxes)) => End::NoMailboxes,
            Ok(None) => End::NoPartition,
            Err(ReceiveError::Moved) => End::LookAgain,
            Err(error) => return Err(error),
        };
        self.conclude(end, &mut course.doubts).await
    }

    /// Believes what was seen often enough.
    async fn conclude(&self, end: End, doubts: &mut Doubts) -> Result<Next, ReceiveError> {
        let log = self.log();
        let believed = match end {
            End::NoPartition => return Ok(Next::NoPartition),
            End::NoMailboxes => return Ok(Next::NoMailboxes),
            End::Reached => return Ok(Next::Reached),
            End::LookAgain => {
                tokio::time::sleep(SHORT_PAUSE).await;
                return Ok(Next::Again);
            }
            End::Suspicious(_) if doubts.other_log + 1 < SUSPICIONS => {
                doubts.other_log += 1;
                tokio::time::sleep(SECOND_LOOK).await;
                return Ok(Next::Again);
            }
            End::Suspicious(cursor) => log.truncated(&cursor, OlderLeader::Refused).await,
            End::OlderLeader(_) if doubts.older_leader + 1 < OLDER_LEADERS => {
                doubts.older_leader += 1;
                return Err(log.older_leader());
            }
            End::OlderLeader(cursor) => log.truncated(&cursor, OlderLeader::Believed).await,
            End::Damaged(offsets) if doubts.damaged(&offsets) < DAMAGES => {
                tokio::time::sleep(SECOND_LOOK).await;
                return Ok(Next::Again);
            }
            End::Damaged(offsets) => {
                self.with_store(move |reader| reader.log().damaged(&offsets)).await
            }
        };
        *doubts = Doubts::default();
        match believed {
            Ok(()) | Err(ReceiveError::Moved) => self.live.stored(Skipped::default()),
            Err(error) => return Err(error),
        }
        Ok(Next::Again)
    }

    async fn read_from(&self, start: Start, course: &mut Course) -> Result<End, ReceiveError> {
        let mut nudge = self.nudge.clone();
        nudge.mark_unchanged();
        let mut mailboxes = self.with_store(Self::mailboxes).await?;
        let begun = self.begin(&start, mailboxes.position(), course).await?;
        let (mut from, mut expect) = match begun {
            Ok(begun) => begun,
            Err(end) => return Ok(end),
        };
        loop {
            if mailboxes.is_empty() {
                return Ok(End::NoMailboxes);
            }
            if expect.is_none() && course.is_reached(from) {
                return Ok(End::Reached);
            }
            let page = tokio::select! {
                page = self.fetch(&start, from, BATCH_RECORDS) => page?,
                () = nudged(&mut nudge), if expect.is_none() => {
                    mailboxes = self.with_store(Self::mailboxes).await?;
                    from = from.min(mailboxes.position());
                    continue;
                }
            };
            let page = match page {
                Ok(page) => page,
                Err(end) => return Ok(end),
            };
            let end = page.end.0;
            if page.records.is_empty() && page.resume.0 <= from {
                self.tell_progress(from, end);
                continue;
            }
            if expect.is_some() {
                if !is_expected(&page, from, expect.take()) {
                    return Ok(End::Suspicious(start.cursor));
                }
                course.doubts.other_log = 0;
            }
            let fetched = Fetched { start: start.clone(), from, page };
            let store = move |reader: &Self| reader.store_page(mailboxes, &fetched);
            match self.with_store(store).await {
                Ok((now, next)) => (mailboxes, from) = (now, next),
                Err(ReceiveError::Moved) => return Ok(End::LookAgain),
                Err(error) => return Err(error),
            }
            self.tell_progress(from, end);
        }
    }

    /// Where to read from, and the hash of the record that has to lie there, if one has.
    ///
    /// * `position` - the cursor of the mailbox that is furthest behind
    async fn begin(
        &self,
        start: &Start,
        position: u64,
        course: &mut Course,
    ) -> Result<Result<(u64, Option<[u8; 32]>), End>, ReceiveError> {
        let (mut from, mut expect) = (start.from, start.expect);
        if position < from && expect.is_some() {
            // What is read first lies before the record that tells the log: that one is looked at by itself.
            match self.fetch(start, from, 1).await? {
                Ok(page) if is_expected(&page, from, expect) => expect = None,
                Ok(_) => return Ok(Err(End::Suspicious(start.cursor.clone()))),
                Err(end) => return Ok(Err(end)),
            }
        }
        if expect.is_none() {
            course.doubts.other_log = 0;
            from = from.min(position);
            // The first read may wait for as long as nothing comes; where the log ends is known.
            self.tell_progress(from, start.end);
        }
        Ok(Ok((from, expect)))
    }

    /// A page of records, or what has to be done before there is one.
    async fn fetch(
        &self,
        start: &Start,
        from: u64,
        max_records: usize,
    ) -> Result<Result<Page, End>, ReceiveError> {
        match self.read_page(start, from, max_records).await {
            Ok(page) => Ok(Ok(page)),
            // The next look compares the log with the cursor as it is then.
            Err(TransportError::OutOfRange { .. } | TransportError::TopicReplaced { .. }) => {
                Ok(Err(End::LookAgain))
            }
            Err(TransportError::Damaged { from, next, reason, .. }) => {
                tracing::warn!(%from, %next, %reason, "records cannot be decoded");
                Ok(Err(End::Damaged(from.0..next.0)))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn read_page(
        &self,
        start: &Start,
        from: u64,
        max_records: usize,
    ) -> Result<Page, TransportError> {
        let at = [Position { partition: self.partition, offset: Offset(from) }];
        let options = ReadOptions {
            max_bytes: BATCH_BYTES.max(self.mail.max_record),
            max_records,
            max_wait: LONG_POLL,
        };
        let pages =
            self.mail.transport.read(&self.mail.topic, start.topic_id, &at, options).await?;
        reach(Place::AfterRead);
        let empty = Page {
            partition: at[0].partition,
            records: vec![],
            resume: at[0].offset,
            end: at[0].offset,
        };
        Ok(pages.into_iter().next().unwrap_or(empty))
    }

    /// The mailboxes of the partition as they are stored now. Those of other partitions find their readers.
    pub(super) fn mailboxes(&self) -> Result<Mailboxes, ReceiveError> {
        let mut all = self.mail.mailboxes()?;
        self.live.expect(&all.keys().copied().collect());
        match all.remove(&self.partition) {
            Some(found) => Ok(found),
            None => self.mail.mailboxes_of(self.partition),
        }
    }

    /// Runs blocking work on the store apart from the runtime's own threads.
    async fn with_store<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<R, ReceiveError> + Send + 'static,
    ) -> Result<R, ReceiveError> {
        let reader = self.clone();
        tokio::task::spawn_blocking(move || work(&reader))
            .await
            .map_err(|_| ReceiveError::Stopped)?
    }

    fn log(&self) -> Log<'_> {
        Log { mail: &self.mail, partition: self.partition }
    }

    fn tell_progress(&self, next: u64, end: u64) {
        self.live.progress(end.saturating_sub(next));
    }
}

/// Whether the first record of a page is the one that was read from there before.
fn is_expected(page: &Page, from: u64, hash: Option<[u8; 32]>) -> bool {
    let first = page.records.first();
    let same = first.is_some_and(|r| r.offset.0 == from && Some(stored_hash(r)) == hash);
    same || breaks(Mutant::IgnoreRecordHash)
}

/// Waits for a nudge; for ever, if none can come.
async fn nudged(nudge: &mut watch::Receiver<()>) {
    if nudge.changed().await.is_err() {
        std::future::pending::<()>().await;
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
const LONG_POLL: Duration = Duration::from_secs(5);
const BATCH_RECORDS: usize = 4096;
const BATCH_BYTES: u32 = 8 * 1024 * 1024;
