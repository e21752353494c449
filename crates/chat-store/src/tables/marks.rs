//! Table `marks`: how far each consumer of the history has got.

use crate::engine::Range;
use crate::error::StoreError;
use crate::ids::Seq;
use crate::schema::MARKS;
use crate::txn::{OpenRow, ReadTxn, WriteTxn};

impl ReadTxn<'_> {
    /// The last row that a consumer has taken.
    ///
    /// # Errors
    /// When the row is damaged or the store cannot be read.
    pub fn mark(&self, name: &str) -> Result<Option<Seq>, StoreError> {
        let value = self.value(&MARKS, &self.sealer.hide("mark", &[name.as_bytes()]))?;
        let number = |value: &[u8]| value.try_into().ok().map(u64::from_be_bytes).map(Seq::from);
        value.map(|value| number(&value).ok_or_else(|| StoreError::damaged("a mark"))).transpose()
    }

    /// The furthest row that any consumer has taken.
    pub(crate) fn furthest_mark(&self) -> Result<u64, StoreError> {
        let rows = self.rows(&MARKS, &Range::all(), usize::MAX)?;
        let number =
            |row: &OpenRow| Some(u64::from_be_bytes(row.value.as_slice().try_into().ok()?));
        Ok(rows.iter().filter_map(number).max().unwrap_or(0))
    }
}

impl WriteTxn<'_> {
    /// Moves the mark of a consumer.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn set_mark(&mut self, name: &str, to: Seq) -> Result<(), StoreError> {
        let key = self.sealer.hide("mark", &[name.as_bytes()]);
        self.put(&MARKS, &key, &to.get().to_be_bytes())
    }
}
