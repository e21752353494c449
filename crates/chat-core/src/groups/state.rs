//! The state of MLS in a profile's store.

use chat_crypto::mls::{MlsChanges, MlsState, MlsStateError};
use chat_store::{ReadTxn, StoreError, WriteTxn};
use zeroize::Zeroizing;

/// What MLS has kept, as one transaction sees it.
///
/// [`write_changes`] needs the transaction that was read: between the two nothing else may write.
pub(crate) struct StoreState<'t, 'tx>(pub(crate) &'t ReadTxn<'tx>);

impl MlsState for StoreState<'_, '_> {
    fn get(&self, key: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, MlsStateError> {
        self.0.session_get(key).map_err(MlsStateError::new)
    }
}

/// Writes what an operation of MLS has changed.
pub(crate) fn write_changes(tx: &mut WriteTxn<'_>, changes: &MlsChanges) -> Result<(), StoreError> {
    changes.iter().try_for_each(|(key, value)| match value {
        Some(value) => tx.session_put(key, value),
        None => tx.session_delete(key),
    })
}

#[cfg(test)]
mod tests {
    use chat_store::{Store, StoreKey};

    use super::*;

    #[test]
    fn what_was_written_is_read_back_and_what_was_deleted_is_gone() {
        let store = Store::in_memory(&StoreKey::from_bytes([1; 32])).unwrap();
        let change = |value: Option<&[u8]>| {
            let value = value.map(|value| Zeroizing::new(value.to_vec()));
            let changes = MlsChanges::from([(vec![7; 37], value)]);
            store.write::<_, StoreError>(|tx| write_changes(tx, &changes)).unwrap();
            store.read::<_, StoreError>(|tx| Ok(StoreState(tx).get(&[7; 37]).unwrap())).unwrap()
        };
        assert_eq!(change(Some(b"one")).as_deref().map(Vec::as_slice), Some(&b"one"[..]));
        assert_eq!(change(Some(b"two")).as_deref().map(Vec::as_slice), Some(&b"two"[..]));
        assert_eq!(change(None), None);
    }
}
