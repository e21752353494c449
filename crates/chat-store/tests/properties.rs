//! Laws of the tables that a reader's correctness rests on, against simple models.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a test crate")]

use std::collections::{BTreeMap, BTreeSet};

use chat_store::{SeenEntry, Store, StoreError, StoreKey};
use proptest::prelude::*;

fn store() -> Store {
    Store::in_memory(&StoreKey::from_bytes([3; 32])).unwrap()
}

fn entry(id: u8) -> SeenEntry {
    SeenEntry { message_id: [id; 16], content_hash: [!id; 32], history: u64::from(id).into() }
}

/// Small alphabets, so that parts of names collide when they are put together.
fn stream() -> impl Strategy<Value = (Vec<u8>, String, [u8; 16])> {
    let id = prop::sample::select(vec![[0; 16], [1; 16]]);
    (prop::collection::vec(b'a'..=b'b', 0..3), "[ab]{0,2}", id)
}

/// Numbers whose bytes reach into every place.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0..4_u64, 254..258_u64, any::<u64>(), (u64::MAX - 2)..=u64::MAX]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn de_duplication_is_an_ordered_map_by_stream_and_number(
        puts in prop::collection::vec(
            (stream(), number(), prop::collection::vec(any::<u8>(), 1..5)), 1..40,
        ),
        asked in prop::collection::vec((stream(), number()), 0..10),
    ) {
        type Name = (Vec<u8>, String, [u8; 16]);
        let store = store();
        let mut model: BTreeMap<(Name, u64), Vec<u8>> = BTreeMap::new();
        // Over several transactions, so that both pending and stored rows are read.
        for puts in puts.chunks(7) {
            let written = store.write(|tx| {
                for (name, number, ids) in puts {
                    let key = tx.stream_key(&name.0, &name.1, &name.2);
                    let entries: Vec<_> = ids.iter().map(|id| entry(*id)).collect();
                    tx.set_seen(&key, *number, &entries)?;
                    model.insert((name.clone(), *number), ids.clone());
                }
                Ok::<_, StoreError>(())
            });
            written.unwrap();
        }
        let asked = asked.into_iter().chain(model.keys().cloned().collect::<Vec<_>>());
        for (name, number) in asked {
            let (seen, highest) = store.read(|tx| {
                let key = tx.stream_key(&name.0, &name.1, &name.2);
                Ok::<_, StoreError>((tx.seen(&key, number)?, tx.seen_highest(&key)?))
            }).unwrap();
            let of_stream = model.range((name.clone(), 0)..=(name.clone(), u64::MAX));
            prop_assert_eq!(highest, of_stream.map(|((_, number), _)| *number).next_back());
            let known = model.get(&(name, number)).cloned().unwrap_or_default();
            prop_assert_eq!(seen, known.into_iter().map(entry).collect::<Vec<_>>());
        }
        prop_assert!(store.verify().unwrap().is_sound());
    }

    #[test]
    fn missing_ranges_are_a_set_of_numbers(
        gaps in prop::collection::vec((1..5_u64, 0..6_u64), 1..8),
        taken in prop::collection::vec(0..60_u64, 0..60),
    ) {
        let store = store();
        let mut model = BTreeSet::new();
        let done = store.write(|tx| {
            let key = tx.stream_key(b"c", "bob", &[0; 16]);
            let other = tx.stream_key(b"c", "eve", &[0; 16]);
            let mut at = 0;
            for (skip, more) in gaps {
                let first = at + skip;
                tx.missing_insert(&key, first, first + more)?;
                model.extend(first..=first + more);
                at = first + more;
            }
            for number in taken {
                assert!(!tx.missing_take(&other, number)?);
                assert_eq!(tx.missing_take(&key, number)?, model.remove(&number), "{number}");
            }
            for number in 0..100 {
                assert_eq!(tx.missing_take(&key, number)?, model.remove(&number), "{number}");
            }
            Ok::<_, StoreError>(())
        });
        done.unwrap();
    }

    #[test]
    fn kept_hashes_are_the_newest_of_the_log(
        chunks in prop::collection::vec((1..3_u64, 1..700_usize), 1..14),
        cut in prop::option::of(any::<prop::sample::Index>()),
        below in any::<prop::sample::Index>(),
    ) {
        let store = store();
        let mut model: Vec<(u64, [u8; 32])> = Vec::new();
        for (skip, len) in chunks {
            let first = model.last().map_or(0, |(at, _)| at + skip);
            let chunk: Vec<_> = (first..).take(len).map(|at| (at, [at as u8; 32])).collect();
            store.write(|tx| tx.kept_append("t", 1, &chunk)).unwrap();
            model.extend(chunk);
        }
        let end = model.last().unwrap().0 + 1;
        if let Some(cut) = cut {
            let cut = cut.index(end as usize + 1) as u64;
            store.write(|tx| tx.kept_truncate_from("t", 1, cut)).unwrap();
            model.retain(|(at, _)| *at < cut);
        }
        let below = below.index(end as usize + 1) as u64;
        let expected: Vec<_> = model.iter().rev().filter(|(at, _)| *at < below).copied().collect();
        let (kept, newest) = store.read(|tx| {
            Ok::<_, StoreError>((tx.kept_below("t", 1, below, 100)?, tx.kept_newest("t", 1)?))
        }).unwrap();
        prop_assert!(expected.starts_with(&kept));
        let all = store.read(|tx| tx.kept_below("t", 1, u64::MAX, usize::MAX)).unwrap();
        prop_assert!(all.iter().eq(model.iter().rev().take(all.len())));
        // Whole chunks go, and never one of the newest 4,096 that were there.
        if cut.is_none() {
            prop_assert!(all.len() >= model.len().min(4096) && all.len() < 4096 + 700);
            prop_assert_eq!(newest, model.last().copied());
        }
        store.write(|tx| tx.kept_clear("t", 1)).unwrap();
        prop_assert_eq!(store.read(|tx| tx.kept_newest("t", 1)).unwrap(), None);
        prop_assert_eq!(store.read(|tx| tx.kept_newest("t", 2)).unwrap(), None);
    }

    #[test]
    fn history_of_each_conversation_is_the_history_filtered(
        rows in prop::collection::vec((0..4_u8, any::<u8>()), 0..60), per in 1..20_usize,
        before in prop::option::of(0..70_u64), limit in 0..70_usize,
    ) {
        let store = store();
        for chunk in rows.chunks(per) {
            let append = |(name, body): &(u8, u8)| (vec![b'c'; usize::from(*name)], [*body]);
            let written = store.write(|tx| {
                for (name, body) in chunk.iter().map(append) {
                    tx.nested(|tx| tx.history_append(&name, &body))?;
                }
                Ok::<_, StoreError>(())
            });
            written.unwrap();
        }
        let before = before.map(Into::into);
        let all = store.read(|tx| tx.history_before(None, usize::MAX)).unwrap();
        prop_assert_eq!(all.len(), rows.len());
        for name in 0..4 {
            let name = vec![b'c'; name];
            let (found, head) = store.read(|tx| {
                Ok::<_, StoreError>((tx.history_of(&name, before, limit)?, tx.head(&name)?))
            }).unwrap();
            let of = |row: &&chat_store::HistoryRow| row.conversation == name;
            let count = all.iter().filter(of).count();
            prop_assert_eq!(head.map_or(0, |head| head.count), count as u64);
            let expected = all.iter().filter(of).filter(|row| before.is_none_or(|b| row.seq < b));
            prop_assert!(found.iter().eq(expected.take(limit)));
        }
        prop_assert!(store.verify().unwrap().is_sound());
    }
}
