//! Table `newer`: messages that only a later version of the program can read.

use zeroize::Zeroizing;

use crate::codec::{numbered, split_number};
use crate::engine::Range;
use crate::error::StoreError;
use crate::schema::NEWER;
use crate::tables::log_key;
use crate::txn::{ReadTxn, WriteTxn};

/// A message that waits for a later version.
#[derive(Clone, PartialEq, Eq)]
pub struct NewerRow {
    /// Its offset.
    pub offset: u64,
    /// What the caller stored.
    pub body: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for NewerRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { offset, body } = self;
        write!(f, "NewerRow({offset}, {} bytes)", body.len())
    }
}

impl ReadTxn<'_> {
    /// The messages of a partition that wait, in the order of their offsets.
    ///
    /// # Errors
    /// When a row is damaged or the store cannot be read.
    pub fn newer_list(&self, topic: &str, partition: u32) -> Result<Vec<NewerRow>, StoreError> {
        let log = log_key(self.sealer, topic, partition);
        let rows = self.rows(&NEWER, &Range::prefix(&log), usize::MAX)?.into_iter().map(|row| {
            let (_, offset) =
                split_number(&row.key).ok_or_else(|| StoreError::damaged("a newer row"))?;
            Ok(NewerRow { offset, body: row.value })
        });
        rows.collect()
    }
}

impl WriteTxn<'_> {
    /// Keeps a message, in place of one at the same offset; `false` if 1,000 messages or 64 MiB are kept already.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn newer_insert(
        &mut self,
        topic: &str,
        partition: u32,
        offset: u64,
        body: &[u8],
    ) -> Result<bool, StoreError> {
        // A log that was cut is read again: the same offset may come twice, and counts once.
        self.newer_remove(topic, partition, offset)?;
        let rows = self.count(ROWS)?.saturating_add(1);
        let bytes = self.count(BYTES)?.saturating_add(body.len() as u64);
        if rows > MOST_ROWS || bytes > MOST_BYTES {
            return Ok(false);
        }
        self.put(&NEWER, &numbered(&log_key(self.sealer, topic, partition), offset), body)?;
        self.set_count(ROWS, rows);
        self.set_count(BYTES, bytes);
        Ok(true)
    }

    /// Forgets a message that could be read after all.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn newer_remove(
        &mut self,
        topic: &str,
        partition: u32,
        offset: u64,
    ) -> Result<(), StoreError> {
        let key = numbered(&log_key(self.sealer, topic, partition), offset);
        let Some(body) = self.value(&NEWER, &key)? else { return Ok(()) };
        self.delete(&NEWER, &key)?;
        self.set_count(ROWS, self.count(ROWS)?.saturating_sub(1));
        self.set_count(BYTES, self.count(BYTES)?.saturating_sub(body.len() as u64));
        Ok(())
    }
}

const ROWS: &[u8] = b"newer rows";
const BYTES: &[u8] = b"newer bytes";
const MOST_ROWS: u64 = 1000;
const MOST_BYTES: u64 = 64 * 1024 * 1024;
