//! Mailboxes that lag behind their partition: learned late, they have a cursor of their own until they catch up.

use std::ops::Range;

use chat_store::{Cursor, ReadTxn, WriteTxn};

use super::Mailboxes;
use crate::error::ReceiveError;
use crate::groups::GroupRow;
use crate::history_row::HistoryRow;
use crate::item::{Gap, GapCause, Item};
use crate::mailbox::Mailbox;

/// Lets a group that is new to the profile be read from where it starts, in the transaction that makes it known.
///
/// Where the partition was read further than that already, the mailbox gets a cursor of its own. A partition that
/// was never read is read from the start of its first group on, or from the log's start if the inbox lies in it.
#[allow(dead_code, reason = "the parts that follow use it")]
pub(crate) fn begin_reading(
    tx: &mut WriteTxn<'_>,
    topic: &str,
    row: &GroupRow,
) -> Result<(), ReceiveError> {
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

fn lag_from(
    tx: &mut WriteTxn<'_>,
    topic: &str,
    (mailbox, from): (&Mailbox, u64),
) -> Result<(), ReceiveError> {
    let (partition, tag) = (mailbox.partition.0, mailbox.tag.as_bytes());
    let Some(cursor) = tx.cursor(topic, partition, None)? else { return Ok(()) };
    if from >= cursor.next {
        return Ok(());
    }
    // Somebody may invite to a mailbox that lags already: it falls back, and never jumps ahead.
    let known = tx.cursor(topic, partition, Some(tag))?;
    let next = known.map_or(from, |known| known.next.min(from));
    let lag = Cursor { next, leader_epoch: None, unreadable: 0, last_timestamp_ms: None, ..cursor };
    Ok(tx.set_cursor(topic, partition, Some(tag), &lag)?)
}

/// Moves the cursors of lagging mailboxes on to `next`, and drops those that have caught up with the partition.
pub(super) fn advance(
    tx: &mut WriteTxn<'_>,
    (topic, partition): (&str, u32),
    lagging: Vec<([u8; 16], Cursor)>,
    (next, partition_next): (u64, u64),
) -> Result<u64, ReceiveError> {
    let mut position = partition_next;
    for (tag, cursor) in lagging {
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
) -> Result<Vec<([u8; 16], Cursor)>, ReceiveError> {
    let rows = tx.cursors()?.into_iter();
    let here = rows.filter(|row| row.topic == topic && row.partition == partition);
    Ok(here.filter_map(|row| row.mailbox.map(|tag| (tag, row.cursor))).collect())
}

/// Whether the cursor of a lagging mailbox no longer fits its partition's, or the log's start.
pub(super) fn is_unsettled(
    mailboxes: &Mailboxes,
    (tag, lag): &([u8; 16], Cursor),
    (cursor, start): (&Cursor, u64),
) -> bool {
    mailboxes.group(tag).is_none()
        || (lag.topic_id, lag.truncations) != (cursor.topic_id, cursor.truncations)
        || lag.next < start
        || lag.next >= cursor.next
}

/// Fits the cursors of lagging mailboxes to the partition's cursor, which was set in this transaction.
///
/// What they can never read any more is a gap row of their conversation.
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
    for (tag, mut lag) in of_partition(tx, topic, partition)? {
        if mailboxes.group(&tag).is_none() {
            tx.delete_cursor(topic, partition, Some(&tag))?;
            continue;
        }
        if lag.topic_id != new.topic_id {
            let lost = (GapCause::TopicReplaced, lag.next..old.next.max(lag.next));
            append_gap(tx, mailboxes, (&tag, &lag), lost)?;
            tx.delete_cursor(topic, partition, Some(&tag))?;
            continue;
        }
        if lag.next < start {
            let lost = (GapCause::Retention, lag.next..start.min(old.next));
            append_gap(tx, mailboxes, (&tag, &lag), lost)?;
            lag.next = start;
        }
        lag.truncations = new.truncations;
        put_or_drop(tx, (topic, partition), (&tag, &lag), new.next)?;
    }
    Ok(())
}

/// Steps over records that cannot be decoded.
pub(super) fn step_over(
    tx: &mut WriteTxn<'_>,
    topic: &str,
    mailboxes: &Mailboxes,
    (offsets, partition_next): (&Range<u64>, u64),
) -> Result<(), ReceiveError> {
    let partition = mailboxes.partition.0;
    for (tag, mut lag) in of_partition(tx, topic, partition)? {
        if offsets.contains(&lag.next) {
            let lost = (GapCause::Damaged, lag.next..offsets.end.min(partition_next));
            append_gap(tx, mailboxes, (&tag, &lag), lost)?;
            lag.next = offsets.end;
            put_or_drop(tx, (topic, partition), (&tag, &lag), partition_next)?;
        }
    }
    Ok(())
}

fn put_or_drop(
    tx: &mut WriteTxn<'_>,
    (topic, partition): (&str, u32),
    (tag, lag): (&[u8; 16], &Cursor),
    partition_next: u64,
) -> Result<(), ReceiveError> {
    if lag.next >= partition_next {
        return Ok(tx.delete_cursor(topic, partition, Some(tag))?);
    }
    Ok(tx.set_cursor(topic, partition, Some(tag), lag)?)
}

/// A gap row in the conversation of a mailbox. The partition has none for it: it was read there.
fn append_gap(
    tx: &mut WriteTxn<'_>,
    mailboxes: &Mailboxes,
    (tag, lag): (&[u8; 16], &Cursor),
    (cause, offsets): (GapCause, Range<u64>),
) -> Result<(), ReceiveError> {
    let Some(group) = mailboxes.group(tag) else { return Ok(()) };
    let gap = Gap {
        cause,
        partition: mailboxes.partition.0,
        from_offset: offsets.start,
        to_offset: offsets.end,
        after_ms: lag.last_timestamp_ms,
        before_ms: None,
    };
    HistoryRow::now(Item::Gap(gap)).append::<ReceiveError>(tx, &group.conversation)?;
    Ok(())
}
