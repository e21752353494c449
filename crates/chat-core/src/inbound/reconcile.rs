//! Where to go on reading after a connect: the log may not be the one that was read before.

use std::collections::HashMap;
use std::ops::Range;

use chat_store::{Cursor, WriteTxn};
use chat_transport::{
    Bounds, Offset, Partition, Position, ReadOptions, TopicId, TopicInfo, TransportError,
};

use super::store::{append_gap, note_hole};
use super::{Mail, Mailboxes, lagging};
use crate::error::ReceiveError;
use crate::hash::stored_hash;
use crate::item::{Gap, GapCause};
use crate::mutant::{Mutant, breaks};

/// One partition's log as a profile reads it.
pub(crate) struct Log<'a> {
    pub(crate) mail: &'a Mail,
    pub(crate) partition: Partition,
}

/// Where reading begins.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub(crate) topic_id: TopicId,
    pub(crate) truncations: u32,
    /// The first offset to ask for.
    pub(crate) from: u64,
    /// The record that must lie at `from`, if one is known: the newest whose hash was kept.
    pub(crate) expect: Option<[u8; 32]>,
    /// Where the log ended when it was looked at.
    pub(crate) end: u64,
    /// The cursor as it is stored now.
    pub(crate) cursor: Cursor,
}

impl Start {
    /// At the log's start, where no record is known.
    fn without_record(cursor: Cursor, bounds: &Bounds) -> Self {
        let (topic_id, truncations) = (TopicId(cursor.topic_id), cursor.truncations);
        let (from, end) = (bounds.start.0, bounds.end.0);
        Self { topic_id, truncations, from, expect: None, end, cursor }
    }
}

/// The log that is there, as the broker describes it.
pub(crate) struct Answer {
    info: TopicInfo,
    bounds: Bounds,
}

/// What a look at the log says.
pub(crate) enum Look {
    Start(Start),
    /// The log ends below what was read from it: it was cut, or the answer is stale. Look again
    /// before believing it.
    Shorter(Cursor),
    /// The leader is an older one than was seen before: look again before believing it.
    OlderLeader(Cursor),
    /// Nothing of the partition is ours: there is nothing to read it for.
    NoMailboxes,
}

impl Log<'_> {
    /// Asks the broker which log is there; `None` if the topic has no such partition.
    pub(crate) async fn ask(&self) -> Result<Option<Answer>, ReceiveError> {
        let info = self.topic_info().await?;
        if self.partition.0 >= info.partitions {
            return Ok(None);
        }
        Ok(Some(Answer { info, bounds: self.bounds().await? }))
    }

    /// Compares the stored cursor with the log: another topic, a stale leader, retention.
    ///
    /// Each hole is written down with the move of the cursor, in one transaction.
    pub(crate) fn compare(&self, answer: Answer) -> Result<Look, ReceiveError> {
        let (partition, Answer { info, bounds }) = (self.partition(), answer);
        let (topic, inbox) = (self.mail.topic.as_str(), &self.mail.inbox);
        let (cursor, mailboxes, lagging) = self.mail.store.read::<_, ReceiveError>(|tx| {
            let mailboxes = Mailboxes::load(tx, topic, inbox, self.partition)?;
            let lagging = lagging::of_partition(tx, topic, partition)?;
            Ok((tx.cursor(topic, partition, None)?, mailboxes, lagging))
        })?;
        if mailboxes.is_empty() {
            return Ok(Look::NoMailboxes);
        }
        let Some(cursor) = cursor else {
            return self.first_read(&info, &bounds).map(Look::Start);
        };
        if cursor.topic_id != info.id.0 && !breaks(Mutant::IgnoreTopicId) {
            return self.replaced(&info, &bounds, &cursor).map(Look::Start);
        }
        if is_older_leader(&bounds, &cursor) {
            return Ok(Look::OlderLeader(cursor));
        }
        if bounds.end.0 < cursor.next {
            return Ok(Look::Shorter(cursor));
        }
        if bounds.start.0 > cursor.next {
            return self.expired(&bounds, cursor).map(Look::Start);
        }
        let start = bounds.start.0;
        if lagging.iter().any(|lag| lag.is_unsettled(&mailboxes, &cursor, start)) {
            self.settle_lagging(&cursor, start)?;
        }
        let kept = self.mail.store.read(|tx| tx.kept_newest(topic, partition))?;
        let expect = kept.filter(|(offset, _)| (bounds.start.0..cursor.next).contains(offset));
        Ok(Look::Start(Start {
            topic_id: info.id,
            truncations: cursor.truncations,
            from: expect.map_or(cursor.next, |(offset, _)| offset),
            expect: expect.map(|(_, hash)| hash),
            end: bounds.end.0,
            cursor,
        }))
    }

    /// Begins a new incarnation behind the highest record that is still the one that was read;
    /// never at the log's end. Reading the rest again is harmless.
    ///
    /// * `seen` - the cursor that the log was found not to fit
    /// * `leader` - whether an answer under an older leader is believed
    pub(crate) async fn truncated(
        &self,
        seen: &Cursor,
        leader: OlderLeader,
    ) -> Result<(), ReceiveError> {
        let info = self.topic_info().await?;
        let bounds = self.bounds().await?;
        if leader == OlderLeader::Refused && is_older_leader(&bounds, seen) {
            return Err(self.older_leader());
        }
        let agreed = self.highest_agreeing(&info, &bounds).await?;
        let next = agreed.map_or(bounds.start.0, |offset| offset.saturating_add(1));
        let (topic, partition) = (self.mail.topic.as_str(), self.partition());
        self.mail.store.write(|tx| {
            let mut cursor = seen.clone();
            // Another process has read on, or has found the same.
            if tx.cursor(topic, partition, None)?.as_ref() != Some(seen) {
                return Err(ReceiveError::Moved);
            }
            if cursor.topic_id != info.id.0 {
                return Ok(());
            }
            if next < cursor.next {
                let gap = self.gap(GapCause::Truncation, next..cursor.next, &cursor);
                if !breaks(Mutant::SilentTruncation) {
                    append_gap(tx, gap)?;
                }
                tx.kept_truncate_from(topic, partition, next)?;
                cursor.truncations = cursor.truncations.saturating_add(1);
                cursor.next = next;
            } else if leader == OlderLeader::Refused {
                return Ok(());
            }
            cursor.leader_epoch = bounds.leader_epoch.map(|epoch| epoch.0);
            tx.set_cursor(topic, partition, None, &cursor)?;
            self.settle(tx, (seen, &cursor, bounds.start.0))
        })
    }

    /// Steps over records that cannot be decoded. Those among them that were read before are no gap.
    pub(crate) fn damaged(&self, offsets: &Range<u64>) -> Result<(), ReceiveError> {
        let (topic, partition) = (self.mail.topic.as_str(), self.partition());
        self.mail.store.write(|tx| {
            let cursor = tx.cursor(topic, partition, None)?.ok_or(ReceiveError::Moved)?;
            if cursor.next < offsets.start {
                return Err(ReceiveError::Moved);
            }
            let mailboxes = Mailboxes::load(tx, topic, &self.mail.inbox, self.partition)?;
            let next = cursor.next.max(offsets.end);
            lagging::step_over(tx, topic, &mailboxes, (offsets, next))?;
            // The log can no longer be compared with what these records were. Where they were read already,
            // what lies before them may be damaged too: reading goes on at the cursor, without comparing.
            if offsets.end <= cursor.next {
                let newest = tx.kept_newest(topic, partition)?;
                if newest.is_some_and(|(offset, _)| offsets.contains(&offset)) {
                    tx.kept_clear(topic, partition)?;
                }
                return Ok(());
            }
            tx.kept_truncate_from(topic, partition, offsets.start)?;
            append_gap(tx, self.gap(GapCause::Damaged, cursor.next..offsets.end, &cursor))?;
            let moved = Cursor { next: offsets.end, ..cursor };
            Ok(tx.set_cursor(topic, partition, None, &moved)?)
        })
    }

    /// An answer from before the newest leader that is known proves nothing.
    pub(crate) fn older_leader(&self) -> ReceiveError {
        ReceiveError::StaleLeader { partition: self.partition() }
    }

    async fn topic_info(&self) -> Result<TopicInfo, ReceiveError> {
        let info = self.mail.transport.topic(&self.mail.topic).await?;
        let needed = self.mail.inbox.partitions.get();
        if info.partitions < needed {
            let (topic, found) = (self.mail.topic.clone(), info.partitions);
            return Err(ReceiveError::TooFewPartitions { topic, found, needed });
        }
        Ok(info)
    }

    async fn bounds(&self) -> Result<Bounds, ReceiveError> {
        let partition = self.partition;
        let bounds = self.mail.transport.bounds(&self.mail.topic, &[partition]).await?;
        bounds.into_iter().next().ok_or(ReceiveError::NoBounds { partition: partition.0 })
    }

    fn partition(&self) -> u32 {
        self.partition.0
    }

    /// A partition that was never read is read from its start, and that is no gap; from where its first group starts,
    /// if only groups are read there.
    fn first_read(&self, info: &TopicInfo, bounds: &Bounds) -> Result<Start, ReceiveError> {
        let (topic, partition) = (self.mail.topic.as_str(), self.partition());
        let (start, end) = (bounds.start.0, bounds.end.0);
        let cursor = self.mail.store.write(|tx| {
            if tx.cursor(topic, partition, None)?.is_some() {
                return Err(ReceiveError::Moved);
            }
            let mailboxes = Mailboxes::load(tx, topic, &self.mail.inbox, self.partition)?;
            let first = mailboxes.first_start().unwrap_or_default();
            if start > first {
                note_hole(tx, partition, |group| group.start < start)?;
            }
            let cursor = Cursor {
                topic_id: info.id.0,
                truncations: 0,
                next: first.min(end).max(start),
                leader_epoch: bounds.leader_epoch.map(|epoch| epoch.0),
                unreadable: 0,
                last_timestamp_ms: None,
            };
            tx.set_cursor(topic, partition, None, &cursor)?;
            Ok(cursor)
        })?;
        Ok(Start { from: cursor.next, ..Start::without_record(cursor.clone(), bounds) })
    }

    /// The topic was made anew: everything of the old one that was not read is out of reach.
    fn replaced(
        &self,
        info: &TopicInfo,
        bounds: &Bounds,
        old: &Cursor,
    ) -> Result<Start, ReceiveError> {
        let start = bounds.start.0;
        let gap = self.gap(GapCause::TopicReplaced, old.next..start, old);
        let cursor = Cursor {
            topic_id: info.id.0,
            truncations: 0,
            next: start,
            leader_epoch: bounds.leader_epoch.map(|epoch| epoch.0),
            ..old.clone()
        };
        self.move_cursor((old, &cursor, start), gap, true)?;
        Ok(Start::without_record(cursor, bounds))
    }

    /// The broker deleted records before they were read.
    fn expired(&self, bounds: &Bounds, old: Cursor) -> Result<Start, ReceiveError> {
        let start = bounds.start.0;
        let gap = self.gap(GapCause::Retention, old.next..start, &old);
        let cursor = Cursor { next: start, ..old.clone() };
        if breaks(Mutant::SilentRetention) {
            let (topic, partition) = (self.mail.topic.as_str(), self.partition());
            self.mail.store.write::<_, ReceiveError>(|tx| {
                Ok(tx.set_cursor(topic, partition, None, &cursor)?)
            })?;
            return Ok(Start::without_record(cursor, bounds));
        }
        self.move_cursor((&old, &cursor, start), gap, false)?;
        Ok(Start::without_record(cursor, bounds))
    }

    fn move_cursor(
        &self,
        (old, new, start): (&Cursor, &Cursor, u64),
        gap: Gap,
        forget_hashes: bool,
    ) -> Result<(), ReceiveError> {
        let (topic, partition) = (self.mail.topic.as_str(), self.partition());
        self.mail.store.write(|tx| {
            if tx.cursor(topic, partition, None)?.as_ref() != Some(old) {
                return Err(ReceiveError::Moved);
            }
            append_gap(tx, gap)?;
            if forget_hashes {
                tx.kept_clear(topic, partition)?;
            }
            tx.set_cursor(topic, partition, None, new)?;
            self.settle(tx, (old, new, start))
        })
    }

    /// Fits the cursors of mailboxes that lag to where the log starts.
    fn settle_lagging(&self, cursor: &Cursor, start: u64) -> Result<(), ReceiveError> {
        self.mail.store.write(|tx| {
            let now = tx.cursor(self.mail.topic.as_str(), self.partition(), None)?;
            let incarnation = |cursor: &Cursor| (cursor.topic_id, cursor.truncations);
            match now {
                Some(now) if incarnation(&now) == incarnation(cursor) => {
                    self.settle(tx, (&now, &now, start))
                }
                _ => Err(ReceiveError::Moved),
            }
        })
    }

    /// See [`lagging::settle`].
    fn settle(
        &self,
        tx: &mut WriteTxn<'_>,
        cursors: (&Cursor, &Cursor, u64),
    ) -> Result<(), ReceiveError> {
        let topic = self.mail.topic.as_str();
        let mailboxes = Mailboxes::load(tx, topic, &self.mail.inbox, self.partition)?;
        lagging::settle(tx, topic, &mailboxes, cursors)
    }

    fn gap(&self, cause: GapCause, offsets: Range<u64>, cursor: &Cursor) -> Gap {
        Gap {
            cause,
            partition: self.partition(),
            from_offset: offsets.start,
            to_offset: offsets.end,
            after_ms: cursor.last_timestamp_ms,
            before_ms: None,
        }
    }

    /// The highest offset whose record is still the one whose hash was kept.
    async fn highest_agreeing(
        &self,
        info: &TopicInfo,
        bounds: &Bounds,
    ) -> Result<Option<u64>, ReceiveError> {
        let (topic, partition) = (self.mail.topic.as_str(), self.partition());
        let kept =
            self.mail.store.read(|tx| tx.kept_below(topic, partition, bounds.end.0, MOST_KEPT))?;
        let kept: HashMap<u64, [u8; 32]> =
            kept.into_iter().filter(|(offset, _)| *offset >= bounds.start.0).collect();
        let Some(mut at) = kept.keys().min().copied() else { return Ok(None) };
        let mut agreed = None;
        while at < bounds.end.0 {
            let position = Position { partition: self.partition, offset: Offset(at) };
            let options =
                ReadOptions { max_wait: std::time::Duration::ZERO, ..ReadOptions::default() };
            let pages = match self
                .mail
                .transport
                .read(&self.mail.topic, info.id, &[position], options)
                .await
            {
                Ok(pages) => pages,
                Err(TransportError::Damaged { next, .. }) if next.0 > at => {
                    at = next.0;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let Some(page) = pages.into_iter().next() else { break };
            for record in &page.records {
                if kept.get(&record.offset.0).is_some_and(|hash| *hash == stored_hash(record)) {
                    agreed = agreed.max(Some(record.offset.0));
                }
            }
            if page.resume.0 <= at {
                break;
            }
            at = page.resume.0;
        }
        Ok(agreed)
    }
}

/// Whether an answer under an older leader is believed. It is once it has been given for long enough:
/// a broker whose disk was restored counts its leaders anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OlderLeader {
    Refused,
    Believed,
}

fn is_older_leader(bounds: &Bounds, cursor: &Cursor) -> bool {
    let epoch = bounds.leader_epoch.map(|epoch| epoch.0);
    epoch.is_some() && epoch < cursor.leader_epoch
}

/// As many hashes as the store keeps of one partition.
const MOST_KEPT: usize = 4096;
