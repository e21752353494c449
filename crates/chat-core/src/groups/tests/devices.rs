//! Several devices of one person in groups.

use chat_crypto::IdentityKey;
use chat_crypto::mls::GroupId;
use zeroize::Zeroizing;

use super::named::crowd;
use super::*;
use crate::client::held_identity;
use crate::devices::{OwnDevice, OwnDevices, RemovedDevice, RemovedDevices};
use crate::error::ProfileError;
use crate::meta_row::MetaRow;

impl Person {
    /// Another device of this person, which reads the same inbox.
    fn another_device(&self, network: &crate::network::Network) -> Self {
        let identity = self.client.profile.store.read::<_, ProfileError>(held_identity);
        let seed = Zeroizing::new(*identity.unwrap().unwrap().expose_bytes());
        let other = Self::new(self.client.handle().as_str(), network);
        other.client.import_identity(&IdentityKey::from_bytes(&seed)).unwrap();
        let signer = other.client.profile.signer(network.namespace()).unwrap();
        let own = std::sync::Arc::new(OwnLeaf::new(signer, network));
        let ratchets = Ratchets::new(std::sync::Arc::clone(&own)).into();
        Self { own, ratchets, inbox_key: self.inbox_key.clone(), ..other }
    }

    fn device(&self) -> OwnDevice {
        let certificate = &self.own.signer.certificate;
        let (id, key) = (*certificate.device_id().as_bytes(), *self.own.member.signature_key());
        OwnDevice { id, key, can_join: true }
    }

    fn removed(&self) -> RemovedDevice {
        RemovedDevice { identity: self.own.identity(), id: self.device().id }
    }

    /// The directory shows these devices of ours.
    fn has_devices(&self, devices: &[&Self], gone: &[&Self]) {
        let list = OwnDevices {
            devices: devices.iter().map(|one| one.device()).collect(),
            gone: gone.iter().map(|one| one.removed()).collect(),
            ..OwnDevices::default()
        };
        self.client.profile.store.write(|tx| list.put::<GroupError>(tx)).unwrap();
    }

    /// The directory shows that somebody has removed a device.
    fn hears_of_removal(&self, device: &Self) {
        let RemovedDevice { identity, id } = device.removed();
        let add = |tx: &mut chat_store::WriteTxn<'_>| {
            RemovedDevices::add::<GroupError>(tx, &identity, [id])
        };
        self.client.profile.store.write(add).unwrap();
    }

    /// Does what is due; a Commit, if it takes one.
    fn does_what_is_due(&self, id: GroupId, invitees: &[Invitee]) -> Option<Vec<u8>> {
        let due = self.due(id)?;
        self.tries(id, &due, invitees).unwrap()
    }

    fn leaves(&self, id: GroupId) -> usize {
        self.work(|ratchets, tx| ratchets.roster(tx, id)).unwrap().leaves.len()
    }
}

#[test]
fn a_group_is_brought_in_line_with_the_list_of_our_devices_and_then_left_alone() {
    let network = network();
    let [alice, bob] = ["alice", "bob"].map(|name| Person::new(name, &network));
    let (phone, tablet) = (alice.another_device(&network), alice.another_device(&network));
    let id = bob.gathers(&[&alice]);
    assert_eq!(alice.due(id), None, "one device is all there is");
    alice.has_devices(&[&alice, &phone], &[]);
    let commit = alice.does_what_is_due(id, &[phone.invitee()]).unwrap();
    assert_eq!(alice.due(id), None, "one is pending");
    let mut letters = alice.takes(id, &commit, 50).letters;
    bob.takes(id, &commit, 50);
    assert_eq!(letters.len(), 1);
    phone.join(letters.pop().unwrap().letter.body()).unwrap();
    assert_eq!((alice.leaves(id), bob.leaves(id), phone.leaves(id)), (3, 3, 3));
    assert_eq!(alice.people(id), ["alice", "bob"]);
    assert_eq!(alice.does_what_is_due(id, &[phone.invitee()]), None, "it is in line");
    assert_eq!(alice.due(id), None);

    // Whoever knows less of the directory than others takes nothing back.
    phone.has_devices(&[&alice, &phone], &[]);
    tablet.has_devices(&[&alice, &phone, &tablet], &[]);
    alice.has_devices(&[&alice, &phone, &tablet], &[]);
    let commit = alice.does_what_is_due(id, &[tablet.invitee()]).unwrap();
    let mut letters = alice.takes(id, &commit, 51).letters;
    for one in [&bob, &phone] {
        one.takes(id, &commit, 51);
    }
    tablet.join(letters.pop().unwrap().letter.body()).unwrap();
    let stale = phone.due(id);
    assert!(matches!(stale, Some(Intent::Devices { .. })), "{stale:?}");
    assert_eq!(phone.does_what_is_due(id, &[]), None);
    assert_eq!(phone.leaves(id), 4);

    alice.has_devices(&[&alice, &tablet], &[&phone]);
    let commit = alice.does_what_is_due(id, &[]).unwrap();
    let tag = bob.row(id).mailbox().tag;
    for one in [&alice, &bob, &tablet, &phone] {
        assert!(one.takes(id, &commit, 52).letters.is_empty());
    }
    assert_eq!((bob.leaves(id), phone.row(id).state), (3, GroupState::Gone));
    assert_ne!(bob.row(id).mailbox().tag, tag);
    assert_eq!(alice.does_what_is_due(id, &[]), None);
    assert_eq!(alice.due(id), None);
}

#[test]
fn what_one_device_says_the_others_read_as_their_own() {
    let network = network();
    let [alice, bob] = ["alice", "bob"].map(|name| Person::new(name, &network));
    let phone = alice.another_device(&network);
    let mailbox = Mailbox { partition: Partition(3), tag: MailboxTag::from_bytes([1; 16]) };
    let place = Place { topic_id: [5; 16], mailbox, start: 40 };
    let (invitee, ours) = (bob.invitee(), phone.invitee());
    let who = (&invitee, Some(&ours));
    let founded = alice.work(|ratchets, tx| ratchets.found_pair(tx, who, &place)).unwrap();
    let joined = phone.join(founded.for_us.unwrap().letter.body()).unwrap();
    bob.join(founded.invitation.body()).unwrap();
    assert_eq!(joined.state, GroupState::Member);
    let row = phone.row(founded.id);
    assert_eq!(row.kind, GroupKind::Pair("bob".parse().unwrap(), bob.own.identity()));
    let said = alice.seal(founded.id, &alice.content(&bob, "hello"));
    for reader in [&phone, &bob] {
        assert_eq!(reader.text(founded.id, &said).as_deref(), Some("hello"));
    }
    // Bob can write in nobody's name but his own, and alice's devices only in hers.
    let forged = phone.seal(founded.id, &bob.content(&phone, "as bob"));
    assert!(matches!(alice.read(founded.id, &forged), Read::Refused(Refusal::Forged)));
}

#[test]
fn what_others_have_removed_is_put_out_by_whoever_may() {
    let network = network();
    let [bob, alice, carol] = ["bob", "alice", "carol"].map(|name| Person::new(name, &network));
    let phone = alice.another_device(&network);
    let id = bob.gathers(&[&alice, &carol]);
    alice.has_devices(&[&alice, &phone], &[]);
    let commit = alice.does_what_is_due(id, &[phone.invitee()]).unwrap();
    let mut letters = alice.takes(id, &commit, 50).letters;
    for one in [&bob, &carol] {
        one.takes(id, &commit, 50);
    }
    phone.join(letters.pop().unwrap().letter.body()).unwrap();
    for one in [&bob, &carol] {
        one.hears_of_removal(&phone);
    }
    assert_eq!(carol.does_what_is_due(id, &[]), None, "she is no admin");
    assert_eq!(carol.due(id), None, "and does not try again");
    let commit = bob.does_what_is_due(id, &[]).unwrap();
    for one in [&bob, &carol, &alice, &phone] {
        one.takes(id, &commit, 51);
    }
    assert_eq!((carol.leaves(id), phone.row(id).state), (3, GroupState::Gone));
    assert_eq!(alice.row(id).state, GroupState::Member);
    assert_eq!(bob.does_what_is_due(id, &[]), None);
    assert_eq!(bob.due(id), None);
}

#[test]
fn what_a_removed_device_has_founded_is_written_to_no_more() {
    let network = network();
    let [alice, bob] = ["alice", "bob"].map(|name| Person::new(name, &network));
    let (older, invitation) = alice.found(&bob, 1);
    bob.join(&invitation).unwrap();
    // Whoever has it founds the two's group anew, so that what bob writes goes there.
    let stolen = alice.another_device(&network);
    let founds = |generation: u32| {
        let mailbox = Mailbox { partition: Partition(3), tag: MailboxTag::from_bytes([2; 16]) };
        let place = Place { topic_id: [5; 16], mailbox, start: 40 };
        let invitee = bob.invitee();
        for _ in 0..generation {
            stolen.work(|r, tx| r.found_pair(tx, (&invitee, None), &place)).unwrap();
        }
        stolen.work(|r, tx| r.found_pair(tx, (&invitee, None), &place)).unwrap()
    };
    let joined = bob.join(founds(1).invitation.body()).unwrap();
    let holding = || {
        let read = |tx: &chat_store::ReadTxn<'_>| GroupRow::pair_with(tx, &alice.own.identity());
        bob.client.profile.store.read(read).unwrap().map(|row| row.id())
    };
    assert_eq!(holding(), Some(joined.id), "the higher generation holds");
    bob.hears_of_removal(&stolen);
    assert_eq!(bob.does_what_is_due(older, &[]), None);
    let commit = bob.does_what_is_due(joined.id, &[]).unwrap();
    assert_eq!(holding(), Some(older));
    assert_eq!(bob.row(joined.id).state, GroupState::Superseded, "what comes late is read");
    stolen.takes(joined.id, &commit, 60);
    assert_eq!(stolen.row(joined.id).state, GroupState::Gone);
}

#[test]
fn a_removed_device_is_put_out_of_a_group_that_another_one_has_replaced() {
    let network = network();
    let [alice, bob] = ["alice", "bob"].map(|name| Person::new(name, &network));
    let phone = alice.another_device(&network);
    let founds = |tag: u8, ours: Option<&Invitee>| {
        let mailbox = Mailbox { partition: Partition(3), tag: MailboxTag::from_bytes([tag; 16]) };
        let place = Place { topic_id: [5; 16], mailbox, start: 40 };
        let invitee = bob.invitee();
        alice.work(|r, tx| r.found_pair(tx, (&invitee, ours), &place)).unwrap()
    };
    let (first, second) = (founds(1, Some(&phone.invitee())), founds(2, None));
    for founded in [&first, &second] {
        bob.join(founded.invitation.body()).unwrap();
    }
    phone.join(first.for_us.unwrap().letter.body()).unwrap();
    alice.work(|r, tx| r.converge(tx, &bob.own.identity())).unwrap();
    for one in [&alice, &bob] {
        assert_eq!(one.row(first.id).state, GroupState::Superseded);
    }
    alice.has_devices(&[&alice], &[&phone]);
    bob.hears_of_removal(&phone);
    let commit = bob.does_what_is_due(first.id, &[]).unwrap();
    for one in [&alice, &bob, &phone] {
        one.takes(first.id, &commit, 50);
    }
    assert_eq!(phone.row(first.id).state, GroupState::Gone);
    for one in [&alice, &bob] {
        assert_eq!(one.does_what_is_due(first.id, &[]), None, "it was done already");
        assert_eq!(one.due(first.id), None);
    }
}

#[test]
fn whoever_makes_a_leap_in_generations_is_not_followed() {
    let [alice, bob] = crowd(["alice", "bob"]);
    let (first, _) = alice.found(&bob, 1);
    let leap = |tx: &mut chat_store::WriteTxn<'_>| {
        let mut row = GroupRow::of::<GroupError>(tx, first)?.unwrap();
        row.generation = 5_000;
        row.put::<GroupError>(tx)
    };
    alice.client.profile.store.write(leap).unwrap();
    let (_, invitation) = alice.found(&bob, 2);
    assert!(matches!(bob.join(&invitation), Err(NotJoined::Unfit(_))));
}

#[cfg(feature = "mutants")]
#[test]
fn each_broken_rule_of_devices_fails_its_test() {
    use crate::mutant::{Mutant, assert_each_is_killed};
    let here = |test: &'static str| format!("groups::tests::devices::{test}");
    let in_line =
        here("a_group_is_brought_in_line_with_the_list_of_our_devices_and_then_left_alone");
    let removed = here("what_others_have_removed_is_put_out_by_whoever_may");
    assert_each_is_killed(&[
        (Mutant::PutOutUnlisted, &in_line),
        (Mutant::KeepRemovedDevice, &removed),
        (Mutant::CodeForEver, "devices::offer::tests::a_place_is_given_away_once_and_in_time"),
        (
            Mutant::KeepInboxKey,
            "directory::tests::a_removal_changes_the_key_of_the_inbox_and_the_devices_that_stay_have_it",
        ),
        (
            Mutant::IgnoreHeads,
            "directory::tests::what_somebody_says_of_their_own_entry_is_compared_and_what_is_withheld_is_told",
        ),
    ]);
}
