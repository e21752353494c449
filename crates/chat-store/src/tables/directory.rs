//! Table `directory`: what people have published about themselves, as the caller verified it.

use zeroize::Zeroizing;

use crate::engine::Range;
use crate::error::StoreError;
use crate::schema::DIRECTORY;
use crate::txn::{ReadTxn, WriteTxn};

impl ReadTxn<'_> {
    /// All records that are kept for a handle, in no order.
    ///
    /// # Errors
    /// When a row is damaged or the store cannot be read.
    pub fn directory_of(&self, handle: &str) -> Result<Vec<Zeroizing<Vec<u8>>>, StoreError> {
        let prefix = self.directory_prefix(handle);
        let rows = self.rows(&DIRECTORY, &Range::prefix(&prefix), usize::MAX)?;
        Ok(rows.into_iter().map(|row| row.value).collect())
    }

    /// The record that is kept for a handle under one key.
    ///
    /// # Errors
    /// When the row is damaged or the store cannot be read.
    pub fn directory_get(
        &self,
        handle: &str,
        key: &[u8; 16],
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.value(&DIRECTORY, &[self.directory_prefix(handle), *key].concat())
    }

    fn directory_prefix(&self, handle: &str) -> [u8; 16] {
        self.sealer.hide("directory", &[handle.as_bytes()])
    }
}

impl WriteTxn<'_> {
    /// Keeps a record for a handle, in place of the one under the same key.
    ///
    /// * `key` - the record's key in the directory
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn directory_put(
        &mut self,
        handle: &str,
        key: &[u8; 16],
        record: &[u8],
    ) -> Result<(), StoreError> {
        let row = [self.directory_prefix(handle), *key].concat();
        self.put(&DIRECTORY, &row, record)
    }
}
