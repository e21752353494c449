//! Processes that die at every step of a message's way: before and after each transaction, each append, each
//! read, each print. Needs the feature `failpoints`, which lets the program die where a test says so.

use std::process::ExitStatus;

use chat_core::chat_transport::{
    KafkaConfig, KafkaTransport, Offset, Partition, Position, ReadOptions, Security, TopicName,
    Transport,
};
use chat_core::failpoint::Place;

use crate::house::{EmbeddedHouse, House, Said, picture};

impl House {
    /// Runs a command that dies when it comes to a place for the `pass`th time; whether it did.
    fn dies(
        &self,
        profile: &str,
        args: &[&str],
        input: &[u8],
        (place, pass): (Place, u64),
    ) -> (bool, Said) {
        let aim = format!("{}:{pass}", place.name());
        let (status, said) =
            self.feed_with(profile, args, input, &[("SECURECHAT_FAILPOINT", &aim)]);
        (was_aborted(status), said)
    }

    /// The texts of a profile's messages, oldest first; nothing but messages may be there.
    fn whole_history(&self, profile: &str) -> Vec<String> {
        let said = self.run_as(profile, &["history", "--json", "--limit", "1000"]);
        if said.code == 8 {
            return Vec::new();
        }
        let rows = said.exit(0);
        assert_eq!(rows.json().len(), rows.messages().len(), "only messages: {}", rows.out);
        rows.texts()
    }

    /// Everything that is new for a profile, until nothing more comes.
    fn drained(&self, profile: &str) -> Vec<String> {
        let said = self.run_as(profile, &["listen", "--json", "--timeout", "400ms"]);
        assert!(said.code == 0 || said.code == 8, "{} {}", said.code, said.err);
        for line in said.json() {
            assert!(line["type"] == "message" || line["type"] == "caught_up", "{line}");
        }
        said.texts()
    }

    /// How many different records the network's mail topic holds.
    fn distinct_records(&self, broker: &EmbeddedHouse) -> usize {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let brokers = [broker.address().to_string()];
            let config = KafkaConfig::new(&brokers, Security::LoopbackOnly).unwrap();
            let transport = KafkaTransport::new(config);
            let topic = TopicName::new(&format!("{}.mail", self.namespace())).unwrap();
            let info = transport.topic(&topic).await.unwrap();
            let mut values = std::collections::HashSet::new();
            for partition in 0..info.partitions {
                let at = [Position { partition: Partition(partition), offset: Offset(0) }];
                let options =
                    ReadOptions { max_wait: std::time::Duration::ZERO, ..ReadOptions::default() };
                let pages = transport.read(&topic, info.id, &at, options).await.unwrap();
                values.extend(
                    pages.into_iter().flat_map(|page| page.records).map(|record| record.value),
                );
            }
            values.len()
        })
    }

    /// The store's own check of everything.
    fn assert_sound(&self, profile: &str) {
        self.run_as(profile, &["doctor"]).exit(0);
    }
}

#[cfg(unix)]
fn was_aborted(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    const SIGABRT: i32 = 6;
    status.signal() == Some(SIGABRT)
}

/// The engines that this build has.
const ENGINES: &[&str] = if cfg!(feature = "sled") { &["sqlite", "sled"] } else { &["sqlite"] };

/// Lets `run` die at each pass of each place, in a new house each time, and look at what is left.
fn at_every_step(
    engine: &str,
    places: &[Place],
    mut run: impl FnMut(&House, &EmbeddedHouse, (Place, u64)) -> bool,
) {
    let broker = EmbeddedHouse::start();
    for place in places {
        let mut at = |pass| {
            let house = House::with_stores(broker.address(), engine);
            run(&house, &broker, (*place, pass))
        };
        let died = (1..).take_while(|pass| at(*pass)).count();
        println!("{engine}, {}: died {died} times", place.name());
        assert!(died > 0, "nothing comes to {}", place.name());
    }
}

const SENDING: [Place; 4] =
    [Place::BeforeCommit, Place::AfterCommit, Place::BeforeAppend, Place::AfterAppend];

/// Sends one message, dying at each step, and again with the same name.
fn a_named_message(engine: &str, more: &[&str], places: &[Place]) {
    at_every_step(engine, places, |house, broker, at| {
        let args = [&["send", "--to", "bob", "--id", "job", "-m", "hello"], more].concat();
        let (died, _) = house.dies("alice", &args, b"", at);
        house.assert_sound("alice");
        house.run_as("alice", &args).exit(0);
        assert_eq!(house.drained("bob"), ["hello"], "{at:?}");
        for profile in ["alice", "bob"] {
            assert_eq!(house.whole_history(profile), ["hello"], "{at:?}");
            house.assert_sound(profile);
        }
        assert_eq!(house.distinct_records(broker), 1, "each attempt sends the same bytes");
        assert_eq!(house.run_as("alice", &["outbox", "list", "--json"]).exit(0).out, "");
        died
    });
}

#[test]
fn a_message_whose_sender_dies_at_any_step_is_sent_once() {
    ENGINES.iter().for_each(|engine| a_named_message(engine, &[], &SENDING));
}

#[test]
fn a_picture_whose_sender_dies_at_any_step_is_sent_once() {
    let cover = picture("smile.jpg");
    let image = ["--image", cover.to_str().unwrap()];
    a_named_message("sqlite", &image, &SENDING);
    ENGINES.iter().for_each(|engine| a_named_message(engine, &image, &[Place::AfterEmbed]));
}

/// Each of its pictures is sent once, and the message comes whole.
#[test]
fn a_message_in_several_pictures_whose_sender_dies_at_any_step_comes_whole_and_once() {
    // Transactions and their ends are what a message in one picture dies at.
    let steps = [Place::AfterEmbed, Place::BeforeAppend, Place::AfterAppend];
    at_every_step("sqlite", &steps, |house, broker, at| {
        let (folder, text) = crate::covers::folder_and_long_text(house);
        let args = ["send", "--to", "bob", "--id", "job", "-m", &text, "--image", &folder];
        let (died, _) = house.dies("alice", &args, b"", at);
        house.run_as("alice", &args).exit(0);
        assert_eq!(house.drained("bob"), [text.as_str()], "{at:?}");
        for profile in ["alice", "bob"] {
            assert_eq!(house.whole_history(profile), [text.as_str()], "{at:?}");
            house.assert_sound(profile);
        }
        assert!((2..=5).contains(&house.distinct_records(broker)), "each picture once");
        died
    });
}

/// What was accepted before the sender died is sent, in its order and once, and nothing else.
fn lines_are_sent_as_far_as_they_were_accepted(engine: &str) {
    let lines: Vec<String> = (1..=9).map(|number| format!("line {number}")).collect();
    let input = lines.join("\n");
    at_every_step(engine, &SENDING, |house, broker, at| {
        let args = ["send", "--to", "bob", "--lines"];
        let (died, _) = house.dies("alice", &args, input.as_bytes(), at);
        house.run_as("alice", &["outbox", "retry"]).exit(0);
        let accepted = house.whole_history("alice");
        assert!(lines.starts_with(&accepted), "{at:?}: {accepted:?}");
        assert_eq!(house.drained("bob"), accepted, "{at:?}");
        assert_eq!(house.whole_history("bob"), accepted, "{at:?}");
        assert_eq!(house.distinct_records(broker), accepted.len());
        ["alice", "bob"].iter().for_each(|profile| house.assert_sound(profile));
        died
    });
}

#[test]
fn lines_whose_sender_dies_at_any_step_are_sent_as_far_as_they_were_accepted() {
    ENGINES.iter().for_each(|engine| lines_are_sent_as_far_as_they_were_accepted(engine));
}

/// A receiver that dies at any step has each message once in its history, and prints each at least once; twice only
/// where it died before the mark was behind what it had printed, which any step can come between on a busy machine.
fn a_receiver_loses_nothing(engine: &str) {
    let places = [Place::BeforeCommit, Place::AfterCommit, Place::AfterRead, Place::AfterPrint];
    at_every_step(engine, &places, |house, _, at| {
        let sent = ["one", "two", "three", "four"];
        house.feed("alice", &["send", "--to", "bob", "--lines"], b"one\ntwo\nthree\n").exit(0);
        let cover = picture("smile.jpg");
        let image = ["send", "--to", "bob", "-m", "four", "--image", cover.to_str().unwrap()];
        house.run_as("alice", &image).exit(0);
        let args = ["listen", "--json", "--max", "4", "--timeout", "20s"];
        let (died, said) = house.dies("bob", &args, b"", at);
        house.assert_sound("bob");
        let mut printed = said.texts();
        let before = printed.len();
        printed.extend(house.drained("bob"));
        let again = printed.len() - sent.len();
        assert!(again == 0 || (died && again <= before), "{at:?}: {printed:?}");
        printed.drain(before - again..before);
        assert_eq!(printed, sent, "{at:?}");
        assert_eq!(house.whole_history("bob"), sent, "{at:?}");
        house.assert_sound("bob");
        died
    });
}

#[test]
fn a_receiver_that_dies_at_any_step_loses_nothing() {
    ENGINES.iter().for_each(|engine| a_receiver_loses_nothing(engine));
}

const COMMITTING: [Place; 2] = [Place::BeforeCommit, Place::AfterCommit];

/// An older store that is brought up to date by a process that dies is brought up to date by the next.
#[test]
fn a_migration_that_dies_is_done_by_the_next_process() {
    at_every_step("sqlite", &COMMITTING, |house, _, at| {
        house.send("alice", "bob", "hello").exit(0);
        let store = house.profile("alice").join("store.db");
        let database = rusqlite::Connection::open(&store).unwrap();
        database.execute_batch("DROP TABLE resting; PRAGMA user_version = 1;").unwrap();
        drop(database);
        let (died, _) = house.dies("alice", &["history"], b"", at);
        assert_eq!(house.whole_history("alice"), ["hello"]);
        house.assert_sound("alice");
        house.send("alice", "bob", "again").exit(0);
        assert_eq!(house.drained("bob"), ["hello", "again"]);
        died
    });
}

/// A move to another engine that dies leaves one store that counts, and the next attempt comes to its end.
#[cfg(feature = "sled")]
#[test]
fn a_move_to_another_engine_that_dies_leaves_one_whole_store() {
    let places = [Place::BeforeCommit, Place::BeforeSwitch, Place::AfterSwitch];
    for (from, to) in [("sqlite", "sled"), ("sled", "sqlite")] {
        at_every_step(from, &places, |house, _, at| {
            house.send("alice", "bob", "hello").exit(0);
            let (died, _) = house.dies("alice", &["store", "migrate", "--to", to], b"", at);
            assert_eq!(house.whole_history("alice"), ["hello"], "{from} {at:?}");
            house.run_as("alice", &["store", "migrate", "--to", to]).exit(0);
            let left = ["store.db", "store.sled"]
                .iter()
                .filter(|name| house.profile("alice").join(name).exists());
            assert_eq!(left.count(), 1, "{from} {at:?}");
            house.assert_sound("alice");
            house.send("alice", "bob", "again").exit(0);
            assert_eq!(house.drained("bob"), ["hello", "again"]);
            died
        });
    }
}

/// A repair that dies leaves the damaged store, or the one that was made of it, and the next comes to its end.
#[test]
fn a_repair_that_dies_at_any_step_is_done_by_the_next() {
    let places = [Place::AfterCommit, Place::BeforeMove];
    at_every_step("sqlite", &places, |house, _, at| {
        for text in ["first", "second"] {
            house.send("bob", "alice", text).exit(0);
        }
        assert_eq!(house.drained("alice"), ["first", "second"]);
        crate::store::alter(
            house,
            "UPDATE messages SET v = zeroblob(80) WHERE k = x'0000000000000001'",
        );
        let (died, _) = house.dies("alice", &["doctor", "--repair"], b"", at);
        house.run_as("alice", &["doctor", "--repair"]).exit(0);
        house.assert_sound("alice");
        let rows = house.run_as("alice", &["history", "--json"]).exit(0);
        assert_eq!(rows.texts(), ["second"], "{at:?}: {}", rows.out);
        assert_eq!(rows.json()[0]["type"], "lost", "{at:?}");
        died
    });
}
