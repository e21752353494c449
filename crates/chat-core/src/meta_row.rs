//! Values that a profile keeps once, each under a name of its own.

use chat_store::{ReadTxn, StoreError, WriteTxn};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::StoredValueError;
use crate::history_row::{decode, encode};

/// A value that a profile keeps once.
pub(crate) trait MetaRow: Serialize + DeserializeOwned {
    /// What it is kept under.
    const NAME: &'static str;

    /// The value, if it is kept.
    fn stored<E>(tx: &ReadTxn<'_>) -> Result<Option<Self>, E>
    where
        E: From<StoreError> + From<StoredValueError>,
    {
        Ok(tx.meta_get(Self::NAME)?.map(|row| decode(&row)).transpose()?)
    }

    /// The value; as it begins, if it was never kept.
    fn of<E>(tx: &ReadTxn<'_>) -> Result<Self, E>
    where
        Self: Default,
        E: From<StoreError> + From<StoredValueError>,
    {
        Ok(Self::stored::<E>(tx)?.unwrap_or_default())
    }

    /// Keeps it.
    fn put<E>(&self, tx: &mut WriteTxn<'_>) -> Result<(), E>
    where
        E: From<StoreError> + From<StoredValueError>,
    {
        Ok(tx.meta_put(Self::NAME, &encode(self)?)?)
    }

    /// Forgets it.
    fn forget(tx: &mut WriteTxn<'_>) -> Result<(), StoreError> {
        tx.meta_delete(Self::NAME)
    }
}
