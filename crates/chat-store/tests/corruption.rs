//! Damaged files: what is read is what was written, or an error; and verification names the damage.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a test crate")]
#![allow(clippy::print_stdout, reason = "figures for whoever wants them")]

use std::fs;
use std::path::Path;

use chat_store::{
    Contact, Cursor, ReadTxn, SeenEntry, Seq, Store, StoreError, StoreKey, StreamTip, VerifyReport,
    note_files,
};
use rusqlite::Connection;

const ROWS: u64 = 60;
const TOPIC: &str = "ops.mail";

fn key() -> StoreKey {
    StoreKey::from_bytes([3; 32])
}

fn body(number: u64) -> Vec<u8> {
    vec![number as u8; 40 + number as usize * 7]
}

fn conversation(number: u64) -> &'static [u8] {
    if number.is_multiple_of(3) { b"one" } else { b"two" }
}

fn cursor() -> Cursor {
    Cursor {
        topic_id: [1; 16],
        truncations: 3,
        next: 99,
        leader_epoch: Some(4),
        unreadable: 5,
        last_timestamp_ms: Some(6),
    }
}

fn entry(number: u64) -> SeenEntry {
    SeenEntry { message_id: [number as u8; 16], content_hash: [1; 32], history: number.into() }
}

/// One row of everything, and some of what there are many of.
fn fill(store: &Store) {
    for number in 1..=ROWS {
        let written = store.write(|tx| {
            tx.history_append(conversation(number), &body(number))?;
            tx.outbox_push(&[(number % 2) as u8; 20], &body(number))?;
            tx.kept_append(TOPIC, 0, &[(number, [number as u8; 32])])?;
            let stream = tx.stream_key(conversation(number), "bob", &[0; 16]);
            tx.set_seen(&stream, number, &[entry(number)])
        });
        written.unwrap();
    }
    let written = store.write(|tx| {
        tx.set_stream_tip(b"one", &StreamTip { next: 7, prev: [8; 32] })?;
        tx.set_cursor(TOPIC, 0, None, &cursor())?;
        tx.newer_insert(TOPIC, 0, 5, b"newer")?;
        tx.own_put(TOPIC, 0, [(5, b"own")])?;
        tx.set_contact(&Contact::new("bob"))?;
        tx.cover_mark(&[1; 32], &[1])?;
        tx.set_mark("default", 9.into())?;
        tx.unreadable_insert(TOPIC, 0, &[1; 32])?;
        tx.meta_put("handle", b"alice")
    });
    written.unwrap();
}

/// Finds `true` where everything is there, `false` where something is missing or cannot be read;
/// anything that was never written ends the test.
fn only_what_was_written(tx: &ReadTxn<'_>) -> bool {
    let mut whole = true;
    let mut check = |read: Result<Option<bool>, StoreError>| match read {
        Ok(Some(right)) => assert!(right, "wrong data"),
        Ok(None) | Err(_) => whole = false,
    };
    for number in 1..=ROWS {
        check(tx.history_get(number.into()).map(|row| {
            row.map(|row| **row.body == body(number) && row.conversation == conversation(number))
        }));
        check(tx.outbox_get(number.into()).map(|row| row.map(|row| **row.body == body(number))));
        let stream = tx.stream_key(conversation(number), "bob", &[0; 16]);
        check(tx.seen(&stream, number).map(|seen| seen.first().map(|e| *e == entry(number))));
    }
    for name in [b"one", b"two"] {
        let numbers: Vec<_> = (1..=ROWS).rev().filter(|n| conversation(*n) == name).collect();
        let right = |rows: Vec<chat_store::HistoryRow>| {
            rows.iter().map(|row| row.seq.get()).eq(numbers.iter().copied())
        };
        // With all rows asked for, missing ones are an error and not a shorter list.
        check(tx.history_of(name, None, 1000).map(|rows| Some(right(rows))));
        let head = tx.head(name).map(|h| h.map(|h| (h.count, h.last.get())));
        check(head.map(|head| head.map(|head| head == (numbers.len() as u64, numbers[0]))));
        let stream = tx.stream_key(name, "bob", &[0; 16]);
        // Rows below may be lost, but no number is made up.
        check(tx.seen_highest(&stream).map(|n| n.map(|n| numbers.contains(&n))));
    }
    for mailbox in 0..2 {
        let rows = tx.outbox_oldest(&[mailbox; 20], 1000, usize::MAX);
        let numbers = (1..=ROWS).filter(|n| n % 2 == u64::from(mailbox));
        check(rows.map(|rows| {
            assert!(rows.iter().all(|row| **row.body == body(row.id.get())), "wrong data");
            rows.iter().map(|row| row.id.get()).eq(numbers).then_some(true)
        }));
    }
    check(tx.history_after(Seq::ZERO, 1000).map(|rows| {
        assert!(rows.iter().all(|row| **row.body == body(row.seq.get())), "wrong data");
        (rows.len() as u64 == ROWS).then_some(true)
    }));
    check(tx.history_last().map(|last| last.map(|last| last.get() == ROWS)));
    check(tx.kept_below(TOPIC, 0, u64::MAX, 1000).map(|kept| {
        assert!(kept.iter().all(|(at, hash)| *hash == [*at as u8; 32]), "wrong data");
        (kept.len() as u64 == ROWS).then_some(true)
    }));
    let tip = tx.stream_tip(b"one");
    check(tip.map(|tip| tip.map(|tip| tip == StreamTip { next: 7, prev: [8; 32] })));
    check(tx.cursor(TOPIC, 0, None).map(|found| found.map(|found| found == cursor())));
    check(tx.newer_list(TOPIC, 0).map(|rows| rows.first().map(|row| **row.body == *b"newer")));
    check(tx.own_newest(TOPIC, 0).map(|row| row.map(|r| r.offset == 5 && **r.body == *b"own")));
    check(tx.contact("bob").map(|found| found.map(|found| found == Contact::new("bob"))));
    check(tx.cover_used(&[1; 32]).map(|used| used.then_some(true)));
    check(tx.mark("default").map(|mark| mark.map(|mark| mark == 9.into())));
    check(tx.meta_get("handle").map(|value| value.map(|value| **value == *b"alice")));
    whole
}

/// What became of one damaged copy.
#[derive(Debug, Default)]
struct Tally {
    refused: u32,
    unharmed: u32,
    named: u32,
}

/// Opens a damaged copy and uses it.
fn examine(path: &Path, tally: &mut Tally, at: usize) {
    let Ok(store) = Store::open(path, &key()) else {
        tally.refused += 1;
        return;
    };
    let whole = store.read(|tx| Ok::<_, StoreError>(only_what_was_written(tx)));
    let report = store.verify();
    let sound = report.as_ref().is_ok_and(VerifyReport::is_sound);
    if sound {
        assert!(whole.is_ok_and(|whole| whole), "byte {at}: something is lost, nothing is named");
        tally.unharmed += 1;
    } else {
        tally.named += 1;
    }
    // Going on with it may fail, and must do no worse.
    drop(store.write(|tx| tx.history_append(b"one", b"more")));
}

#[test]
fn a_changed_byte_anywhere_gives_an_error_or_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = Store::create(&path, &key()).unwrap();
    fill(&store);
    assert!(store.read(|tx| Ok::<_, StoreError>(only_what_was_written(tx))).unwrap());
    assert!(store.verify().unwrap().is_sound());
    drop(store);
    let good = fs::read(&path).unwrap();
    // A prime step falls on every part of pages and cells; the header is tried byte by byte.
    let places = (0..100).chain((100..good.len()).step_by(307));
    let mut tally = Tally::default();
    for at in places {
        let mut bad = good.clone();
        bad[at] ^= [0xff, 0x01, 0x80][at % 3];
        let copy = folder.path().join("copy.db");
        remove(&copy);
        fs::write(&copy, &bad).unwrap();
        examine(&copy, &mut tally, at);
    }
    println!("{} bytes: {tally:?}", good.len());
    assert!(tally.refused > 10 && tally.named > 100, "{tally:?}");
}

/// Removes a database with all that lies beside it.
fn remove(path: &Path) {
    let beside = ["", "-wal", "-shm"].map(|suffix| format!("{}{suffix}", path.display()));
    beside.iter().for_each(|file| drop(fs::remove_file(file)));
    note_files(path).into_iter().for_each(|note| fs::remove_file(note).unwrap());
}

/// Puts the note of one store's newest commit beside another.
fn copy_note(from: &Path, to: &Path) {
    let notes = note_files(from);
    assert_eq!(notes.len(), 1);
    let note = &notes[0];
    fs::copy(note, format!("{}.newest-copied", to.display())).unwrap();
}

/// How the bytes of a copy are damaged.
type Damager = fn(&mut Vec<u8>, usize);

const DAMAGERS: [(&str, usize, Damager); 3] = [
    ("flipped", 1499, |bytes, at| bytes[at] ^= [0xff, 0x01, 0x80][at % 3]),
    ("zeroed", 4096, |bytes, at| bytes.iter_mut().skip(at).take(4096).for_each(|byte| *byte = 0)),
    ("cut", 7919, |bytes, at| bytes.truncate(at)),
];

#[test]
fn a_page_of_zeros_or_a_lost_end_gives_an_error_or_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = Store::create(&path, &key()).unwrap();
    fill(&store);
    drop(store);
    let good = fs::read(&path).unwrap();
    for (name, step, damage) in DAMAGERS {
        let mut tally = Tally::default();
        for at in (0..good.len()).step_by(step) {
            remove(&folder.path().join("copy.db"));
            let mut bad = good.clone();
            damage(&mut bad, at);
            let copy = folder.path().join("copy.db");
            fs::write(&copy, &bad).unwrap();
            examine(&copy, &mut tally, at);
        }
        println!("{name}: {tally:?}");
        assert!(tally.refused + tally.named > 10, "{name}: {tally:?}");
    }
}

#[test]
fn a_changed_byte_in_the_log_cuts_the_newest_commits_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = Store::create(&path, &key()).unwrap();
    for number in 1..=20 {
        store.write(|tx| tx.history_append(b"one", &body(number))).unwrap();
    }
    let wal = folder.path().join("store.db-wal");
    let (database, log) = (fs::read(&path).unwrap(), fs::read(&wal).unwrap());
    assert!(log.len() > 50_000);
    let (copy, copy_wal) = (folder.path().join("copy.db"), folder.path().join("copy.db-wal"));
    let mut lost = 0;
    for at in (0..log.len()).step_by(1009) {
        let mut bad = log.clone();
        bad[at] ^= 0x10;
        drop(fs::remove_file(folder.path().join("copy.db-shm")));
        fs::write(&copy, &database).unwrap();
        fs::write(&copy_wal, &bad).unwrap();
        note_files(&copy).into_iter().for_each(|note| fs::remove_file(note).unwrap());
        let Ok(store) = Store::open(&copy, &key()) else { continue };
        assert!(store.verify().unwrap().is_sound(), "byte {at}");
        let rows = store.read(|tx| tx.history_after(Seq::ZERO, 100)).unwrap();
        drop(store);
        // Only the note beside the store tells what a clean cut has taken.
        fs::write(&copy, &database).unwrap();
        fs::write(&copy_wal, &bad).unwrap();
        copy_note(&path, &copy);
        let named = Store::open(&copy, &key()).unwrap().verify().unwrap();
        let cut = named.damage.iter().any(|damage| damage.what.contains("newest commits are gone"));
        assert_eq!(cut, rows.len() < 20, "byte {at}: {} rows, {named:?}", rows.len());
        let numbers = rows.iter().map(|row| row.seq.get());
        assert!(numbers.eq(1..=rows.len() as u64));
        assert!(rows.iter().all(|row| **row.body == body(row.seq.get())));
        lost += usize::from(rows.len() < 20);
    }
    assert!(lost > 0);
}

/// A store of 60 rows, changed by one statement in the engine's own language.
fn tampered(sql: &str) -> Vec<(&'static str, String)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = Store::create(&path, &key()).unwrap();
    fill(&store);
    drop(store);
    let changed = Connection::open(&path).unwrap().execute_batch(sql);
    changed.unwrap();
    let report = Store::open(&path, &key()).unwrap().verify().unwrap();
    report.damage.into_iter().map(|damage| (damage.table, damage.what)).collect()
}

#[test]
fn verification_names_what_was_tampered_with() {
    let found = tampered("UPDATE contacts SET v = zeroblob(60)");
    assert!(found.len() == 1 && found[0].0 == "contacts" && found[0].1.contains("not authentic"));

    let found = tampered("DELETE FROM messages WHERE k = x'0000000000000005'");
    assert!(found.contains(&("messages", "row 5 is missing".to_owned())), "{found:?}");

    let found = tampered("DELETE FROM messages WHERE k >= x'0000000000000037'");
    assert!(found.contains(&("messages", "rows 55 to 60 are missing".to_owned())), "{found:?}");

    let found = tampered("DELETE FROM messages");
    assert!(found.contains(&("messages", "rows 1 to 60 are missing".to_owned())), "{found:?}");

    let found = tampered("DELETE FROM conversations WHERE k IN (SELECT max(k) FROM conversations)");
    assert!(found.len() == 1 && found[0].0 == "conversations", "{found:?}");

    let found = tampered("INSERT INTO conversations VALUES (zeroblob(24), x'')");
    assert_eq!(found, [("conversations", "an entry points to no message".to_owned())]);

    let found = tampered("DELETE FROM heads WHERE k IN (SELECT max(k) FROM heads)");
    assert!(found.len() == 1 && found[0].0 == "heads", "{found:?}");

    let swap = "UPDATE messages SET v = (SELECT v FROM messages WHERE k = x'0000000000000001') \
                WHERE k = x'0000000000000002'";
    let found = tampered(swap);
    assert!(found.contains(&("messages", "row 0000000000000002 is not authentic".to_owned())));

    let found = tampered("UPDATE counts SET v = zeroblob(36)");
    assert!(found.iter().any(|(table, _)| *table == "counts"), "{found:?}");

    let found = tampered("DROP TABLE seen");
    assert!(found.len() == 1 && found[0].0 == "seen", "{found:?}");

    let found = tampered("UPDATE marks SET v = 'a text'");
    assert!(found.len() == 1 && found[0].0 == "marks", "{found:?}");

    assert_eq!(tampered("VACUUM"), [], "the engine's own housekeeping harms nothing");
}

/// Whether the store is as it was after one of its commits: the newest are gone, and nothing else.
#[cfg(feature = "sled")]
fn lacks_only_its_end(tx: &ReadTxn<'_>) -> Result<bool, StoreError> {
    let last = tx.history_last()?.map_or(0, Seq::get);
    let rows = tx.history_after(Seq::ZERO, 1000)?;
    let history = rows.iter().map(|row| row.seq.get()).eq(1..=last);
    let ids = tx.outbox_numbers()?;
    let bodies = ids.iter().map(|id| tx.outbox_get(*id)).collect::<Result<Option<Vec<_>>, _>>()?;
    let outbox = bodies.is_some() && ids.iter().map(|id| id.get()).eq(1..=last);
    let kept = tx.kept_below(TOPIC, 0, u64::MAX, 1000)?.len() as u64 == last;
    let right = rows.iter().all(|row| **row.body == body(row.seq.get()));
    Ok(history && outbox && kept && right)
}

/// sled drops what lies behind a damaged place of its log, up to everything, in silence: the note of the newest commit
/// tells. No panic of sled comes through.
#[cfg(feature = "sled")]
#[test]
fn damage_to_sleds_files_gives_an_error_or_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sled");
    let store = Store::create_with(chat_store::EngineKind::Sled, &path, &key()).unwrap();
    fill(&store);
    drop(store);
    let good = fs::read(path.join("db")).unwrap();
    let used = good.iter().rposition(|byte| *byte != 0).unwrap();
    for (name, step, damage) in DAMAGERS {
        let mut tally = Tally::default();
        for at in (0..used).step_by(step) {
            let copy = folder.path().join("copy.sled");
            drop(fs::remove_dir_all(&copy));
            fs::create_dir(&copy).unwrap();
            for entry in fs::read_dir(&path).unwrap().map(Result::unwrap) {
                if entry.path().is_file() {
                    fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
                }
            }
            let mut bad = good.clone();
            damage(&mut bad, at);
            fs::write(copy.join("db"), &bad).unwrap();
            copy_note(&path, &copy);
            let cut = Store::open(&copy, &key()).ok().filter(|store| {
                let report = store.verify().unwrap_or_default();
                matches!(&report.damage[..], [only] if only.what.contains("newest commits are gone"))
            });
            match cut {
                Some(store) => {
                    assert!(store.read(lacks_only_its_end).unwrap(), "{name} at byte {at}");
                    tally.named += 1;
                }
                None => examine(&copy, &mut tally, at),
            }
        }
        println!("sled, {name}: {tally:?}");
        assert!(tally.refused + tally.named > 10, "{name}: {tally:?}");
    }
}
