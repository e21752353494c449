//! Table `missing`: numbers of a stream that were reported missing.

use crate::codec::{numbered, split_number};
use crate::engine::Range;
use crate::error::StoreError;
use crate::schema::MISSING;
use crate::tables::seen::StreamKey;
use crate::txn::WriteTxn;

impl WriteTxn<'_> {
    /// Remembers that the numbers `first..=last` of a stream are missing.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn missing_insert(
        &mut self,
        stream: &StreamKey,
        first: u64,
        last: u64,
    ) -> Result<(), StoreError> {
        self.put(&MISSING, &numbered(&stream.0, first), &last.to_be_bytes())
    }

    /// Takes one number out of the missing ones; whether it was among them.
    ///
    /// # Errors
    /// When a row is damaged or the store cannot be written.
    pub fn missing_take(&mut self, stream: &StreamKey, number: u64) -> Result<bool, StoreError> {
        let mut range = Range::prefix(&stream.0).falling();
        if let Some(next) = number.checked_add(1) {
            range = range.ending_before(numbered(&stream.0, next));
        }
        let rows = self.rows(&MISSING, &range, 1)?;
        let Some(row) = rows.first() else { return Ok(false) };
        let damaged = || StoreError::damaged("a missing range");
        let (_, first) = split_number(&row.key).ok_or_else(damaged)?;
        let last = u64::from_be_bytes(row.value.as_slice().try_into().map_err(|_| damaged())?);
        if !(first..=last).contains(&number) {
            return Ok(false);
        }
        self.delete(&MISSING, &row.key)?;
        if first < number {
            self.missing_insert(stream, first, number - 1)?;
        }
        if number < last {
            self.missing_insert(stream, number + 1, last)?;
        }
        Ok(true)
    }
}
