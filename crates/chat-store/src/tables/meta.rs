//! Table `meta`: named values, and the counters of table `counts`.

use zeroize::Zeroizing;

use crate::error::StoreError;
use crate::ids::Generation;
use crate::schema::{COUNTS, META};
use crate::txn::{ReadTxn, WriteTxn};

impl ReadTxn<'_> {
    /// A named value.
    ///
    /// # Errors
    /// When it is damaged or the store cannot be read.
    pub fn meta_get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.value(&META, &self.meta_key(name))
    }

    fn meta_key(&self, name: &str) -> [u8; 16] {
        self.sealer.hide("meta", &[name.as_bytes()])
    }

    /// A counter; 0 until it was set.
    pub(crate) fn count(&self, name: &[u8]) -> Result<u64, StoreError> {
        if let Some(count) = self.pending.borrow().counts.get(name) {
            return Ok(*count);
        }
        let Some(value) = self.value(&COUNTS, name)? else { return Ok(0) };
        let bytes = value.as_slice().try_into().map_err(|_| StoreError::damaged("a counter"))?;
        Ok(u64::from_be_bytes(bytes))
    }

    /// The number that every write raises: a transaction that was the next write leaves one more behind.
    ///
    /// # Errors
    /// A failure of the engine.
    pub fn generation(&self) -> Result<Generation, StoreError> {
        self.count(GENERATION).map(Generation::from)
    }
}

impl WriteTxn<'_> {
    /// Stores a named value.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn meta_put(&mut self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        self.put(&META, &self.meta_key(name), value)
    }

    /// Forgets a named value.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn meta_delete(&mut self, name: &str) -> Result<(), StoreError> {
        self.delete(&META, &self.meta_key(name)).map(drop)
    }

    /// Sets a counter; it is written at the transaction's end.
    pub(crate) fn set_count(&self, name: &[u8], count: u64) {
        self.pending.borrow_mut().counts.insert(name.to_vec(), count);
    }

    /// The next number of a counter, from 1.
    pub(crate) fn next_number(&self, name: &[u8]) -> Result<u64, StoreError> {
        let next = self.count(name)?.saturating_add(1);
        self.set_count(name, next);
        Ok(next)
    }

    pub(crate) fn write_counts(
        &self,
        counts: &std::collections::HashMap<Vec<u8>, u64>,
    ) -> Result<(), StoreError> {
        counts.iter().try_for_each(|(name, count)| self.put(&COUNTS, name, &count.to_be_bytes()))
    }

    pub(crate) fn raise_generation(&self) -> Result<Generation, StoreError> {
        self.next_number(GENERATION).map(Generation::from)
    }

    /// Lets the generation of this transaction's commit be above `least`.
    pub(crate) fn raise_generation_above(&self, least: u64) -> Result<(), StoreError> {
        self.set_count(GENERATION, self.count(GENERATION)?.max(least));
        Ok(())
    }
}

const GENERATION: &[u8] = b"generation";
