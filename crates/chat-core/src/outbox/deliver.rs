//! Emptying the outbox: identical bytes, in order, until they are acknowledged.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chat_store::failpoint::{Place, reach};
use chat_transport::{Ack, AppendError, Offset, Partition, TopicId, TransportError};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::attempt::{Attempt, Target};
use super::close_message;
use super::delivery::{Delivery, Landed};
use super::enqueue::Queued;
use super::fate::Wanted;
use super::ground::Ground;
use super::own::rest;
use super::ready::ReadyRow;
use crate::error::SendError;
use crate::item::MessageState;
use crate::lock::Lock;
use crate::mailbox::Mailbox;
use crate::mutant::{Mutant, breaks};

/// Empties the outbox of one profile.
pub(crate) struct Drain {
    ground: Ground,
    /// How often acknowledgements contradicted earlier ones.
    contradictions: u32,
    /// Rows that somebody waits for, by their numbers.
    wanted: HashMap<u64, Wanted>,
    /// Those of them that this drain brought to the log.
    settled: HashSet<u64>,
    result: Delivery,
}

impl Drain {
    pub(crate) fn new(ground: Ground) -> Self {
        Self {
            ground,
            contradictions: 0,
            wanted: HashMap::new(),
            settled: HashSet::new(),
            result: Delivery::default(),
        }
    }

    /// Somebody waits for these messages.
    pub(crate) fn waited_for<'a>(mut self, messages: impl IntoIterator<Item = &'a Queued>) -> Self {
        let wanted = messages.into_iter().map(|queued| (queued.id, queued.into()));
        self.wanted.extend(wanted);
        self
    }

    /// Sends what waits: first the mailboxes named, then all others, until `deadline`.
    ///
    /// A mailbox that another process drains is waited for only if it is named.
    pub(crate) async fn run(
        mut self,
        first: &[Mailbox],
        deadline: Instant,
    ) -> Result<Delivery, SendError> {
        let mut failure = None;
        for mailbox in first {
            let sent = self.until(deadline, |drain| Box::pin(drain.mailbox(*mailbox, true))).await;
            failure = failure.or(sent.err());
        }
        if failure.as_ref().is_none_or(|error| !error.concerns_connection()) {
            let mut drained = first.to_vec();
            // Asked anew: what the log has lost of a mailbox may have been found while another was drained.
            while let Some(mailbox) = self.another_mailbox(&drained)? {
                drained.push(mailbox);
                let sent =
                    self.until(deadline, |drain| Box::pin(drain.mailbox(mailbox, false))).await;
                failure = failure.or(sent.err());
            }
        }
        self.finish(failure)
    }

    /// Runs `work` until the deadline; what it had sent by then is stored, what not stays.
    async fn until<'a>(
        &'a mut self,
        deadline: Instant,
        work: impl FnOnce(
            &'a mut Self,
        )
            -> std::pin::Pin<Box<dyn Future<Output = Result<(), SendError>> + Send + 'a>>,
    ) -> Result<(), SendError> {
        tokio::time::timeout_at(deadline, work(self))
            .await
            .unwrap_or(Err(SendError::NoAnswerInTime))
    }

    /// A mailbox that rows wait for and that was not drained yet.
    fn another_mailbox(&self, drained: &[Mailbox]) -> Result<Option<Mailbox>, SendError> {
        let all = self.ground.profile.store.read(|tx| tx.outbox_mailboxes())?;
        Ok(all.iter().map(Mailbox::from_bytes).find(|mailbox| !drained.contains(mailbox)))
    }

    /// Counts what is left of the messages waited for. A store that cannot say is an error.
    pub(crate) fn finish(mut self, failure: Option<SendError>) -> Result<Delivery, SendError> {
        // A drain that had nothing to ask tells nothing.
        let answers = match &failure {
            None => self.ground.is_known().then_some(true),
            Some(error) => error.concerns_connection().then_some(false),
        };
        if let Some(answers) = answers {
            self.ground.profile.broker_answers.store(answers, Ordering::Relaxed);
        }
        if let Some(error) = failure {
            if error.concerns_store() {
                return Err(error);
            }
            self.result.failure = Some(error.into());
        }
        // Where the broker contradicted itself, some of what it had acknowledged may wait again.
        if self.contradictions == 0 {
            self.wanted.retain(|id, _| !self.settled.contains(id));
            self.result.delivered = self.settled.len();
        }
        self.ground.profile.progress_of(self.wanted.into_values(), self.result)
    }

    /// Sends the rows of one mailbox in their order, under its drain lock.
    async fn mailbox(&mut self, mailbox: Mailbox, wait: bool) -> Result<(), SendError> {
        let lock = loop {
            if let Some(lock) = self.ground.profile.drain_lock(&mailbox)? {
                break lock;
            }
            if !wait || !self.wanted_waits(&mailbox)? {
                self.result.passed_over = true;
                return Ok(());
            }
            tokio::time::sleep(LOCK_POLL).await;
        };
        self.drain_locked(mailbox, Arc::new(lock)).await
    }

    /// Whether a row of the mailbox that is waited for is still in the outbox.
    fn wanted_waits(&self, mailbox: &Mailbox) -> Result<bool, SendError> {
        let bytes = mailbox.to_bytes();
        self.ground.profile.store.read(|tx| {
            for wanted in self.wanted.values().filter(|wanted| wanted.mailbox == *mailbox) {
                if tx.outbox_waits(&bytes, wanted.id.into())? {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }

    /// Sends what waits in a mailbox, batch by batch: while one is on its way, the next is read, and the one
    /// before it is noted. No batch begins before all of the one before it was acknowledged.
    async fn drain_locked(&mut self, mailbox: Mailbox, lock: Arc<Lock>) -> Result<(), SendError> {
        let mut line = Line::default();
        let sent = self.send_in_line(&mailbox, &lock, &mut line).await;
        // What was acknowledged counts, whatever came after it.
        let stored = self.stored(&mailbox, &mut line).await;
        sent.and(stored)
    }

    async fn send_in_line(
        &mut self,
        mailbox: &Mailbox,
        lock: &Arc<Lock>,
        line: &mut Line,
    ) -> Result<(), SendError> {
        loop {
            let Some((topic, rows)) = self.next_in_line(mailbox, lock, line).await? else {
                return Ok(());
            };
            // A single row is a single message, as a rule, and has nothing behind it.
            let last = rows.last().filter(|_| rows.len() > 1).map(|last| last.id);
            line.reading = last.map(|last| self.begin_reading(mailbox, last, Arc::clone(lock)));
            let to = (mailbox, topic);
            let Some((attempt, error)) = self.append(to, rows, line.floor).await? else {
                line.settle().await;
                continue;
            };
            self.stored(mailbox, line).await?;
            match error {
                None => {
                    line.floor = attempt.acks.iter().filter_map(|ack| ack.offset).max();
                    line.storing = Some(self.begin_storing(to, attempt, Arc::clone(lock)));
                }
                Some(error) => {
                    line.settle().await;
                    self.appended(to, attempt, lock, Some(error)).await?;
                }
            }
        }
    }

    /// The next rows of a mailbox and the topic that they go to; `None` once nothing waits.
    async fn next_in_line(
        &mut self,
        mailbox: &Mailbox,
        lock: &Arc<Lock>,
        line: &mut Line,
    ) -> Result<Option<(TopicId, Vec<ReadyRow>)>, SendError> {
        let rows = match line.reading.take() {
            Some(reading) => finished(reading).await?,
            None => Vec::new(),
        };
        if !rows.is_empty() {
            self.ground.refresh(mailbox.partition).await?;
            if let Some(topic) = self.ground.stands(mailbox.partition) {
                return Ok(Some((topic, rows)));
            }
        }
        // From the oldest on: that what was sent rests is certain here.
        self.stored(mailbox, line).await?;
        let bytes = mailbox.to_bytes();
        let waits = self.ground.profile.store.read(|tx| tx.outbox_oldest(&bytes, 1, usize::MAX))?;
        if waits.is_empty() {
            return Ok(None);
        }
        if std::mem::replace(&mut line.begun, true) && rows.is_empty() {
            self.ground.refresh(mailbox.partition).await?;
        }
        let topic = self.ground.topic().await?;
        self.ground.check_own(&[mailbox.partition]).await?;
        let rows = finished(self.begin_reading(mailbox, 0, Arc::clone(lock))).await?;
        Ok(Some((topic, rows)))
    }

    /// Reads the oldest rows of a mailbox behind the row `after`, ready to be sent and marked as attempted.
    ///
    /// The work goes on where nobody waits for it any more, and holds the lock until it ends.
    fn begin_reading(&self, mailbox: &Mailbox, after: u64, lock: Arc<Lock>) -> Reading {
        let (profile, mailbox) = (Arc::clone(&self.ground.profile), mailbox.to_bytes());
        tokio::task::spawn_blocking(move || {
            let _lock = lock;
            let rows = profile
                .store
                .read(|tx| tx.outbox_behind(&mailbox, after.into(), BATCH_ROWS, BATCH_BYTES))?;
            let rows = rows.iter().map(|row| profile.make_ready(row));
            let mut rows = rows.collect::<Result<Vec<_>, _>>()?;
            if breaks(Mutant::YoungerFirst) {
                rows.reverse();
            }
            profile.mark_attempted(&mailbox, &rows)?;
            Ok(rows)
        })
    }

    /// Sends rows, and deals with what became of them before anything else.
    async fn send_rows(
        &mut self,
        to: (&Mailbox, TopicId),
        rows: Vec<ReadyRow>,
        lock: &Arc<Lock>,
    ) -> Result<(), SendError> {
        match self.append(to, rows, None).await? {
            Some((attempt, error)) => self.appended(to, attempt, lock, error).await,
            None => Ok(()),
        }
    }

    /// Appends rows to the log; `None` where their acknowledgements are none.
    ///
    /// * `floor` - an offset below which nothing new can lie, if more is known of it than is stored
    async fn append(
        &mut self,
        (mailbox, topic_id): (&Mailbox, TopicId),
        rows: Vec<ReadyRow>,
        floor: Option<Offset>,
    ) -> Result<Option<(Attempt, Option<TransportError>)>, SendError> {
        if breaks(Mutant::MarkSentBeforeAck) {
            self.ground.profile.store.write(|tx| rest(tx, mailbox, rows.iter()))?;
        }
        let (mut attempt, records) = Attempt::new(rows, mailbox);
        let topic = self.ground.network.mail_topic();
        let stored = self.ground.own(&topic, topic_id).newest(mailbox.partition)?;
        let floor = stored.max(floor.map(|offset| offset.0));
        reach(Place::BeforeAppend);
        let sent = self.ground.transport.append(&topic, mailbox.partition, records).await;
        reach(Place::AfterAppend);
        let (acks, error) = match sent {
            Ok(acks) => (acks, None),
            Err(AppendError { acked, error, .. }) => (acked, Some(error)),
        };
        if self.log_was_cut(mailbox.partition, floor, &acks)? {
            return Ok(None);
        }
        attempt.acks = acks;
        Ok(Some((attempt, error)))
    }

    /// Notes what was acknowledged, and closes what can never be sent.
    async fn appended(
        &mut self,
        to: (&Mailbox, TopicId),
        attempt: Attempt,
        lock: &Arc<Lock>,
        error: Option<TransportError>,
    ) -> Result<(), SendError> {
        let attempt = finished(self.begin_storing(to, attempt, Arc::clone(lock))).await?;
        self.count(to.0, &attempt);
        match error {
            None => Ok(()),
            Some(
                error @ (TransportError::TooLarge { .. } | TransportError::InvalidRecord { .. }),
            ) => self.refused(to, attempt, lock, error).await,
            Some(error) => Err(error.into()),
        }
    }

    /// A record that the broker takes under no circumstances is closed. It must have been refused alone:
    /// a batch can be too large although each of its records is not.
    async fn refused(
        &mut self,
        to: (&Mailbox, TopicId),
        attempt: Attempt,
        lock: &Arc<Lock>,
        error: TransportError,
    ) -> Result<(), SendError> {
        let Attempt { mut rows, acks, .. } = attempt;
        if acks.len() >= rows.len() {
            return Err(error.into());
        }
        let row = rows.swap_remove(acks.len());
        if rows.is_empty() || breaks(Mutant::CloseWholeBatch) {
            return self.close(to.0, &row, &error);
        }
        Box::pin(self.send_rows(to, vec![row], lock)).await
    }

    /// Whether these acknowledgements are none: they name offsets at or below a record that was
    /// acknowledged before the append began, so the log was cut in between. Then the rows stay, and topic
    /// and own records are looked at again before anything is sent.
    fn log_was_cut(
        &mut self,
        partition: Partition,
        floor: Option<u64>,
        acks: &[Ack],
    ) -> Result<bool, SendError> {
        let contradiction =
            acks.iter().filter_map(|ack| ack.offset).find(|offset| Some(offset.0) <= floor);
        let Some(offset) = contradiction else { return Ok(false) };
        self.contradictions += 1;
        if self.contradictions >= MOST_CONTRADICTIONS {
            let what = format!("offset {offset} of partition {partition} was acknowledged twice");
            return Err(TransportError::Protocol { what }.into());
        }
        self.ground.forget(partition);
        Ok(true)
    }

    /// Lets acknowledged rows rest and remembers where they are on the log.
    ///
    /// The work goes on where nobody waits for it any more, and holds the lock until it ends.
    fn begin_storing(
        &self,
        (mailbox, topic_id): (&Mailbox, TopicId),
        attempt: Attempt,
        lock: Arc<Lock>,
    ) -> Storing {
        let seen = self.ground.epoch(mailbox.partition);
        let topic = self.ground.network.mail_topic();
        let (profile, target) =
            (Arc::clone(&self.ground.profile), Target { topic, topic_id, mailbox: *mailbox, seen });
        tokio::task::spawn_blocking(move || {
            let _lock = lock;
            if !attempt.acks.is_empty() {
                attempt.store(&profile, &target)?;
            }
            Ok(attempt)
        })
    }

    /// Waits until what was acknowledged is noted.
    async fn stored(&mut self, mailbox: &Mailbox, line: &mut Line) -> Result<(), SendError> {
        let Some(storing) = line.storing.take() else { return Ok(()) };
        let attempt = finished(storing).await?;
        self.count(mailbox, &attempt);
        Ok(())
    }

    fn count(&mut self, mailbox: &Mailbox, attempt: &Attempt) {
        for (row, ack) in attempt.acked() {
            if self.wanted.contains_key(&row.id) {
                if !row.row.is_void {
                    self.settled.insert(row.id);
                }
                let (partition, offset) = (mailbox.partition.0, ack.offset);
                self.result.last = Some(Landed { partition, offset: offset.map(|at| at.0) });
            } else {
                self.result.others += 1;
            }
        }
    }

    /// Closes a row that can never be sent; a void takes its number's place on the log.
    fn close(
        &mut self,
        mailbox: &Mailbox,
        row: &ReadyRow,
        error: &TransportError,
    ) -> Result<(), SendError> {
        let reason = error.to_string();
        let mut closed = row.row.clone();
        if closed.is_void {
            // Not even the note that stands in for a message: it waits, as everything else does.
            return Err(SendError::NoteRefused { reason });
        }
        closed.withdraw(&self.ground.network, mailbox, &mut rand::rng())?;
        let state = MessageState::Failed { reason };
        self.ground.profile.store.write::<_, SendError>(|tx| {
            close_message(tx, closed.history.into(), state)?;
            Ok(tx.outbox_replace(row.id.into(), &closed.to_bytes()?)?)
        })?;
        Ok(())
    }
}

/// What is under way beside the batch that is being sent.
#[derive(Default)]
struct Line {
    /// The rows behind it.
    reading: Option<Reading>,
    /// The rows before it, which were acknowledged.
    storing: Option<Storing>,
    /// The newest offset that was acknowledged.
    floor: Option<Offset>,
    /// Whether anything was sent.
    begun: bool,
}

impl Line {
    /// Lets the reading end, and forgets what it has read: it begins anew from the oldest row.
    async fn settle(&mut self) {
        if let Some(reading) = self.reading.take() {
            drop(reading.await);
        }
    }
}

type Reading = JoinHandle<Result<Vec<ReadyRow>, SendError>>;
type Storing = JoinHandle<Result<Attempt, SendError>>;

async fn finished<T>(work: JoinHandle<Result<T, SendError>>) -> Result<T, SendError> {
    work.await.map_err(|_| SendError::Stopped)?
}

/// A broker that contradicts itself so often in one drain is not believed any more.
const MOST_CONTRADICTIONS: u32 = 3;
/// Rows that are sent together, in number and bytes.
const BATCH_ROWS: usize = 2048;
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// How often a process looks whether the one that drains has finished.
const LOCK_POLL: Duration = Duration::from_millis(20);
