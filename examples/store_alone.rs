//! The sealed store without the rest: rows, an outbox, and a check of all of it.
#![allow(clippy::print_stdout, reason = "an example shows something")]

use chat_store::{Store, StoreError, StoreKey};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("store.db");
    let key = StoreKey::from_bytes([7; 32]); // In earnest: from a vault.
    let store = Store::create(&path, &key)?;
    let seq = store.write(|tx| {
        let seq = tx.history_append(b"alice and bob", b"meet me at noon")?;
        tx.outbox_push(&[0; 20], b"the sealed message")?;
        Ok::<_, StoreError>(seq)
    })?;
    drop(store);

    let store = Store::open(&path, &key)?;
    let row = store.read(|tx| tx.history_get(seq))?.ok_or("the row is gone")?;
    println!("row {seq}: {}", String::from_utf8_lossy(&row.body));
    println!("{} rows, sound: {}", store.verify()?.rows, store.verify()?.is_sound());
    let readable = std::fs::read(&path)?.windows(4).any(|window| window == b"noon");
    println!("readable in the file: {readable}");
    Ok(())
}
