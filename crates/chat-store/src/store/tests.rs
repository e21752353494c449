use crate::engine::sqlite::SqliteEngine;
use std::time::Duration;

use rusqlite::Connection;
use zeroize::Zeroizing;

use super::*;
use crate::ids::Seq;
use crate::tables::contacts::Contact;

fn key() -> StoreKey {
    StoreKey::from_bytes([5; 32])
}

/// A store on disk whose connections are set up by `pragma` and that waits for nobody.
fn impatient(path: &Path, pragma: &str) -> Store {
    drop(Store::create(path, &key()).unwrap());
    let engine = SqliteEngine::with_settings(path, Duration::from_millis(50), pragma).unwrap();
    Store::over(Box::new(engine), &key())
}

fn append(store: &Store, body: &[u8]) -> Result<Seq, StoreError> {
    store.write(|tx| tx.history_append(b"c", body))
}

#[test]
fn a_store_that_another_process_holds_is_locked_not_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let store = impatient(&path, "");
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(matches!(append(&store, b"x"), Err(StoreError::Locked)));
    assert_eq!(store.read(|tx| tx.history_last()).unwrap(), None, "readers go on");
    other.execute_batch("ROLLBACK").unwrap();
    append(&store, b"x").unwrap();
}

#[test]
fn a_full_disk_undoes_the_transaction_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let store = impatient(&folder.path().join("db"), "PRAGMA max_page_count=120;");
    let mut stored = 0;
    let error = loop {
        match append(&store, &[7; 4000]) {
            Ok(seq) => stored = seq.get(),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Full), "{error}");
    assert!(stored > 20);
    assert_eq!(store.read(|tx| tx.history_last()).unwrap(), Some(stored.into()));
    assert_eq!(store.verify().unwrap().damage, []);
    append(&store, b"small ones still fit").unwrap();
}

#[test]
fn what_follows_a_full_disk_in_the_same_transaction_is_not_written_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = impatient(&folder.path().join("db"), "PRAGMA max_page_count=120;");
    let outcome = store.write(|tx| {
        tx.meta_put("before", b"1")?;
        let nested = tx.nested(|tx| tx.outbox_push(&[0; 20], &vec![0; 4 << 20]).map(drop));
        assert!(matches!(nested, Err(StoreError::Full)), "{nested:?}");
        // A caller that takes this for a bad record and goes on.
        drop(tx.meta_put("after", b"1"));
        drop(tx.nested(|tx| tx.meta_put("after, nested", b"1")));
        Ok::<_, StoreError>(())
    });
    let seen = |name| store.read(|tx| tx.meta_get(name)).unwrap().is_some();
    let all = ["before", "after", "after, nested"].map(seen);
    assert!(all == [outcome.is_ok(); 3], "all or nothing: {outcome:?} {all:?}");
}

#[test]
fn a_transaction_that_sqlite_has_ended_refuses_everything() {
    let folder = tempfile::tempdir().unwrap();
    let store = impatient(&folder.path().join("db"), "");
    let outcome = store.write(|tx| {
        tx.meta_put("before", b"1")?;
        // What SQLite does by itself after some errors.
        assert!(tx.nested(|tx| tx.raw.force_rollback()).is_err());
        assert!(tx.meta_put("after", b"1").is_err());
        assert!(tx.nested(|tx| tx.meta_put("nested", b"1")).is_err());
        Ok::<_, StoreError>(())
    });
    assert!(outcome.is_err(), "it cannot be committed");
    for name in ["before", "after", "nested"] {
        assert!(store.read(|tx| tx.meta_get(name)).unwrap().is_none(), "{name}");
    }
    store.write(|tx| tx.meta_put("later", b"1")).unwrap();
}

fn first(tx: &mut WriteTxn<'_>) -> Result<(), StoreError> {
    let old = tx.meta_get("steps")?.map_or(0, |v| v[0]);
    tx.meta_put("steps", &[old * 10 + 1])
}

fn second(tx: &mut WriteTxn<'_>) -> Result<(), StoreError> {
    let old = tx.meta_get("steps")?.map_or(0, |v| v[0]);
    tx.meta_put("steps", &[old * 10 + 2])
}

fn failing(tx: &mut WriteTxn<'_>) -> Result<(), StoreError> {
    second(tx)?;
    Err(StoreError::Full)
}

fn steps(store: &Store) -> Option<u8> {
    store.read(|tx| tx.meta_get("steps")).unwrap().map(|value| value[0])
}

#[test]
fn migrations_run_in_order_once_and_each_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    for store in [Store::in_memory(&key()).unwrap(), Store::create(&path, &key()).unwrap()] {
        store.write(|tx| tx.raw.set_version(1)).unwrap();
        store.migrate(&[]).unwrap();
        assert_eq!((steps(&store), store.version().unwrap()), (None, 1));
        assert!(store.migrate(&[first, failing]).is_err());
        assert_eq!((steps(&store), store.version().unwrap()), (Some(1), 2), "the first one holds");
        store.migrate(&[first, second]).unwrap();
        store.migrate(&[first, second]).unwrap();
        assert_eq!((steps(&store), store.version().unwrap()), (Some(12), 3));
        store.write(|tx| tx.raw.set_version(VERSION + 1)).unwrap();
    }
    let newer = Store::open(&path, &key()).unwrap_err();
    assert!(
        matches!(newer, OpenError::Newer { found, supported: VERSION } if found == VERSION + 1)
    );
}

/// Rows of an old form in a store of a new one would be taken for damage.
#[test]
fn a_store_that_a_newer_program_has_changed_meanwhile_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    for store in [Store::in_memory(&key()).unwrap(), Store::create(&path, &key()).unwrap()] {
        append(&store, b"x").unwrap();
        store.write(|tx| tx.raw.set_version(VERSION + 1)).unwrap();
        let refused = append(&store, b"y").unwrap_err();
        assert!(matches!(refused, StoreError::Newer { found, .. } if found == VERSION + 1));
        assert_eq!(store.read(|tx| tx.history_last()).unwrap(), Some(1.into()));
    }
}

#[test]
fn migrations_of_many_openers_at_once_run_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let store = Store::create(&path, &key()).unwrap();
    store.write(|tx| tx.raw.set_version(1)).unwrap();
    drop(store);
    // A store of its own for each, as each process has.
    let open = |_| Store::over(Box::new(SqliteEngine::open(&path).unwrap()), &key());
    let stores: Vec<Store> = (0..6).map(open).collect();
    std::thread::scope(|scope| {
        for store in &stores {
            scope.spawn(|| store.migrate(&[first]).unwrap());
        }
    });
    assert_eq!(steps(&stores[0]), Some(1));
}

#[test]
fn an_older_store_gets_the_tables_that_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let store = Store::create(&path, &key()).unwrap();
    append(&store, b"x").unwrap();
    store.write(|tx| tx.raw.set_version(1)).unwrap();
    drop(store);
    Connection::open(&path).unwrap().execute_batch("DROP TABLE marks").unwrap();
    let store = Store::over(Box::new(SqliteEngine::open(&path).unwrap()), &key());
    assert!(store.read(|tx| tx.mark("m")).is_err());
    store.migrate(&[|_| Ok(())]).unwrap();
    store.write(|tx| tx.set_mark("m", 1.into())).unwrap();
    assert_eq!(store.read(|tx| tx.history_last()).unwrap(), Some(1.into()));
}

const MAILBOX: [u8; 20] = [8; 20];

/// A store as version 2 wrote it, row by row: number 1 waits, number 2 has arrived.
fn store_of_version_2(path: &Path) {
    use crate::codec::numbered;
    use crate::schema::{CONTACTS, OUTBOX, OWN, RESTING, WAITING};
    let store = Store::create(path, &key()).unwrap();
    append(&store, b"x").unwrap();
    let written = store.write(|tx| {
        for id in 1..=2_u64 {
            let row = [MAILBOX.as_slice(), b"body", &[id as u8]].concat();
            tx.put(&OUTBOX.as_of(2), &id.to_be_bytes(), &row)?;
        }
        let waiting: [u8; 16] = tx.sealer.hide("mailbox", &[&MAILBOX]);
        tx.put(&WAITING.as_of(2), &numbered(&waiting, 1), &MAILBOX)?;
        let resting = [70_i64.to_be_bytes(), 5_u64.to_be_bytes()].concat();
        tx.put(&RESTING.as_of(2), &2_u64.to_be_bytes(), &resting)?;
        tx.set_count(b"outbox", 2);
        tx.set_count(b"resting bytes", 5);
        let log = crate::tables::log_key(tx.sealer, "t", 3);
        tx.put(&OWN.as_of(2), &numbered(&log, 40), b"place")?;
        // bob, first heard from at 5.
        let bob = [&[0, 0, 0, 3][..], b"bob", &[1, 0, 0, 0, 0, 0, 0, 0, 5], &[0; 18]].concat();
        tx.put(&CONTACTS.as_of(2), &tx.sealer.hide("contact", &[b"bob"]), &bob)?;
        tx.raw.set_version(2)
    });
    written.unwrap();
}

/// What [`store_of_version_2`] wrote is all there, and can be gone on with.
fn goes_on(store: &Store) {
    let waits = store.read(|tx| tx.outbox_oldest(&MAILBOX, 9, 99)).unwrap();
    assert_eq!(waits.iter().map(|row| row.body.as_slice()).collect::<Vec<_>>(), [b"body\x01"]);
    let own = store.read(|tx| tx.own_newest("t", 3)).unwrap().unwrap();
    assert_eq!((own.offset, own.body.as_slice()), (40, &b"place"[..]));
    let bob = Contact { first_heard_ms: Some(5), ..Contact::new("bob") };
    assert_eq!(store.read(|tx| tx.contacts()).unwrap(), [bob]);
    store
        .write(|tx| {
            assert!(tx.outbox_requeue(2.into())?);
            assert!(tx.outbox_push(&MAILBOX, b"next")?.get() > 2);
            tx.own_put("t", 3, [(41, b"more")])
        })
        .unwrap();
    let waits = store.read(|tx| tx.outbox_numbers()).unwrap();
    assert_eq!((waits.len(), waits[0].get(), waits[1].get()), (3, 1, 2));
    assert_eq!(store.read(|tx| tx.own_below("t", 3, 99, 9)).unwrap().len(), 2);
    assert!(store.verify().unwrap().is_sound());
}

#[test]
fn a_store_of_version_2_keeps_its_outbox_and_its_own_records() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    store_of_version_2(&path);
    let store = Store::open(&path, &key()).unwrap();
    assert_eq!(store.version().unwrap(), VERSION);
    goes_on(&store);
}

#[test]
fn an_older_store_with_a_damaged_row_opens_and_can_be_repaired() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    store_of_version_2(&path);
    let database = Connection::open(&path).unwrap();
    database
        .execute_batch("UPDATE outbox SET v = zeroblob(40) WHERE k = x'0000000000000002'")
        .unwrap();
    drop(database);
    let to = folder.path().join("new");
    let engine = EngineKind::Sqlite;
    let (repaired, report) =
        Store::repair(&path, (engine, &to), &key(), |_| Zeroizing::default()).unwrap();
    assert_eq!(report.unauthentic.get("outbox"), Some(&1));
    let waits = repaired.read(|tx| tx.outbox_oldest(&MAILBOX, 9, 99)).unwrap();
    assert_eq!(waits.len(), 1);
    assert!(repaired.read(|tx| tx.own_newest("t", 3)).unwrap().is_some());
    assert!(repaired.verify().unwrap().is_sound());
    // Whoever does not repair it reads the history all the same.
    let store = Store::open(&path, &key()).unwrap();
    assert_eq!(store.read(|tx| tx.history_last()).unwrap(), Some(1.into()));
    assert!(!store.verify().unwrap().is_sound());
}

#[test]
fn an_older_store_that_is_whole_is_repaired_to_this_version() {
    let folder = tempfile::tempdir().unwrap();
    let (path, to) = (folder.path().join("db"), folder.path().join("new"));
    store_of_version_2(&path);
    let engine = EngineKind::Sqlite;
    let (repaired, _) =
        Store::repair(&path, (engine, &to), &key(), |_| Zeroizing::default()).unwrap();
    assert_eq!(repaired.version().unwrap(), VERSION);
    goes_on(&repaired);
    // Of version 1 nothing is known of places.
    let (path, to) = (folder.path().join("db1"), folder.path().join("new1"));
    store_of_version_2(&path);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 1).unwrap();
    let (repaired, _) =
        Store::repair(&path, (engine, &to), &key(), |_| Zeroizing::default()).unwrap();
    assert_eq!(repaired.read(|tx| tx.own_newest("t", 3)).unwrap(), None);
    assert!(repaired.verify().unwrap().is_sound());
}

#[test]
fn a_repair_counts_what_rests_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (path, to) = (folder.path().join("db"), folder.path().join("new"));
    let store = Store::create(&path, &key()).unwrap();
    store
        .write(|tx| {
            let (first, last) = tx.outbox_push_all(&MAILBOX, &[[7; 100]; 100])?;
            tx.outbox_rest(&MAILBOX, (first.get()..=last.get()).map(|id| (id.into(), 100)), 10)?;
            tx.own_put("t", 0, (0..200).map(|offset| (offset, [1])))
        })
        .unwrap();
    drop(store);
    let damage =
        "DELETE FROM counts; UPDATE resting SET v = zeroblob(40) WHERE k = x'0000000000000001'";
    Connection::open(&path).unwrap().execute_batch(damage).unwrap();
    let engine = EngineKind::Sqlite;
    let (repaired, _) =
        Store::repair(&path, (engine, &to), &key(), |_| Zeroizing::default()).unwrap();
    let counts = repaired.read(|tx| {
        let own = [b"own".as_slice(), &crate::tables::log_key(tx.sealer, "t", 0)].concat();
        Ok::<_, StoreError>((tx.count(b"resting bytes")?, tx.count(&own)?))
    });
    assert_eq!(counts.unwrap(), (3600, 200), "the block of 36 rows is known to rest");
    let waits = repaired.read(|tx| tx.outbox_numbers()).unwrap();
    assert_eq!(waits.len(), 64, "of the other one it is not known: its rows wait");
}

#[test]
fn a_store_of_version_1_opens_and_forgets_places_that_help_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let store = Store::create(&path, &key()).unwrap();
    append(&store, b"x").unwrap();
    store
        .write(|tx| {
            tx.own_put("t", 0, [(7, b"of version 1")])?;
            tx.raw.set_version(1)
        })
        .unwrap();
    drop(store);
    Connection::open(&path).unwrap().execute_batch("DROP TABLE resting").unwrap();
    let store = Store::open(&path, &key()).unwrap();
    assert_eq!(store.version().unwrap(), VERSION);
    assert_eq!(store.read(|tx| tx.own_newest("t", 0)).unwrap(), None);
    assert_eq!(store.read(|tx| tx.history_last()).unwrap(), Some(1.into()));
    assert!(store.verify().unwrap().is_sound());
}
