//! Where MLS keeps its state: rows of the store, changed with everything that depends on them.

use chat_crypto::mls::{MlsChanges, MlsState, MlsStateError};
use chat_store::{ReadTxn, StoreError, WriteTxn};
use zeroize::Zeroizing;

/// The state of MLS as a transaction sees it, under changes that it has not written yet.
pub(crate) struct StoreState<'a, 'tx> {
    tx: &'a ReadTxn<'tx>,
    changes: Option<&'a MlsChanges>,
}

impl<'a, 'tx> StoreState<'a, 'tx> {
    pub(crate) fn new(tx: &'a ReadTxn<'tx>, changes: &'a MlsChanges) -> Self {
        Self { tx, changes: Some(changes) }
    }

    /// As it is written.
    pub(crate) fn stored(tx: &'a ReadTxn<'tx>) -> Self {
        Self { tx, changes: None }
    }
}

impl MlsState for StoreState<'_, '_> {
    fn get(&self, key: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, MlsStateError> {
        match self.changes.and_then(|changes| changes.get(key)) {
            Some(changed) => Ok(changed.clone()),
            None => self.tx.session_get(key).map_err(MlsStateError::new),
        }
    }
}

/// Writes what MLS has changed.
pub(crate) fn write_changes(tx: &mut WriteTxn<'_>, changes: &MlsChanges) -> Result<(), StoreError> {
    changes.iter().try_for_each(|(key, value)| match value {
        Some(value) => tx.session_put(key, value),
        None => tx.session_delete(key),
    })
}
