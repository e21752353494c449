//! What of the inbox another copy of the profile may have read, after its data was put back from one.

use chat_store::{ReadTxn, Store, StoreError, WriteTxn};
use chat_transport::TopicId;

use crate::error::ReceiveError;

/// The profile's data is a restored copy: what its inbox holds by now may have been read by another one.
pub(crate) fn note_restored<E: From<StoreError>>(tx: &mut WriteTxn<'_>) -> Result<(), E> {
    // Where the inbox ends is not known before somebody looks.
    Ok(tx.meta_put(META_RESTORED, &[])?)
}

/// The log of the inbox was looked at, and ends here. The first look after a restore counts.
pub(super) fn note_end(store: &Store, (topic, end): (TopicId, u64)) -> Result<(), ReceiveError> {
    let is_first = |tx: &ReadTxn<'_>| {
        let restored = tx.meta_get(META_RESTORED)?;
        Ok::<_, ReceiveError>(restored.is_some_and(|restored| restored.is_empty()))
    };
    if !store.read(is_first)? {
        return Ok(());
    }
    let place = [topic.0.as_slice(), &end.to_be_bytes()].concat();
    store.write(|tx| Ok(tx.meta_put(META_RESTORED, &place)?))
}

/// Whether another copy may have read a record of the inbox.
pub(super) fn is_before_restore(
    tx: &ReadTxn<'_>,
    (topic, offset): (TopicId, u64),
) -> Result<bool, ReceiveError> {
    let Some(restored) = tx.meta_get(META_RESTORED)? else { return Ok(false) };
    let Some((log, end)) = restored.split_first_chunk::<16>() else { return Ok(true) };
    let end = end.try_into().map_or(u64::MAX, u64::from_be_bytes);
    Ok(*log == topic.0 && offset < end)
}

/// Nothing until the log of the inbox was looked at, then `topic id 16 | u64` where it ended.
const META_RESTORED: &str = "restored";

#[cfg(test)]
mod tests {
    use chat_store::StoreKey;

    use super::*;

    #[test]
    fn what_the_inbox_held_at_the_first_look_may_be_known_to_another_copy() {
        let store = Store::in_memory(&StoreKey::from_bytes([3; 32])).unwrap();
        let (log, other) = (TopicId([5; 16]), TopicId([6; 16]));
        let is_before = |at: (TopicId, u64)| store.read(|tx| is_before_restore(tx, at)).unwrap();
        note_end(&store, (log, 40)).unwrap();
        assert!(!is_before((log, 0)), "never restored");
        store.write(note_restored::<ReceiveError>).unwrap();
        assert!(is_before((log, 1_000)), "nobody has looked yet");
        note_end(&store, (log, 40)).unwrap();
        note_end(&store, (log, 90)).unwrap();
        assert_eq!([39, 40, 90].map(|offset| is_before((log, offset))), [true, false, false]);
        assert!(!is_before((other, 0)), "a log that was made since");
        store.write(note_restored::<ReceiveError>).unwrap();
        assert!(is_before((log, 90)), "restored once more");
    }
}
