//! What every engine must do: one suite, run on each of them.

use std::sync::mpsc;
use std::thread;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::memory::MemoryEngine;
use super::sqlite::SqliteEngine;
use super::{Engine, Range, Txn};
use crate::error::StoreError;
use crate::schema::{META, OUTBOX, TABLES};

#[test]
fn memory_conforms() {
    conforms(|| ready(MemoryEngine::new()));
}

#[test]
fn sqlite_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let mut number = 0;
    conforms(|| {
        number += 1;
        let path = folder.path().join(number.to_string());
        std::fs::File::create_new(&path).unwrap();
        ready(SqliteEngine::open(&path).unwrap())
    });
}

#[cfg(feature = "sled")]
#[test]
fn sled_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let mut number = 0;
    conforms(|| {
        number += 1;
        let path = folder.path().join(number.to_string());
        std::fs::create_dir(&path).unwrap();
        ready(super::sled::SledEngine::open(&path).unwrap())
    });
}

/// Runs the whole suite; `make` gives an engine with empty tables.
fn conforms<E: Engine>(mut make: impl FnMut() -> E) {
    a_commit_is_seen_and_a_dropped_transaction_is_not(&make());
    values_of_any_bytes_and_sizes_come_back(&make());
    tables_are_apart(&make());
    ranges_are_ordered_bounded_and_limited(&make());
    nested_parts_are_undone_alone(&make());
    a_reader_sees_one_state_and_writes_nothing(&make());
    one_writer_at_a_time_loses_no_update(&make());
    the_version_is_part_of_the_transaction(&make());
    tables_may_be_made_again(&make());
    a_sound_engine_finds_nothing_to_complain_about(&make());
    any_sequence_of_steps_is_a_sorted_map(&mut make);
}

fn ready<E: Engine>(engine: E) -> E {
    let tx = engine.begin_write().unwrap();
    assert_eq!(tx.version().unwrap(), 0, "a new engine has no version");
    tx.ensure_tables().unwrap();
    tx.commit().unwrap();
    engine
}

fn put(engine: &impl Engine, rows: &[(&[u8], &[u8])]) {
    let tx = engine.begin_write().unwrap();
    rows.iter().for_each(|(key, value)| tx.put(&META, key, value).unwrap());
    tx.commit().unwrap();
}

fn get(engine: &impl Engine, key: &[u8]) -> Option<Vec<u8>> {
    engine.begin_read().unwrap().get(&META, key).unwrap()
}

fn keys(tx: &dyn Txn, range: &Range, limit: usize) -> Vec<Vec<u8>> {
    tx.scan(&META, range, limit).unwrap().into_iter().map(|(key, _)| key).collect()
}

fn a_commit_is_seen_and_a_dropped_transaction_is_not(engine: &impl Engine) {
    let tx = engine.begin_write().unwrap();
    tx.put(&META, b"k", b"lost").unwrap();
    assert_eq!(tx.get(&META, b"k").unwrap().unwrap(), b"lost", "own writes are seen");
    drop(tx);
    assert_eq!(get(engine, b"k"), None);
    put(engine, &[(b"k", b"1")]);
    put(engine, &[(b"k", b"2")]);
    assert_eq!(get(engine, b"k").unwrap(), b"2");
    let tx = engine.begin_write().unwrap();
    assert!(tx.delete(&META, b"k").unwrap());
    assert!(!tx.delete(&META, b"k").unwrap(), "it is gone already");
    tx.commit().unwrap();
    assert_eq!(get(engine, b"k"), None);
}

fn values_of_any_bytes_and_sizes_come_back(engine: &impl Engine) {
    let tx = engine.begin_write().unwrap();
    let sizes = [0, 1, 4096, 5 << 20];
    for size in sizes {
        tx.put(&OUTBOX, &[0, 255, b'\'', size as u8], &vec![0xfe; size]).unwrap();
    }
    tx.put(&OUTBOX, b"", b"under the empty key").unwrap();
    tx.commit().unwrap();
    let tx = engine.begin_read().unwrap();
    assert_eq!(tx.get(&OUTBOX, b"").unwrap().unwrap(), b"under the empty key");
    for (key, value) in tx.scan(&OUTBOX, &Range::prefix(&[0]), 9).unwrap() {
        let size = sizes.into_iter().find(|size| *size as u8 == key[3] && *size == value.len());
        assert!(size.is_some() && value.iter().all(|byte| *byte == 0xfe));
    }
}

fn tables_are_apart(engine: &impl Engine) {
    let tx = engine.begin_write().unwrap();
    for table in TABLES {
        tx.put(table, b"k", table.name.as_bytes()).unwrap();
    }
    tx.commit().unwrap();
    let tx = engine.begin_read().unwrap();
    for table in TABLES {
        assert_eq!(tx.get(table, b"k").unwrap().unwrap(), table.name.as_bytes());
    }
}

fn ranges_are_ordered_bounded_and_limited(engine: &impl Engine) {
    let all: [&[u8]; 6] = [b"", b"a", b"a\0", b"ab", b"b", b"\xff\xff"];
    put(engine, &all.map(|key| (key, key)));
    let tx = engine.begin_read().unwrap();
    assert_eq!(keys(&*tx, &Range::all(), 99), all);
    assert_eq!(keys(&*tx, &Range::all(), 2), all[..2]);
    assert_eq!(keys(&*tx, &Range::all(), 0), [b""; 0]);
    assert_eq!(keys(&*tx, &Range::all(), usize::MAX), all, "no limit");
    assert_eq!(keys(&*tx, &Range::all().falling(), 2), [all[5], all[4]]);
    assert_eq!(keys(&*tx, &Range::prefix(b"a"), 99), all[1..4]);
    assert_eq!(keys(&*tx, &Range::prefix(b"a").falling(), 1), [all[3]]);
    assert_eq!(keys(&*tx, &Range::prefix(b"\xff"), 99), all[5..], "a prefix without a next one");
    assert_eq!(keys(&*tx, &Range::all().starting_at(b"a\0".to_vec()), 99), all[2..]);
    assert_eq!(keys(&*tx, &Range::all().ending_before(b"b".to_vec()), 99), all[..4]);
    let upside_down = Range::all().starting_at(b"b".to_vec()).ending_before(b"a".to_vec());
    assert_eq!(keys(&*tx, &upside_down, 99), [b""; 0]);
    assert_eq!(keys(&*tx, &upside_down.falling(), 99), [b""; 0]);
}

fn nested_parts_are_undone_alone(engine: &impl Engine) {
    let tx = engine.begin_write().unwrap();
    tx.put(&META, b"outer", b"1").unwrap();
    tx.savepoint().unwrap();
    tx.put(&META, b"outer", b"2").unwrap();
    tx.put(&META, b"undone", b"").unwrap();
    tx.savepoint().unwrap();
    tx.delete(&META, b"outer").unwrap();
    tx.release().unwrap();
    assert_eq!(tx.get(&META, b"outer").unwrap(), None);
    tx.rollback().unwrap();
    assert_eq!(tx.get(&META, b"outer").unwrap().unwrap(), b"1");
    tx.savepoint().unwrap();
    tx.put(&META, b"kept", b"").unwrap();
    tx.release().unwrap();
    tx.commit().unwrap();
    assert_eq!(get(engine, b"outer").unwrap(), b"1");
    assert_eq!((get(engine, b"undone"), get(engine, b"kept")), (None, Some(Vec::new())));
}

fn a_reader_sees_one_state_and_writes_nothing(engine: &impl Engine) {
    put(engine, &[(b"k", b"before")]);
    let reader = engine.begin_read().unwrap();
    assert_eq!(reader.get(&META, b"k").unwrap().unwrap(), b"before");
    put(engine, &[(b"k", b"after")]);
    assert_eq!(reader.get(&META, b"k").unwrap().unwrap(), b"before");
    assert!(matches!(reader.put(&META, b"x", b""), Err(StoreError::ReadOnly)));
    assert!(matches!(reader.delete(&META, b"k"), Err(StoreError::ReadOnly)));
    assert!(matches!(reader.set_version(7), Err(StoreError::ReadOnly)));
    assert!(matches!(reader.ensure_tables(), Err(StoreError::ReadOnly)));
    drop(reader);
    assert_eq!(get(engine, b"k").unwrap(), b"after");
}

fn one_writer_at_a_time_loses_no_update(engine: &impl Engine) {
    const EACH: u64 = 25;
    let add = || {
        let tx = engine.begin_write().unwrap();
        let old = tx.get(&META, b"sum").unwrap().map_or(0, |v| u64::from(v[0]));
        tx.put(&META, b"sum", &[(old + 1) as u8]).unwrap();
        tx.commit().unwrap();
    };
    let (begun, wait) = mpsc::channel();
    thread::scope(|scope| {
        let tx = engine.begin_write().unwrap();
        for _ in 0..4 {
            let begun = begun.clone();
            scope.spawn(move || {
                begun.send(()).unwrap();
                (0..EACH).for_each(|_| add());
            });
        }
        (0..4).for_each(|_| wait.recv().unwrap());
        // All four wait for this one by now, or will; none may have been let in.
        assert_eq!(tx.get(&META, b"sum").unwrap(), None);
        drop(tx);
    });
    assert_eq!(get(engine, b"sum").unwrap(), [4 * EACH as u8]);
}

fn the_version_is_part_of_the_transaction(engine: &impl Engine) {
    let tx = engine.begin_write().unwrap();
    tx.set_version(3).unwrap();
    assert_eq!(tx.version().unwrap(), 3);
    drop(tx);
    assert_eq!(engine.begin_read().unwrap().version().unwrap(), 0);
    let tx = engine.begin_write().unwrap();
    tx.set_version(4).unwrap();
    tx.commit().unwrap();
    assert_eq!(engine.begin_read().unwrap().version().unwrap(), 4);
}

fn tables_may_be_made_again(engine: &impl Engine) {
    put(engine, &[(b"k", b"v")]);
    let tx = engine.begin_write().unwrap();
    tx.ensure_tables().unwrap();
    tx.commit().unwrap();
    assert_eq!(get(engine, b"k").unwrap(), b"v");
}

fn a_sound_engine_finds_nothing_to_complain_about(engine: &impl Engine) {
    put(engine, &[(b"k", b"v")]);
    assert_eq!(engine.check().unwrap(), Vec::<String>::new());
}

#[derive(Clone, Debug)]
enum Step {
    Put(Vec<u8>, Vec<u8>),
    Delete(Vec<u8>),
    Nest,
    Keep,
    Undo,
    Commit,
    Drop,
}

fn step() -> impl Strategy<Value = Step> {
    let key = || prop::collection::vec(prop::sample::select(vec![0, 1, 255_u8]), 0..3);
    prop_oneof![
        6 => (key(), prop::collection::vec(any::<u8>(), 0..4)).prop_map(|(k, v)| Step::Put(k, v)),
        2 => key().prop_map(Step::Delete),
        1 => Just(Step::Nest),
        1 => Just(Step::Keep),
        1 => Just(Step::Undo),
        1 => Just(Step::Commit),
        1 => Just(Step::Drop),
    ]
}

/// The memory engine is a map itself, so the model is a third thing: maps that are copied whole.
fn any_sequence_of_steps_is_a_sorted_map<E: Engine>(make: &mut impl FnMut() -> E) {
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let make = std::cell::RefCell::new(make);
    let steps = prop::collection::vec(step(), 0..60);
    let outcome = runner.run(&steps, |steps| {
        let engine = (make.borrow_mut())();
        replay(&engine, steps);
        Ok(())
    });
    outcome.unwrap();
}

fn replay(engine: &impl Engine, steps: Vec<Step>) {
    type Model = std::collections::BTreeMap<Vec<u8>, Vec<u8>>;
    let (mut committed, mut now, mut nested) = (Model::new(), Model::new(), Vec::<Model>::new());
    let mut tx = engine.begin_write().unwrap();
    for step in steps.into_iter().chain([Step::Commit]) {
        match step {
            Step::Put(key, value) => {
                tx.put(&META, &key, &value).unwrap();
                now.insert(key, value);
            }
            Step::Delete(key) => {
                assert_eq!(tx.delete(&META, &key).unwrap(), now.remove(&key).is_some());
            }
            Step::Nest => {
                tx.savepoint().unwrap();
                nested.push(now.clone());
            }
            Step::Keep if nested.pop().is_some() => tx.release().unwrap(),
            Step::Undo if !nested.is_empty() => {
                tx.rollback().unwrap();
                now = nested.pop().unwrap();
            }
            Step::Keep | Step::Undo => {}
            Step::Commit => {
                tx.commit().unwrap();
                committed = now.clone();
                nested.clear();
                tx = engine.begin_write().unwrap();
            }
            Step::Drop => {
                drop(tx);
                now = committed.clone();
                nested.clear();
                tx = engine.begin_write().unwrap();
            }
        }
        let rows = tx.scan(&META, &Range::all(), usize::MAX).unwrap();
        assert!(rows.into_iter().eq(now.clone()));
        let rows = tx.scan(&META, &Range::prefix(&[1]).falling(), 2).unwrap();
        let expected = now.range(vec![1]..vec![2]).rev().take(2);
        assert!(rows.iter().map(|(k, v)| (k, v)).eq(expected));
    }
}
