//! The keys of the identity's inbox that a device holds.

use chat_crypto::InboxKey;
use chat_store::{ReadTxn, StoreError, WriteTxn};
use zeroize::Zeroizing;

use super::linked::device_inbox_key;
use crate::client::{inbox_key, put_inbox_key};
use crate::error::{ProfileError, StoredValueError};

/// All keys that letters to us may be sealed to: that of the inbox, others that it had or may have, and our own.
pub(crate) fn inbox_keys(tx: &ReadTxn<'_>) -> Result<Vec<InboxKey>, ProfileError> {
    let mut keys = vec![inbox_key(tx)?];
    keys.extend(others(tx)?);
    keys.extend(device_inbox_key(tx)?);
    Ok(keys)
}

/// Keeps a key that may be that of the inbox; the entry decides.
pub(crate) fn add_inbox_key<E>(tx: &mut WriteTxn<'_>, key: &InboxKey) -> Result<(), E>
where
    E: From<StoreError> + From<StoredValueError>,
{
    let mut keys = others(tx)?;
    keys.retain(|one| one.expose_bytes() != key.expose_bytes());
    keys.insert(0, key.clone());
    keys.truncate(MOST_OTHERS);
    Ok(put_others(tx, &keys)?)
}

/// Lets the key that the entry shows be the one that is used, if we hold it. Returns whether we do.
pub(crate) fn promote_inbox_key(tx: &mut WriteTxn<'_>, shown: &[u8]) -> Result<bool, ProfileError> {
    let current = inbox_key(tx)?;
    let shows = |key: &InboxKey| key.public().as_bytes() == shown;
    if shows(&current) {
        return Ok(true);
    }
    let mut keys = others(tx)?;
    let Some(at) = keys.iter().position(shows) else { return Ok(false) };
    let new = keys.remove(at);
    keys.insert(0, current);
    put_others(tx, &keys)?;
    put_inbox_key(tx, &new)?;
    Ok(true)
}

/// Draws a new key for the inbox; letters to the one before are still opened.
pub(crate) fn replace_inbox_key(tx: &mut WriteTxn<'_>) -> Result<InboxKey, ProfileError> {
    let before = inbox_key(tx)?;
    add_inbox_key::<ProfileError>(tx, &before)?;
    let new = InboxKey::generate(&mut rand::rng());
    put_inbox_key(tx, &new)?;
    Ok(new)
}

fn others(tx: &ReadTxn<'_>) -> Result<Vec<InboxKey>, StoreError> {
    let stored = tx.meta_get(META_OTHERS)?;
    let seeds = stored.as_ref().map(|stored| stored.as_chunks::<{ InboxKey::LEN }>().0);
    Ok(seeds.unwrap_or_default().iter().map(InboxKey::from_bytes).collect())
}

/// Forgets all but the one that is used.
pub(super) fn forget_others(tx: &mut WriteTxn<'_>) -> Result<(), StoreError> {
    tx.meta_delete(META_OTHERS)
}

fn put_others(tx: &mut WriteTxn<'_>, keys: &[InboxKey]) -> Result<(), StoreError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(keys.len() * InboxKey::LEN));
    keys.iter().for_each(|key| bytes.extend_from_slice(key.expose_bytes()));
    tx.meta_put(META_OTHERS, &bytes)
}

const META_OTHERS: &str = "other inbox keys";
/// The most keys that are kept beside the one that is used.
const MOST_OTHERS: usize = 4;
