//! The line of batches on their way to one mailbox's place on the log: one is read, one is sent, one is noted.

use std::sync::Arc;

use chat_transport::{Offset, TopicId};
use tokio::task::JoinHandle;

use super::Drain;
use crate::error::SendError;
use crate::groups::GroupRow;
use crate::lock::Lock;
use crate::mailbox::Mailbox;
use crate::mutant::{Mutant, breaks};
use crate::outbox::attempt::{Attempt, Target};
use crate::outbox::ready::ReadyRow;

/// What is under way beside the batch that is being sent.
#[derive(Default)]
pub(super) struct Line {
    /// The rows behind it.
    reading: Option<Reading>,
    /// The rows before it, which were acknowledged.
    storing: Option<(Mailbox, Storing)>,
    /// The oldest of those rows, and the newest offset that was acknowledged for them.
    oldest: Option<u64>,
    pub(super) floor: Option<Offset>,
    /// Whether a batch was begun.
    begun: bool,
}

type Reading = JoinHandle<Result<Vec<ReadyRow>, SendError>>;
pub(super) type Storing = JoinHandle<Result<Attempt, SendError>>;

impl Drain {
    /// Sends what waits in a mailbox, batch by batch: while one is on its way, the next is read, and the one
    /// before it is noted. No batch begins before all of the one before it was acknowledged.
    pub(super) async fn drain_locked(
        &mut self,
        mailbox: Mailbox,
        lock: Arc<Lock>,
    ) -> Result<(), SendError> {
        self.line = Line::default();
        let sent = self.send_in_line(&mailbox, &lock).await;
        // What was acknowledged counts, whatever came after it.
        match self.settle().await {
            Err(error) if error.concerns_store() => Err(error),
            settled => sent.and(settled),
        }
    }

    async fn send_in_line(&mut self, mailbox: &Mailbox, lock: &Arc<Lock>) -> Result<(), SendError> {
        while let Some((topic, rows)) = self.next_in_line(mailbox, lock).await? {
            // A single row is a single message, as a rule, and has nothing behind it.
            let last = rows.last().filter(|_| rows.len() > 1).map(|last| last.id);
            let first = rows.first().map(|first| first.id);
            self.line.reading = last.map(|last| self.begin_reading(mailbox, last, lock));
            let to = (mailbox, topic);
            let Some((attempt, error)) = self.append(to, rows).await? else {
                self.settle().await?;
                continue;
            };
            self.stored().await?;
            match error {
                None => {
                    self.line.floor = attempt.acks.iter().filter_map(|ack| ack.offset).max();
                    self.line.oldest = first;
                    let storing = self.begin_storing(to, attempt, Arc::clone(lock));
                    self.line.storing = Some((*mailbox, storing));
                }
                Some(error) => {
                    self.settle().await?;
                    self.appended(to, attempt, lock, Some(error)).await?;
                }
            }
        }
        Ok(())
    }

    /// The next rows of a mailbox and the topic that they go to; `None` once nothing waits.
    async fn next_in_line(
        &mut self,
        mailbox: &Mailbox,
        lock: &Arc<Lock>,
    ) -> Result<Option<(TopicId, Vec<ReadyRow>)>, SendError> {
        let bytes = mailbox.to_bytes();
        let rows = match &mut self.line.reading {
            Some(reading) => {
                let rows = reading.await;
                self.line.reading = None;
                rows.map_err(|_| SendError::Stopped)??
            }
            None => Vec::new(),
        };
        if !rows.is_empty() {
            self.ground.refresh(mailbox.partition).await?;
            let oldest = self.line.oldest.or(rows.first().map(|row| row.id)).unwrap_or(0);
            let before = (0.into(), oldest.saturating_sub(1).into());
            // What another process has put back meanwhile goes first.
            let put_back =
                self.ground.profile.store.read(|tx| tx.outbox_waiting(&bytes, before))?;
            if let (true, Some(topic)) =
                (put_back.is_empty(), self.ground.stands(mailbox.partition))
            {
                return Ok(Some((topic, rows)));
            }
        }
        // From the oldest on: that what was sent rests is certain here.
        self.stored().await?;
        let waits = self.ground.profile.store.read(|tx| tx.outbox_oldest(&bytes, 1, usize::MAX))?;
        if waits.is_empty() {
            return Ok(None);
        }
        if std::mem::replace(&mut self.line.begun, true) && rows.is_empty() {
            self.ground.refresh(mailbox.partition).await?;
        }
        let topic = self.ground.topic().await?;
        let lost = self.ground.check_own(&[mailbox.partition]).await?;
        self.taken_back |= lost.requeued > 0;
        let rows = finished(self.begin_reading(mailbox, 0, lock)).await?;
        Ok(Some((topic, rows)))
    }

    /// Reads the oldest rows of a mailbox behind the row `after`, ready to be sent and marked as attempted.
    ///
    /// The work goes on where nobody waits for it any more, and holds the lock until it ends.
    fn begin_reading(&self, mailbox: &Mailbox, after: u64, lock: &Arc<Lock>) -> Reading {
        let (profile, mailbox) = (Arc::clone(&self.ground.profile), mailbox.to_bytes());
        let lock = Arc::clone(lock);
        tokio::task::spawn_blocking(move || {
            let _lock = lock;
            let (rows, groups) = profile.store.read::<_, SendError>(|tx| {
                let rows = tx.outbox_behind(&mailbox, after.into(), BATCH_ROWS, BATCH_BYTES)?;
                Ok((rows, GroupRow::all::<SendError>(tx)?))
            })?;
            let rows = rows.iter().map(|row| profile.make_ready(row, &groups));
            let mut rows = rows.collect::<Result<Vec<_>, _>>()?;
            if breaks(Mutant::YoungerFirst) {
                rows.reverse();
            }
            profile.mark_attempted(&mailbox, &rows)?;
            Ok(rows)
        })
    }

    /// Lets acknowledged rows rest and remembers where they are on the log.
    ///
    /// The work goes on where nobody waits for it any more, and holds the lock until it ends.
    pub(super) fn begin_storing(
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
    async fn stored(&mut self) -> Result<(), SendError> {
        let Some((mailbox, storing)) = &mut self.line.storing else { return Ok(()) };
        let (mailbox, stored) = (*mailbox, storing.await);
        // From here on the store knows: what is on the log may be another one by now.
        (self.line.storing, self.line.floor, self.line.oldest) = (None, None, None);
        self.count(&mailbox, &stored.map_err(|_| SendError::Stopped)??);
        Ok(())
    }

    /// Waits until nothing is under way. What was read ahead is forgotten: it is read anew, from the oldest row.
    pub(super) async fn settle(&mut self) -> Result<(), SendError> {
        let stored = self.stored().await;
        if let Some(reading) = &mut self.line.reading {
            drop(reading.await);
        }
        self.line.reading = None;
        stored
    }
}

pub(super) async fn finished<T>(work: JoinHandle<Result<T, SendError>>) -> Result<T, SendError> {
    work.await.map_err(|_| SendError::Stopped)?
}

/// Rows that are sent together, in number and bytes.
const BATCH_ROWS: usize = 2048;
const BATCH_BYTES: usize = 4 * 1024 * 1024;
