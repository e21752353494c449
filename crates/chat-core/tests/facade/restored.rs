//! A profile that is put back from an older copy: it is noticed, and nothing that was used once is used again.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use chat_core::chat_transport::Partition;
use chat_core::{Client, Draft, Item, ListenFrom, Restored, Seq};

use crate::people::{LONG, People, handle, texts, until_caught_up};

/// Messages between a copy and its return.
const BETWEEN: usize = 100;
/// Salts are the first bytes of an envelope.
const SALT: usize = 24;

/// How often a copy is put back: 1,000 times with SECURECHAT_TEST_SCALE=full.
fn rounds() -> usize {
    if std::env::var("SECURECHAT_TEST_SCALE").is_ok_and(|scale| scale == "full") { 1000 } else { 8 }
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let place = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy_folder(&entry.path(), &place),
            false => drop(std::fs::copy(entry.path(), place).unwrap()),
        }
    }
    #[cfg(unix)]
    std::fs::set_permissions(to, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
}

async fn send_many(alice: &Client, texts: &[String]) {
    let drafts = texts.iter().map(|text| Draft::text(handle("bob"), text)).collect();
    let queued = alice.enqueue(drafts).unwrap();
    let delivery = alice.deliver(&queued, LONG).await.unwrap();
    assert_eq!((delivery.delivered, delivery.waiting), (texts.len(), 0), "{:?}", delivery.failure);
}

fn restored(client: &Client) -> Vec<Restored> {
    let rows = client.history(&Default::default(), |_| true).unwrap();
    let restored = |item| if let Item::Restored(restored) = item { Some(restored) } else { None };
    rows.into_iter().filter_map(|row| restored(row.what)).collect()
}

#[tokio::test]
async fn a_copy_that_is_put_back_uses_no_number_and_no_salt_again() {
    let People { folder, log, alice, bob } = People::new().await;
    let (place, kept) = (folder.path().join("alice"), folder.path().join("kept"));
    let open = || Client::open(&place, None).unwrap().connect(Arc::new(log.clone()));
    send_many(&alice, &["first".to_owned()]).await;
    let mut sent = vec!["first".to_owned()];
    drop(alice);
    copy_folder(&place, &kept);
    for round in 0..rounds() {
        let texts: Vec<String> = (0..BETWEEN).map(|number| format!("{round} {number}")).collect();
        send_many(&open(), &texts).await;
        sent.extend(texts);
        std::fs::remove_dir_all(&place).unwrap();
        copy_folder(&kept, &place);
    }
    let alice = open();
    send_many(&alice, &["last".to_owned()]).await;
    sent.push("last".to_owned());
    assert_eq!(restored(&alice).len(), 1, "it is said, once for each copy");
    // Opened again where it is by now, it is a copy no more.
    drop(alice);
    assert_eq!(restored(&open()).len(), 1);

    let mut listener = bob.listen(ListenFrom::After(Seq::ZERO)).unwrap();
    let items = until_caught_up(&mut listener).await.0;
    assert_eq!(texts(&items), sent);
    assert_eq!(items.len(), sent.len(), "no conflict, nothing missing");
    let topic = bob.network().unwrap().unwrap().mail_topic();
    let records = log.dump(&topic, Partition(0)).unwrap();
    let salts: HashSet<&[u8]> =
        records.iter().filter_map(|record| record.value.as_ref()?.get(..SALT)).collect();
    assert_eq!(salts.len(), sent.len());
}

/// Only the database is put back, into the very file: the note beside it is newer.
#[tokio::test]
async fn a_store_that_is_rolled_back_in_place_is_noticed() {
    let People { folder, log, alice, bob } = People::new().await;
    let place = folder.path().join("alice");
    let open = || Client::open(&place, None).unwrap().connect(Arc::new(log.clone()));
    send_many(&alice, &["zero".to_owned()]).await;
    drop(alice);
    let old = std::fs::read(place.join("store.db")).unwrap();
    send_many(&open(), &["one".to_owned(), "two".to_owned()]).await;
    std::fs::write(place.join("store.db"), old).unwrap();
    let alice = open();
    let said = restored(&alice);
    assert!(matches!(said[..], [Restored { changes: Some(1..), .. }]), "{said:?}");
    assert!(alice.verify().unwrap().is_sound());
    send_many(&alice, &["three".to_owned()]).await;
    let mut listener = bob.listen(ListenFrom::After(Seq::ZERO)).unwrap();
    let items = until_caught_up(&mut listener).await.0;
    assert_eq!(texts(&items), ["zero", "one", "two", "three"]);
    assert_eq!(items.len(), 4, "{items:?}");
}
