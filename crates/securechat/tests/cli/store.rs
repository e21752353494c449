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
    let house = House::with_network(broker.address());
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
    let house = House::with_network(broker.address());
    let mut listening = house.start("alice", &["listen"]);
    wait_for(&mut listening, "shared key");
    let refused = house.run_as("alice", &["store", "migrate", "--to", "sled"]).exit(7);
    refused.says("in use by another process");
    house.send("alice", "bob", "still here").exit(0);
    listening.kill().unwrap();
    listening.wait().unwrap();
}
