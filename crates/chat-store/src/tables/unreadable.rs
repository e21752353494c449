//! Table `unreadable`: records at our own tags that were refused, so that each counts once.

use crate::error::StoreError;
use crate::schema::UNREADABLE;
use crate::tables::log_key;
use crate::txn::WriteTxn;

/// Whether a refused record was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It is remembered from now on.
    New,
    /// It was counted before.
    Known,
    /// 16,384 of this partition are remembered already; this one is not.
    Full,
}

impl WriteTxn<'_> {
    /// Remembers a refused record by its hash.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn unreadable_insert(
        &mut self,
        topic: &str,
        partition: u32,
        hash: &[u8; 32],
    ) -> Result<Unreadable, StoreError> {
        let log = log_key(self.sealer, topic, partition);
        let key = [log.as_slice(), hash.get(..16).unwrap_or_default()].concat();
        if self.raw.get(&UNREADABLE, &key)?.is_some() {
            return Ok(Unreadable::Known);
        }
        let counter = [b"unreadable".as_slice(), &log].concat();
        let count = self.count(&counter)?;
        if count >= MOST {
            return Ok(Unreadable::Full);
        }
        self.put_key(&UNREADABLE, &key)?;
        self.set_count(&counter, count + 1);
        Ok(Unreadable::New)
    }
}

/// The most that are remembered of one partition.
const MOST: u64 = 16_384;
