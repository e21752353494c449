//! Laws of the tables that a reader's correctness rests on, against simple models.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a test crate")]

use std::collections::{BTreeMap, BTreeSet};

use chat_store::{OutboxId, SeenEntry, Store, StoreError, StoreKey};
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

/// What is done to an outbox.
#[derive(Clone, Debug)]
enum Step {
    Push(u8, Vec<usize>),
    /// The rows whose numbers leave one of these remainders arrive.
    Rest(u8, u64, Vec<u64>),
    Requeue(u64),
    Remove(u64),
    Replace(u64, usize),
    ForgetAll,
    ForgetNone,
}

fn step() -> impl Strategy<Value = Step> {
    let length = prop_oneof![8 => 0..40_usize, 1 => Just(50_000)];
    let id = || 1..200_u64;
    prop_oneof![
        (0..2_u8, prop::collection::vec(length, 1..80)).prop_map(|(to, rows)| Step::Push(to, rows)),
        (0..2_u8, 1..5_u64, prop::collection::vec(0..5_u64, 1..5))
            .prop_map(|(to, of, rests)| Step::Rest(to, of, rests)),
        id().prop_map(Step::Requeue),
        id().prop_map(Step::Remove),
        (id(), 0..60_000_usize).prop_map(|(id, length)| Step::Replace(id, length)),
        Just(Step::ForgetAll),
        Just(Step::ForgetNone),
    ]
}

/// One row of the outbox, as simply as it can be kept.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    mailbox: u8,
    body: Vec<u8>,
    waits: bool,
}

/// The outbox and its model after a step; bodies are as long as the step says.
fn outbox_step(
    tx: &mut chat_store::WriteTxn<'_>,
    model: &mut BTreeMap<u64, Row>,
    step: &Step,
) -> Result<(), StoreError> {
    match step {
        Step::Push(to, lengths) => {
            let bodies: Vec<_> =
                lengths.iter().map(|length| vec![*length as u8; *length]).collect();
            let (first, last) = tx.outbox_push_all(&[*to; 20], &bodies)?;
            assert_eq!(last.get() + 1 - first.get(), bodies.len() as u64);
            for (id, body) in (first.get()..).zip(bodies) {
                let row = Row { mailbox: *to, body, waits: true };
                assert_eq!(model.insert(id, row), None, "numbers are used once");
            }
        }
        Step::Rest(to, of, rests) => {
            let arrives = |id: u64, row: &Row| row.mailbox == *to && rests.contains(&(id % of));
            let mut arrived = Vec::new();
            for (id, row) in model.iter_mut().filter(|(id, row)| arrives(**id, row)) {
                arrived.push((OutboxId::from(*id), row.body.len() as u64));
                row.waits = false;
            }
            tx.outbox_rest(&[*to; 20], arrived, 7)?;
        }
        Step::Requeue(id) => {
            let row = model.get_mut(id).filter(|row| !row.waits);
            assert_eq!(tx.outbox_requeue((*id).into())?, row.is_some());
            row.into_iter().for_each(|row| row.waits = true);
        }
        Step::Remove(id) => {
            tx.outbox_remove((*id).into())?;
            model.remove(id);
        }
        Step::Replace(id, length) => {
            let body = vec![9; *length];
            tx.outbox_replace((*id).into(), &body)?;
            // Only what waits is replaced by anybody: the length of what rests was noted.
            if let Some(row) = model.get_mut(id) {
                row.body = body;
            }
        }
        Step::ForgetAll => {
            tx.outbox_forget(8, u64::MAX)?;
            model.retain(|_, row| row.waits);
        }
        Step::ForgetNone => tx.outbox_forget(7, u64::MAX)?,
    }
    Ok(())
}

fn outbox_is(tx: &chat_store::ReadTxn<'_>, model: &BTreeMap<u64, Row>) -> Result<(), StoreError> {
    let waiting = |to: u8| model.iter().filter(move |(_, row)| row.waits && row.mailbox == to);
    for to in 0..2 {
        let oldest = tx.outbox_oldest(&[to; 20], usize::MAX, usize::MAX)?;
        let oldest = oldest.iter().map(|row| (row.id.get(), row.body.as_slice()));
        assert!(oldest.eq(waiting(to).map(|(id, row)| (*id, row.body.as_slice()))));
        let few = tx.outbox_oldest(&[to; 20], 70, 30_000)?;
        let bytes: usize = few.iter().map(|row| row.body.len()).sum();
        assert!(few.len() <= 70 && (bytes <= 30_000 || few.len() == 1));
        assert_eq!(few.is_empty(), waiting(to).next().is_none());
    }
    let mut each = Vec::new();
    tx.outbox_each(|row| {
        each.push(row.id);
        Ok::<_, StoreError>(())
    })?;
    each.sort_unstable();
    assert_eq!(tx.outbox_numbers()?, each);
    let waits = model.iter().filter(|(_, row)| row.waits).map(|(id, _)| OutboxId::from(*id));
    assert!(each.into_iter().eq(waits));
    for id in 0..250 {
        let row = model.get(&id);
        let found = tx.outbox_get(id.into())?;
        assert_eq!(found.as_ref().map(|row| row.body.as_slice()), row.map(|row| &*row.body));
        for to in 0..2 {
            let expected = row.is_some_and(|row| row.waits && row.mailbox == to);
            assert_eq!(tx.outbox_waits(&[to; 20], id.into())?, expected, "{id}");
        }
    }
    Ok(())
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
    fn places_of_own_records_are_an_ordered_map_however_they_lie_together(
        steps in prop::collection::vec(
            (any::<bool>(), prop::collection::vec(0..300_u64, 1..100), 0..3_u64), 1..12,
        ),
        asked in prop::collection::vec((0..310_u64, 0..400_usize), 0..10),
    ) {
        let store = store();
        let mut model: BTreeMap<u64, u8> = BTreeMap::new();
        for (step, (rising, mut offsets, kind)) in steps.into_iter().enumerate() {
            if rising {
                offsets.sort_unstable();
            }
            store.write(|tx| {
                if kind == 0 {
                    model.retain(|offset, _| !offsets.contains(offset));
                    return offsets.iter().try_for_each(|offset| tx.own_delete("t", 0, *offset));
                }
                let body = step as u8;
                model.extend(offsets.iter().map(|offset| (*offset, body)));
                tx.own_put("t", 0, offsets.into_iter().map(|offset| (offset, [body])))
            }).unwrap();
            let newest = store.read(|tx| tx.own_newest("t", 0)).unwrap();
            prop_assert_eq!(newest.map(|row| row.offset), model.keys().next_back().copied());
        }
        for (below, limit) in asked.into_iter().chain([(u64::MAX, usize::MAX)]) {
            let rows = store.read(|tx| tx.own_below("t", 0, below, limit)).unwrap();
            let rows = rows.iter().map(|row| (row.offset, row.body[0]));
            let expected = model.range(..below).rev().take(limit);
            prop_assert!(rows.eq(expected.map(|(offset, body)| (*offset, *body))));
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

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 48,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_outbox_is_a_list_of_rows_however_they_lie_together(
        steps in prop::collection::vec(step(), 1..14),
    ) {
        let store = store();
        let mut model = BTreeMap::new();
        for step in &steps {
            store.write(|tx| outbox_step(tx, &mut model, step)).unwrap();
            store.read(|tx| outbox_is(tx, &model)).unwrap();
        }
        // Nothing that nobody can ask for stays behind.
        store.write(|tx| {
            let ids: Vec<u64> = model.keys().copied().collect();
            ids.into_iter().try_for_each(|id| outbox_step(tx, &mut model, &Step::Remove(id)))
        }).unwrap();
        store.read(|tx| outbox_is(tx, &model)).unwrap();
        prop_assert!(store.verify().unwrap().is_sound());
    }
}
