//! Table `covers`: pictures that have carried a message and must not do so again.

use crate::error::StoreError;
use crate::ids::Seq;
use crate::schema::COVERS;
use crate::txn::{ReadTxn, WriteTxn};

impl ReadTxn<'_> {
    /// Whether a cover was used.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn cover_used(&self, id: &[u8; 32]) -> Result<bool, StoreError> {
        Ok(self.value(&COVERS, &self.sealer.hide("cover", &[id]))?.is_some())
    }
}

impl WriteTxn<'_> {
    /// Enters a cover in the ledger, with the message that it carries.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn cover_mark(&mut self, id: &[u8; 32], history: Seq) -> Result<(), StoreError> {
        self.put(&COVERS, &self.sealer.hide("cover", &[id]), &history.get().to_be_bytes())
    }
}
