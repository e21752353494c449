//! Records that are not what they seem: counted at our own tag, without a trace elsewhere.

use chat_core::{Item, ListenFrom, Seq};

use crate::people::{People, texts, until_caught_up};

#[tokio::test]
async fn replayed_flipped_cut_and_foreign_records_change_nothing() {
    let people = People::new().await;
    people.send("genuine").await;
    let genuine = people.records().remove(0);
    let (key, value) = (genuine.key.unwrap(), genuine.value.unwrap());
    people.append(Some(&key), &value).await;
    for at in [0, 1, value.len() / 2, value.len() - 1] {
        let mut flipped = value.to_vec();
        flipped[at] ^= 1;
        people.append(Some(&key), &flipped).await;
    }
    people.append(Some(&key), &value[..value.len() - 1]).await;
    people.append(Some(&key), b"").await;
    // Not for us: another tag, no key, no picture of ours.
    people.append(Some(&[9; 16]), &value).await;
    people.append(Some(b"short"), &value).await;
    people.append(None, &value).await;
    people.append(None, b"\x89PNG\r\n\x1a\nbroken").await;
    people.send("after all that").await;
    let mut listener = people.bob.listen(ListenFrom::After(Seq::ZERO)).unwrap();
    let (items, refused) = until_caught_up(&mut listener).await;
    assert_eq!(texts(&items), ["genuine", "after all that"]);
    assert_eq!(items.len(), 2, "{items:?}");
    assert_eq!(refused, 6, "those at our own tag that do not open; a replay is only a repetition");
}

#[tokio::test]
async fn a_message_that_is_dropped_on_the_way_is_named_and_found_when_it_comes() {
    let people = People::new().await;
    for text in ["zero", "one", "two"] {
        people.send(text).await;
    }
    let records = people.records();
    people.log.recreate(&people.topic()).unwrap();
    for index in [0, 2, 1] {
        people
            .append(records[index].key.as_deref(), records[index].value.as_deref().unwrap())
            .await;
    }
    let items = people.read_as_bob(Seq::ZERO).await;
    assert_eq!(texts(&items), ["zero", "two", "one"]);
    let said: Vec<&str> = items
        .iter()
        .map(|item| match &item.what {
            Item::Message(_) => "message",
            Item::Missing(_) => "missing",
            Item::Found(_) => "found",
            _ => "other",
        })
        .collect();
    assert_eq!(said.iter().filter(|what| **what == "missing").count(), 1, "{said:?}");
    assert_eq!(said.iter().filter(|what| **what == "found").count(), 1, "{said:?}");
}

#[tokio::test]
async fn pictures_come_back_as_they_were_sent() {
    let people = People::new().await;
    let cover =
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../images/smile.jpg")).unwrap();
    let draft = chat_core::Draft::text(crate::people::handle("bob"), "look closely");
    let draft = draft.in_picture(chat_core::CoverSource::Bytes(cover));
    people.alice.send(draft, crate::people::LONG).await.unwrap();
    let items = people.read_as_bob(Seq::ZERO).await;
    assert_eq!(texts(&items), ["look closely"]);
    let record = people.records().remove(0);
    assert!(record.key.is_none());
    assert_eq!(people.bob.picture(items[0].seq).await.unwrap(), record.value.unwrap());
    assert!(people.folder.path().join("bob").is_dir());
}

/// The salt of an envelope is its beginning: no two are alike, not even of the same words.
#[tokio::test]
async fn no_two_envelopes_begin_alike() {
    let people = People::new().await;
    for _ in 0..20 {
        people.send("the same words").await;
    }
    let records = people.records();
    let salts: std::collections::BTreeSet<Vec<u8>> =
        records.iter().map(|record| record.value.as_ref().unwrap()[..16].to_vec()).collect();
    assert_eq!(salts.len(), 20);
}
