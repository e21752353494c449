//! Pieces in every order, and pieces that make no message.

use std::sync::Arc;
use std::time::Duration;

use chat_crypto::SharedKey;
use chat_store::{Store, StoreKey};
use chat_transport::TopicId;
use zeroize::Zeroizing;

use crate::content::{Body, Content, Part};
use crate::error::ReceiveError;
use crate::history_row::HistoryRow;
use crate::inbound::batch::OpenedRecord;
use crate::inbound::conversations::NoConversations;
use crate::inbound::tests::{content, handle, network, new_cursor, opened_by, record};
use crate::inbound::{Batch, Inbox, Mailboxes, Stored, store_batch};
use crate::item::Item;
use crate::message_id::MessageId;
use crate::network::Network;

/// Bob's store, into which pieces fall.
struct Receiver {
    network: Network,
    bob: Arc<Inbox>,
    store: Store,
    offset: u64,
}

impl Receiver {
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

    fn take(&mut self, content: &Content) -> Stored {
        let readable = SharedKey::protect(&content.encode());
        let record = record(&self.network, self.bob.newest(), self.bob.newest(), &readable);
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
        let items = rows.iter().rev().map(|row| HistoryRow::decode(row).unwrap().item);
        items.filter(|item| !item.is_settled()).collect()
    }

    /// The texts that stand, and how many pieces of other messages are missing.
    fn shown(&self) -> (Vec<String>, Vec<Vec<u32>>) {
        let (mut texts, mut missing) = (Vec::new(), Vec::new());
        for item in self.items() {
            match item {
                Item::Message(message) => texts.push(message.text.expose().to_owned()),
                Item::Partial(partial) => missing.push(partial.missing),
                _ => {}
            }
        }
        (texts, missing)
    }
}

/// The piece at `index` of a text that is cut after each third byte; its message begins at number 0.
fn piece(network: &Network, text: &str, index: u16) -> Content {
    let pieces: Vec<&[u8]> = text.as_bytes().chunks(3).collect();
    let part = Part {
        index,
        count: u16::try_from(pieces.len()).unwrap(),
        piece: Zeroizing::new(pieces[usize::from(index)].to_vec()),
    };
    Content {
        number: index.into(),
        body: Body::Part(part),
        ..content(network, "alice", "alice", "bob")
    }
}

#[test]
fn a_message_in_pieces_comes_whole_in_any_order_and_once() {
    // The cuts fall within characters.
    let text = "grüße aus Köln";
    for order in [[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [3, 0, 5, 2, 4, 1]] {
        let mut receiver = Receiver::new();
        for (come, index) in order.into_iter().enumerate() {
            let piece = piece(&receiver.network, text, index);
            receiver.take(&piece);
            receiver.take(&piece);
            let (texts, missing) = receiver.shown();
            if come < 5 {
                let mut left: Vec<u32> =
                    order[come + 1..].iter().map(|index| u32::from(*index) + 1).collect();
                left.sort_unstable();
                assert_eq!((texts, missing), (vec![], vec![left]));
            } else {
                assert_eq!((texts, missing), (vec![text.to_owned()], vec![]));
            }
        }
        let content = piece(&receiver.network, text, 0);
        let Body::Part(part) = &content.body else { panic!("a piece") };
        let name = super::Piece { content: &content, part, signed_by: None }.name();
        let names = receiver.store.read(|tx| tx.meta_get(&name));
        assert!(names.unwrap().is_none(), "nothing is kept of a whole message");
    }
}

#[test]
fn pieces_that_contradict_each_other_are_counted_and_change_nothing() {
    let mut receiver = Receiver::new();
    receiver.take(&piece(&receiver.network, "meet at noon", 0));
    // Another count, another beginning, and a place that is taken.
    let other_count = piece(&receiver.network, "meet at noon, by the river", 1);
    let mut other_beginning = piece(&receiver.network, "meet at noon", 1);
    other_beginning.number += 1;
    let mut taken = piece(&receiver.network, "meet at noon", 0);
    taken.number += 4;
    for bad in [other_count, other_beginning, taken] {
        assert_eq!(receiver.take(&bad).skipped.malformed, 1);
        assert_eq!(receiver.shown(), (vec![], vec![vec![2, 3, 4]]));
    }
    for index in 1..4 {
        receiver.take(&piece(&receiver.network, "meet at noon", index));
    }
    assert_eq!(receiver.shown().0, ["meet at noon"]);
}

#[test]
fn pieces_that_make_no_text_are_refused_at_the_last() {
    let mut receiver = Receiver::new();
    let bad = |receiver: &Receiver, index| {
        let mut content = piece(&receiver.network, "abcdef", index);
        let piece = Zeroizing::new(vec![0xff; 3]);
        content.body = Body::Part(Part { index, count: 2, piece });
        content
    };
    let (first, last) = (bad(&receiver, 0), bad(&receiver, 1));
    assert_eq!(receiver.take(&first).skipped.malformed, 0);
    assert_eq!(receiver.take(&last).skipped.malformed, 1);
    assert_eq!(receiver.shown(), (vec![], vec![vec![2]]));
}

#[test]
fn a_second_claim_to_a_place_marks_the_whole_message() {
    let mut receiver = Receiver::new();
    let mut other = content(&receiver.network, "alice", "alice", "bob");
    other.message_id = MessageId::from_bytes([9; 16]);
    receiver.take(&other);
    for index in 0..2 {
        receiver.take(&piece(&receiver.network, "abcdef", index));
    }
    let items = receiver.items();
    let marked = items.iter().any(|item| {
        matches!(item, Item::Message(message) if message.conflict && message.text.expose() == "abcdef")
    });
    assert!(marked, "{items:?}");
    assert!(items.iter().any(|item| matches!(item, Item::Conflict(_))), "{items:?}");
}
