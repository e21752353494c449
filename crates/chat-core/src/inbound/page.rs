//! A page of a log on its way into the store: opened, in as many steps as its records need.

use std::sync::PoisonError;
use std::time::Duration;

use chat_store::Cursor;
use chat_transport::{Page, StoredRecord};

use super::batch::OpenedRecord;
use super::mailboxes::Opener;
use super::reconcile::Start;
use super::{Batch, Mailboxes, Reader, Stored, store_batch};
use crate::error::ReceiveError;
use crate::hash::stored_hash;
use crate::mutant::{Mutant, breaks};
use crate::parallel::{map_all, meanwhile};

/// Records of a log that was found to be the one that the cursor belongs to, and where they were asked for.
pub(super) struct Fetched {
    pub(super) start: Start,
    pub(super) from: u64,
    pub(super) page: Page,
}

impl Reader {
    /// Opens a page's records and stores them, in as few transactions as may be. Returns where reading goes on, and
    /// the mailboxes by then: a record may change them, and what lies behind it is opened anew.
    pub(super) fn store_page(
        &self,
        mut mailboxes: Mailboxes,
        fetched: &Fetched,
    ) -> Result<(Mailboxes, u64), ReceiveError> {
        let mut rest = fetched.page.records.as_slice();
        let mut most = rest.len();
        loop {
            let (now, later) = rest.split_at_checked(most).unwrap_or((rest, &[]));
            let resume = match now.last() {
                Some(last) if !later.is_empty() => last.offset.0.saturating_add(1),
                _ => fetched.page.resume.0,
            };
            let stored = self.store_records(&mailboxes, &fetched.start, (now, resume))?;
            let mut next = stored.next;
            if stored.outdated {
                mailboxes = self.mailboxes()?;
                next = mailboxes.position();
                // Few at first: what is opened behind one change may have to be opened again behind the next.
                most = FEW_RECORDS;
            } else if later.is_empty() {
                if mailboxes.lag() {
                    mailboxes = self.mailboxes()?;
                }
                return Ok((mailboxes, next));
            } else {
                most = most.saturating_mul(2);
            }
            if next < fetched.from || mailboxes.is_empty() {
                return Ok((mailboxes, next));
            }
            let done = rest.partition_point(|record| record.offset.0 < next);
            rest = rest.get(done..).unwrap_or_default();
        }
    }

    /// Opens records and stores them, up to one that changes the mailboxes. While some are stored, the next are opened.
    fn store_records(
        &self,
        mailboxes: &Mailboxes,
        start: &Start,
        (records, resume): (&[StoredRecord], u64),
    ) -> Result<Stored, ReceiveError> {
        let opener = mailboxes.opener();
        let mut chunks = records.chunks(OPENED_AHEAD).peekable();
        let mut opened = open_all(&opener, chunks.peek().copied().unwrap_or_default());
        loop {
            let chunk = chunks.next().unwrap_or_default();
            let resume = match (chunks.peek(), chunk.last()) {
                (Some(_), Some(last)) => last.offset.0.saturating_add(1),
                _ => resume,
            };
            let batch = |records, resume| Batch {
                mailboxes,
                topic: self.mail.topic.as_str(),
                topic_id: start.topic_id,
                truncations: start.truncations,
                records,
                resume,
                longest: LONGEST_TRANSACTION,
            };
            let store = || match self.store_whole(&batch(opened, resume)) {
                Err(error) if chunk.len() > 1 && error.is_final() => {
                    self.store_singly(&opener, (chunk, resume), batch)
                }
                other => other,
            };
            let Some(next) = chunks.peek() else { return store() };
            let (stored, ahead) = meanwhile(|| open_all(&opener, next), store);
            let stored = stored?;
            if stored.outdated {
                return Ok(stored);
            }
            opened = ahead;
        }
    }

    /// One of the records cannot be stored: those before it are, and the error is its own.
    fn store_singly<'a>(
        &self,
        opener: &Opener<'_>,
        (records, resume): (&[StoredRecord], u64),
        batch: impl Fn(Vec<OpenedRecord>, u64) -> Batch<'a>,
    ) -> Result<Stored, ReceiveError> {
        for record in records {
            let opened = open_all(opener, std::slice::from_ref(record));
            let stored = self.store_whole(&batch(opened, record.offset.0.saturating_add(1)))?;
            if stored.outdated {
                return Ok(stored);
            }
        }
        self.store_whole(&batch(Vec::new(), resume))
    }

    /// Stores a batch to its end, or up to a record that changes the mailboxes.
    fn store_whole(&self, batch: &Batch<'_>) -> Result<Stored, ReceiveError> {
        if breaks(Mutant::CursorBeforeRows) {
            self.mail.store.write::<_, ReceiveError>(|tx| {
                let partition = self.partition.0;
                let cursor = tx.cursor(batch.topic, partition, None)?.ok_or(ReceiveError::Moved)?;
                let cursor = Cursor { next: batch.resume, ..cursor };
                Ok(tx.set_cursor(batch.topic, partition, None, &cursor)?)
            })?;
        }
        let mut conversations = self.conversations.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let (before, stored) = self.mail.store.write::<_, ReceiveError>(|tx| {
                Ok((tx.generation()?, store_batch(tx, batch, &mut **conversations)?))
            })?;
            self.live.stored(stored.skipped);
            if stored.outdated {
                return Ok(stored);
            }
            batch.mailboxes.stand_behind(before);
            if !stored.unfinished {
                return Ok(stored);
            }
        }
    }
}

/// Opens records in their order.
fn open_all(opener: &Opener<'_>, records: &[StoredRecord]) -> Vec<OpenedRecord> {
    let open = |record: &StoredRecord| {
        let (opened, to) = opener.open(record);
        OpenedRecord {
            offset: record.offset.0,
            timestamp_ms: record.timestamp_ms,
            leader_epoch: record.leader_epoch,
            hash: stored_hash(record),
            to,
            opened,
        }
    };
    map_all(records, open)
}

/// Records that are opened while as many before them are stored.
const OPENED_AHEAD: usize = 1024;
const LONGEST_TRANSACTION: Duration = Duration::from_millis(200);
/// Records that are opened at first behind one that has changed the mailboxes.
const FEW_RECORDS: usize = 16;
