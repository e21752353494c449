//! Table `groups`: what the caller keeps of each group beside its encrypted state, by the group's name.

use zeroize::Zeroizing;

use crate::engine::Range;
use crate::error::StoreError;
use crate::schema::GROUPS;
use crate::txn::{ReadTxn, WriteTxn};

impl ReadTxn<'_> {
    /// What is kept of a group.
    ///
    /// # Errors
    /// When it is damaged or the store cannot be read.
    pub fn group(&self, id: &[u8; 16]) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.value(&GROUPS, &self.group_key(id))
    }

    /// What is kept of every group, in no order.
    ///
    /// # Errors
    /// When a row is damaged or the store cannot be read.
    pub fn groups(&self) -> Result<Vec<Zeroizing<Vec<u8>>>, StoreError> {
        let rows = self.rows(&GROUPS, &Range::all(), usize::MAX)?;
        Ok(rows.into_iter().map(|row| row.value).collect())
    }

    fn group_key(&self, id: &[u8; 16]) -> [u8; 16] {
        self.sealer.hide("group", &[id])
    }
}

impl WriteTxn<'_> {
    /// Keeps something of a group, in place of what was kept of it.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn set_group(&mut self, id: &[u8; 16], row: &[u8]) -> Result<(), StoreError> {
        self.put(&GROUPS, &self.group_key(id), row)
    }

    /// Forgets a group.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn delete_group(&mut self, id: &[u8; 16]) -> Result<(), StoreError> {
        self.delete(&GROUPS, &self.group_key(id)).map(drop)
    }
}
