//! What a holder of the network key may put at somebody's tag, and what becomes of it.

use std::sync::Arc;
use std::time::Duration;

use chat_crypto::{
    ContentPlace, DeviceCertificate, DeviceId, DeviceKey, Envelope, EnvelopeKind, IdentityKey,
    NewDevice, Protected, Protection, SharedKey, SignedSharedKey, SubkeyLabel,
};
use chat_store::{Cursor, Store, StoreKey};
use chat_transport::{Offset, StoredRecord, TopicId};

use super::batch::OpenedRecord;
use super::conversations::NoConversations;
use super::{Batch, Inbox, Mailboxes, Opened, Refusal, Stored, reopen_newer, store_batch};
use crate::content::{Body, Content};
use crate::conversation::Conversation;
use crate::error::ReceiveError;
use crate::handle::Handle;
use crate::history_row::HistoryRow;
use crate::item::{CarrierKind, Item};
use crate::mailbox::Mailbox;
use crate::message_id::{MessageId, StreamId};
use crate::network::Network;
use crate::network::create::{NewNetwork, draft};

pub(super) fn handle(name: &str) -> Handle {
    name.parse().unwrap()
}

pub(super) fn network() -> Network {
    let brokers = vec!["localhost:9092".to_owned()];
    draft(NewNetwork::new("test".parse().unwrap(), brokers)).unwrap()
}

/// A message of `from` in the conversation of `one` and `other`.
pub(super) fn content(network: &Network, from: &str, one: &str, other: &str) -> Content {
    Content {
        message_id: MessageId::from_bytes([1; 16]),
        conversation: Conversation::pair(network.namespace(), &handle(one), &handle(other))
            .unwrap(),
        sender: handle(from),
        stream_id: StreamId([2; 16]),
        number: 0,
        previous: [0; 32],
        sent_at_ms: 1_700_000_000_000,
        body: Body::Text("hello".to_owned()),
    }
}

/// A record at `addressed`'s tag whose envelope is sealed for `sealed_for`.
pub(super) fn record(
    network: &Network,
    sealed_for: &Mailbox,
    addressed: &Mailbox,
    protected: &Protected,
) -> StoredRecord {
    let key = network.sealing_key().subkey(SubkeyLabel::Envelope);
    let context = sealed_for.context(network.namespace(), EnvelopeKind::Mail);
    let envelope = Envelope::seal(&key, &context, protected, &mut rand::rng()).unwrap();
    let carried = CarrierKind::Plain.record(addressed, envelope.into_bytes());
    StoredRecord {
        offset: Offset(0),
        timestamp_ms: 0,
        leader_epoch: None,
        key: carried.key,
        value: Some(carried.value),
    }
}

/// The cursor of a log that is read from its start.
pub(super) fn new_cursor() -> Cursor {
    Cursor {
        topic_id: [5; 16],
        truncations: 0,
        next: 0,
        leader_epoch: None,
        unreadable: 0,
        last_timestamp_ms: None,
    }
}

/// What a record is to somebody who reads an inbox alone.
pub(in crate::inbound) fn opened_by(inbox: &Arc<Inbox>, record: &StoredRecord) -> Opened {
    Mailboxes::of_inbox(inbox).opener().open(record).0
}

fn refusal(opened: &Opened) -> Option<Refusal> {
    match opened {
        Opened::Refused(refusal) => Some(*refusal),
        _ => None,
    }
}

#[test]
fn a_message_counts_only_where_its_sender_sealed_it_for() {
    let network = network();
    let bob = Arc::new(Inbox::new(&handle("bob"), &network));
    let open = |content: &Content| {
        let protected = SharedKey::protect(&content.encode());
        opened_by(&bob, &record(&network, bob.newest(), bob.newest(), &protected))
    };
    let good = content(&network, "alice", "alice", "bob");
    assert!(matches!(open(&good), Opened::Content(_)));
    // Re-sealed by a key holder: alice's words to carol, bob's own words, another network's.
    for (from, one, other) in [("alice", "alice", "carol"), ("bob", "alice", "bob")] {
        let foreign = content(&network, from, one, other);
        assert_eq!(refusal(&open(&foreign)), Some(Refusal::WrongContext), "{foreign:?}");
    }
    let mut elsewhere = good.clone();
    let pair = Conversation::pair(&"other".parse().unwrap(), &handle("alice"), &handle("bob"));
    elsewhere.conversation = pair.unwrap();
    assert_eq!(refusal(&open(&elsewhere)), Some(Refusal::WrongContext));
    let mut group = good.clone();
    group.conversation =
        Conversation::Group { namespace: network.namespace().clone(), group: vec![1] };
    assert_eq!(refusal(&open(&group)), Some(Refusal::WrongContext));
    // Copied as it is into another mailbox.
    let carol = network.inbox(&handle("carol"));
    let protected = SharedKey::protect(&good.encode());
    let copied = record(&network, &carol, bob.newest(), &protected);
    assert_eq!(refusal(&opened_by(&bob, &copied)), Some(Refusal::Unreadable));
    let foreign = record(&network, bob.newest(), &carol, &protected);
    assert!(matches!(opened_by(&bob, &foreign), Opened::Foreign));
}

#[test]
fn an_older_form_is_malformed_and_a_newer_one_is_kept() {
    let network = network();
    let bob = Arc::new(Inbox::new(&handle("bob"), &network));
    let open = |protected: &Protected| {
        opened_by(&bob, &record(&network, bob.newest(), bob.newest(), protected))
    };
    let mut bytes = content(&network, "alice", "alice", "bob").encode().to_vec();
    assert!(matches!(open(&Protected::new(Protection::Other(9), &bytes)), Opened::Newer(..)));
    let Opened::Letter(letter) = open(&Protected::new(Protection::Mls, &bytes)) else { panic!() };
    assert_eq!(letter.body[..], bytes);
    bytes[0] = 2;
    assert!(matches!(open(&SharedKey::protect(&bytes)), Opened::Newer(..)));
    bytes[0] = 0;
    assert_eq!(refusal(&open(&SharedKey::protect(&bytes))), Some(Refusal::Malformed));
    assert_eq!(refusal(&open(&SharedKey::protect(b""))), Some(Refusal::Malformed));
}

/// A newer message is shown as such once, kept sealed, and opened by the program that knows it.
#[test]
fn a_newer_message_is_shown_kept_and_opened_after_an_upgrade() {
    let network = network();
    let bob = Arc::new(Inbox::new(&handle("bob"), &network));
    let store = Store::in_memory(&StoreKey::from_bytes([3; 32])).unwrap();
    let readable = SharedKey::protect(&content(&network, "alice", "alice", "bob").encode());
    let key = network.sealing_key().subkey(SubkeyLabel::Envelope);
    let context = bob.newest().context(network.namespace(), CarrierKind::Image.envelope_kind());
    // To this program it is of a newer version, as if an older program had read it.
    let value = Envelope::seal(&key, &context, &readable, &mut rand::rng()).unwrap().into_bytes();
    let opened = || OpenedRecord {
        offset: 0,
        timestamp_ms: 0,
        leader_epoch: None,
        hash: [4; 32],
        to: None,
        opened: Opened::Newer(value.clone(), CarrierKind::Image),
    };
    let cursor = new_cursor();
    let rows = store
        .write::<_, ReceiveError>(|tx| {
            tx.set_cursor("t", bob.newest().partition.0, None, &cursor)?;
            let again = OpenedRecord { offset: 1, ..opened() };
            let records = vec![opened(), again];
            let (topic_id, truncations, resume) = (TopicId([5; 16]), 0, 2);
            let (mailboxes, topic, longest) = (&Mailboxes::of_inbox(&bob), "t", Duration::MAX);
            let batch = Batch { mailboxes, topic, topic_id, truncations, records, resume, longest };
            store_batch(tx, &batch, &mut NoConversations)
        })
        .unwrap()
        .rows;
    assert_eq!(rows, 1, "the same record twice is one row");
    let opened = store
        .write::<_, ReceiveError>(|tx| {
            reopen_newer(tx, &bob, ("t", bob.newest().partition), &mut NoConversations)
        })
        .unwrap();
    let again = store
        .write::<_, ReceiveError>(|tx| {
            reopen_newer(tx, &bob, ("t", bob.newest().partition), &mut NoConversations)
        })
        .unwrap();
    assert_eq!((opened, again), (1, 0));
    let stored = store.read(|tx| tx.history_before(None, 10)).unwrap();
    let items: Vec<Item> =
        stored.iter().rev().map(|row| HistoryRow::decode(row).unwrap().item).collect();
    assert!(matches!(&items[..], [Item::Newer(_), Item::Message(_)]), "{items:?}");
    let place = HistoryRow::decode(&stored[0]).unwrap().picture.unwrap();
    assert_eq!((place.partition, place.offset), (bob.newest().partition.0, 0));
    assert_eq!((place.topic_id, place.hash), ([5; 16], [4; 32]), "where the record lies");
}

/// A transaction whose time is up ends behind a record, and the next one goes on from there.
#[test]
fn a_batch_is_stored_in_as_many_transactions_as_its_time_needs() {
    let network = network();
    let bob = Arc::new(Inbox::new(&handle("bob"), &network));
    let store = Store::in_memory(&StoreKey::from_bytes([3; 32])).unwrap();
    let opened = |number: u8| {
        let mut content = content(&network, "alice", "alice", "bob");
        content.message_id = MessageId::from_bytes([number; 16]);
        content.number = number.into();
        let readable = SharedKey::protect(&content.encode());
        let record = record(&network, bob.newest(), bob.newest(), &readable);
        OpenedRecord {
            offset: u64::from(number) * 2,
            timestamp_ms: 0,
            leader_epoch: None,
            hash: [number; 32],
            to: None,
            opened: opened_by(&bob, &record),
        }
    };
    let batch = Batch {
        mailboxes: &Mailboxes::of_inbox(&bob),
        topic: "t",
        topic_id: TopicId([5; 16]),
        truncations: 0,
        records: (0..3).map(opened).collect(),
        resume: 9,
        longest: Duration::ZERO,
    };
    let partition = bob.newest().partition.0;
    store
        .write::<_, ReceiveError>(|tx| Ok(tx.set_cursor("t", partition, None, &new_cursor())?))
        .unwrap();
    let steps: Vec<_> = (0..3)
        .map(|_| {
            let stored = store.write(|tx| store_batch(tx, &batch, &mut NoConversations)).unwrap();
            let cursor = store.read(|tx| tx.cursor("t", partition, None)).unwrap().unwrap();
            assert_eq!(stored.next, cursor.next);
            (stored.next, stored.unfinished)
        })
        .collect();
    assert_eq!(steps, [(1, true), (3, true), (9, false)]);
    let rows = store.read(|tx| tx.history_before(None, 10)).unwrap();
    let items: Vec<Item> =
        rows.iter().rev().map(|row| HistoryRow::decode(row).unwrap().item).collect();
    let kinds: String =
        items.iter().map(|i| if matches!(i, Item::Gap(_)) { 'g' } else { 'm' }).collect();
    assert_eq!(kinds, "mgmgmg", "{items:?}");
}

/// Bob's store, into which signed and unsigned contents fall.
struct Heard {
    network: Network,
    bob: Arc<Inbox>,
    store: Store,
    offset: u64,
}

impl Heard {
    fn new() -> Self {
        let network = network();
        let bob = Arc::new(Inbox::new(&handle("bob"), &network));
        let store = Store::in_memory(&StoreKey::from_bytes([3; 32])).unwrap();
        let partition = bob.newest().partition.0;
        store
            .write::<_, ReceiveError>(|tx| {
                Ok(tx.set_cursor("t", partition, None, &new_cursor())?)
            })
            .unwrap();
        Self { network, bob, store, offset: 0 }
    }

    fn take(&mut self, protected: &Protected) -> Stored {
        let record = record(&self.network, self.bob.newest(), self.bob.newest(), protected);
        let offset = self.offset;
        self.offset += 1;
        let opened = OpenedRecord {
            offset,
            timestamp_ms: 0,
            leader_epoch: None,
            hash: [u8::try_from(offset).unwrap(); 32],
            to: None,
            opened: opened_by(&self.bob, &record),
        };
        let batch = Batch {
            mailboxes: &Mailboxes::of_inbox(&self.bob),
            topic: "t",
            topic_id: TopicId([5; 16]),
            truncations: 0,
            records: vec![opened],
            resume: self.offset,
            longest: Duration::MAX,
        };
        self.store.write(|tx| store_batch(tx, &batch, &mut NoConversations)).unwrap()
    }

    fn items(&self) -> Vec<Item> {
        let rows = self.store.read(|tx| tx.history_before(None, 100)).unwrap();
        rows.iter().rev().map(|row| HistoryRow::decode(row).unwrap().item).collect()
    }
}

/// Somebody who signs as `name`.
struct Hand {
    key: DeviceKey,
    certificate: DeviceCertificate,
}

impl Hand {
    fn new(network: &Network, name: &str, seed: u8) -> Self {
        let key = DeviceKey::from_bytes(&[seed + 100; 32]);
        let (id, public) = (DeviceId::from_bytes([seed; 16]), key.public());
        let device = NewDevice { handle: name, id, key: &public };
        let identity = IdentityKey::from_bytes(&[seed; 32]);
        let namespace = network.namespace().as_str();
        let certificate = DeviceCertificate::issue(&identity, &device, namespace).unwrap();
        Self { key, certificate }
    }

    fn sign(&self, network: &Network, content: &Content) -> Protected {
        let conversation = &content.conversation.encode();
        let place = ContentPlace { namespace: network.namespace().as_str(), conversation };
        SignedSharedKey::protect(&content.encode(), &self.key, &self.certificate, place).unwrap()
    }
}

/// The `number`th content of alice to bob.
fn numbered(network: &Network, number: u8) -> Content {
    let mut content = content(network, "alice", "alice", "bob");
    (content.message_id, content.number) = (MessageId::from_bytes([number; 16]), number.into());
    content
}

#[test]
fn the_first_key_counts_another_one_is_told_and_what_is_unsigned_is_no_message() {
    let mut heard = Heard::new();
    let network = heard.network.clone();
    let (alice, other) = (Hand::new(&network, "alice", 1), Hand::new(&network, "alice", 2));
    heard.take(&alice.sign(&network, &numbered(&network, 0)));
    heard.take(&other.sign(&network, &numbered(&network, 1)));
    heard.take(&other.sign(&network, &numbered(&network, 2)));
    heard.take(&SharedKey::protect(&numbered(&network, 3).encode()));
    heard.take(&alice.sign(&network, &numbered(&network, 3)));
    let said: Vec<String> = heard
        .items()
        .iter()
        .map(|item| match item {
            Item::Message(message) => message.sender.as_str().to_owned(),
            Item::KeyChanged(_) => "key changed".to_owned(),
            Item::Downgraded(_) => "downgraded".to_owned(),
            other => format!("{other:?}"),
        })
        .filter(|said| !said.starts_with("Conflict"))
        .collect();
    let expected = ["unverified", "key changed", "changed", "changed", "downgraded", "unverified"];
    assert_eq!(said, expected);
}

#[test]
fn what_is_not_signed_by_who_it_says_is_refused() {
    let mut heard = Heard::new();
    let network = heard.network.clone();
    let (alice, carol) = (Hand::new(&network, "alice", 1), Hand::new(&network, "carol", 3));
    let content = numbered(&network, 0);
    // Signed by another name, for another conversation, with a bit changed, and not to its end.
    let by_carol = carol.sign(&network, &content);
    let mut elsewhere = content.clone();
    elsewhere.conversation =
        Conversation::pair(network.namespace(), &handle("alice"), &handle("carol")).unwrap();
    let place = &elsewhere.conversation.encode();
    let place = ContentPlace { namespace: network.namespace().as_str(), conversation: place };
    let moved =
        SignedSharedKey::protect(&content.encode(), &alice.key, &alice.certificate, place).unwrap();
    let good = alice.sign(&network, &content);
    let mut changed = good.body().to_vec();
    changed[200] ^= 1;
    let changed = Protected::new(Protection::SignedSharedKey, &changed);
    for forged in [by_carol, moved, changed] {
        assert_eq!(heard.take(&forged).skipped.forged, 1);
    }
    let short = Protected::new(Protection::SignedSharedKey, &good.body()[..100]);
    assert_eq!(heard.take(&short).skipped.malformed, 1);
    assert!(heard.items().is_empty());
    heard.take(&good);
    assert_eq!(heard.items().len(), 1);
}
