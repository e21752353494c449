//! Processes that die at any moment, and processes that write at the same time.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "a test crate"
)]

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use chat_store::{Cursor, EngineKind, OpenError, Store, StoreError, StoreKey, WriteTxn};
use rand::RngExt;

/// Set in a child: the path of the store that it works on.
const CHILD: &str = "SECURECHAT_STORE_CHILD";
const ROUNDS: u64 = 40;
const TOPIC: &str = "ops.mail";

fn key() -> StoreKey {
    StoreKey::from_bytes([3; 32])
}

fn child_path() -> Option<OsString> {
    std::env::var_os(CHILD)
}

/// Runs the test `name` of this file again, in a process of its own.
fn spawn(name: &str, path: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([name, "--exact", "--nocapture"]).env(CHILD, path);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

/// What a profile does: an unfinished store is removed and made anew.
fn open_or_create(path: &Path) -> Store {
    match Store::open(path, &key()) {
        Err(OpenError::NotFound { .. }) => {
            for suffix in ["", "-wal", "-shm"] {
                let mut name = path.as_os_str().to_owned();
                name.push(suffix);
                drop(fs::remove_file(&name));
                drop(fs::remove_dir_all(&name));
            }
            Store::create_with(engine_of(path), path, &key()).unwrap()
        }
        opened => opened.unwrap(),
    }
}

/// The engine that a store's name asks for.
fn engine_of(path: &Path) -> EngineKind {
    path.file_stem().unwrap().to_str().unwrap().parse().unwrap()
}

/// The engines that this build has.
fn engines() -> impl Iterator<Item = EngineKind> {
    EngineKind::ALL.into_iter().filter(|engine| engine.is_built_in())
}

/// All that a received message writes: either every part of it is there, or none.
fn receive(tx: &mut WriteTxn<'_>, body: &[u8]) -> Result<u64, StoreError> {
    let seq = tx.history_append(b"conversation", body)?;
    tx.outbox_push(&[1; 20], body)?;
    tx.kept_append(TOPIC, 0, &[(seq.get(), [2; 32])])?;
    let cursor = Cursor {
        topic_id: [1; 16],
        truncations: 0,
        next: seq.get(),
        leader_epoch: None,
        unreadable: 0,
        last_timestamp_ms: None,
    };
    tx.set_cursor(TOPIC, 0, None, &cursor)?;
    Ok(seq.get())
}

/// How much of each part there is; the same number everywhere in a store that is whole.
fn received(store: &Store) -> u64 {
    let parts = store.read(|tx| {
        let history = tx.history_last()?.map_or(0, |seq| seq.get());
        let outbox = tx.outbox_numbers()?.len() as u64;
        let cursor = tx.cursor(TOPIC, 0, None)?.map_or(0, |cursor| cursor.next);
        let kept = tx.kept_newest(TOPIC, 0)?.map_or(0, |(offset, _)| offset);
        Ok::<_, StoreError>([history, outbox, cursor, kept])
    });
    let parts = parts.unwrap();
    assert!(parts.iter().all(|part| *part == parts[0]), "{parts:?}");
    parts[0]
}

/// Writes for ever, one message and fifty in turn, and says what is committed.
fn write_for_ever(path: &Path) {
    let store = open_or_create(path);
    let mut stdout = std::io::stdout();
    for round in 0_u64.. {
        let batch = if round % 4 == 3 { 50 } else { 1 };
        let last = store.write(|tx| {
            let body = [7; 300];
            let one = |_| tx.nested(|tx| receive(tx, &body));
            (0..batch).map(one).last().unwrap_or(Ok(0))
        });
        writeln!(stdout, "\ncommitted {}", last.unwrap()).unwrap();
        stdout.flush().unwrap();
    }
}

#[test]
fn a_killed_process_loses_nothing_that_it_committed() {
    if let Some(path) = child_path() {
        return write_for_ever(Path::new(&path));
    }
    for engine in engines() {
        kill_rounds(engine);
    }
}

fn kill_rounds(engine: EngineKind) {
    let (mut killed_early, mut rows) = (0, 0);
    for _ in 0..ROUNDS / 10 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(format!("{engine}.store"));
        let mut before = 0;
        for _ in 0..10 {
            let mut child = spawn("a_killed_process_loses_nothing_that_it_committed", &path);
            thread::sleep(Duration::from_micros(rand::rng().random_range(0..60_000)));
            child.kill().unwrap();
            let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
            let told =
                lines.filter_map(|line| line.strip_prefix("committed ")?.parse().ok()).last();
            child.wait().unwrap();
            killed_early += u64::from(told.is_none());
            let store = match Store::open(&path, &key()) {
                Err(OpenError::NotFound { .. }) if told.is_none() && before == 0 => continue,
                opened => opened.unwrap(),
            };
            let now = received(&store);
            // A commit may have been done and not told.
            assert!(now >= told.unwrap_or(before), "{told:?} was committed, {now} are there");
            assert!(store.verify().unwrap().is_sound());
            before = now;
        }
        rows += before;
    }
    println!(
        "{engine}: {ROUNDS} kills, {killed_early} of them before the first commit, {rows} rows"
    );
    assert!(rows > 0 && killed_early < ROUNDS);
}

const EACH: u64 = 200;

/// Adds to a number and to the history, as somebody who reads before they write.
fn count_up(path: &Path) {
    let store = Store::open(path, &key()).unwrap();
    for _ in 0..EACH {
        let added = store.write(|tx| {
            let sum =
                tx.meta_get("sum")?.map_or(0, |v| u64::from_be_bytes((**v).try_into().unwrap()));
            tx.meta_put("sum", &(sum + 1).to_be_bytes())?;
            receive(tx, b"x").map(drop)
        });
        added.unwrap();
    }
}

#[test]
fn processes_that_write_at_once_lose_no_update() {
    if let Some(path) = child_path() {
        return count_up(Path::new(&path));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = Store::create(&path, &key()).unwrap();
    let name = "processes_that_write_at_once_lose_no_update";
    let children = [spawn(name, &path), spawn(name, &path), spawn(name, &path)];
    let mut generation = store.generation().unwrap();
    let all = EACH * children.len() as u64;
    // What a reader sees is whole at every moment, and never goes back.
    while received(&store) < all {
        let now = store.generation().unwrap();
        assert!(now >= generation);
        generation = now;
        assert!(children.len() as u64 * EACH >= received(&store));
    }
    for child in children {
        assert!(child.wait_with_output().unwrap().status.success());
    }
    let sum = store.read(|tx| tx.meta_get("sum")).unwrap().unwrap();
    assert_eq!(**sum, all.to_be_bytes());
    assert_eq!(received(&store), all);
    assert!(store.verify().unwrap().is_sound());
}

/// What holds a store of sled open until its stdin ends.
#[cfg(feature = "sled")]
fn hold(path: &Path) {
    let _store = open_or_create(path);
    println!("\ncommitted 0");
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

#[cfg(feature = "sled")]
#[test]
fn a_second_process_is_told_that_sled_serves_one() {
    if let Some(path) = child_path() {
        return hold(Path::new(&path));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sled.store");
    let mut child = spawn("a_second_process_is_told_that_sled_serves_one", &path);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line == "committed 0"));
    assert!(matches!(Store::open(&path, &key()), Err(OpenError::Held { .. })));
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    Store::open(&path, &key()).unwrap();
}

/// What a kill in the middle of a snapshot leaves.
#[cfg(feature = "sled")]
#[test]
fn a_snapshot_of_sled_that_was_not_finished_is_no_obstacle() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sled.store");
    let store = open_or_create(&path);
    store.write(|tx| receive(tx, b"x")).unwrap();
    drop(store);
    fs::write(path.join("snap.00000000FFFFFFFF.generating"), b"half").unwrap();
    assert_eq!(received(&Store::open(&path, &key()).unwrap()), 1);
}
