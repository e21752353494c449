//! The way of a message against a small model of it, under any sequence of crashes, lost answers, repeated, foreign and
//! deleted records.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chat_core::chat_transport::{Offset, Partition, Transport, TransportAdmin};
use chat_core::{Client, Draft, Item, ListenFrom, Seq};
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};

use crate::people::{LONG, People, handle, texts, until_caught_up};

/// What happens.
#[derive(Clone, Debug)]
enum Step {
    /// Alice writes so many messages; nothing is sent.
    Accept(u8),
    /// What waits is sent.
    Deliver(Fate),
    /// The broker repeats a record.
    Repeat(prop::sample::Index),
    /// Somebody writes a record to bob's own tag that is no message.
    Junk,
    /// The broker deletes records from the front.
    Delete(prop::sample::Index),
    /// Alice's process ends, and another begins.
    AliceRestarts,
    /// Bob's does.
    BobRestarts,
    /// Bob reads all that there is.
    Read,
}

/// What becomes of an append.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Acknowledged,
    /// It happens, and nobody hears of it.
    Unheard,
    /// It does not happen, and nobody hears of that.
    Lost,
    Offline,
}

fn step() -> impl Strategy<Value = Step> {
    let fate =
        prop::sample::select(vec![Fate::Acknowledged, Fate::Unheard, Fate::Lost, Fate::Offline]);
    prop_oneof![
        4 => (1..4_u8).prop_map(Step::Accept),
        4 => fate.prop_map(Step::Deliver),
        2 => any::<prop::sample::Index>().prop_map(Step::Repeat),
        1 => Just(Step::Junk),
        1 => any::<prop::sample::Index>().prop_map(Step::Delete),
        1 => Just(Step::AliceRestarts),
        1 => Just(Step::BobRestarts),
        3 => Just(Step::Read),
    ]
}

/// What must be true: messages have the numbers in which they were accepted.
#[derive(Default)]
struct Model {
    accepted: usize,
    /// Which message each record's bytes are; known from the order in which they first came.
    known: HashMap<Vec<u8>, usize>,
    /// The offset from which bob goes on.
    next: u64,
    /// What bob has, in his order.
    has: Vec<usize>,
}

struct World {
    people: People,
    model: Model,
    junk: HashSet<Vec<u8>>,
}

impl World {
    async fn take(&mut self, step: &Step) {
        match step {
            Step::Accept(count) => {
                let first = self.model.accepted;
                let draft = |number: usize| Draft::text(handle("bob"), number.to_string());
                let drafts = (first..first + usize::from(*count)).map(draft).collect();
                self.people.alice.enqueue(drafts).unwrap();
                self.model.accepted += usize::from(*count);
            }
            Step::Deliver(fate) => self.deliver(*fate).await,
            Step::Repeat(which) => {
                let records = self.people.records();
                if !records.is_empty() {
                    let record = &records[which.index(records.len())];
                    let (key, value) = (record.key.clone(), record.value.clone().unwrap());
                    self.people.append(key.as_deref(), &value).await;
                }
            }
            Step::Junk => {
                let records = self.people.records();
                if let Some(record) = records.first() {
                    let mut value = record.value.clone().unwrap().to_vec();
                    let last = value.len() - 1;
                    value[last] ^= 1 + u8::try_from(self.junk.len() % 200).unwrap();
                    self.people.append(record.key.as_deref(), &value).await;
                    self.junk.insert(value);
                }
            }
            Step::Delete(which) => {
                let records = self.people.records();
                if !records.is_empty() {
                    let before = records[which.index(records.len())].offset;
                    let topic = self.people.topic();
                    self.people.log.delete_records(&topic, Partition(0), before).await.unwrap();
                }
            }
            Step::AliceRestarts => self.people.alice = self.again("alice"),
            Step::BobRestarts => self.people.bob = self.again("bob"),
            Step::Read => self.read().await,
        }
        self.look();
    }

    fn again(&self, name: &str) -> Client {
        let client = Client::open(&self.people.folder.path().join(name), None).unwrap();
        client.connect(Arc::new(self.people.log.clone()))
    }

    async fn deliver(&mut self, fate: Fate) {
        match fate {
            Fate::Acknowledged => {}
            Fate::Unheard => self.people.log.lose_acks(1),
            Fate::Lost => self.people.log.lose_appends(1),
            Fate::Offline => self.people.log.set_offline(true),
        }
        let patience =
            if matches!(fate, Fate::Acknowledged) { LONG } else { Duration::from_millis(100) };
        drop(self.people.alice.deliver(&[], patience).await.unwrap());
        self.people.log.set_offline(false);
        self.people.log.lose_acks(0);
        self.people.log.lose_appends(0);
        // Work on the store that ran out of time goes on for a moment, and nobody else may deliver meanwhile.
        let deadline = Instant::now() + LONG;
        while matches!(fate, Fate::Acknowledged) && !self.people.alice.outbox().unwrap().is_empty()
        {
            assert!(Instant::now() < deadline, "it is not delivered");
            drop(self.people.alice.deliver(&[], patience).await.unwrap());
        }
    }

    /// Records come onto the log in the order of their messages, and each message always as the same bytes.
    fn look(&mut self) {
        for record in self.people.records() {
            let value = record.value.unwrap().to_vec();
            if !self.junk.contains(&value) && !self.model.known.contains_key(&value) {
                self.model.known.insert(value, self.model.known.len());
            }
        }
        assert!(self.model.known.len() <= self.model.accepted, "something was sealed twice");
    }

    async fn read(&mut self) {
        let after = self.people.bob.history(&Default::default(), |_| true).unwrap();
        let after = after.last().map_or(Seq::ZERO, |row| row.seq);
        let topic = self.people.topic();
        let start = self.people.log.bounds(&topic, &[Partition(0)]).await.unwrap()[0].start.0;
        let gap: Vec<(u64, u64)> =
            (start > self.model.next).then_some((self.model.next, start)).into_iter().collect();
        self.model.next = self.model.next.max(start);
        let mut expected = Vec::new();
        for record in self.people.records() {
            let value = record.value.unwrap().to_vec();
            let message = self.model.known.get(&value).copied();
            let new = message
                .filter(|message| !self.model.has.contains(message) && !expected.contains(message));
            if record.offset >= Offset(self.model.next) {
                expected.extend(new);
                self.model.next = record.offset.0 + 1;
            }
        }
        let mut listener = self.people.bob.listen(ListenFrom::After(after)).unwrap();
        let items = until_caught_up(&mut listener).await.0;
        // It stops reading as soon as its task has the word: before anything else happens.
        drop(listener);
        tokio::task::yield_now().await;
        let got: Vec<usize> = texts(&items).iter().map(|text| text.parse().unwrap()).collect();
        assert_eq!(got, expected);
        let gaps = items.iter().filter_map(|item| match &item.what {
            Item::Gap(gap) => Some((gap.from_offset, gap.to_offset)),
            _ => None,
        });
        assert_eq!(
            gaps.collect::<Vec<_>>(),
            gap,
            "what was deleted unread is a gap, and nothing else is"
        );
        self.model.has.extend(expected);
    }

    /// In the end bob has each message once, and is told of each that was deleted before he read it.
    async fn end(&mut self) {
        for step in [Step::Deliver(Fate::Acknowledged), Step::Read, Step::Accept(1)] {
            self.take(&step).await;
        }
        for step in [Step::Deliver(Fate::Acknowledged), Step::Read] {
            self.take(&step).await;
        }
        assert_eq!(self.model.known.len(), self.model.accepted, "all was sent");
        let mut told: HashSet<usize> = HashSet::new();
        let mut hole = false;
        for item in self.people.history(&self.people.bob) {
            match item {
                Item::Missing(missing) => told.extend(
                    (missing.first..=missing.last).map(|number| usize::try_from(number).unwrap()),
                ),
                Item::Found(found) => drop(told.remove(&usize::try_from(found.number).unwrap())),
                Item::Gap(_) => hole = true,
                _ => {}
            }
        }
        let has: HashSet<usize> = self.model.has.iter().copied().collect();
        assert_eq!(has.len(), self.model.has.len(), "nothing twice");
        assert!(told.is_disjoint(&has), "a message that is there is called missing");
        let first = self.model.has.first().copied().unwrap_or(self.model.accepted);
        for lost in (0..self.model.accepted).filter(|number| !has.contains(number)) {
            // Before the first message that he ever read, a gap is all that can be said.
            let said = hole && lost < first;
            assert!(told.contains(&lost) || said, "nobody told of {lost}");
        }
    }
}

/// Sequences that are tried: SECURECHAT_TEST_CASES, or 100,000 with SECURECHAT_TEST_SCALE=full.
fn cases() -> u32 {
    let said = std::env::var("SECURECHAT_TEST_CASES").ok().map(|cases| cases.parse().unwrap());
    let full = std::env::var("SECURECHAT_TEST_SCALE").is_ok_and(|scale| scale == "full");
    said.unwrap_or(if full { 100_000 } else { 256 })
}

#[test]
fn any_sequence_of_faults_keeps_the_models_promises() {
    let said = std::env::var("SECURECHAT_TEST_SEED").ok().map(|seed| seed.parse().unwrap());
    let seed = said.unwrap_or_else(rand_seed);
    println!("SECURECHAT_TEST_SEED={seed}");
    let mut runner = TestRunner::new(ProptestConfig {
        cases: cases(),
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed),
        ..ProptestConfig::default()
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let outcome = runner.run(&prop::collection::vec(step(), 1..16), |steps| {
        runtime.block_on(async {
            let people = People::new().await;
            // One record for each message, which is what the model counts.
            people.alice.use_shared_key(&handle("bob"), true).unwrap();
            let mut world = World { people, model: Model::default(), junk: HashSet::new() };
            // Who has never read a log cannot know what it held before.
            world.take(&Step::Read).await;
            for step in &steps {
                world.take(step).await;
            }
            world.end().await;
        });
        Ok(())
    });
    outcome.unwrap();
}

fn rand_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}
