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
        let range = Range::prefix(&log_key(self.sealer, topic, partition)).falling();
        let Some(row) = self.rows(&OWN, &range, 1)?.pop() else { return Ok(None) };
        let number = split_number(&row.key).ok_or_else(|| StoreError::damaged("an own row"))?;
        Ok(Some(OwnRow { offset: number.1, body: row.value }))
    }
}

impl WriteTxn<'_> {
    /// Remembers where a record of our own lies.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn own_put(
        &mut self,
        topic: &str,
        partition: u32,
        offset: u64,
        body: &[u8],
    ) -> Result<(), StoreError> {
        self.put(&OWN, &numbered(&log_key(self.sealer, topic, partition), offset), body)
    }
}
