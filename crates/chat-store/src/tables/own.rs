//! Table `own`: where our own records lie on the log.

use zeroize::Zeroizing;

use crate::codec::{numbered, split_number};
use crate::engine::Range;
use crate::error::StoreError;
use crate::schema::OWN;
use crate::tables::log_key;
use crate::txn::{ReadTxn, WriteTxn};

/// A record of our own.
#[derive(Clone, PartialEq, Eq)]
pub struct OwnRow {
    /// Its offset.
    pub offset: u64,
    /// What the caller stored about it.
    pub body: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for OwnRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { offset, body } = self;
        write!(f, "OwnRow({offset}, {} bytes)", body.len())
    }
}

impl ReadTxn<'_> {
    /// Our own newest record on a partition.
    ///
    /// # Errors
    /// When the row is damaged or the store cannot be read.
    pub fn own_newest(&self, topic: &str, partition: u32) -> Result<Option<OwnRow>, StoreError> {
        Ok(self.own_below(topic, partition, u64::MAX, 1)?.pop())
    }

    /// Our own records on a partition below `offset`, newest first, at most `limit`.
    ///
    /// # Errors
    /// When a row is damaged or the store cannot be read.
    pub fn own_below(
        &self,
        topic: &str,
        partition: u32,
        offset: u64,
        limit: usize,
    ) -> Result<Vec<OwnRow>, StoreError> {
        let log = log_key(self.sealer, topic, partition);
        let range = Range::prefix(&log).falling().ending_before(numbered(&log, offset));
        let rows = self.rows(&OWN, &range, limit)?;
        let decode = |row: crate::txn::OpenRow| {
            let number = split_number(&row.key).ok_or_else(|| StoreError::damaged("an own row"))?;
            Ok(OwnRow { offset: number.1, body: row.value })
        };
        rows.into_iter().map(decode).collect()
    }
}

impl WriteTxn<'_> {
    /// Remembers where records of our own lie, each in place of one at the same offset, and forgets the
    /// oldest that are no longer among the partition's newest 131,072.
    ///
    /// * `rows` - offsets with what is to be stored about them
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn own_put<B: AsRef<[u8]>>(
        &mut self,
        topic: &str,
        partition: u32,
        rows: impl IntoIterator<Item = (u64, B)>,
    ) -> Result<(), StoreError> {
        let log = log_key(self.sealer, topic, partition);
        let newest = self.keys(&OWN, &Range::prefix(&log).falling(), 1)?.pop();
        let mut newest = newest.and_then(|key| split_number(&key).map(|(_, offset)| offset));
        let mut count = self.count(&counter(&log))?;
        for (offset, body) in rows {
            let key = numbered(&log, offset);
            // As a rule they lie above all that is there.
            let replaces = newest >= Some(offset) && self.delete(&OWN, &key)?;
            self.put(&OWN, &key, body.as_ref())?;
            count = count.saturating_add(u64::from(!replaces));
            newest = newest.max(Some(offset));
        }
        let excess = count.saturating_sub(NEWEST);
        let oldest = usize::try_from(excess).unwrap_or(usize::MAX);
        for key in self.keys(&OWN, &Range::prefix(&log), oldest)? {
            self.delete(&OWN, &key)?;
        }
        self.set_count(&counter(&log), count - excess);
        Ok(())
    }

    /// Forgets a record of our own.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn own_delete(
        &mut self,
        topic: &str,
        partition: u32,
        offset: u64,
    ) -> Result<(), StoreError> {
        let log = log_key(self.sealer, topic, partition);
        if self.delete(&OWN, &numbered(&log, offset))? {
            self.set_count(&counter(&log), self.count(&counter(&log))?.saturating_sub(1));
        }
        Ok(())
    }

    /// Forgets all rows of all partitions.
    pub(crate) fn own_clear(&mut self) -> Result<(), StoreError> {
        while let Some((key, _)) = self.raw.scan(&OWN, &Range::all(), 1)?.pop() {
            self.delete(&OWN, &key)?;
        }
        Ok(())
    }
}

fn counter(log: &[u8]) -> Vec<u8> {
    [b"own".as_slice(), log].concat()
}

/// The newest records of a partition whose places are kept: as many as 64 MiB of resting bodies of small messages are.
const NEWEST: u64 = 128 * 1024;
