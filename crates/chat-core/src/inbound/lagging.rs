//! Mailboxes that lag behind their partition: learned late, they have a cursor of their own until they catch up.

use std::ops::Range;

use chat_store::{Cursor, ReadTxn, StoreError, WriteTxn};

use super::Mailboxes;
use super::store::pass_over;
use crate::error::ReceiveError;
use crate::groups::GroupRow;
use crate::history_row::HistoryRow;
use crate::item::{Gap, GapCause, Item};
use crate::mailbox::Mailbox;

/// The cursor of a mailbox that lags.
#[derive(Clone, Debug)]
pub(super) struct Lag {
    pub(super) tag: [u8; 16],
    pub(super) cursor: Cursor,
}

/// Lets a group that is new to the profile be read from where it starts, in the transaction that makes it known.
///
/// Where the partition was read further than that already, the mailbox gets a cursor of its own. A partition that
/// was never read is read from the start of its first group on, or from the log's start if the inbox lies in it.
pub(crate) fn begin_reading(
    tx: &mut WriteTxn<'_>,
    topic: &str,
    row: &GroupRow,
) -> Result<(), StoreError> {
    lag_from(tx, topic, (&row.mailbox(), row.start))
}

/// Lets the mailboxes of a group that are new since a record below the partition's cursor be read behind it.
pub(super) fn follow(
    tx: &mut WriteTxn<'_>,
    topic: &str,
    row: &GroupRow,
    from: u64,
) -> Result<(), ReceiveError> {
    for mailbox in row.mailboxes() {
        let (partition, tag) = (mailbox.partition.0, mailbox.tag.as_bytes());
        if tx.cursor(topic, partition, Some(tag))?.is_none() {
            lag_from(tx, topic, (&mailbox, from))?;
        }
    }
    Ok(())
}

/// Lets a mailbox of the inbox that is new be read from the log's start on: whoever was quicker to take the network key
/// that leads to it may have written already.
pub(crate) fn begin_reading_inbox(
    tx: &mut WriteTxn<'_>,
    topic: &str,
    mailbox: &Mailbox,
) -> Result<(), StoreError> {
    lag_from(tx, topic, (mailbox, 0))
}

fn lag_from(
    tx: &mut WriteTxn<'_>,
    topic: &str,
    (mailbox, from): (&Mailbox, u64),
) -> Result<(), StoreError> {
    let (partition, tag) = (mailbox.partition.0, mailbox.tag.as_bytes());
    let Some(cursor) = tx.cursor(topic, partition, None)? else { return Ok(()) };
    if from >= cursor.next {
        return Ok(());
    }
    // Somebody may invite to a mailbox that lags already: it falls back, and never jumps ahead.
    let known = tx.cursor(topic, partition, Some(tag))?;
    let next = known.map_or(from, |known| known.next.min(from));
    let lag = Cursor { next, leader_epoch: None, unreadable: 0, last_timestamp_ms: None, ..cursor };
    tx.set_cursor(topic, partition, Some(tag), &lag)
}

/// Moves the cursors of lagging mailboxes on to `next`, and drops those that have caught up with the partition.
pub(super) fn advance(
    tx: &mut WriteTxn<'_>,
    (topic, partition): (&str, u32),
    lagging: Vec<Lag>,
    (next, partition_next): (u64, u64),
) -> Result<u64, ReceiveError> {
    let mut position = partition_next;
    for Lag { tag, cursor } in lagging {
        let moved = Cursor { next: cursor.next.max(next), ..cursor.clone() };
        if moved.next >= partition_next {
            tx.delete_cursor(topic, partition, Some(&tag))?;
            continue;
        }
        position = position.min(moved.next);
        if moved != cursor {
            tx.set_cursor(topic, partition, Some(&tag), &moved)?;
        }
    }
    Ok(position)
}

/// The cursors of lagging mailboxes of a partition, also those that nobody reads any more.
pub(super) fn of_partition(
    tx: &ReadTxn<'_>,
    topic: &str,
    partition: u32,
) -> Result<Vec<Lag>, ReceiveError> {
    let rows = tx.cursors()?.into_iter();
    let here = rows.filter(|row| row.topic == topic && row.partition == partition);
    Ok(here.filter_map(|row| row.mailbox.map(|tag| Lag { tag, cursor: row.cursor })).collect())
}

impl Lag {
    /// Whether it no longer fits its partition's cursor, or the log's start.
    pub(super) fn is_unsettled(
        &self,
        mailboxes: &Mailboxes,
        partition: &Cursor,
        start: u64,
    ) -> bool {
        let incarnation = |cursor: &Cursor| (cursor.topic_id, cursor.truncations);
        mailboxes.conversation(&self.tag).is_none()
            || incarnation(&self.cursor) != incarnation(partition)
            || self.cursor.next < start
            || self.cursor.next >= partition.next
    }

    /// Keeps it, unless it has caught up.
    fn put(&self, tx: &mut WriteTxn<'_>, log: (&str, u32), end: u64) -> Result<(), ReceiveError> {
        let (topic, partition) = log;
        if self.cursor.next >= end {
            return Ok(tx.delete_cursor(topic, partition, Some(&self.tag))?);
        }
        Ok(tx.set_cursor(topic, partition, Some(&self.tag), &self.cursor)?)
    }

    /// A gap row in the conversation of the mailbox, from its cursor to `to`. The partition has none for it: it was
    /// read there.
    fn append_gap(
        &self,
        tx: &mut WriteTxn<'_>,
        mailboxes: &Mailboxes,
        (cause, to): (GapCause, u64),
    ) -> Result<(), ReceiveError> {
        let Some(conversation) = mailboxes.conversation(&self.tag) else { return Ok(()) };
        if mailboxes.is_of_inbox(&self.tag) && self.cursor.next == 0 {
            // It is read from wherever the log begins: nobody wrote to it before its key was made.
            return Ok(());
        }
        let gap = Gap {
            cause,
            partition: mailboxes.partition.0,
            from_offset: self.cursor.next,
            to_offset: to,
            after_ms: None,
            before_ms: None,
        };
        let is_here = |mailbox: Mailbox| mailbox.tag.as_bytes() == &self.tag;
        pass_over(tx, mailboxes.partition.0, |row| row.mailboxes().any(is_here))?;
        HistoryRow::now(Item::Gap(gap)).append::<ReceiveError>(tx, conversation)?;
        Ok(())
    }
}

/// Fits the cursors of lagging mailboxes to the partition's cursor, which was set in this transaction.
///
/// What they can never read any more is a gap row of their conversation. A log that was cut below a cursor is read
/// again from the partition's, for this mailbox too.
///
/// * `old` - the partition's cursor as it was before
/// * `start` - where the log starts now
pub(super) fn settle(
    tx: &mut WriteTxn<'_>,
    topic: &str,
    mailboxes: &Mailboxes,
    (old, new, start): (&Cursor, &Cursor, u64),
) -> Result<(), ReceiveError> {
    let partition = mailboxes.partition.0;
    for mut lag in of_partition(tx, topic, partition)? {
        let is_replaced = lag.cursor.topic_id != new.topic_id;
        if is_replaced {
            lag.append_gap(
                tx,
                mailboxes,
                (GapCause::TopicReplaced, old.next.max(lag.cursor.next)),
            )?;
        }
        if is_replaced || mailboxes.conversation(&lag.tag).is_none() {
            tx.delete_cursor(topic, partition, Some(&lag.tag))?;
            continue;
        }
        if lag.cursor.next < start {
            lag.append_gap(tx, mailboxes, (GapCause::Retention, start.min(old.next)))?;
            lag.cursor.next = start;
        }
        lag.cursor.truncations = new.truncations;
        lag.put(tx, (topic, partition), new.next)?;
    }
    Ok(())
}

/// Steps over records that cannot be decoded.
///
/// * `end` - the partition's cursor behind them
pub(super) fn step_over(
    tx: &mut WriteTxn<'_>,
    topic: &str,
    mailboxes: &Mailboxes,
    (offsets, end): (&Range<u64>, u64),
) -> Result<(), ReceiveError> {
    let partition = mailboxes.partition.0;
    for mut lag in of_partition(tx, topic, partition)? {
        if offsets.contains(&lag.cursor.next) {
            lag.append_gap(tx, mailboxes, (GapCause::Damaged, offsets.end))?;
            lag.cursor.next = offsets.end;
            lag.put(tx, (topic, partition), end)?;
        }
    }
    Ok(())
}
