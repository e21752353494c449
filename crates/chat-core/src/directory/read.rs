//! Reading partitions of the directory from where they were read before to their ends.

use std::sync::Arc;
use std::time::Duration;

use chat_store::{Cursor, WriteTxn};
use chat_transport::{
    Bounds, Offset, Page, Partition, Position, ReadOptions, TopicId, Transport, TransportError,
};

use super::own::{OwnRow, Owner};
use super::place::Place;
use super::take::{Taken, Taking};
use crate::client::Profile;
use crate::error::DirectoryError;

/// Reads the directory into a profile.
///
/// Holes in the offsets are what compaction leaves, and no gaps. A topic that was made anew, and a log that was cut or
/// has another leader, is read again from its start; what is kept stays.
#[derive(Clone)]
pub(crate) struct DirectoryReader {
    pub(crate) profile: Arc<Profile>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) place: Arc<Place>,
}

/// One way through a partition.
#[derive(Clone, Copy)]
struct Walk {
    partition: Partition,
    topic_id: TopicId,
    pass: Pass,
}

/// A KeyPackage may lie before the entry that it needs, once the entry was published again: such ones are looked at a
/// second time when all entries are known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    First,
    Second,
}

impl Pass {
    /// The name of its cursor.
    fn cursor(self) -> Option<&'static [u8; 16]> {
        match self {
            Self::First => None,
            Self::Second => Some(b"directory, again"),
        }
    }
}

impl DirectoryReader {
    /// Reads partitions to where they end now. What is on the log already and was read before is not asked for again:
    /// while nothing is new, it costs one question to the broker for all of them.
    ///
    /// # Errors
    /// When the broker or the store fails; what was read until then is kept.
    pub(crate) async fn read(&self, partitions: &[Partition]) -> Result<Taken, DirectoryError> {
        let state = self.transport.state(&self.place.topic, partitions).await?;
        let mut taken = Taken::default();
        for (partition, bounds) in partitions.iter().zip(state.bounds) {
            let walk = Walk { partition: *partition, topic_id: state.id, pass: Pass::First };
            taken.add(&self.read_partition(walk, bounds).await?);
        }
        let Taken { taken: good, junk, stale, forked, .. } = &taken;
        if good + junk + stale + forked > 0 {
            tracing::debug!(good, junk, stale, forked, "records of the directory were read");
        }
        Ok(taken)
    }

    async fn read_partition(&self, walk: Walk, bounds: Bounds) -> Result<Taken, DirectoryError> {
        let mut taken = Taken::default();
        for _ in 0..MOST_BEGINNINGS {
            let next = self.with_profile(move |reader| reader.begin(walk, &bounds)).await?;
            let read = match self.walk(walk, next..bounds.end.0, &mut taken).await {
                Ok(()) => self.look_again(walk, &mut taken).await,
                other => other,
            };
            match read {
                Err(DirectoryError::Moved) => {}
                Err(error) => return Err(error),
                Ok(()) => return Ok(taken),
            }
        }
        Err(DirectoryError::Moved)
    }

    /// Looks a second time at KeyPackages whose entries came behind them.
    async fn look_again(&self, walk: Walk, taken: &mut Taken) -> Result<(), DirectoryError> {
        let again = Walk { pass: Pass::Second, ..walk };
        let read = move |reader: &Self| {
            reader.profile.store.read::<_, DirectoryError>(|tx| {
                let (topic, at) = (reader.place.topic.as_str(), walk.partition.0);
                let of = |pass: Pass| tx.cursor(topic, at, pass.cursor());
                Ok((of(Pass::Second)?, of(Pass::First)?))
            })
        };
        let (Some(from), Some(to)) = self.with_profile(read).await? else { return Ok(()) };
        self.walk(again, from.next..to.next, taken).await?;
        self.with_profile(move |reader| {
            reader.profile.store.write::<_, DirectoryError>(|tx| {
                let (topic, at) = (reader.place.topic.as_str(), walk.partition.0);
                Ok(tx.delete_cursor(topic, at, again.pass.cursor())?)
            })
        })
        .await
    }

    /// Takes all records of some offsets.
    async fn walk(
        &self,
        walk: Walk,
        offsets: std::ops::Range<u64>,
        taken: &mut Taken,
    ) -> Result<(), DirectoryError> {
        let mut from = offsets.start;
        let mut stalls = 0;
        while from < offsets.end {
            let page = match self.page(walk, from).await {
                Ok(page) => page,
                Err(TransportError::Damaged { next, .. }) if next.0 > from => {
                    let resume = next;
                    Page { partition: walk.partition, records: vec![], resume, end: next }
                }
                Err(TransportError::OutOfRange { .. } | TransportError::TopicReplaced { .. }) => {
                    return Err(DirectoryError::Moved);
                }
                Err(error) => return Err(error.into()),
            };
            let resume = page.resume.0.max(from);
            if page.records.is_empty() && resume == from {
                stalls += 1;
                if stalls >= MOST_STALLS {
                    // Nothing is there, and the broker does not say where something is: the next look goes on here.
                    return Ok(());
                }
                continue;
            }
            let stored = move |reader: &Self| reader.take_page(walk, from, &page);
            taken.add(&self.with_profile(stored).await?);
            from = resume;
        }
        Ok(())
    }

    async fn page(&self, walk: Walk, from: u64) -> Result<Page, TransportError> {
        let at = [Position { partition: walk.partition, offset: Offset(from) }];
        let options = ReadOptions {
            max_bytes: PAGE_BYTES.max(self.place.max_record),
            max_records: PAGE_RECORDS,
            max_wait: PAGE_WAIT,
        };
        let pages = self.transport.read(&self.place.topic, walk.topic_id, &at, options).await?;
        let offset = Offset(from);
        let nothing =
            Page { partition: walk.partition, records: vec![], resume: offset, end: offset };
        Ok(pages.into_iter().next().unwrap_or(nothing))
    }

    /// Where to go on, as the log is now.
    fn begin(&self, walk: Walk, bounds: &Bounds) -> Result<u64, DirectoryError> {
        let (topic, at) = (self.place.topic.as_str(), walk.partition.0);
        let known = self
            .profile
            .store
            .read::<_, DirectoryError>(|tx| Ok(tx.cursor(topic, at, Pass::First.cursor())?))?;
        if known.as_ref().is_some_and(|cursor| fits(cursor, walk, bounds)) {
            return Ok(known.map_or(bounds.start.0, |cursor| cursor.next));
        }
        self.profile.store.write(|tx| {
            let before = tx.cursor(topic, at, Pass::First.cursor())?;
            if before != known || self.place.is_outdated(tx)? {
                return Err(DirectoryError::Moved);
            }
            let same = before.filter(|cursor| cursor.topic_id == walk.topic_id.0);
            let cursor = Cursor {
                topic_id: walk.topic_id.0,
                truncations: same.map_or(0, |cursor| cursor.truncations.saturating_add(1)),
                next: bounds.start.0,
                leader_epoch: bounds.leader_epoch.map(|epoch| epoch.0),
                unreadable: 0,
                last_timestamp_ms: None,
            };
            tx.set_cursor(topic, at, Pass::First.cursor(), &cursor)?;
            tx.delete_cursor(topic, at, Pass::Second.cursor())?;
            for under in self.place.own_records_at(walk.partition, &self.profile.handle) {
                let mut row = OwnRow::of(tx)?;
                row.forget_log(under);
                row.put(tx)?;
            }
            Ok(bounds.start.0)
        })
    }

    /// Takes a page's records and moves the cursor, in one transaction.
    fn take_page(&self, walk: Walk, from: u64, page: &Page) -> Result<Taken, DirectoryError> {
        let handle = &self.profile.handle;
        let signer = self.profile.signer(&self.place.namespace)?;
        let owner = Owner { place: &self.place, handle, signer: &signer };
        let is_own = !self.place.own_records_at(walk.partition, handle).is_empty();
        let own = is_own.then(|| owner.keys());
        self.profile.store.write(|tx| {
            let mut cursor = self.cursor_at(tx, walk, from)?;
            let mut taking = Taking::new(tx, &self.place, walk.partition, (handle, own));
            page.records.iter().try_for_each(|record| taking.record(record))?;
            let taken = taking.taken;
            if own.is_some() && walk.pass == Pass::First {
                let mut row = OwnRow::of(tx)?;
                row.see(&taken.shown);
                row.put(tx)?;
            }
            let (topic, at) = (self.place.topic.as_str(), walk.partition.0);
            let again = Pass::Second.cursor();
            if let (Pass::First, Some(next)) = (walk.pass, taken.unresolved)
                && tx.cursor(topic, at, again)?.is_none()
            {
                tx.set_cursor(topic, at, again, &Cursor { next, ..cursor.clone() })?;
            }
            cursor.next = page.resume.0.max(from);
            let last = page.records.last().map(|record| record.timestamp_ms);
            cursor.last_timestamp_ms = last.or(cursor.last_timestamp_ms);
            tx.set_cursor(topic, at, walk.pass.cursor(), &cursor)?;
            Ok(taken)
        })
    }

    /// The cursor, if no other process has moved it.
    fn cursor_at(
        &self,
        tx: &WriteTxn<'_>,
        walk: Walk,
        from: u64,
    ) -> Result<Cursor, DirectoryError> {
        if self.place.is_outdated(tx)? {
            return Err(DirectoryError::Moved);
        }
        let (topic, at) = (self.place.topic.as_str(), walk.partition.0);
        let cursor = tx.cursor(topic, at, walk.pass.cursor())?;
        let is_ours = |cursor: &Cursor| cursor.topic_id == walk.topic_id.0 && cursor.next == from;
        cursor.filter(is_ours).ok_or(DirectoryError::Moved)
    }

    /// Runs blocking work on the store apart from the runtime's own threads.
    pub(crate) async fn with_profile<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<R, DirectoryError> + Send + 'static,
    ) -> Result<R, DirectoryError> {
        let reader = self.clone();
        tokio::task::spawn_blocking(move || work(&reader))
            .await
            .map_err(|_| DirectoryError::Stopped)?
    }
}

/// Whether a cursor can go on in a log: it is the same topic, nothing was cut off it, and no other leader has taken
/// over, under which what was read may lie there no more.
fn fits(cursor: &Cursor, walk: Walk, bounds: &Bounds) -> bool {
    let leader = bounds.leader_epoch.map(|epoch| epoch.0);
    let led_alike = cursor.leader_epoch.zip(leader).is_none_or(|(before, now)| now <= before);
    let range = bounds.start.0..=bounds.end.0;
    cursor.topic_id == walk.topic_id.0 && range.contains(&cursor.next) && led_alike
}

/// How often reading begins anew because something else has moved.
const MOST_BEGINNINGS: u32 = 4;
/// Empty answers in a row that end a look.
const MOST_STALLS: u32 = 3;
/// Few enough that one transaction verifies them in a part of a second.
const PAGE_RECORDS: usize = 256;
const PAGE_BYTES: u32 = 1024 * 1024;
const PAGE_WAIT: Duration = Duration::from_millis(500);
