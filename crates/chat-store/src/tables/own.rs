//! Table `own`: where our own records lie on the log.

use zeroize::Zeroizing;

use crate::codec::{numbered, split_number};
use crate::engine::Range;
use crate::error::StoreError;
use crate::schema::OWN;
use crate::tables::log_key;
use crate::txn::{ReadTxn, WriteTxn};

impl ReadTxn<'_> {
    /// Our own newest record on a partition: its offset, and what the caller stored about it.
    ///
    /// # Errors
    /// When the row is damaged or the store cannot be read.
    pub fn own_newest(&self, topic: &str, partition: u32) -> Result<Option<(u64, Zeroizing<Vec<u8>>)>, StoreError> {
        let range = Range::prefix(&log_key(self.sealer, topic, partition)).falling();
        let row = self.rows(&OWN, &range, 1)?.pop();
        Ok(row.and_then(|row| split_number(&row.key).map(|(_, offset)| (offset, row.value))))
    }
}

impl WriteTxn<'_> {
    /// Remembers where a record of our own lies.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn own_put(&mut self, topic: &str, partition: u32, offset: u64, body: &[u8]) -> Result<(), StoreError> {
        self.put(&OWN, &numbered(&log_key(self.sealer, topic, partition), offset), body)
    }
}
