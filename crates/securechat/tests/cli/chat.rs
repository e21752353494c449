//! Groups on the command line.

use std::time::{Duration, Instant};

use crate::house::{BrokerHouse, House, Said};
use crate::listener::Listening;

impl House {
    fn chat(&self, profile: &str, args: &[&str]) -> Said {
        self.run_as(profile, &[&["chat"], args].concat())
    }

    fn chat_json(&self, profile: &str, args: &[&str]) -> serde_json::Value {
        let said = self.run_as(profile, &[&["--json", "chat"], args].concat()).exit(0);
        said.json().into_iter().next().unwrap()
    }

    /// Makes a profile that joins by somebody's invite.
    fn joins_by(&self, profile: &str, inviter: &str) {
        self.run(&["init", profile, "--no-passphrase"]).exit(0);
        let invite = self.run_as(inviter, &["invite"]).exit(0).out;
        self.feed(profile, &["join", "-"], invite.as_bytes()).exit(0);
    }

    /// Lets a profile that nobody has written to listen until the directory shows it.
    fn publishes(&self, profile: &str) {
        let is_shown = || {
            self.run_as(profile, &["listen", "--timeout", "2s"]).exit(8);
            self.run_as(profile, &["doctor"]).exit(0).out.contains("valid until")
        };
        until(profile, is_shown);
    }

    fn sends_in_mls(&self, from: &str, to: &str, text: &str) {
        let sent = self.run_as(from, &["--json", "send", "--to", to, "-m", text]).exit(0);
        let sent = &sent.json()[0];
        assert_eq!((&sent["state"], &sent["protection"]), (&"acked".into(), &"mls".into()));
    }

    fn hears_in_mls(&self, profile: &str, text: &str) {
        let heard = self.receive(profile, 1).exit(0);
        assert_eq!(heard.texts(), [text], "{}", heard.out);
        assert_eq!(heard.messages()[0]["protection"], "mls", "{}", heard.out);
    }

    /// Removes somebody from the group `ops`; everybody is told.
    fn puts_out(&self, admin: &str, who: &str, listening: &mut [Listening]) {
        until("the removal is on its way", || {
            let said = self.chat(admin, &["remove", "#ops", who]);
            // A renewal of the admin's own may be on its way.
            said.code == 0 || said.exit(2).hints("listen --timeout 5s").code == 0
        });
        for one in listening {
            one.until_row("the removal", |row| row["people"] == serde_json::json!([who]));
            assert_eq!(one.others.last().unwrap()["what"], "removed");
        }
    }

    /// The texts of a history, its own ones too.
    fn told(&self, profile: &str) -> Vec<String> {
        self.run_as(profile, &["history", "--json", "--limit", "1000"]).texts()
    }
}

/// Tries again until it is so.
#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < deadline, "it never comes to be so: {what}");
    }
}

/// A guard against hanging.
const LONG: Duration = Duration::from_secs(60);

#[test]
fn two_people_talk_in_mls_from_the_first_message() {
    let broker = BrokerHouse::start();
    let house = House::with_network(broker.address());
    house.publishes("bob");
    let said = [
        ("alice", "bob", "the very first"),
        ("bob", "alice", "an answer"),
        ("alice", "bob", "a second"),
        ("bob", "alice", "and its answer"),
    ];
    for (from, to, text) in said {
        house.sends_in_mls(from, to, text);
        house.hears_in_mls(to, text);
    }
    for profile in ["alice", "bob"] {
        let history = house.run_as(profile, &["history", "--json"]).exit(0).json();
        let word = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap().to_owned();
        let rows: Vec<_> =
            history.iter().map(|row| (word(row, "from"), word(row, "text"))).collect();
        assert_eq!(
            rows,
            said.map(|(from, _, text)| (from.to_owned(), text.to_owned())),
            "{profile}"
        );
        assert!(history.iter().all(|row| row["protection"] == "mls"), "{history:?}");
        assert!(history.iter().all(|row| row.get("group").is_none()), "{history:?}");
    }
    // Nothing waits any more, and a group of two is none that has a name.
    assert_eq!(house.run_as("alice", &["outbox", "list"]).exit(0).out, "");
    assert_eq!(house.chat("bob", &["list"]).exit(0).out, "");
}

#[test]
fn five_people_are_a_group_and_one_who_is_removed_reads_nothing_after() {
    let broker = BrokerHouse::start();
    let house = House::with_network(broker.address());
    ["carol", "dave", "erin"].iter().for_each(|name| house.joins_by(name, "alice"));
    PEOPLE[1..].iter().for_each(|name| house.publishes(name));
    let made = house.chat_json("alice", &["create", "ops", "bob", "carol", "dave", "erin"]);
    assert_eq!(made["state"], "acked");
    let mut listening = PEOPLE.map(|name| Listening::start(&house, name));
    house.sends_in_mls("alice", "#ops", "welcome");
    listening[1..].iter_mut().for_each(|one| one.until("welcome"));
    let mut said = vec!["welcome".to_owned()];
    for name in PEOPLE {
        let text = format!("{name} is here");
        house.sends_in_mls(name, "#ops", &text);
        let others = listening.iter_mut().zip(PEOPLE).filter(|(_, other)| *other != name);
        others.for_each(|(one, _)| one.until(&text));
        said.push(text);
    }
    house.puts_out("alice", "erin", &mut listening);
    let [.., erin] = listening;
    drop(erin);
    let (heard_by_erin, stay) = (said.clone(), &PEOPLE[..4]);
    for name in stay {
        let text = format!("{name} without erin");
        house.sends_in_mls(name, "#ops", &text);
        said.push(text);
    }
    // All of it is on the log, and she reads to its end.
    let anew = ["listen", "--json", "--name", "anew", "--timeout", "2s"];
    let heard = house.run_as("erin", &anew).exit(0);
    assert!(heard.out.contains("caught_up"), "{}", heard.out);
    assert_eq!(heard.texts(), heard_by_erin[..5], "{}", heard.out);
    assert_eq!(house.told("erin"), heard_by_erin);
    let refused = house.send("erin", "#ops", "let me in").exit(2).hints("chat list");
    refused.says("not in the group any more");
    assert_eq!(house.chat("erin", &["list"]).exit(0).out, "");
    for name in stay {
        until("everybody has everything", || house.told(name).len() == said.len());
        assert_eq!(house.told(name), said, "{name}");
    }
    let show = |name: &&str| house.chat_json(name, &["show", "#ops"]);
    until("those who are in it see one code", || {
        let codes: Vec<_> = stay.iter().map(|name| show(name)["code"].clone()).collect();
        codes.iter().all(|code| *code == codes[0])
    });
    let shown = show(&"dave");
    let members: Vec<_> =
        shown["members"].as_array().unwrap().iter().map(|member| &member["handle"]).collect();
    assert_eq!(members, stay);
}

const PEOPLE: [&str; 5] = ["alice", "bob", "carol", "dave", "erin"];

#[test]
fn a_strangers_group_waits_and_shows_what_was_said_once_it_is_accepted() {
    let broker = BrokerHouse::start();
    let house = House::with_network(broker.address());
    // She knows bob, and nothing of alice.
    house.joins_by("carol", "bob");
    house.publishes("carol");
    for (name, text) in [("ops", "psst"), ("a prize", "you have won")] {
        house.chat("alice", &["create", name, "carol"]).exit(0);
        house.sends_in_mls("alice", &format!("#{name}"), text);
    }
    house.run_as("carol", &["listen", "--json", "--timeout", "2s"]).exit(8);
    assert!(house.told("carol").is_empty());
    let waiting = house.run_as("carol", &["--json", "chat", "requests"]).exit(0).json();
    let waiting: Vec<_> =
        waiting.iter().map(|one| [&one["with"], &one["standing"], &one["inviter"]]).collect();
    assert_eq!(waiting, [["#a prize", "requested", "alice"], ["#ops", "requested", "alice"]]);
    house.chat("carol", &["requests"]).exit(0).says("chat requests accept");
    house.send("carol", "#ops", "who is it?").exit(2).hints("chat requests accept");

    house.chat("carol", &["requests", "accept", "#ops"]).exit(0).says("is accepted");
    assert_eq!(house.told("carol"), ["psst"]);
    house.hears_in_mls("carol", "psst");
    house.sends_in_mls("carol", "#ops", "so it is you");
    house.hears_in_mls("alice", "so it is you");

    house.chat("carol", &["requests", "decline", "#a prize"]).exit(0).says("is declined");
    assert_eq!(house.chat("carol", &["requests"]).exit(0).out, "");
    house.chat("carol", &["requests", "accept", "#a prize"]).exit(8).hints("chat requests");
    assert_eq!(house.told("carol"), ["psst", "so it is you"]);
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
    let unknown = house.chat("alice", &["show", "#nothing like it"]).exit(8).hints("chat list");
    assert_eq!(unknown.err.matches("chat list").count(), 1, "said once: {}", unknown.err);
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

/// A profile whose folder was put back from a copy writes nothing with its old keys, and the others give it new ones.
#[test]
fn whoever_restores_a_copy_is_put_back_by_the_others() {
    let broker = BrokerHouse::start();
    let house = House::with_network(broker.address());
    house.joins_by("carol", "alice");
    let names = ["alice", "bob", "carol"];
    names.iter().for_each(|name| house.publishes(name));
    assert_eq!(house.chat_json("alice", &["create", "ops", "bob", "carol"])["state"], "acked");
    house.sends_in_mls("alice", "#ops", "welcome");
    house.sends_in_mls("alice", "bob", "hello");
    let mut listening = ["bob", "carol"].map(|name| Listening::start(&house, name));
    listening.iter_mut().for_each(|one| one.until_told("welcome"));
    listening[0].until_told("hello");
    let [bob, mut carol] = listening;
    drop(bob);
    // A while, so that what he renews is on the log.
    house.run_as("bob", &["listen", "--name", "later", "--timeout", "3s"]);

    let (place, kept) = (house.profile("bob"), house.path().join("kept"));
    copy_folder(&place, &kept);
    house.sends_in_mls("bob", "#ops", "from the copy that is lost");
    carol.until_told("from the copy that is lost");
    std::fs::remove_dir_all(&place).unwrap();
    copy_folder(&kept, &place);

    let refused = house.run_as("bob", &["send", "--to", "#ops", "-m", "with old keys"]).exit(2);
    refused.says("waits for others to give it new keys").hints("listen --timeout 5s");
    let mut alice = Listening::start(&house, "alice");
    let mut bob = Listening::start(&house, "bob");
    let is_back = |row: &serde_json::Value| row["what"] == "put_back" && row["people"][0] == "bob";
    for one in [&mut bob, &mut carol, &mut alice] {
        one.until_row("bob is put back", is_back);
    }
    house.sends_in_mls("bob", "#ops", "back again");
    [&mut carol, &mut alice].into_iter().for_each(|one| one.until_told("back again"));
    house.sends_in_mls("carol", "#ops", "good to have you");
    bob.until_told("good to have you");
    house.sends_in_mls("alice", "bob", "and you and me");
    bob.until_told("and you and me");
    house.sends_in_mls("bob", "alice", "as before");
    alice.until_told("as before");
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let place = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy_folder(&entry.path(), &place),
            false => drop(std::fs::copy(entry.path(), place).unwrap()),
        }
    }
    #[cfg(unix)]
    std::fs::set_permissions(to, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
}
