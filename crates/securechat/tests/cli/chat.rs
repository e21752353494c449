//! Groups on the command line.

use crate::house::{BrokerHouse, House, Said};

impl House {
    fn chat(&self, profile: &str, args: &[&str]) -> Said {
        self.run_as(profile, &[&["chat"], args].concat())
    }

    fn chat_json(&self, profile: &str, args: &[&str]) -> serde_json::Value {
        let said = self.run_as(profile, &[&["--json", "chat"], args].concat()).exit(0);
        said.json().into_iter().next().unwrap()
    }
}

#[test]
fn a_group_is_made_written_to_shown_and_left() {
    let broker = BrokerHouse::start();
    let house = House::with_network(broker.address());
    let made = house.chat_json("alice", &["create", "the ops"]);
    assert_eq!((&made["with"], &made["type"]), (&"#the ops".into(), &"group_change".into()));
    let id = made["group"].as_str().unwrap().to_owned();
    assert_eq!(id.len(), 32);
    let listed = house.chat_json("alice", &["list"]);
    assert_eq!((&listed["standing"], &listed["is_admin"]), (&"member".into(), &true.into()));
    let shown = house.chat_json("alice", &["show", "#the ops"]);
    assert_eq!(shown["code"].as_str().unwrap().len(), 35);
    assert_eq!(shown["members"][0]["handle"], "alice");
    let plain = house.chat("alice", &["show", "the ops"]).exit(0).out;
    assert!(plain.contains("group        #the ops") && plain.contains("you, admin"), "{plain}");
    assert_eq!(house.chat("alice", &["admins", "#the ops"]).exit(0).out, "alice\n");
    let sent = house.run_as("alice", &["--json", "send", "--to", "#the ops", "-m", "hello all"]);
    let sent = sent.exit(0).json()[0].clone();
    assert_eq!((&sent["to"], &sent["group"]), (&"#the ops".into(), &id.as_str().into()));
    assert_eq!((&sent["state"], &sent["protection"]), (&"acked".into(), &"mls".into()));
    let history =
        house.run_as("alice", &["--json", "history", "--with", "#the ops"]).exit(0).json();
    let kinds: Vec<_> = history.iter().map(|row| row["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["group_changed", "message"]);
    assert_eq!((&history[0]["what"], &history[1]["group"]), (&"founded".into(), &id.into()));
    let lines = house.run_as("alice", &["history", "--with", "#the ops"]).exit(0).out;
    assert!(lines.contains("you to #the ops: hello all"), "{lines}");
    assert!(lines.contains("-- #the ops: alice made the group"), "{lines}");
    house.chat("alice", &["leave", "#the ops"]).exit(0);
    assert_eq!(house.chat("alice", &["list"]).exit(0).out, "");
    house.send("alice", "#the ops", "anybody?").exit(2).hints("chat list");
}

#[test]
fn what_cannot_be_done_in_a_group_says_what_helps() {
    let broker = BrokerHouse::start();
    let house = House::with_network(broker.address());
    house.chat("alice", &["create", "ops", "bob"]).exit(8).hints("--profile bob listen");
    house.chat("alice", &["create", "a\u{1b}b"]).exit(2).hints("chat create NAME");
    house.chat("alice", &["create", "ops"]).exit(0);
    house.chat("alice", &["show", "#osp"]).exit(8).hints("chat show '#ops'");
    house.chat("alice", &["show", "#nothing like it"]).exit(8).hints("chat list");
    house.send("alice", "#osp", "hello").exit(8).hints("did you mean '#ops'");
    house.chat("alice", &["remove", "#ops", "bob"]).exit(2).hints("chat show '#NAME'");
    house.chat("alice", &["admins", "#ops", "--remove", "alice"]).exit(2).hints("chat admins");
    assert_eq!(house.chat("alice", &["requests"]).exit(0).out, "");
    house.chat("alice", &["requests", "accept", "#ops"]).exit(8).hints("chat requests");
    house.chat("alice", &["create", "ops", "--no-wait"]).exit(0);
    let both = house.chat("alice", &["show", "#ops"]).exit(2).hints("chat list").err;
    let named: Vec<&str> = both.split("#ops~").skip(1).collect();
    assert_eq!(named.len(), 2, "{both}");
    let one = format!("#ops~{}", &named[0][..4]);
    house.chat("alice", &["rename", &one, "night"]).exit(0);
    house.chat("alice", &["rename", &one, "day"]).exit(2).hints("listen --timeout 5s");
}
