//! Groups of people with real stores, whose records reach the one reader of a profile's mail.

use chat_store::HistoryRow as Stored;
use chat_transport::{Partition, TopicId};

use super::super::Inbox;
use super::super::newer::reopen_newer;
use super::*;
use crate::groups::tests::{Person, network};

const TOPIC: TopicId = TopicId([5; 16]);

/// What bob has stored, the oldest first.
fn items(bob: &Person) -> Vec<Item> {
    let rows = bob.client.profile.store.read(|tx| tx.history_before(None, 100)).unwrap();
    let item = |row: &Stored| HistoryRow::decode(row).unwrap().item;
    rows.iter().rev().map(item).collect()
}

fn at(offset: u64) -> RecordAt {
    RecordAt { topic_id: TOPIC, partition: 3, offset, timestamp_ms: 0, hash: [7; 32] }
}

/// Bob, in a group with alice, and what takes his mail.
fn pair() -> (Person, Person, GroupId, GroupMail) {
    let network = network();
    let (alice, bob) = (Person::new("alice", &network), Person::new("bob", &network));
    let (group, invitation) = alice.found(&bob, 1);
    bob.join(&invitation).unwrap();
    let mail = GroupMail::new(&bob.client.profile, &network, Arc::clone(&bob.own));
    (alice, bob, group, mail)
}

fn take(
    bob: &Person,
    mail: &mut GroupMail,
    (group, envelope, offset): (GroupId, &[u8], u64),
) -> Took {
    let (mailbox, message) = bob.opened(group, envelope).unwrap();
    let mls = OpenedMls { group, mailbox, message, carrier: CarrierKind::Plain };
    let taken = bob.client.profile.store.write::<_, ReceiveError>(|tx| {
        mail.begin();
        let took = mail.message(tx, &at(offset), &mls)?;
        mail.finish(tx)?;
        Ok(took)
    });
    taken.unwrap()
}

fn reopen(bob: &Person, mail: &mut GroupMail) -> u64 {
    let network = network();
    let inbox = Inbox::new(bob.client.handle(), &network);
    let (topic, partition) = (network.mail_topic(), Partition(3));
    let reopened =
        bob.client.profile.store.write::<_, ReceiveError>(|tx| {
            reopen_newer(tx, &inbox, (topic.as_str(), partition), mail)
        });
    reopened.unwrap()
}

#[test]
fn what_a_later_version_says_in_a_group_is_shown_kept_and_read_by_that_version() {
    let (alice, bob, group, mut mail) = pair();
    let newer = alice.seal(group, b"\x09words of a later version");
    let took = take(&bob, &mut mail, (group, &newer, 40));
    assert_eq!((took.rows, took.skipped), (1, Skipped::default()));
    let again = take(&bob, &mut mail, (group, &newer, 41));
    assert_eq!((again.rows, again.skipped), (0, Skipped::default()), "its key was used");
    assert_eq!(reopen(&bob, &mut mail), 0, "this program still cannot read it");
    let [Item::Newer(shown)] = &items(&bob)[..] else { panic!("{:?}", items(&bob)) };
    assert_eq!((shown.partition, shown.offset), (3, 40));

    // What an older program has kept, and this one can read.
    let text = alice.content(&bob, "hello from later");
    let kept = KeptNewer {
        message: NewerMessage::Group(NewerContent::said_by(group, &alice.own, &text)),
        carrier: CarrierKind::Plain,
        place: RecordPlace { topic_id: TOPIC.0, partition: 3, offset: 40, hash: [7; 32] },
    };
    let topic = network().mail_topic();
    let keep = |tx: &mut WriteTxn<'_>| kept.keep(tx, topic.as_str(), &[]);
    assert!(bob.client.profile.store.write::<_, ReceiveError>(keep).unwrap());
    assert_eq!((reopen(&bob, &mut mail), reopen(&bob, &mut mail)), (1, 0));
    let items = items(&bob);
    let Some(Item::Message(message)) = items.last() else { panic!("{items:?}") };
    assert_eq!(message.from, *alice.client.handle());
    assert_eq!((message.protection, message.text.expose()), (Protection::Mls, "hello from later"));
}

#[test]
fn nothing_of_a_later_version_is_kept_of_people_who_are_blocked() {
    let (alice, bob, group, mut mail) = pair();
    let block = |tx: &mut WriteTxn<'_>| {
        let handle = alice.client.handle();
        let mut standing = Standing::of::<ReceiveError>(tx, handle)?;
        standing.blocked = true;
        standing.put::<ReceiveError>(tx, handle)
    };
    bob.client.profile.store.write(block).unwrap();
    let newer = alice.seal(group, b"\x09words of a later version");
    let took = take(&bob, &mut mail, (group, &newer, 40));
    assert_eq!((took.rows, took.skipped.blocked), (0, 1));
    assert_eq!(items(&bob), []);
}
