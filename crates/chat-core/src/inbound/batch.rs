//! Storing a batch of opened records: as many in one transaction as its time allows, the cursors with them.

use std::time::{Duration, Instant};

use chat_crypto::MailboxTag;
use chat_store::{Cursor, WriteTxn};
use chat_transport::{LeaderEpoch, TopicId};

use super::conversations::{Conversations, RecordAt};
use super::lagging::Lag;
use super::store::{Sink, Skipped};
use super::{Mailboxes, Opened, lagging};
use crate::error::ReceiveError;
use crate::groups::GroupRow;

/// Records of one partition, opened, in the order of their offsets, from where its mailboxes are read on.
pub(crate) struct Batch<'a> {
    /// What they were opened with.
    pub(crate) mailboxes: &'a Mailboxes,
    pub(crate) topic: &'a str,
    /// The incarnation of the log that they were read from.
    pub(crate) topic_id: TopicId,
    pub(crate) truncations: u32,
    pub(crate) records: Vec<OpenedRecord>,
    /// Where reading goes on; behind the last record where the log holds none in between.
    pub(crate) resume: u64,
    /// How long one transaction may hold up the other processes of the profile.
    pub(crate) longest: Duration,
}

/// A record and what it turned out to be.
pub(crate) struct OpenedRecord {
    pub(crate) offset: u64,
    pub(crate) timestamp_ms: i64,
    pub(crate) leader_epoch: Option<LeaderEpoch>,
    pub(crate) hash: [u8; 32],
    /// The mailbox that it lies in, if that is ours.
    pub(crate) to: Option<MailboxTag>,
    pub(crate) opened: Opened,
}

/// What a batch came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stored {
    /// Rows that were added to the history.
    pub(crate) rows: u64,
    pub(crate) skipped: Skipped,
    /// Where reading goes on. That is the partition's cursor behind what was stored, which another process of the
    /// profile may have moved further, or that of the mailbox that lags furthest behind it.
    pub(crate) next: u64,
    /// Whether time was up before the batch was stored to its end: store it again, for the rest.
    pub(crate) unfinished: bool,
    /// Whether other mailboxes or keys count by now than those that opened the batch: open the rest anew.
    pub(crate) outdated: bool,
}

/// Stores a batch, or as much of it as its time allows, at least one record. Records below the cursor are dropped,
/// they are stored already; but for those of mailboxes that lag behind it.
///
/// # Errors
/// [`ReceiveError::Moved`] if the cursor belongs to another incarnation by now: nothing changed.
pub(crate) fn store_batch(
    tx: &mut WriteTxn<'_>,
    batch: &Batch<'_>,
    conversations: &mut dyn Conversations,
) -> Result<Stored, ReceiveError> {
    let partition = batch.mailboxes.partition.0;
    let cursor = tx.cursor(batch.topic, partition, None)?.ok_or(ReceiveError::Moved)?;
    if cursor.topic_id != batch.topic_id.0 || cursor.truncations != batch.truncations {
        return Err(ReceiveError::Moved);
    }
    let Some(lagging) = batch.mailboxes.still_lagging(tx, batch.topic)? else {
        return Ok(Stored { next: cursor.next, outdated: true, ..Stored::default() });
    };
    let (begun, done) = (Instant::now(), 0);
    conversations.begin();
    let sink = Sink::new(tx, (batch.topic, batch.topic_id, partition));
    let mut storing =
        Storing { sink, batch, conversations, cursor, lagging, hashes: Vec::new(), done };
    for record in &batch.records {
        let is_full = storing.done > 0 && begun.elapsed() >= batch.longest;
        if storing.sink.stored.outdated || is_full {
            storing.sink.stored.unfinished = !storing.sink.stored.outdated;
            return storing.finish();
        }
        storing.record(record)?;
    }
    if !storing.sink.stored.outdated {
        storing.pass(batch.resume)?;
    }
    storing.finish()
}

/// A batch on its way into the store.
struct Storing<'a, 'tx, 'b> {
    sink: Sink<'a, 'tx>,
    batch: &'a Batch<'b>,
    conversations: &'a mut dyn Conversations,
    /// The partition's cursor, behind the records above it that were stored.
    cursor: Cursor,
    /// The cursors of mailboxes that lag, as they were when the transaction began.
    lagging: Vec<Lag>,
    /// The records above the cursor.
    hashes: Vec<(u64, [u8; 32])>,
    /// The offset behind what is done with; 0 at first.
    done: u64,
}

impl Storing<'_, '_, '_> {
    fn record(&mut self, record: &OpenedRecord) -> Result<(), ReceiveError> {
        let behind = record.offset.saturating_add(1);
        if record.offset >= self.cursor.next {
            self.jump(record.offset, Some(record.timestamp_ms))?;
            self.cursor.next = behind;
            self.cursor.last_timestamp_ms = Some(record.timestamp_ms);
            let epoch = record.leader_epoch.map(|epoch| epoch.0);
            self.cursor.leader_epoch = self.cursor.leader_epoch.max(epoch);
            self.hashes.push((record.offset, record.hash));
            self.opened(record)?;
        } else if record.to.is_some_and(|to| self.lags(&to, record.offset)) {
            self.late(record)?;
        } else if self.lagging.iter().all(|lag| record.offset < lag.cursor.next) {
            // Stored before: nothing to stop behind.
            return Ok(());
        }
        self.done = behind;
        Ok(())
    }

    /// The log holds nothing from the cursor to `to`.
    fn jump(&mut self, to: u64, before_ms: Option<i64>) -> Result<(), ReceiveError> {
        if to > self.cursor.next {
            // The gap concerns what is kept of groups, as it is stored.
            self.conversations.finish(self.sink.tx)?;
        }
        self.sink.no_record_gap(&self.cursor, to, before_ms)
    }

    /// Stores a record above the partition's cursor.
    fn opened(&mut self, record: &OpenedRecord) -> Result<(), ReceiveError> {
        let at = self.place(record);
        let took = match &record.opened {
            Opened::Mls(mls) => self.conversations.message(self.sink.tx, &at, mls)?,
            Opened::Letter(letter) => {
                // Whoever joins a group looks how far its partition was read, which may be this one.
                let (topic, partition) = (self.batch.topic, at.partition);
                self.sink.tx.set_cursor(topic, partition, None, &self.cursor)?;
                self.conversations.letter(self.sink.tx, &at, letter)?
            }
            Opened::Sealed(group) => self.conversations.sealed(self.sink.tx, &at, *group)?,
            _ => return self.sink.record(record),
        };
        if let Some(refusal) = took.refused {
            self.sink.refused(refusal, &record.hash)?;
        }
        self.sink.stored.rows += took.rows;
        self.sink.stored.skipped.add(took.skipped);
        self.sink.stored.outdated |= took.mailboxes_changed;
        Ok(())
    }

    /// Whether a record below the partition's cursor is one that its mailbox has still to be given.
    fn lags(&self, mailbox: &MailboxTag, offset: u64) -> bool {
        let tag = mailbox.as_bytes();
        self.lagging.iter().any(|lag| lag.tag == *tag && lag.cursor.next <= offset)
    }

    /// Gives a lagging mailbox what is its own. It was counted as nobody's before, and counts for nothing now.
    fn late(&mut self, record: &OpenedRecord) -> Result<(), ReceiveError> {
        let at = self.place(record);
        let (took, group) = match &record.opened {
            Opened::Mls(mls) => {
                (self.conversations.message(self.sink.tx, &at, mls)?, Some(mls.group))
            }
            Opened::Letter(letter) => (self.conversations.letter(self.sink.tx, &at, letter)?, None),
            Opened::Content(_) | Opened::Newer(..) => return self.sink.record(record),
            Opened::Foreign | Opened::Refused(_) | Opened::Sealed(_) => return Ok(()),
        };
        self.sink.stored.rows += took.rows;
        if took.mailboxes_changed {
            self.sink.stored.outdated = true;
            let row = group.map(|group| GroupRow::of::<ReceiveError>(self.sink.tx, group));
            if let Some(row) = row.transpose()?.flatten() {
                let behind = record.offset.saturating_add(1);
                lagging::follow(self.sink.tx, self.batch.topic, &row, behind)?;
            }
        }
        Ok(())
    }

    /// Goes on to where the log holds the next record.
    fn pass(&mut self, resume: u64) -> Result<(), ReceiveError> {
        self.jump(resume, None)?;
        self.cursor.next = self.cursor.next.max(resume);
        self.done = self.done.max(resume);
        Ok(())
    }

    /// Moves the cursors.
    fn finish(self) -> Result<Stored, ReceiveError> {
        let Self { sink, batch, conversations, mut cursor, lagging, hashes, done, .. } = self;
        let (topic, partition) = (batch.topic, batch.mailboxes.partition.0);
        let Sink { tx, mut stored, .. } = sink;
        conversations.finish(tx)?;
        cursor.unreadable = cursor.unreadable.saturating_add(stored.skipped.unreadable);
        if !hashes.is_empty() {
            tx.kept_append(topic, partition, &hashes)?;
        }
        tx.set_cursor(topic, partition, None, &cursor)?;
        stored.next = lagging::advance(tx, (topic, partition), lagging, (done, cursor.next))?;
        Ok(stored)
    }

    fn place(&self, record: &OpenedRecord) -> RecordAt {
        RecordAt {
            topic_id: self.batch.topic_id,
            partition: self.batch.mailboxes.partition.0,
            offset: record.offset,
            timestamp_ms: record.timestamp_ms,
            hash: record.hash,
        }
    }
}
