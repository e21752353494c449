//! Table `sessions`: the state of encrypted conversations, under names that the caller gives.

use zeroize::Zeroizing;

use crate::error::StoreError;
use crate::schema::SESSIONS;
use crate::txn::{ReadTxn, WriteTxn};

impl ReadTxn<'_> {
    /// A piece of state.
    ///
    /// # Errors
    /// When it is damaged or the store cannot be read.
    pub fn session_get(&self, name: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.value(&SESSIONS, &self.session_key(name))
    }

    fn session_key(&self, name: &[u8]) -> [u8; 16] {
        self.sealer.hide("session", &[name])
    }
}

impl WriteTxn<'_> {
    /// Stores a piece of state.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn session_put(&mut self, name: &[u8], state: &[u8]) -> Result<(), StoreError> {
        self.put(&SESSIONS, &self.session_key(name), state)
    }

    /// Forgets a piece of state.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn session_delete(&mut self, name: &[u8]) -> Result<(), StoreError> {
        self.delete(&SESSIONS, &self.session_key(name)).map(drop)
    }
}
