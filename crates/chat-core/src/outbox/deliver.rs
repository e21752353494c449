//! Emptying the outbox: identical bytes, in order, until they are acknowledged.

mod line;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chat_store::failpoint::{Place, reach};
use chat_transport::{Ack, AppendError, Partition, TopicId, TransportError};
use tokio::time::Instant;

use self::line::{Line, finished};
use super::attempt::Attempt;
use super::delivery::{Delivery, Landed};
use super::enqueue::Queued;
use super::fate::Wanted;
use super::ground::Ground;
use super::own::rest;
use super::ready::ReadyRow;
use super::{Resealer, Sealer, close_message, take_back};
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
    /// Whether something that was acknowledged waits again.
    taken_back: bool,
    /// What is under way beside the batch that is being sent.
    line: Line,
    /// Messages that somebody waits for, by the number of their row, or of the last of their rows.
    wanted: HashMap<u64, Wanted>,
    /// The numbers of their earlier rows.
    earlier: HashSet<u64>,
    /// Those of them that this drain brought to the log.
    settled: HashSet<u64>,
    result: Delivery,
}

impl Drain {
    pub(crate) fn new(ground: Ground) -> Self {
        Self {
            ground,
            contradictions: 0,
            taken_back: false,
            line: Line::default(),
            wanted: HashMap::new(),
            earlier: HashSet::new(),
            settled: HashSet::new(),
            result: Delivery::default(),
        }
    }

    /// Somebody waits for these messages.
    pub(crate) fn waited_for<'a>(mut self, messages: impl IntoIterator<Item = &'a Queued>) -> Self {
        for queued in messages {
            let first = (queued.id + 1).saturating_sub(u64::from(queued.pieces));
            self.earlier.extend(first..queued.id);
            self.wanted.insert(queued.id, queued.into());
        }
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
            let sent = self.until(deadline, *mailbox, Wait::ForOthers).await;
            failure = failure.or(sent.err());
        }
        if failure.as_ref().is_none_or(|error| !error.concerns_connection()) {
            let mut drained: HashSet<Mailbox> = first.iter().copied().collect();
            loop {
                // Asked anew: what the log has lost of a mailbox may have been found while another was drained.
                let others = self.mailboxes_besides(&drained)?;
                if others.is_empty() || Instant::now() >= deadline {
                    break;
                }
                for mailbox in others {
                    drained.insert(mailbox);
                    let sent = self.until(deadline, mailbox, Wait::ForNobody).await;
                    failure = failure.or(sent.err());
                }
            }
        }
        self.finish(failure)
    }

    /// Sends the rows of one mailbox until the deadline; what was sent by then is stored, what not stays.
    async fn until(
        &mut self,
        deadline: Instant,
        mailbox: Mailbox,
        wait: Wait,
    ) -> Result<(), SendError> {
        let Ok(ended) = tokio::time::timeout_at(deadline, self.mailbox(mailbox, wait)).await else {
            // What was acknowledged is noted in a moment, and counts.
            drop(tokio::time::timeout(LAST_MOMENT, self.settle()).await);
            return Err(SendError::NoAnswerInTime);
        };
        ended
    }

    /// The mailboxes that rows wait for and that were not drained yet.
    fn mailboxes_besides(&self, drained: &HashSet<Mailbox>) -> Result<Vec<Mailbox>, SendError> {
        let all = self.ground.profile.store.read(|tx| tx.outbox_mailboxes())?;
        let all = all.iter().map(Mailbox::from_bytes);
        Ok(all.filter(|mailbox| !drained.contains(mailbox)).collect())
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
        // Of what was taken back it is looked up what became of it.
        if self.taken_back {
            self.result.brought.clear();
        } else {
            self.result.brought.sort_unstable_by_key(|numbers| *numbers.start());
            self.wanted.retain(|id, _| !self.settled.contains(id));
            self.result.delivered = self.settled.len();
        }
        self.ground.profile.progress_of(self.wanted.into_values(), self.result)
    }

    /// Sends the rows of one mailbox in their order, under its drain lock.
    async fn mailbox(&mut self, mailbox: Mailbox, wait: Wait) -> Result<(), SendError> {
        let lock = loop {
            if let Some(lock) = self.ground.profile.drain_lock(&mailbox)? {
                break lock;
            }
            if wait == Wait::ForNobody || !self.wanted_waits(&mailbox)? {
                self.result.passed_over = true;
                return Ok(());
            }
            tokio::time::sleep(LOCK_POLL).await;
        };
        self.drain_locked(mailbox, Arc::new(lock)).await
    }

    /// Whether a row of the mailbox that is waited for is still in the outbox.
    fn wanted_waits(&self, mailbox: &Mailbox) -> Result<bool, SendError> {
        let ids = self.wanted.values().filter(|wanted| wanted.mailbox == *mailbox);
        let ids: HashSet<u64> = ids.map(|wanted| wanted.id).collect();
        let Some((first, last)) = ids.iter().min().zip(ids.iter().max()) else {
            return Ok(false);
        };
        let (bytes, between) = (mailbox.to_bytes(), ((*first).into(), (*last).into()));
        let waiting = self.ground.profile.store.read(|tx| tx.outbox_waiting(&bytes, between))?;
        Ok(waiting.iter().any(|id| ids.contains(&id.get())))
    }

    /// Sends rows, and deals with what became of them before anything else.
    async fn send_rows(
        &mut self,
        to: (&Mailbox, TopicId),
        rows: Vec<ReadyRow>,
        lock: &Arc<Lock>,
    ) -> Result<(), SendError> {
        match self.append(to, rows).await? {
            Some((attempt, error)) => self.appended(to, attempt, lock, error).await,
            None => Ok(()),
        }
    }

    /// Appends rows to the log; `None` where their acknowledgements are none.
    async fn append(
        &mut self,
        (mailbox, topic_id): (&Mailbox, TopicId),
        rows: Vec<ReadyRow>,
    ) -> Result<Option<(Attempt, Option<TransportError>)>, SendError> {
        if breaks(Mutant::MarkSentBeforeAck) {
            self.ground.profile.store.write(|tx| rest(tx, mailbox, rows.iter()))?;
        }
        let (mut attempt, records) = Attempt::new(rows, mailbox);
        let topic = self.ground.network.mail_topic();
        let stored = self.ground.own(&topic, topic_id).newest(mailbox.partition)?;
        let floor = stored.max(self.line.floor.map(|offset| offset.0));
        reach(Place::BeforeAppend);
        let sent = self.ground.transport.append(&topic, mailbox.partition, records).await;
        reach(Place::AfterAppend);
        let (acks, error) = match sent {
            Ok(acks) if acks.len() < attempt.rows.len() => {
                let what =
                    format!("{} of {} records were acknowledged", acks.len(), attempt.rows.len());
                (acks, Some(TransportError::Protocol { what }))
            }
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
        self.taken_back = true;
        if self.contradictions >= MOST_CONTRADICTIONS {
            let what = format!("offset {offset} of partition {partition} was acknowledged twice");
            return Err(TransportError::Protocol { what }.into());
        }
        self.ground.forget(partition);
        Ok(true)
    }

    fn count(&mut self, mailbox: &Mailbox, attempt: &Attempt) {
        for (row, ack) in attempt.acked() {
            if self.wanted.contains_key(&row.id) {
                if !row.row.is_void {
                    self.settled.insert(row.id);
                }
                let (partition, offset) = (mailbox.partition.0, ack.offset);
                self.result.last = Some(Landed { partition, offset: offset.map(|at| at.0) });
            } else if !self.earlier.contains(&row.id) && !row.row.is_letter() {
                self.result.others += 1;
                if !row.row.is_void {
                    self.result.bring(row.id);
                }
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
        if row.row.is_void || row.row.is_letter() {
            // Not even the note that stands in for a message: it waits, as everything else does.
            return Err(SendError::NoteRefused { reason });
        }
        let state = MessageState::Failed { reason };
        let network = &self.ground.network;
        let profile = &self.ground.profile;
        let (signer, own) = (profile.signer(network.namespace())?, profile.own_leaf(network)?);
        let sealer = Resealer { sealer: Sealer { network, signer: &signer }, own: &own };
        self.ground.profile.store.write::<_, SendError>(|tx| {
            take_back(tx, (&sealer, mailbox), row.id, &row.row)?;
            close_message(tx, row.row.history.into(), state)
        })
    }
}

/// Whether a mailbox that another process drains is waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// Until that process is done with the rows that somebody waits for.
    ForOthers,
    ForNobody,
}

/// A broker that contradicts itself so often in one drain is not believed any more.
const MOST_CONTRADICTIONS: u32 = 3;
/// How long the end of a drain may take that has no time left.
const LAST_MOMENT: Duration = Duration::from_secs(1);
/// How often a process looks whether the one that drains has finished.
const LOCK_POLL: Duration = Duration::from_millis(20);
