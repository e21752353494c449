//! Two profiles with real stores, and the bytes carried from hand to hand.

mod devices;
mod named;
mod repair;
mod simulator;

use chat_crypto::mls::KeyPackage;
use chat_crypto::{EnvelopeKind, InboxKey, MailboxTag};
use chat_transport::Partition;
use zeroize::Zeroizing;

use super::pairs::MOST_UNHEARD;
use super::*;
use crate::client::Client;
use crate::content::{Body, Content};
use crate::conversation::Conversation;
use crate::error::StoredValueError;
use crate::inbound::Refusal;
use crate::mailbox::Mailbox;
use crate::message_id::{MessageId, StreamId};
use crate::network::create::{NewNetwork, draft};
use crate::trust::Standing;

pub(crate) struct Person {
    folder: tempfile::TempDir,
    pub(crate) client: Client,
    pub(crate) own: std::sync::Arc<OwnLeaf>,
    ratchets: std::cell::RefCell<Ratchets>,
    inbox_key: InboxKey,
    /// Where the next record lies that is read without saying where.
    next_offset: std::cell::Cell<u64>,
}

pub(crate) fn network() -> crate::network::Network {
    let brokers = vec!["localhost:9092".to_owned()];
    let mut network = draft(NewNetwork::new("ops".parse().unwrap(), brokers)).unwrap();
    network.pending = None;
    network
}

impl Person {
    pub(crate) fn new(handle: &str, network: &crate::network::Network) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("profile");
        let client = Client::create(&path, &handle.parse().unwrap(), None).unwrap();
        let signer = client.profile.signer(network.namespace()).unwrap();
        let own = std::sync::Arc::new(OwnLeaf::new(signer, network));
        let ratchets = Ratchets::new(std::sync::Arc::clone(&own)).into();
        let inbox_key = InboxKey::generate(&mut rand::rng());
        Self { folder, client, own, ratchets, inbox_key, next_offset: 0.into() }
    }

    /// Another process, with what is stored.
    fn reopened(self) -> Self {
        self.changed_on_disk(|_| ())
    }

    /// A copy of all that is stored.
    fn copied_to(self, place: &std::path::Path) -> Self {
        self.changed_on_disk(|profile| copy_files(profile, place))
    }

    /// The profile is a restored copy from here on.
    fn restored_from(self, place: &std::path::Path) -> Self {
        self.changed_on_disk(|profile| {
            for entry in std::fs::read_dir(profile).unwrap().map(Result::unwrap) {
                if entry.path().is_file() {
                    std::fs::remove_file(entry.path()).unwrap();
                }
            }
            copy_files(place, profile);
        })
    }

    fn changed_on_disk(self, change: impl FnOnce(&std::path::Path)) -> Self {
        let Self { folder, client, own, ratchets: _, inbox_key, next_offset } = self;
        let path = folder.path().join("profile");
        drop(client);
        change(&path);
        let client = Client::open(&path, None).unwrap();
        let ratchets = Ratchets::new(std::sync::Arc::clone(&own)).into();
        Self { folder, client, own, ratchets, inbox_key, next_offset }
    }

    fn work<T>(
        &self,
        work: impl FnOnce(&mut Ratchets, &chat_store::ReadTxn<'_>) -> Result<T, GroupError>,
    ) -> Result<T, GroupError> {
        self.client.profile.store.write(|tx| {
            let mut ratchets = self.ratchets.borrow_mut();
            ratchets.begin();
            let done = work(&mut ratchets, tx)?;
            ratchets.finish(tx)?;
            Ok(done)
        })
    }

    fn invitee(&self) -> Invitee {
        let package = self.client.profile.store.write::<_, GroupError>(|tx| {
            let changes = Default::default();
            let state = StoreState::new(tx, &changes);
            let mut overlay = chat_crypto::mls::Overlay::new(&state, &[]);
            let package = self.own.member.make_key_package(&mut overlay).unwrap();
            let made = overlay.into_changes();
            write_changes(tx, &made)?;
            Ok(package)
        });
        let package = KeyPackage::parse(&package.unwrap().bytes, &self.own.check).unwrap();
        Invitee {
            handle: self.client.handle().clone(),
            identity: self.own.identity(),
            inbox_key: self.inbox_key.public(),
            key_packages: vec![package],
        }
    }

    pub(crate) fn found(&self, other: &Self, tag: u8) -> (chat_crypto::mls::GroupId, Vec<u8>) {
        let invitee = other.invitee();
        let mailbox = Mailbox { partition: Partition(3), tag: MailboxTag::from_bytes([tag; 16]) };
        let place = Place { topic_id: [5; 16], mailbox, start: 40 };
        let founded =
            self.work(|ratchets, tx| ratchets.found_pair(tx, (&invitee, None), &place)).unwrap();
        (founded.id, founded.invitation.body().to_vec())
    }

    pub(crate) fn join(&self, letter: &[u8]) -> Result<Joined, NotJoined> {
        let me = Addressee { namespace: &self.own.namespace, identity: &self.own.identity() };
        let keys = std::slice::from_ref(&self.inbox_key);
        let ReceivedLetter { letter, sender } = Letter::open(letter, keys, me).unwrap();
        let Letter::Invitation(invitation) = letter else { panic!("{letter:?}") };
        self.take_invitation(&invitation, &sender)
    }

    fn take_invitation(
        &self,
        invitation: &Invitation,
        sender: &chat_crypto::DeviceCertificate,
    ) -> Result<Joined, NotJoined> {
        let partitions = std::num::NonZeroU32::new(16).unwrap();
        let arrival = Arrival { partitions, topic_id: [5; 16], is_copy: false };
        let mut joined = None;
        self.work(|ratchets, tx| {
            joined = Some(ratchets.join(tx, (invitation, sender), arrival));
            Ok(())
        })
        .unwrap();
        joined.unwrap()
    }

    pub(crate) fn content(&self, to: &Self, text: &str) -> Zeroizing<Vec<u8>> {
        let (me, to) = (self.client.handle(), to.client.handle());
        self.content_in(Conversation::pair(&self.own.namespace, me, to).unwrap(), text)
    }

    fn content_in(&self, conversation: Conversation, text: &str) -> Zeroizing<Vec<u8>> {
        let content = Content {
            message_id: MessageId::random(&mut rand::rng()),
            conversation,
            sender: self.client.handle().clone(),
            stream_id: StreamId([1; 16]),
            number: 0,
            previous: [0; 32],
            sent_at_ms: 9,
            body: Body::Text(text.to_owned()),
        };
        content.encode()
    }

    pub(crate) fn seal(&self, id: chat_crypto::mls::GroupId, encoded: &[u8]) -> Vec<u8> {
        let sealed = self.work(|ratchets, tx| ratchets.seal(tx, id, encoded, EnvelopeKind::Mail));
        sealed.unwrap().into_bytes()
    }

    /// Opens an envelope with whatever key of the group does, and reads what is in it.
    fn read(&self, id: chat_crypto::mls::GroupId, envelope: &[u8]) -> Read {
        let offset = self.next_offset.get();
        self.next_offset.set(offset + 1);
        self.read_at(id, envelope, offset)
    }

    fn read_at(&self, id: chat_crypto::mls::GroupId, envelope: &[u8], offset: u64) -> Read {
        let Some((_, opened)) = self.opened(id, envelope) else {
            return Read::Refused(Refusal::Unreadable);
        };
        self.work(|ratchets, tx| ratchets.read(tx, id, (&opened, offset))).unwrap()
    }

    /// The MLS message in an envelope, and the mailbox that it is for.
    pub(crate) fn opened(
        &self,
        id: chat_crypto::mls::GroupId,
        envelope: &[u8],
    ) -> Option<(Mailbox, Zeroizing<Vec<u8>>)> {
        let envelope = chat_crypto::Envelope::parse(envelope).unwrap();
        let row = self.row(id);
        let keys = row.wrap_keys();
        let keys: Vec<_> = keys.iter().collect();
        row.mailboxes().find_map(|mailbox| {
            let context = mailbox.context(&self.own.namespace, EnvelopeKind::Mail);
            let opened = envelope.open(&keys, &context).ok()?;
            Some((mailbox, Zeroizing::new(opened.body().to_vec())))
        })
    }

    fn text(&self, id: chat_crypto::mls::GroupId, envelope: &[u8]) -> Option<String> {
        match self.read(id, envelope) {
            Read::Content(content) => match content.content.body {
                Body::Text(text) => Some(text),
                _ => None,
            },
            _ => None,
        }
    }

    fn row(&self, id: chat_crypto::mls::GroupId) -> GroupRow {
        let row = self.client.profile.store.read(|tx| GroupRow::of::<GroupError>(tx, id));
        row.unwrap().unwrap()
    }

    fn renew(&self, id: chat_crypto::mls::GroupId) -> Option<Vec<u8>> {
        let renewed = self.work(|ratchets, tx| ratchets.renew(tx, id)).unwrap();
        renewed.map(chat_crypto::Envelope::into_bytes)
    }
}

fn copy_files(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        if entry.path().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

fn people() -> (Person, Person) {
    let network = network();
    (Person::new("alice", &network), Person::new("bob", &network))
}

#[test]
fn a_first_message_reaches_somebody_who_was_away() {
    let (alice, bob) = people();
    let (id, invitation) = alice.found(&bob, 1);
    let first = alice.seal(id, &alice.content(&bob, "hello"));
    let joined = bob.join(&invitation).unwrap();
    assert_eq!((joined.id, joined.inviter.handle.as_str()), (id, "alice"));
    assert_eq!(bob.row(id).start, 40);
    assert_eq!(bob.text(id, &first).as_deref(), Some("hello"));
    let answer = bob.seal(id, &bob.content(&alice, "hello yourself"));
    assert_eq!(alice.text(id, &answer).as_deref(), Some("hello yourself"));
    assert!(matches!(bob.read(id, &first), Read::Passed), "read before");
    assert!(matches!(alice.read(id, &first), Read::Passed), "our own");
}

#[test]
fn whoever_joins_renews_their_leaf_and_both_go_on() {
    let (alice, bob) = people();
    let (id, invitation) = alice.found(&bob, 1);
    bob.join(&invitation).unwrap();
    assert!(bob.row(id).is_renewal_due(1_000), "just joined");
    assert!(!alice.row(id).is_renewal_due(alice.row(id).renewed_ms + 1_000));
    let commit = bob.renew(id).unwrap();
    assert_eq!(bob.renew(id), None, "one is pending");
    let late = alice.seal(id, &alice.content(&bob, "before the Commit"));
    for person in [&alice, &bob] {
        assert!(matches!(person.read(id, &commit), Read::Changed(_)));
    }
    assert!(!bob.row(id).is_renewal_due(bob.row(id).renewed_ms + 1_000));
    assert_eq!(bob.text(id, &late).as_deref(), Some("before the Commit"));
    let after = alice.seal(id, &alice.content(&bob, "after it"));
    assert_eq!(bob.text(id, &after).as_deref(), Some("after it"));
}

#[test]
fn of_two_groups_for_one_pair_all_find_the_same_one_holds() {
    let (alice, bob) = people();
    let (first, to_bob) = alice.found(&bob, 1);
    let (second, to_alice) = bob.found(&alice, 2);
    bob.join(&to_bob).unwrap();
    alice.join(&to_alice).unwrap();
    let holding = |person: &Person, other: &Person| {
        let read = |tx: &chat_store::ReadTxn<'_>| GroupRow::pair_with(tx, &other.own.identity());
        person.client.profile.store.read(read).unwrap().unwrap().id()
    };
    let lower = first.min(second);
    assert_eq!((holding(&alice, &bob), holding(&bob, &alice)), (lower, lower));
    // What was written to the other one is read all the same.
    let other = first.max(second);
    let late = alice.seal(other, &alice.content(&bob, "to the other"));
    assert_eq!(bob.text(other, &late).as_deref(), Some("to the other"));
    let (third, again) = alice.found(&bob, 3);
    bob.join(&again).unwrap();
    assert_eq!(bob.row(third).generation, 1);
    assert_eq!((holding(&alice, &bob), holding(&bob, &alice)), (third, third));
}

#[test]
fn strangers_who_say_nothing_fill_no_store() {
    let network = network();
    let (alice, bob) = (Person::new("alice", &network), Person::new("bob", &network));
    let (known, invitation) = alice.found(&bob, 1);
    bob.join(&invitation).unwrap();
    let pin = |tx: &mut chat_store::WriteTxn<'_>| {
        let mut standing = Standing::of::<GroupError>(tx, alice.client.handle())?;
        standing.introduce(alice.own.identity(), 1);
        standing.put::<GroupError>(tx, alice.client.handle())
    };
    bob.client.profile.store.write(pin).unwrap();
    let mut last = known;
    for n in 0..MOST_UNHEARD + 2 {
        let stranger = Person::new(&format!("stranger{n}"), &network);
        let (id, invitation) = stranger.found(&bob, 2);
        assert_eq!(bob.join(&invitation).unwrap().state, GroupState::Member);
        last = id;
    }
    let rows = bob.client.profile.store.read(GroupRow::all::<GroupError>).unwrap();
    let read = rows.iter().filter(|row| row.state == GroupState::Member).count();
    assert_eq!(read, MOST_UNHEARD + 1);
    assert_eq!(bob.row(known).state, GroupState::Member, "whom we know is none of them");
    assert_eq!(bob.row(last).state, GroupState::Member, "whoever came last is heard");
}

#[test]
fn a_content_counts_only_from_who_it_names_and_in_its_own_conversation() {
    let network = network();
    let (alice, bob) = (Person::new("alice", &network), Person::new("bob", &network));
    let carol = Person::new("carol", &network);
    let (id, invitation) = alice.found(&bob, 1);
    bob.join(&invitation).unwrap();
    let refused = |encoded: &[u8]| match bob.read(id, &alice.seal(id, encoded)) {
        Read::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&bob.content(&alice, "as bob")), Refusal::Forged);
    assert_eq!(refused(&alice.content(&carol, "to carol")), Refusal::WrongContext);
    assert_eq!(refused(b"\x01"), Refusal::Malformed);
    assert!(matches!(bob.read(id, &alice.seal(id, b"\x09newer")), Read::Newer(_)));
}

#[test]
fn an_invitation_counts_only_from_who_made_the_group_and_where_it_says() {
    let network = network();
    let (alice, bob) = (Person::new("alice", &network), Person::new("bob", &network));
    let mallory = Person::new("mallory", &network);
    let (_, letter) = alice.found(&bob, 1);
    let me = Addressee { namespace: &bob.own.namespace, identity: &bob.own.identity() };
    let keys = std::slice::from_ref(&bob.inbox_key);
    let Letter::Invitation(invitation) = Letter::open(&letter, keys, me).unwrap().letter else {
        panic!("no invitation")
    };
    let to_bob = (&bob.inbox_key.public(), &bob.own.identity());
    let passed_on = Letter::Invitation(invitation.clone()).seal(&mallory.own, to_bob).unwrap();
    assert!(matches!(bob.join(passed_on.body()), Err(NotJoined::Unfit(_))));
    let elsewhere = Mailbox { partition: Partition(4), ..invitation.mailbox };
    let moved = Invitation { mailbox: elsewhere, ..invitation.clone() };
    let moved = Letter::Invitation(moved).seal(&alice.own, to_bob).unwrap();
    assert!(matches!(bob.join(moved.body()), Err(NotJoined::Unfit(_))));
    let far = Mailbox { partition: Partition(9_999), ..invitation.mailbox };
    let far =
        Letter::Invitation(Invitation { mailbox: far, ..invitation }).seal(&alice.own, to_bob);
    assert!(matches!(bob.join(far.unwrap().body()), Err(NotJoined::Unfit(_))));
    assert!(bob.join(&letter).is_ok(), "nothing was spoilt");
    assert!(matches!(bob.join(&letter), Err(NotJoined::Welcome(_))), "once");
}

#[test]
fn what_a_transaction_did_not_write_never_happened() {
    let (alice, bob) = people();
    let (id, invitation) = alice.found(&bob, 1);
    bob.join(&invitation).unwrap();
    let first = alice.seal(id, &alice.content(&bob, "first"));
    let failed = bob.client.profile.store.write::<(), GroupError>(|tx| {
        let mut ratchets = bob.ratchets.borrow_mut();
        ratchets.begin();
        let row = GroupRow::of::<GroupError>(tx, id)?.unwrap();
        let envelope = chat_crypto::Envelope::parse(&first).unwrap();
        let keys = row.wrap_keys();
        let context = row.mailbox();
        let context = context.context(&bob.own.namespace, EnvelopeKind::Mail);
        let opened = envelope.open(&keys.iter().collect::<Vec<_>>(), &context).unwrap();
        assert!(matches!(ratchets.read(tx, id, (opened.body(), 0))?, Read::Content(_)));
        ratchets.finish(tx)?;
        Err(StoredValueError::format().into())
    });
    assert!(failed.is_err());
    assert_eq!(bob.text(id, &first).as_deref(), Some("first"), "its key is still there");
}

#[test]
fn the_length_of_an_envelope_is_known_before_it_is_sealed() {
    let (alice, bob) = people();
    let (id, _) = alice.found(&bob, 1);
    for len in [1, 100, 200, 500, 20_000] {
        let encoded = alice.content(&bob, &"x".repeat(len));
        assert_eq!(Some(alice.seal(id, &encoded).len()), sealed_len(encoded.len()));
    }
}

#[test]
fn members_who_read_different_logs_are_told() {
    let (alice, bob) = people();
    let (id, invitation) = alice.found(&bob, 1);
    bob.join(&invitation).unwrap();
    let say = |text: &str| alice.seal(id, &alice.content(&bob, text));
    let forked = |read: Read| match read {
        Read::Content(content) => content.forked,
        other => panic!("{other:?}"),
    };
    let (one, two, three) = (say("one"), say("two"), say("three"));
    for (at, record) in [(10, &one), (11, &two)] {
        assert!(!forked(bob.read_at(id, record, at)), "the same log so far");
        assert!(matches!(alice.read_at(id, record, at), Read::Passed), "our own");
    }
    let same = say("we have read the same");
    assert!(!forked(bob.read_at(id, &same, 12)));
    alice.read_at(id, &same, 12);
    // The broker shows a record to Alice that it withholds from Bob.
    alice.read_at(id, &three, 13);
    let fork = say("we have not");
    assert!(forked(bob.read_at(id, &fork, 14)));
    // Who has not read all of an epoch compares nothing.
    bob.work(|ratchets, tx| ratchets.change(tx, id, GroupRow::pass_over)).unwrap();
    let later = say("and now you cannot tell");
    assert!(!forked(bob.read_at(id, &later, 15)));
}

#[test]
fn a_record_at_another_place_is_another_log() {
    let (alice, bob) = people();
    let (id, invitation) = alice.found(&bob, 1);
    bob.join(&invitation).unwrap();
    let one = alice.seal(id, &alice.content(&bob, "one"));
    alice.read_at(id, &one, 10);
    bob.read_at(id, &one, 11);
    let two = alice.seal(id, &alice.content(&bob, "two"));
    let Read::Content(content) = bob.read_at(id, &two, 12) else { panic!("no content") };
    assert!(content.forked);
}

#[cfg(feature = "mutants")]
#[test]
fn each_broken_rule_of_pairs_fails_its_test() {
    use crate::mutant::{Mutant, assert_each_is_killed};
    assert_each_is_killed(&[
        (
            Mutant::SkipCredentialCheck,
            "groups::credential::tests::a_leaf_is_who_its_certificate_says_for_its_own_key_and_this_network",
        ),
        (Mutant::NeverRenew, "groups::tests::whoever_joins_renews_their_leaf_and_both_go_on"),
        (Mutant::IgnoreForks, "groups::tests::members_who_read_different_logs_are_told"),
    ]);
}

#[test]
fn nothing_is_sent_with_less_protection_than_somebody_uses() {
    let (alice, bob) = people();
    let to = bob.client.handle();
    let network = network();
    let row = network.to_row().unwrap();
    alice
        .client
        .profile
        .store
        .write::<_, GroupError>(|tx| {
            tx.meta_put("network", &row)?;
            let signed = (bob.own.identity(), crate::item::Protection::Mls);
            crate::trust::meet::<GroupError>(tx, to, signed, 1).map(drop)
        })
        .unwrap();
    let draft = || vec![crate::outbox::enqueue::Draft::text(to.clone(), "hello")];
    let refused = alice.client.enqueue(draft()).unwrap_err();
    assert_eq!(refused.kind(), crate::error::ErrorKind::NotTrusted);
    assert!(refused.to_string().contains("bob uses MLS"), "{refused}");
    // A person may say that it is a machine.
    alice.client.use_shared_key(to, true).unwrap();
    alice.client.enqueue(draft()).unwrap();
}
