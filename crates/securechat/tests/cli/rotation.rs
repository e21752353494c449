//! A new network key, on the command line.

use crate::house::{BrokerHouse, House, finish};
use crate::listener::Listening;

impl House {
    fn key_id(&self, profile: &str) -> String {
        let shown = self.run_as(profile, &["--json", "network", "show"]).exit(0).json();
        shown[0]["key_id"].as_str().unwrap().to_owned()
    }
}

#[test]
fn a_network_key_is_replaced_and_handed_on() {
    let broker = BrokerHouse::start();
    let house = House::with_network(broker.address());
    for profile in ["alice", "bob"] {
        house.run_as(profile, &["listen", "--timeout", "3s"]).exit(8);
    }
    let none = house.run_as("alice", &["network", "share-key", "bob"]).exit(2);
    none.says("has no older key").hints("network rotate").hints("securechat invite");
    house.send("bob", "alice", "hello").exit(0);
    house.receive("alice", 1).exit(0);

    // Nobody is verified: bob is named as who does not get it.
    let old = house.key_id("alice");
    let said = house.run_as("alice", &["network", "rotate"]).exit(0);
    assert!(said.out.contains("not to bob, whose key was never compared"), "{}", said.out);
    said.says("securechat invite");
    let new = house.key_id("alice");
    assert_ne!(old, new);
    let shown = house.run_as("alice", &["network", "show"]).exit(0).out;
    assert!(shown.contains(&format!("{new}, number 2; read as well: {old}")), "{shown}");
    house.send("bob", "alice", "under the old key").exit(0);
    assert_eq!(house.receive("alice", 1).exit(0).texts(), ["under the old key"]);
    assert_eq!(house.key_id("bob"), old);

    let mut bob = Listening::start(&house, "bob");
    let said = house.run_as("alice", &["--json", "network", "share-key", "bob"]).exit(0).json();
    assert_eq!(said[0]["type"], "network_key");
    assert_eq!(said[0]["sent_to"], serde_json::json!(["bob"]));
    bob.until_row("the key", |row| {
        row["type"] == "network_key" && row["taken"] == true && row["by"] == "alice"
    });
    house.send("alice", "bob", "under the new key").exit(0);
    bob.until_told("under the new key");
    assert_eq!(house.key_id("bob"), new);

    // Carol joins with a new invite.
    let invite = house.run_as("alice", &["invite"]).exit(0).out;
    house.run_as("carol", &["init", "carol", "--no-passphrase"]).exit(0);
    house.feed("carol", &["join", "-"], invite.as_bytes()).exit(0);
    house.send("carol", "bob", "carol is new").exit(0);
    bob.until_told("carol is new");

    let unknown = house.run_as("alice", &["--json", "network", "share-key", "dave"]).exit(0);
    let left = &unknown.json()[0]["left_out"];
    assert_eq!(*left, serde_json::json!([{ "handle": "dave", "why": "not_published" }]));
    house.run_as("alice", &["network", "share-key", "No Handle"]).exit(2).says("is no handle");
}

#[test]
fn a_key_that_is_made_offline_goes_out_later() {
    let broker = BrokerHouse::start();
    let house = House::with_network(broker.address());
    for profile in ["alice", "bob"] {
        house.run_as(profile, &["listen", "--timeout", "3s"]).exit(8);
    }
    house.send("bob", "alice", "hello").exit(0);
    house.receive("alice", 1).exit(0);
    // What bob has published is known from here on.
    house.run_as("alice", &["contact", "add", "bob"]).exit(0);
    let args = ["network", "rotate", "--to", "bob", "--timeout", "1s"];
    let mut away = house.command(&args);
    away.env("SECURECHAT_PROFILE", "alice").env("SECURECHAT_BROKERS", "127.0.0.1:1");
    let said = finish(away.spawn().unwrap()).exit(0);
    assert!(said.out.contains("on its way to bob"), "{}", said.out);
    said.says("the directory could not be read").says("not all of it has reached the broker");
    house.send("alice", "bob", "afterwards").exit(0);
    let mut bob = Listening::start(&house, "bob");
    bob.until_row("the key", |row| row["type"] == "network_key" && row["taken"] == true);
    bob.until_told("afterwards");
    assert_eq!(house.key_id("bob"), house.key_id("alice"));
}
