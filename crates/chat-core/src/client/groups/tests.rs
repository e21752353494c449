//! Groups of real profiles, and the bytes of their outboxes carried from hand to hand.

use std::num::NonZeroU32;
use std::sync::Arc;

use chat_crypto::mls::{GroupId, KeyPackage, Overlay};
use chat_crypto::{Envelope, EnvelopeKind, InboxKey};
use chat_transport::MemoryTransport;

use super::*;
use crate::client::{HistoryQuery, TrustPolicy};
use crate::error::ErrorKind;
use crate::groups::{
    Addressee, Arrival, Letter, OwnLeaf, Ratchets, Read, StoreState, write_changes,
};
use crate::item::Item;
use crate::mailbox::Mailbox;
use crate::network::create::NewNetwork;
use crate::outbox::enqueue::Draft;
use crate::outbox::gate::{Doubt, MemberDoubt};
use crate::outbox::{OutboxRow, Payload};
use crate::peer::Peer;

struct Somebody {
    _folder: tempfile::TempDir,
    client: Client,
    inbox_key: InboxKey,
}

async fn people<const N: usize>(names: [&str; N]) -> [Somebody; N] {
    let somebody = |name: &str| {
        let folder = tempfile::tempdir().unwrap();
        let client = Client::create(&folder.path().join(name), &name.parse().unwrap(), None);
        let inbox_key = InboxKey::generate(&mut rand::rng());
        Somebody { _folder: folder, client: client.unwrap(), inbox_key }
    };
    let people = names.map(somebody);
    let brokers = vec!["localhost:9092".to_owned()];
    let network = NewNetwork::new("test".parse().unwrap(), brokers);
    let log = MemoryTransport::new();
    people[0].client.create_network(&log, network).await.unwrap();
    let mut invite = people[0].client.invite(None).unwrap();
    for one in &people[1..] {
        one.client.join(&invite).unwrap();
        invite = people[0].client.invite(None).unwrap();
    }
    people
}

impl Somebody {
    fn own(&self) -> Arc<OwnLeaf> {
        let network = self.client.profile.joined_network().unwrap();
        self.client.profile.own_leaf(&network).unwrap()
    }

    fn invitee(&self) -> Invitee {
        let own = self.own();
        let package = self.client.profile.store.write::<_, GroupError>(|tx| {
            let changes = Default::default();
            let state = StoreState::new(tx, &changes);
            let mut overlay = Overlay::new(&state, &[]);
            let package = own.member.make_key_package(&mut overlay).unwrap();
            let made = overlay.into_changes();
            write_changes(tx, &made)?;
            Ok(package)
        });
        Invitee {
            handle: self.client.handle().clone(),
            identity: own.identity(),
            inbox_key: self.inbox_key.public(),
            key_packages: vec![KeyPackage::parse(&package.unwrap().bytes, &own.check).unwrap()],
        }
    }

    fn founds(&self, name: &str, others: &[&Self]) -> GroupName {
        let invitees: Vec<Invitee> = others.iter().map(|other| other.invitee()).collect();
        let title = GroupTitle::parse(name).unwrap();
        self.client.profile.found_group(&title, &invitees).unwrap().group
    }

    fn mailbox(&self, group: &GroupName) -> Mailbox {
        let row = |tx: &chat_store::ReadTxn<'_>| GroupRow::of::<GroupError>(tx, id_of(group));
        self.client.profile.store.read(row).unwrap().unwrap().mailbox()
    }

    /// What waits for a mailbox, oldest first.
    fn outbox(&self, mailbox: &Mailbox) -> Vec<Envelope> {
        let mut rows = Vec::new();
        let read = self.client.profile.store.read::<_, SendError>(|tx| {
            tx.outbox_each(|stored| {
                if stored.mailbox == mailbox.to_bytes() {
                    rows.push((stored.id, OutboxRow::decode(&stored)?));
                }
                Ok::<_, SendError>(())
            })
        });
        read.unwrap();
        rows.sort_by_key(|(id, _)| *id);
        let envelope = |(_, row): (_, OutboxRow)| match row.payload {
            Payload::Ready(bytes) => Envelope::parse(&bytes).unwrap(),
            _ => panic!("no finished row"),
        };
        rows.into_iter().map(envelope).collect()
    }

    /// Joins with the letter that waits in somebody's outbox.
    fn joins_by(&self, other: &Self) -> GroupId {
        let network = self.client.profile.joined_network().unwrap();
        let inbox = network.inbox(self.client.handle());
        let letters = other.outbox(&inbox);
        let own = self.own();
        let keys = [network.sealing_key().subkey(chat_crypto::SubkeyLabel::Envelope)];
        let keys: Vec<_> = keys.iter().collect();
        let context = inbox.context(network.namespace(), EnvelopeKind::Mail);
        let opened = letters.last().unwrap().open(&keys, &context).unwrap();
        let me = Addressee { namespace: &own.namespace, identity: &own.identity() };
        let inbox_keys = std::slice::from_ref(&self.inbox_key);
        let received = Letter::open(opened.body(), inbox_keys, me).unwrap();
        let Letter::Invitation(invitation) = received.letter else { panic!("no invitation") };
        let partitions = NonZeroU32::new(64).unwrap();
        let arrival = Arrival { partitions, topic_id: [0; 16], is_copy: false };
        let joined = self.client.profile.store.write::<_, GroupError>(|tx| {
            let mut ratchets = Ratchets::new(Arc::clone(&own));
            let joined = ratchets.join(tx, (&invitation, &received.sender), arrival).unwrap();
            ratchets.finish(tx)?;
            Ok(joined)
        });
        joined.unwrap().id
    }

    fn reads(&self, group: &GroupName, envelope: &Envelope) -> Read {
        let own = self.own();
        let row = |tx: &chat_store::ReadTxn<'_>| GroupRow::of::<GroupError>(tx, id_of(group));
        let row = self.client.profile.store.read(row).unwrap().unwrap();
        let keys = row.wrap_keys();
        let keys: Vec<_> = keys.iter().collect();
        let mailbox = row.mailbox();
        let context = mailbox.context(&own.namespace, EnvelopeKind::Mail);
        let opened = envelope.open(&keys, &context).unwrap();
        let read = self.client.profile.store.write::<_, GroupError>(|tx| {
            let mut ratchets = Ratchets::new(Arc::clone(&own));
            let read = ratchets.read(tx, id_of(group), (opened.body(), 0))?;
            ratchets.finish(tx)?;
            Ok(read)
        });
        read.unwrap()
    }

    fn history(&self, group: &GroupName) -> Vec<Item> {
        let query = HistoryQuery { with: Some(group.clone().into()), ..HistoryQuery::default() };
        let items = self.client.history(&query, |_| true).unwrap();
        items.into_iter().map(|item| item.what).collect()
    }
}

#[tokio::test]
async fn a_group_is_there_at_once_with_a_letter_for_everybody_and_one_row_a_message() {
    let [alice, bob, carol] = people(["alice", "bob", "carol"]).await;
    let ops = alice.founds("ops", &[&bob, &carol]);
    let network = alice.client.profile.joined_network().unwrap();
    for person in [&bob, &carol] {
        assert_eq!(alice.outbox(&network.inbox(person.client.handle())).len(), 1);
    }
    let queued = alice.client.enqueue(vec![Draft::text_to(ops.clone(), "hello all")]).unwrap();
    assert_eq!((&queued[0].to, queued[0].doubts.len()), (&Peer::from(ops.clone()), 0));
    let waiting = alice.outbox(&alice.mailbox(&ops));
    assert_eq!(waiting.len(), 1, "one row for all");
    bob.joins_by(&alice);
    // She has made the invite: he knows her.
    let Read::Content(said) = bob.reads(&ops, &waiting[0]) else { panic!() };
    assert!(matches!(&said.content.body, crate::content::Body::Text(text) if text == "hello all"));
    let [Item::GroupChanged(founded), Item::Message(message)] = &alice.history(&ops)[..] else {
        panic!("{:?}", alice.history(&ops));
    };
    assert!(matches!(&founded.what, GroupEvent::Founded(others) if others.len() == 2));
    assert_eq!(message.with, Peer::from(ops.clone()));
    let shown = alice.client.group(&ops).unwrap();
    let members: Vec<_> = shown.members.iter().map(|m| (m.handle.as_str(), m.is_admin)).collect();
    assert_eq!(members, [("alice", true), ("bob", false), ("carol", false)]);
    assert_eq!(bob.client.group(&ops).unwrap().code, shown.code);
    assert_eq!(alice.client.outbox().unwrap().len(), 1, "letters are no messages");
}

#[tokio::test]
async fn nobody_is_invited_before_the_commit_has_come_back() {
    let [alice, bob] = people(["alice", "bob"]).await;
    let ops = alice.founds("ops", &[]);
    let change = alice.client.profile.invite_to_group(id_of(&ops), &[bob.invitee()]).unwrap();
    assert_eq!(change.rows, 1);
    assert_eq!(alice.outbox(&alice.mailbox(&ops)).len(), 1, "the Commit");
    let network = alice.client.profile.joined_network().unwrap();
    assert!(alice.outbox(&network.inbox(bob.client.handle())).is_empty(), "no letter yet");
    let again = alice.client.rename_group(&ops, "night").unwrap_err();
    assert_eq!(again.kind(), ErrorKind::GroupBusy);
}

#[tokio::test]
async fn doubtful_members_are_named_and_whoever_verifies_everybody_sends_nothing() {
    let [alice, bob, carol] = people(["alice", "bob", "carol"]).await;
    let ops = alice.founds("ops", &[&bob, &carol]);
    alice.client.block(bob.client.handle(), true).unwrap();
    let draft = || vec![Draft::text_to(ops.clone(), "hello")];
    let queued = alice.client.enqueue(draft()).unwrap();
    let doubt = MemberDoubt { handle: bob.client.handle().clone(), why: Doubt::Blocked };
    assert_eq!(queued[0].doubts, [doubt]);
    alice.client.set_trust_policy(TrustPolicy::AlwaysVerify);
    let error = alice.client.enqueue(draft()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotTrusted);
    assert!(error.to_string().contains("bob, carol"), "{error}");
    assert_eq!(alice.outbox(&alice.mailbox(&ops)).len(), 1);
}

#[tokio::test]
async fn a_request_shows_what_was_said_once_it_is_accepted() {
    let [alice, bob, carol] = people(["alice", "bob", "carol"]).await;
    let ops = bob.founds("ops", &[&carol]);
    bob.client.enqueue(vec![Draft::text_to(ops.clone(), "psst")]).unwrap();
    carol.joins_by(&bob);
    let said = bob.outbox(&bob.mailbox(&ops));
    assert!(matches!(carol.reads(&ops, &said[0]), Read::Withheld));
    let [request] = &carol.client.requests().unwrap()[..] else { panic!() };
    assert_eq!(request.inviter.as_ref().map(Handle::as_str), Some("bob"));
    assert!(carol.history(&ops).is_empty());
    let error = carol.client.enqueue(vec![Draft::text_to(ops.clone(), "who?")]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::GroupRequested);
    carol.client.accept_request(&ops).unwrap();
    let [Item::GroupChanged(joined), Item::Message(message)] = &carol.history(&ops)[..] else {
        panic!("{:?}", carol.history(&ops));
    };
    assert_eq!((&joined.what, message.text.expose()), (&GroupEvent::Joined, "psst"));
    assert!(carol.client.requests().unwrap().is_empty());
    assert_eq!(carol.client.accept_request(&ops).unwrap_err().kind(), ErrorKind::NotFound);
    drop(alice);
}

#[tokio::test]
async fn whoever_has_published_nothing_cannot_be_invited() {
    let [alice, bob] = people(["alice", "bob"]).await;
    let to_bob = std::slice::from_ref(bob.client.handle());
    let error = alice.client.create_group("ops", to_bob).unwrap_err();
    assert!(error.to_string().contains("bob has published no keys"), "{error}");
    let ops = alice.client.create_group("ops", &[]).unwrap().group;
    assert_eq!(alice.client.find_group("#ops").unwrap(), ops);
    let error = alice.client.create_group("a\nb", &[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let error = alice.client.remove_from(&ops, to_bob).unwrap_err();
    assert!(error.to_string().contains("bob is not in the group"), "{error}");
    assert_eq!(alice.client.leave_group(&ops).unwrap().rows, 0, "nobody to be told");
    assert!(alice.client.groups().unwrap().is_empty());
    let error = alice.client.enqueue(vec![Draft::text_to(ops, "hello?")]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::GroupLeft);
}

#[tokio::test]
async fn what_is_due_is_put_on_its_way_once() {
    let [alice, bob, carol] = people(["alice", "bob", "carol"]).await;
    let ops = alice.founds("ops", &[&bob, &carol]);
    let id = id_of(&ops);
    bob.joins_by(&alice);
    carol.joins_by(&alice);
    assert_eq!(carol.client.leave_group(&ops).unwrap().rows, 1);
    let goodbye = carol.outbox(&carol.mailbox(&ops));
    assert!(matches!(bob.reads(&ops, &goodbye[0]), Read::Leaving(_)));
    assert!(bob.client.profile.commit_due(id).unwrap(), "the answer");
    assert!(!bob.client.profile.commit_due(id).unwrap(), "it is on its way");
    assert_eq!(bob.outbox(&bob.mailbox(&ops)).len(), 1);
    assert!(!alice.client.profile.commit_due(id).unwrap(), "she has not read it");
}

#[cfg(feature = "mutants")]
#[test]
fn each_broken_rule_of_invitations_fails_its_test() {
    use crate::mutant::{Mutant, assert_each_is_killed};
    let test = "client::groups::tests::nobody_is_invited_before_the_commit_has_come_back";
    assert_each_is_killed(&[(Mutant::WelcomeBeforeCommit, test)]);
}
