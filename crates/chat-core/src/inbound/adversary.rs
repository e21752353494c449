//! A broker that lies and other people on the topic, in numbers.
//!
//! The sizes here are a small part; `scripts/hostile` runs the same tests at full size, in a release
//! build, with SECURECHAT_TEST_SCALE set to `full`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chat_crypto::{Envelope, EnvelopeKind, SharedKey, SubkeyLabel};
use chat_store::{Cursor, Store, StoreKey};
use chat_transport::{Offset, StoredRecord, TopicId};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, RngExt, SeedableRng};

use super::batch::OpenedRecord;
use super::conversations::NoConversations;
use super::tests::opened_by;
use super::{Batch, Inbox, Mailboxes, Opened, store_batch};
use crate::content::{Body, Content};
use crate::conversation::Conversation;
use crate::error::ReceiveError;
use crate::handle::Handle;
use crate::history_row::HistoryRow;
use crate::item::{CarrierKind, Item};
use crate::message_id::{MessageId, StreamId};
use crate::network::Network;
use crate::network::create::{NewNetwork, draft};

/// How many of something: the CI's number, or all of them.
fn scaled(here: usize, full: usize) -> usize {
    match std::env::var("SECURECHAT_TEST_SCALE") {
        Ok(scale) if scale == "full" => full,
        _ => here,
    }
}

/// Alice's messages to bob, and bob's inbox.
struct Bench {
    network: Network,
    bob: Arc<Inbox>,
    rng: StdRng,
}

impl Bench {
    /// The seed is printed, and taken back from SECURECHAT_TEST_SEED.
    fn new() -> Self {
        let seed = std::env::var("SECURECHAT_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| rand::rng().random());
        println!("SECURECHAT_TEST_SEED={seed}");
        let brokers = vec!["localhost:9092".to_owned()];
        let network = draft(NewNetwork::new("test".parse().unwrap(), brokers)).unwrap();
        let bob = Arc::new(Inbox::new(&handle("bob"), &network));
        Self { network, bob, rng: StdRng::seed_from_u64(seed) }
    }

    /// The contents of one stream, each naming the one before.
    fn stream(&mut self, stream: u8, count: usize) -> Vec<Content> {
        let pair = Conversation::pair(self.network.namespace(), &handle("alice"), &handle("bob"));
        let mut previous = [0; 32];
        (0..count)
            .map(|number| {
                let content = Content {
                    message_id: MessageId::random(&mut self.rng),
                    conversation: pair.clone().unwrap(),
                    sender: handle("alice"),
                    stream_id: StreamId([stream; 16]),
                    number: number as u64,
                    previous,
                    sent_at_ms: 1_700_000_000_000,
                    body: Body::Text(format!("message {number}")),
                };
                previous = content.chain_hash(&content.encode());
                content
            })
            .collect()
    }

    fn seal(&mut self, content: &Content) -> StoredRecord {
        let key = self.network.sealing_key().subkey(SubkeyLabel::Envelope);
        let context = self.bob.newest().context(self.network.namespace(), EnvelopeKind::Mail);
        let protected = SharedKey::protect(&content.encode());
        let envelope = Envelope::seal(&key, &context, &protected, &mut rand::rng()).unwrap();
        let carried = CarrierKind::Plain.record(self.bob.newest(), envelope.into_bytes());
        stored(carried.key, carried.value)
    }

    /// What becomes of records that lie on the log in this order, one transaction each.
    fn receive(&self, records: &[StoredRecord]) -> Received {
        let inbox = Receiving::new(self);
        for record in records {
            inbox.take(std::slice::from_ref(record));
        }
        inbox.received()
    }
}

fn handle(name: &str) -> Handle {
    name.parse().unwrap()
}

fn stored(key: Option<Bytes>, value: Bytes) -> StoredRecord {
    StoredRecord { offset: Offset(0), timestamp_ms: 0, leader_epoch: None, key, value: Some(value) }
}

/// Bob's store while records arrive.
struct Receiving<'a> {
    bench: &'a Bench,
    store: Store,
}

/// What bob has in the end.
#[derive(Debug, Default)]
struct Received {
    /// The numbers of the messages, in the order in which they are shown.
    messages: Vec<u64>,
    /// Numbers that are still missing.
    missing: BTreeSet<u64>,
    /// Rows that say that something was missing.
    alarms: usize,
    conflicts: usize,
    broken: usize,
}

impl<'a> Receiving<'a> {
    fn new(bench: &'a Bench) -> Self {
        let store = Store::in_memory(&StoreKey::from_bytes([3; 32])).unwrap();
        let cursor = Cursor {
            topic_id: [5; 16],
            truncations: 0,
            next: 0,
            leader_epoch: None,
            unreadable: 0,
            last_timestamp_ms: None,
        };
        let partition = bench.bob.newest().partition.0;
        store
            .write::<_, ReceiveError>(|tx| Ok(tx.set_cursor("t", partition, None, &cursor)?))
            .unwrap();
        Self { bench, store }
    }

    /// Stores records behind all others, in one transaction.
    fn take(&self, records: &[StoredRecord]) {
        let inbox = &self.bench.bob;
        let next = self.store.read(|tx| tx.cursor("t", inbox.newest().partition.0, None));
        let next = next.unwrap().unwrap().next;
        let opened = (next..).zip(records).map(|(offset, record)| OpenedRecord {
            offset,
            timestamp_ms: 0,
            leader_epoch: None,
            hash: crate::hash::stored_hash(record),
            to: None,
            opened: opened_by(inbox, record),
        });
        let batch = Batch {
            mailboxes: &Mailboxes::of_inbox(inbox),
            topic: "t",
            topic_id: TopicId([5; 16]),
            truncations: 0,
            records: opened.collect(),
            resume: next + records.len() as u64,
            longest: Duration::MAX,
        };
        self.store.write(|tx| store_batch(tx, &batch, &mut NoConversations)).unwrap();
    }

    fn received(&self) -> Received {
        let rows = self.store.read(|tx| tx.history_after(0.into(), usize::MAX)).unwrap();
        let mut received = Received::default();
        for row in rows {
            match HistoryRow::decode(&row).unwrap().item {
                Item::Message(message) => {
                    let number = message.text.expose().strip_prefix("message ").unwrap();
                    received.messages.push(number.parse().unwrap());
                    received.broken += usize::from(message.broken_chain);
                }
                Item::Missing(missing) => {
                    received.missing.extend(missing.first..=missing.last);
                    received.alarms += 1;
                }
                Item::Found(found) => {
                    assert!(received.missing.remove(&found.number), "{found:?}");
                }
                Item::Conflict(_) => received.conflicts += 1,
                other => panic!("{other:?}"),
            }
        }
        received
    }
}

/// Changes a record as an attacker could who holds no key.
fn attack(rng: &mut StdRng, good: &StoredRecord, other: &StoredRecord) -> StoredRecord {
    let (mut key, mut value) =
        (good.key.clone().unwrap().to_vec(), good.value.clone().unwrap().to_vec());
    // With a cut at 0 the other record would come as it is: a replay, and no change.
    let cut = rng.random_range(1..value.len());
    match rng.random_range(0..8) {
        0 => value[cut] ^= 1 << rng.random_range(0..8),
        1 => value.truncate(cut),
        2 => {
            value.truncate(cut);
            value.extend_from_slice(&other.value.as_ref().unwrap()[cut..]);
        }
        3 => value.extend((0..=rng.random_range(0..40)).map(|_| rng.random::<u8>())),
        4 => {
            value = vec![0; rng.random_range(0..2_000)];
            rng.fill_bytes(&mut value);
        }
        5 => value.splice(cut..cut, [rng.random()]).for_each(drop),
        6 => {
            let length = u32::MAX >> rng.random_range(0..8);
            let at = cut.min(value.len().saturating_sub(4));
            value[at..at + 4].copy_from_slice(&length.to_be_bytes());
        }
        _ => {
            // Anywhere else: another mailbox, no mailbox, half a mailbox.
            let at = rng.random_range(0..key.len());
            key[at] ^= 1 << rng.random_range(0..8);
            key.truncate(rng.random_range(at + 1..=key.len()));
        }
    }
    stored(Some(key.into()), value.into())
}

#[test]
fn nothing_that_was_changed_is_accepted() {
    let mut bench = Bench::new();
    let contents = bench.stream(1, 20);
    let good: Vec<_> = contents.iter().map(|content| bench.seal(content)).collect();
    for number in 0..scaled(20_000, 1_000_000) {
        let (one, other) = (&good[number % 20], &good[(number + 7) % 20]);
        let attacked = attack(&mut bench.rng, one, other);
        if (&attacked.key, &attacked.value) == (&one.key, &one.value) {
            continue;
        }
        let opened = opened_by(&bench.bob, &attacked);
        let refused = matches!(opened, Opened::Foreign | Opened::Refused(_));
        assert!(refused, "record {number} was accepted: {attacked:?}");
    }
}

#[test]
fn no_bit_of_an_envelope_can_be_changed() {
    let mut bench = Bench::new();
    let envelopes = scaled(10, 200);
    for content in bench.stream(1, envelopes) {
        let good = bench.seal(&content);
        assert!(matches!(opened_by(&bench.bob, &good), Opened::Content(_)));
        let value = good.value.clone().unwrap();
        for bit in 0..value.len() * 8 {
            let mut flipped = value.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let opened = opened_by(&bench.bob, &stored(good.key.clone(), flipped.into()));
            assert!(!matches!(opened, Opened::Content(_) | Opened::Newer(..)), "bit {bit}");
        }
    }
}

#[test]
fn replays_in_any_order_change_nothing() {
    let mut bench = Bench::new();
    let count = scaled(200, 10_000);
    let contents = bench.stream(1, count);
    let good: Vec<_> = contents.iter().map(|content| bench.seal(content)).collect();
    let mut records = good.clone();
    for _ in 0..3 {
        let mut again = good.clone();
        again.shuffle(&mut bench.rng);
        records.extend(again);
    }
    let received = bench.receive(&records);
    assert_eq!(received.messages, (0..count as u64).collect::<Vec<_>>());
    assert_eq!((received.alarms, received.conflicts, received.broken), (0, 0, 0));
}

#[test]
fn each_dropped_message_is_named() {
    let mut bench = Bench::new();
    let count = scaled(60, 1_000);
    let contents = bench.stream(1, count);
    let good: Vec<_> = contents.iter().map(|content| bench.seal(content)).collect();
    // The last one is noticed only with the next one.
    for dropped in 0..count - 1 {
        let mut records = good.clone();
        records.remove(dropped);
        let receiving = Receiving::new(&bench);
        receiving.take(&records);
        let received = receiving.received();
        assert_eq!(received.messages.len(), count - 1);
        assert_eq!(received.missing, BTreeSet::from([dropped as u64]));
        assert_eq!(received.alarms, 1);
    }
}

#[test]
fn clean_logs_raise_no_alarm() {
    let mut bench = Bench::new();
    let count = scaled(2_000, 100_000);
    let contents = bench.stream(1, count);
    let good: Vec<_> = contents.iter().map(|content| bench.seal(content)).collect();
    let receiving = Receiving::new(&bench);
    for batch in good.chunks(512) {
        receiving.take(batch);
    }
    let received = receiving.received();
    assert_eq!(received.messages, (0..count as u64).collect::<Vec<_>>());
    assert_eq!((received.alarms, received.conflicts, received.broken), (0, 0, 0));
}

/// Whatever the order, each message is there once, and nothing is missing in the end.
fn in_order(bench: &Bench, good: &[StoredRecord], order: &[usize]) {
    let records: Vec<_> = order.iter().map(|number| good[*number].clone()).collect();
    let received = bench.receive(&records);
    let shown: Vec<u64> = order.iter().map(|number| *number as u64).collect();
    assert_eq!(received.messages, shown, "each is shown once, as it came");
    assert!(received.missing.is_empty(), "{order:?}: {received:?}");
    assert_eq!(received.conflicts, 0, "{order:?}");
    let in_order = order.is_sorted();
    assert_eq!(received.alarms == 0, in_order, "{order:?}: {received:?}");
}

#[test]
fn all_orders_of_five_messages() {
    let mut bench = Bench::new();
    let contents = bench.stream(1, 5);
    let good: Vec<_> = contents.iter().map(|content| bench.seal(content)).collect();
    let mut orders = vec![vec![]];
    for _ in 0..5 {
        let longer = |order: &Vec<usize>| {
            let order = order.clone();
            (0..5)
                .filter(|n| !order.contains(n))
                .map(|n| [order.clone(), vec![n]].concat())
                .collect()
        };
        orders = orders.iter().flat_map(|order| -> Vec<Vec<usize>> { longer(order) }).collect();
    }
    assert_eq!(orders.len(), 120);
    orders.iter().for_each(|order| in_order(&bench, &good, order));
}

#[test]
fn shuffled_messages() {
    let mut bench = Bench::new();
    let contents = bench.stream(1, 100);
    let good: Vec<_> = contents.iter().map(|content| bench.seal(content)).collect();
    for _ in 0..scaled(20, 10_000) {
        // Nobody moves by more than about fifty places.
        let moved: Vec<i64> = (0..100).map(|n| n + bench.rng.random_range(0..50)).collect();
        let mut order: Vec<usize> = (0..100).collect();
        order.sort_by_key(|number| moved[*number]);
        in_order(&bench, &good, &order);
    }
}

/// Proof that these tests prove something: each rule, once broken, fails the test that guards it.
#[cfg(feature = "mutants")]
#[test]
fn each_broken_rule_fails_its_test() {
    use crate::mutant::{Mutant, assert_each_is_killed};
    assert_each_is_killed(&[
        (Mutant::SkipDeduplication, "inbound::adversary::replays_in_any_order_change_nothing"),
        (Mutant::SkipMissing, "inbound::adversary::each_dropped_message_is_named"),
        (
            Mutant::DropNewer,
            "inbound::tests::a_newer_message_is_shown_kept_and_opened_after_an_upgrade",
        ),
        (
            Mutant::AcceptForeignContext,
            "inbound::tests::a_message_counts_only_where_its_sender_sealed_it_for",
        ),
        (
            Mutant::AcceptBadSignature,
            "inbound::tests::what_is_not_signed_by_who_it_says_is_refused",
        ),
        (
            Mutant::ShowDowngrade,
            "inbound::tests::the_first_key_counts_another_one_is_told_and_what_is_unsigned_is_no_message",
        ),
    ]);
}
