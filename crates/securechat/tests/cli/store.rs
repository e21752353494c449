//! Engines of the store, and moving between them.

use crate::house::{EmbeddedHouse, House, wait_for};

#[test]
fn an_engine_that_is_no_engine_is_refused() {
    let house = House::new();
    house
        .run(&["init", "alice", "--no-passphrase", "--store", "redb"])
        .exit(2)
        .says("sqlite or sled");
    house.run(&["init", "alice", "--no-passphrase"]).exit(0);
    house.run(&["store", "migrate", "--to", "redb"]).exit(2).says("sqlite or sled");
    house.run(&["store", "migrate", "--to", "sqlite"]).exit(0).says("already");
}

#[cfg(not(feature = "sled"))]
#[test]
fn a_program_without_sled_says_how_to_get_it() {
    let house = House::new();
    let init = house.run(&["init", "alice", "--no-passphrase", "--store", "sled"]).exit(7);
    init.says("built without").hints("--features sled");
    house.run(&["init", "alice", "--no-passphrase"]).exit(0);
    let moved = house.run(&["store", "migrate", "--to", "sled"]).exit(7);
    moved.says("built without").hints("--features sled");
    house.run(&["history"]).exit(8);
    // As it looks when another program made it.
    std::fs::write(house.profile("alice").join("engine"), "sled\n").unwrap();
    std::fs::rename(house.profile("alice").join("store.db"), house.path().join("away")).unwrap();
    std::fs::create_dir(house.profile("alice").join("store.sled")).unwrap();
    #[cfg(unix)]
    std::process::Command::new("chmod")
        .args(["700"])
        .arg(house.profile("alice").join("store.sled"))
        .status()
        .unwrap();
    house.run(&["history"]).exit(7).says("built without").hints("--features sled");
}

#[cfg(feature = "sled")]
#[test]
fn a_profile_moves_to_sled_and_back_with_all_that_it_has() {
    let broker = EmbeddedHouse::start();
    let house = House::on_shared_key(broker.address());
    let cover = crate::house::picture("smile.jpg");
    house.send("bob", "alice", "first").exit(0);
    house
        .run_as(
            "bob",
            &["send", "--to", "alice", "-m", "second", "--image", cover.to_str().unwrap()],
        )
        .exit(0);
    assert_eq!(house.receive("alice", 2).exit(0).texts(), ["first", "second"]);
    house.send("alice", "bob", "third").exit(0);
    house.run_as("alice", &["send", "--to", "bob", "-m", "fourth", "--no-wait"]).exit(0);
    let before = house.run_as("alice", &["history", "--json"]).exit(0).out;
    for (to, files) in
        [("sled", ["store.sled", "store.db"]), ("sqlite", ["store.db", "store.sled"])]
    {
        let moved =
            house.run_as("alice", &["store", "migrate", "--to", to, "--json"]).exit(0).json();
        assert!(moved[0]["rows"].as_u64().unwrap() > 20, "{moved:?}");
        assert!(house.profile("alice").join(files[0]).exists());
        assert!(!house.profile("alice").join(files[1]).exists());
        assert_eq!(house.run_as("alice", &["history", "--json"]).exit(0).out, before);
        house.run_as("alice", &["doctor"]).exit(0);
    }
    house.run_as("alice", &["outbox", "retry"]).exit(0);
    assert_eq!(house.receive("bob", 2).exit(0).texts(), ["third", "fourth"]);
}

#[cfg(feature = "sled")]
#[test]
fn a_store_of_sled_serves_one_process_and_says_so() {
    let broker = EmbeddedHouse::start();
    let house = House::with_stores(broker.address(), "sled");
    house.send("bob", "alice", "one").exit(0);
    assert_eq!(house.receive("alice", 1).exit(0).texts(), ["one"]);
    let mut listening = house.start("alice", &["listen"]);
    wait_for(&mut listening, "shared key");
    let refused = house.send("alice", "bob", "two").exit(7);
    refused.says("one process at a time").hints("store migrate --to sqlite");
    let refused = house.run_as("alice", &["store", "migrate", "--to", "sqlite"]).exit(7);
    refused.says("in use by another process").hints("fuser");
    listening.kill().unwrap();
    listening.wait().unwrap();
    house.send("alice", "bob", "two").exit(0);
    assert_eq!(house.receive("bob", 1).exit(0).texts(), ["two"]);
}

#[test]
fn a_profile_that_is_open_is_not_moved() {
    let broker = EmbeddedHouse::start();
    let house = House::on_shared_key(broker.address());
    let mut listening = house.start("alice", &["listen"]);
    wait_for(&mut listening, "shared key");
    let refused = house.run_as("alice", &["store", "migrate", "--to", "sled"]).exit(7);
    refused.says("in use by another process");
    house.send("alice", "bob", "still here").exit(0);
    listening.kill().unwrap();
    listening.wait().unwrap();
}

/// A house whose alice has a history of both directions, and a message that waits.
fn lived_in(broker: &EmbeddedHouse) -> House {
    let house = House::on_shared_key(broker.address());
    house.feed("bob", &["send", "--to", "alice", "--lines"], b"a\nb\nc\nd\n").exit(0);
    assert_eq!(house.receive("alice", 4).exit(0).texts(), ["a", "b", "c", "d"]);
    house.feed("alice", &["send", "--to", "bob", "--lines"], b"one\ntwo\nthree\n").exit(0);
    assert_eq!(house.receive("bob", 3).exit(0).texts(), ["one", "two", "three"]);
    house.run_as("alice", &["send", "--to", "bob", "-m", "waits", "--no-wait"]).exit(0);
    house
}

pub(crate) fn alter(house: &House, sql: &str) {
    let store = house.profile("alice").join("store.db");
    rusqlite::Connection::open(store).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn what_is_whole_of_a_damaged_store_is_saved_and_the_rest_is_named() {
    let broker = EmbeddedHouse::start();
    let house = lived_in(&broker);
    house.run_as("alice", &["doctor", "--repair"]).exit(0);
    alter(
        &house,
        "DELETE FROM messages WHERE k = x'0000000000000002'; \
         UPDATE messages SET v = zeroblob(80) WHERE k = x'0000000000000006'; \
         UPDATE seen SET v = zeroblob(80) WHERE k = (SELECT min(k) FROM seen); \
         DELETE FROM waiting; DELETE FROM heads; DELETE FROM conversations;",
    );
    let ill = house.run_as("alice", &["doctor"]).exit(7);
    assert!(
        ill.out.contains("hint: save what is whole: securechat doctor --repair"),
        "{}",
        ill.out
    );
    assert!(ill.out.contains("hint: keep a copy of the profile's folder before anything else"));
    let repaired = house.run_as("alice", &["doctor", "--repair"]).exit(0).out;
    for said in
        ["messages: 1 rows are gone", "seen: 1 rows are gone", "row 2 of", "row 6 of", "damaged-"]
    {
        assert!(repaired.contains(said), "{said:?} is not in {repaired}");
    }
    house.run_as("alice", &["doctor"]).exit(0);
    let rows = house.run_as("alice", &["history", "--json"]).exit(0);
    assert_eq!(rows.texts(), ["a", "c", "d", "one", "three", "waits"]);
    assert_eq!(rows.json().iter().filter(|row| row["type"] == "lost").count(), 2);
    // What waited is sent, and the conversation goes on, without a word of doubt on the other side.
    house.send("alice", "bob", "after").exit(0);
    assert_eq!(house.receive("bob", 2).exit(0).texts(), ["waits", "after"]);
    house.send("bob", "alice", "answer").exit(0);
    assert_eq!(house.receive("alice", 1).exit(0).texts(), ["answer"]);
    let history = house.run_as("bob", &["history", "--json"]).exit(0);
    assert_eq!(history.json().len(), history.messages().len(), "{}", history.out);
}

/// A store that was written in a few large transactions takes more of them to be made anew.
#[test]
fn a_store_that_was_filled_in_bulk_is_repaired() {
    let broker = EmbeddedHouse::start();
    let house = House::on_shared_key(broker.address());
    let lines: String = (0..4_000).map(|number| format!("line {number}\n")).collect();
    house.feed("bob", &["send", "--to", "alice", "--lines"], lines.as_bytes()).exit(0);
    house.receive("alice", 4_000).exit(0);
    alter(&house, "UPDATE messages SET v = zeroblob(80) WHERE k = x'0000000000000006'");
    house.run_as("alice", &["doctor"]).exit(7);
    house.run_as("alice", &["doctor", "--repair"]).exit(0);
    house.run_as("alice", &["doctor"]).exit(0);
    let rows = house.run_as("alice", &["history", "--json", "--limit", "5000"]).exit(0);
    assert_eq!(rows.texts().len(), 3_999);
    assert!(rows.json().iter().all(|row| row["type"] != "restored"), "it is no copy");
}

/// A file whose end is gone does not open at all; nearly all of it is saved.
#[test]
fn a_store_whose_end_is_cut_off_is_repaired() {
    let broker = EmbeddedHouse::start();
    let house = House::on_shared_key(broker.address());
    let lines: String = (0..500).map(|number| format!("line {number}\n")).collect();
    house.feed("bob", &["send", "--to", "alice", "--lines"], lines.as_bytes()).exit(0);
    house.receive("alice", 500).exit(0);
    let store = house.profile("alice").join("store.db");
    let file = std::fs::File::options().write(true).open(&store).unwrap();
    file.set_len(file.metadata().unwrap().len() - 4096).unwrap();
    drop(file);
    house.run_as("alice", &["history"]).exit(7).hints("securechat doctor");
    house.run_as("alice", &["doctor", "--repair"]).exit(0);
    house.run_as("alice", &["doctor"]).exit(0);
    let rows = house.run_as("alice", &["history", "--json", "--limit", "1000"]).exit(0);
    assert!(rows.texts().len() > 400, "{} messages", rows.texts().len());
    let left = std::fs::read_dir(house.profile("alice")).unwrap();
    let left: Vec<String> =
        left.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(left.iter().any(|name| name.starts_with("damaged-")), "{left:?}");
    assert!(!left.iter().any(|name| name.contains("lengthened")), "{left:?}");
}

/// One bit of one key leads nobody past the rows behind it: what waits is sent, and the history is whole. Of the outbox
/// up to 64 rows lie under one key.
#[test]
fn a_damaged_key_takes_nothing_but_its_row() {
    let broker = EmbeddedHouse::start();
    let house = House::on_shared_key(broker.address());
    let lines: String = (0..1_000).map(|number| format!("line {number}\n")).collect();
    house.feed("alice", &["send", "--to", "bob", "--lines", "--no-wait"], lines.as_bytes()).exit(0);
    let store = house.profile("alice").join("store.db");
    // All in one file; then the first byte of two keys is another, in every table where they are one.
    let database = rusqlite::Connection::open(&store).unwrap();
    database.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode=DELETE;").unwrap();
    let block = "SELECT k FROM outbox ORDER BY k LIMIT 1 OFFSET 5";
    let block: [u8; 8] = database.query_row(block, [], |row| row.get(0)).unwrap();
    drop(database);
    let mut bytes = std::fs::read(&store).unwrap();
    for key in [300_u64.to_be_bytes(), 301_u64.to_be_bytes(), block] {
        let places: Vec<usize> =
            (0..bytes.len() - 8).filter(|at| bytes[*at..*at + 8] == key).collect();
        assert!(places.len() > 1, "a row and its index: {places:?}");
        places.iter().for_each(|at| bytes[*at] ^= 0x40);
    }
    std::fs::write(&store, &bytes).unwrap();
    house.run_as("alice", &["doctor"]).exit(7);
    house.run_as("alice", &["doctor", "--repair"]).exit(0);
    house.run_as("alice", &["doctor"]).exit(0);
    let rows = house.run_as("alice", &["history", "--json", "--limit", "2000"]).exit(0);
    // The key of the block is the number of a message, too.
    assert!(rows.texts().len() >= 997, "{} messages", rows.texts().len());
    house.run_as("alice", &["outbox", "retry"]).exit(0);
    let heard = house.run_as("bob", &["listen", "--json", "--timeout", "3s"]).exit(0).texts();
    assert!(heard.len() >= 1_000 - 64, "{} messages came", heard.len());
}

/// Garbage cannot be repaired, and nobody is sent round in a circle.
#[test]
fn a_store_of_garbage_is_refused_with_a_way_out() {
    let broker = EmbeddedHouse::start();
    let house = House::on_shared_key(broker.address());
    let store = house.profile("alice").join("store.db");
    std::fs::write(&store, [0xa5; 20_000]).unwrap();
    let said = house.run_as("alice", &["doctor", "--repair"]).exit(7);
    assert!(said.out.contains("begin anew: securechat init"), "{}", said.out);
    let last = said.out.rsplit("FAIL").next().unwrap();
    assert!(!last.contains("doctor --repair"), "{}", said.out);
}

/// A backup that is copied over the profile's own files, notes and all, is known to be one.
#[cfg(unix)]
#[test]
fn a_backup_that_is_written_over_the_profile_is_noticed() {
    let broker = EmbeddedHouse::start();
    let house = House::on_shared_key(broker.address());
    house.send("alice", "bob", "one").exit(0);
    let (folder, backup) = (house.profile("alice"), house.path().join("backup"));
    let copy = |options: &str, from: &std::path::Path, to: &std::path::Path| {
        let copied = std::process::Command::new("cp").arg(options).arg(from).arg(to).status();
        assert!(copied.unwrap().success());
    };
    copy("-a", &folder, &backup);
    for text in ["two", "three"] {
        house.send("alice", "bob", text).exit(0);
    }
    copy("-a", &backup.join("."), &folder);
    let doctor = house.run_as("alice", &["doctor"]).exit(0);
    assert!(doctor.out.contains("new stream"), "{}", doctor.out);
    let doctor = house.run_as("alice", &["doctor"]).exit(0);
    assert!(!doctor.out.contains("new stream"), "said once: {}", doctor.out);
    house.send("alice", "bob", "four").exit(0);
    assert_eq!(house.receive("bob", 4).exit(0).texts(), ["one", "two", "three", "four"]);
    let heard = house.run_as("bob", &["history", "--json"]).exit(0).json();
    assert!(
        heard.iter().all(|row| row["type"] == "message" && row["conflict"].is_null()),
        "{heard:?}"
    );
    let rows = house.run_as("alice", &["history", "--json"]).exit(0).json();
    assert_eq!(rows.iter().filter(|row| row["type"] == "restored").count(), 1);
}

/// An older copy that is moved to another engine is still known to be one.
#[cfg(feature = "sled")]
#[test]
fn an_older_copy_that_is_migrated_is_noticed() {
    let broker = EmbeddedHouse::start();
    let house = House::on_shared_key(broker.address());
    house.send("alice", "bob", "one").exit(0);
    let (store, copy) = (house.profile("alice").join("store.db"), house.path().join("copy.db"));
    std::fs::copy(&store, &copy).unwrap();
    house.send("alice", "bob", "two").exit(0);
    std::fs::copy(&copy, &store).unwrap();
    house.run_as("alice", &["store", "migrate", "--to", "sled"]).exit(0);
    house.send("alice", "bob", "three").exit(0);
    assert_eq!(house.receive("bob", 3).exit(0).texts(), ["one", "two", "three"]);
    let rows = house.run_as("alice", &["history", "--json"]).exit(0).json();
    assert_eq!(rows.iter().filter(|row| row["type"] == "restored").count(), 1);
    let heard = house.run_as("bob", &["history", "--json"]).exit(0).json();
    assert!(
        heard.iter().all(|row| row["type"] == "message" && row["conflict"].is_null()),
        "{heard:?}"
    );
}

/// Zeros over any page of the file: the store is as good as before, or repaired, or refused and left alone.
#[test]
fn a_store_with_a_page_of_zeros_is_repaired_or_left_alone() {
    let broker = EmbeddedHouse::start();
    let house = lived_in(&broker);
    house.run_as("alice", &["outbox", "retry"]).exit(0);
    assert_eq!(house.receive("bob", 1).exit(0).texts(), ["waits"]);
    let (store, away) = (house.profile("alice").join("store.db"), house.path().join("away.db"));
    std::fs::rename(house.profile("alice"), house.path().join("kept")).unwrap();
    let pages = std::fs::metadata(house.path().join("kept/store.db")).unwrap().len() / 4096;
    let (mut repaired, mut refused) = (0, 0);
    for page in 0..pages {
        drop(std::fs::remove_dir_all(house.profile("alice")));
        let mut copy = std::process::Command::new("cp");
        copy.arg("-a").arg(house.path().join("kept")).arg(house.profile("alice"));
        assert!(copy.status().unwrap().success());
        let mut bytes = std::fs::read(&store).unwrap();
        let at = usize::try_from(page * 4096).unwrap();
        bytes[at..at + 4096].fill(0);
        std::fs::write(&store, &bytes).unwrap();
        std::fs::write(&away, &bytes).unwrap();
        let said = house.run_as("alice", &["doctor", "--repair"]);
        match said.code {
            0 => {
                house.run_as("alice", &["doctor"]).exit(0);
                // The damage may have taken what alice knew of bob.
                house.run_as("alice", &["contact", "add", "bob", "--shared-key"]).exit(0);
                let text = format!("after page {page}");
                house.send("alice", "bob", &text).exit(0);
                assert_eq!(house.receive("bob", 1).exit(0).texts(), [text], "page {page}");
                repaired += 1;
            }
            7 => {
                assert!(said.out.contains("FAIL  repair"), "{}", said.out);
                refused += 1;
            }
            code => panic!("page {page}: {code}: {}{}", said.out, said.err),
        }
    }
    println!("{pages} pages: {repaired} repaired, {refused} refused");
    assert!(repaired > pages / 2, "{repaired} of {pages}");
}

#[test]
fn a_store_that_is_in_use_is_not_repaired() {
    let broker = EmbeddedHouse::start();
    let house = lived_in(&broker);
    alter(&house, "DELETE FROM heads");
    let mut listening = house.start("alice", &["listen"]);
    wait_for(&mut listening, "shared key");
    let refused = house.run_as("alice", &["doctor", "--repair"]).exit(7);
    assert!(refused.out.contains("in use by another process"), "{}", refused.out);
    listening.kill().unwrap();
    listening.wait().unwrap();
    house.run_as("alice", &["doctor", "--repair"]).exit(0);
}
