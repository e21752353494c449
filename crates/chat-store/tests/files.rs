//! The store's files: who may read them, what stands in them, and what is said when they cannot be
//! used.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    missing_docs,
    reason = "a test crate"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use chat_store::{Contact, OpenError, Store, StoreError, StoreKey, WriteTxn};
use rusqlite::Connection;

const CHILD: &str = "SECURECHAT_STORE_CHILD";

fn key() -> StoreKey {
    StoreKey::from_bytes([3; 32])
}

fn append(store: &Store, body: &[u8]) -> Result<(), StoreError> {
    store.write(|tx| tx.history_append(b"c", body).map(drop))
}

/// The files of a folder with their contents.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// Runs the test `name` of this file again, as a child that `launcher` starts.
fn child(launcher: &mut Command, name: &str, path: &Path) -> Output {
    launcher.args([name, "--exact", "--nocapture"]).env(CHILD, path).output().unwrap()
}

#[test]
fn a_wrong_key_is_refused_and_harms_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    append(&Store::create(&path, &key()).unwrap(), b"x").unwrap();
    let wrong = Store::open(&path, &StoreKey::from_bytes([4; 32]));
    assert!(matches!(wrong, Err(OpenError::WrongKey)));
    assert!(Store::open(&path, &key()).unwrap().verify().unwrap().is_sound());
}

#[test]
fn nothing_is_overwritten_and_nothing_is_made_by_opening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    assert!(matches!(Store::open(&path, &key()), Err(OpenError::NotFound { .. })));
    assert!(!path.exists());
    append(&Store::create(&path, &key()).unwrap(), b"x").unwrap();
    assert!(matches!(Store::create(&path, &key()), Err(OpenError::AlreadyExists { .. })));
    let store = Store::open(&path, &key()).unwrap();
    assert_eq!(store.read(|tx| tx.history_last()).unwrap(), Some(1.into()));
    let nowhere = folder.path().join("no such folder").join("store.db");
    assert!(matches!(Store::create(&nowhere, &key()), Err(OpenError::Io { .. })));
    let unfinished = folder.path().join("unfinished.db");
    fs::write(&unfinished, b"").unwrap();
    assert!(matches!(Store::open(&unfinished, &key()), Err(OpenError::NotFound { .. })));
}

#[test]
fn a_newer_store_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    append(&Store::create(&path, &key()).unwrap(), b"x").unwrap();
    let sqlite = Connection::open(&path).unwrap();
    sqlite.pragma_update(None, "user_version", 77).unwrap();
    let newer = Store::open(&path, &key());
    assert!(matches!(newer, Err(OpenError::Newer { found: 77, supported: 5 })));
    sqlite.pragma_update(None, "user_version", 1).unwrap();
    assert!(Store::open(&path, &key()).unwrap().verify().unwrap().is_sound());
}

#[test]
fn a_file_that_is_no_store_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    fs::write(&path, b"this is a letter, and not a database").unwrap();
    let damaged = Store::open(&path, &key());
    assert!(matches!(damaged, Err(OpenError::Store(StoreError::Damaged { .. }))), "{damaged:?}");
}

#[cfg(unix)]
#[test]
fn all_files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    // The widest rights that a folder and a umask can leave.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let path = folder.path().join("store.db");
    let store = Store::create(&path, &key()).unwrap();
    append(&store, b"x").unwrap();
    let reader = Store::open(&path, &key()).unwrap();
    let mut names = Vec::new();
    for (path, _) in contents(folder.path()) {
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
        names.push(path.file_name().unwrap().to_owned());
    }
    assert_eq!(
        names.len(),
        4,
        "database, log, shared memory and the note of the newest commit: {names:?}"
    );
    drop((store, reader));
}

#[test]
fn nothing_readable_reaches_the_disk() {
    let canaries =
        ["canary-text", "canary-handle", "canary-namespace", "canary-mark", "canary-old"];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = Store::create(&path, &key()).unwrap();
    let written = store.write(|tx| everywhere(tx, &canaries));
    written.unwrap();
    store.write(|tx| tx.history_replace(1.into(), b"withdrawn")).unwrap();
    // While it is open, its log included, and when it is closed.
    let open = contents(folder.path());
    assert!(open.iter().any(|(path, bytes)| path.ends_with("store.db-wal") && !bytes.is_empty()));
    drop(store);
    let files = open.into_iter().chain(contents(folder.path()));
    let mut scanned = 0;
    for (path, bytes) in files {
        for canary in canaries {
            let found = bytes.windows(canary.len()).any(|window| window == canary.as_bytes());
            assert!(!found, "{canary} in {}", path.display());
        }
        scanned += bytes.len();
    }
    assert!(scanned > 50_000, "{scanned}");
}

/// Writes names and texts through every operation that takes any.
fn everywhere(tx: &mut WriteTxn<'_>, canaries: &[&str; 5]) -> Result<(), StoreError> {
    let [text, handle, namespace, mark, old] = canaries;
    let (conversation, topic) = (namespace.as_bytes(), *namespace);
    tx.history_append(conversation, old.as_bytes())?;
    let seq = tx.history_append(conversation, text.as_bytes())?;
    let mut mailbox = [0; 20];
    mailbox[..handle.len()].copy_from_slice(handle.as_bytes());
    tx.outbox_push(&mailbox, text.as_bytes())?;
    tx.set_contact(&Contact::new(handle))?;
    tx.set_mark(mark, seq)?;
    tx.meta_put(handle, text.as_bytes())?;
    tx.own_put(topic, 0, [(1, text.as_bytes())])?;
    tx.newer_insert(topic, 0, 1, text.as_bytes())?;
    let stream = tx.stream_key(conversation, handle, &[1; 16]);
    tx.set_seen(&stream, 0, &[])?;
    tx.missing_insert(&stream, 1, 2)?;
    tx.unreadable_insert(topic, 0, &[1; 32])?;
    tx.kept_append(topic, 0, &[(0, [1; 32])])?;
    tx.cover_mark(&[1; 32], &seq.get().to_be_bytes())?;
    tx.set_stream_tip(conversation, &chat_store::StreamTip { next: 0, prev: [0; 32] })?;
    let cursor = chat_store::Cursor {
        topic_id: [1; 16],
        truncations: 0,
        next: 0,
        leader_epoch: None,
        unreadable: 0,
        last_timestamp_ms: None,
    };
    tx.set_cursor(topic, 0, None, &cursor)
}

/// Whoever cannot write the folder is told so. Root can write everything, so a child that is not
/// root tries.
#[cfg(unix)]
#[test]
fn a_read_only_folder_and_a_read_only_file_are_said_to_be_read_only() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    if let Some(path) = std::env::var_os(CHILD) {
        return report(Path::new(&path));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    append(&Store::create(&path, &key()).unwrap(), b"x").unwrap();
    let program = std::env::current_exe().unwrap();
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    let root = fs::metadata(&path).unwrap().uid() == 0;
    for (folder_mode, file_mode) in [(0o555, 0o666), (0o777, 0o444), (0o555, 0o444)] {
        set(&path, file_mode).unwrap();
        set(folder.path(), folder_mode).unwrap();
        let mut command = Command::new(&program);
        if root {
            command.uid(65_534).gid(65_534);
        }
        let name = "a_read_only_folder_and_a_read_only_file_are_said_to_be_read_only";
        let output = child(&mut command, name, &path);
        set(folder.path(), 0o777).unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains("<read-only>"), "{folder_mode:o} {file_mode:o}: {said}");
    }
    let store = Store::open(&path, &key());
    assert!(store.unwrap().verify().unwrap().is_sound());
}

/// A disk of one megabyte, where one can be mounted.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_and_loses_nothing() {
    if let Some(path) = std::env::var_os(CHILD) {
        return fill(Path::new(&path));
    }
    let folder = tempfile::tempdir().unwrap();
    let script = r#"mount -t tmpfs -o size=1m,mode=700 tmpfs "$1" || exit 99; shift; exec "$@""#;
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]);
    command.arg(folder.path()).arg(std::env::current_exe().unwrap());
    let mut probe = Command::new("unshare");
    probe.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]);
    if !probe.arg(folder.path()).arg("true").output().is_ok_and(|out| out.status.success()) {
        println!("skipped: no file system can be mounted here (store/tests.rs fills one by limit)");
        return;
    }
    let name = "a_full_disk_is_said_and_loses_nothing";
    let output = child(&mut command, name, &folder.path().join("store.db"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("<full and sound>"), "{output:?}");
}

fn report(path: &Path) {
    let outcome = match Store::open(path, &key()) {
        Ok(store) => append(&store, b"y").map_err(OpenError::from),
        Err(error) => Err(error),
    };
    match outcome {
        Err(OpenError::Store(StoreError::ReadOnly)) => println!("<read-only>"),
        other => println!("<{other:?}>"),
    }
}

fn fill(path: &Path) {
    let store = Store::create(path, &key()).unwrap();
    let mut stored = 0_u64;
    for size in [20_000, 1000, 10] {
        let error = loop {
            match append(&store, &vec![7; size]) {
                Ok(()) => stored += 1,
                Err(error) => break error,
            }
        };
        assert!(matches!(error, StoreError::Full), "{error:?}");
        assert_eq!(store.read(|tx| tx.history_last()).unwrap(), Some(stored.into()));
    }
    assert!(store.verify().unwrap().is_sound());
    drop(store);
    let store = match Store::open(path, &key()) {
        Ok(store) => store,
        Err(OpenError::Store(StoreError::Full)) => return println!("<full and sound> to open"),
        Err(other) => panic!("{other:?}"),
    };
    assert!(store.verify().unwrap().is_sound());
    assert_eq!(store.read(|tx| tx.history_last()).unwrap(), Some(stored.into()));
    println!("<full and sound> {stored} rows");
}

/// A key that was used is gone from the pages, not only from the tables.
#[test]
fn what_was_deleted_or_replaced_is_in_no_page_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = Store::create(&path, &key()).unwrap();
    let keys: Vec<Vec<u8>> = (0..200_u32).map(|n| n.to_be_bytes().to_vec()).collect();
    let put = |tx: &mut WriteTxn<'_>, fill: u8| {
        keys.iter().try_for_each(|key| tx.session_put(key, &[fill; 300]))
    };
    store.write(|tx| put(tx, 1)).unwrap();
    drop(store);
    // The sealed values, as they lie in the pages.
    let sealed = || -> Vec<Vec<u8>> {
        let tables = Connection::open(&path).unwrap();
        let mut rows = tables.prepare("SELECT v FROM sessions").unwrap();
        rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let before = sealed();
    assert_eq!(before.len(), keys.len());
    let found = |values: &[Vec<u8>]| {
        let files = contents(folder.path());
        let holds = |value: &Vec<u8>| {
            let tail = &value[value.len() - 24..];
            files.iter().any(|(_, bytes)| bytes.windows(tail.len()).any(|window| window == tail))
        };
        values.iter().filter(|value| holds(value)).count()
    };
    assert_eq!(found(&before), keys.len());
    // Half of them are replaced, the others deleted.
    let store = Store::open(&path, &key()).unwrap();
    store
        .write(|tx| {
            for (at, key) in keys.iter().enumerate() {
                match at % 2 {
                    0 => tx.session_put(key, &[2; 300])?,
                    _ => tx.session_delete(key)?,
                }
            }
            Ok::<_, StoreError>(())
        })
        .unwrap();
    drop(store);
    assert_eq!(found(&before), 0, "a page still holds what is gone");
    assert_eq!(sealed().len(), keys.len() / 2);
}
