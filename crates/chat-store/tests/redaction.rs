//! What `Debug` shows of secrets: nothing. And that keys are wiped.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test crate")]

use chat_store::{NewerRow, OwnRow, Store, StoreError, StoreKey};
use insta::assert_debug_snapshot;
use zeroize::{ZeroizeOnDrop, Zeroizing};

#[test]
fn debug_shows_places_and_lengths() {
    let key = StoreKey::from_bytes([0xab; 32]);
    assert_debug_snapshot!(key, @"StoreKey([redacted])");
    let store = Store::in_memory(&key).unwrap();
    assert_debug_snapshot!(store, @"Store");
    let rows = store.write(|tx| {
        let stream = tx.stream_key(b"conversation", "bob", &[7; 16]);
        let seq = tx.history_append(b"conversation", b"meet me at noon")?;
        let id = tx.outbox_push(&[1; 20], b"meet me at noon")?;
        let history = tx.history_get(seq)?.unwrap();
        Ok::<_, StoreError>((stream, history, tx.outbox_get(id)?.unwrap()))
    });
    let (stream, history, outbox) = rows.unwrap();
    assert_debug_snapshot!(stream, @"StreamKey");
    assert_debug_snapshot!(history, @"HistoryRow(1, 15 bytes)");
    assert_debug_snapshot!(outbox, @"OutboxRow(1, 15 bytes)");
    let body = Zeroizing::new(b"meet me at noon".to_vec());
    assert_debug_snapshot!(OwnRow { offset: 3, body: body.clone() }, @"OwnRow(3, 15 bytes)");
    assert_debug_snapshot!(NewerRow { offset: 4, body }, @"NewerRow(4, 15 bytes)");
}

#[test]
fn keys_are_wiped_and_stores_may_cross_threads() {
    fn wiped<T: ZeroizeOnDrop>() {}
    fn crosses<T: Send + Sync>() {}
    wiped::<StoreKey>();
    crosses::<Store>();
    crosses::<StoreKey>();
}
