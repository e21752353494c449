//! Table `covers`: pictures that have carried a message and must not do so again.

use zeroize::Zeroizing;

use crate::engine::Range;
use crate::error::StoreError;
use crate::schema::COVERS;
use crate::txn::{ReadTxn, WriteTxn};

impl ReadTxn<'_> {
    /// Whether a cover was used.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn cover_used(&self, id: &[u8; 32]) -> Result<bool, StoreError> {
        Ok(self.cover_use(id)?.is_some())
    }

    /// What is kept about a cover's use, if it was used.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn cover_use(&self, id: &[u8; 32]) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.value(&COVERS, &self.sealer.hide("cover", &[id]))
    }

    /// What is kept about each cover that was used, in no order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn cover_uses(&self) -> Result<Vec<Zeroizing<Vec<u8>>>, StoreError> {
        let rows = self.rows(&COVERS, &Range::all(), usize::MAX)?;
        Ok(rows.into_iter().map(|row| row.value).collect())
    }
}

impl WriteTxn<'_> {
    /// Enters a cover in the ledger, with what the caller keeps about its use.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn cover_mark(&mut self, id: &[u8; 32], used: &[u8]) -> Result<(), StoreError> {
        self.put(&COVERS, &self.sealer.hide("cover", &[id]), used)
    }
}
