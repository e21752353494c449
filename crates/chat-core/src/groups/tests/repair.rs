//! Being put back: after a restored copy, and after records were missed.

use chat_crypto::InboxPublic;
use chat_crypto::mls::GroupId;

use super::letter::Finding;
use super::named::{crowd, handles, told};
use super::*;
use crate::item::GroupEvent;
use crate::mutant::{Mutant, breaks};

impl Person {
    /// The store is a restored copy from here on.
    fn is_restored(&self) {
        if breaks(Mutant::ForgetRestore) {
            return;
        }
        self.client.profile.store.write(GroupRow::strand_all::<GroupError>).unwrap();
        self.ratchets.borrow_mut().begin();
    }

    /// Asks one admin to be put back: the letter, as it lies in their inbox.
    fn asks(&self, id: GroupId, admin: &Self) -> Vec<u8> {
        let key_package = self.key_package();
        let keys = NewKeys { inbox_key: self.inbox_key.public(), key_package };
        let admins: [(MemberName, InboxPublic); 1] = [(admin.name(), admin.inbox_key.public())];
        let now = crate::clock::now_ms();
        let letters = self.work(|ratchets, tx| ratchets.ask(tx, id, (&admins, &keys), now));
        letters.unwrap()[0].letter.body().to_vec()
    }

    /// What would be asked now, to be sealed for somebody later.
    fn asks_later(&self, id: GroupId) -> impl Fn(&Self) -> Vec<u8> {
        let key_package = self.key_package();
        let package = KeyPackage::parse(&key_package, &self.own.check).unwrap();
        let wish = self.work(|ratchets, tx| {
            ratchets.step(tx, id, |group, overlay, own| {
                group.view(overlay)?.sign_return(&own.member, &package).ok_or(GroupError::Left)
            })
        });
        let request = RejoinRequest {
            group: id,
            why: letter::RejoinReason::Restored,
            epoch: self.row(id).newest_wrap().unwrap().0,
            state: [0; 32],
            made_at_ms: crate::clock::now_ms(),
            wish: wish.unwrap(),
            inbox_key: self.inbox_key.public(),
            key_package,
        };
        let letter = Letter::RejoinRequest(request);
        let own = std::sync::Arc::clone(&self.own);
        move |to| {
            let to = (&to.inbox_key.public(), &to.own.identity());
            letter.seal(&own, to).unwrap().body().to_vec()
        }
    }

    /// Reads a request in the own inbox; whether it counts.
    fn is_asked(&self, letter: &[u8]) -> bool {
        matches!(self.answers(letter), Answer::Kept)
    }

    fn answers(&self, letter: &[u8]) -> Answer {
        let me = Addressee { namespace: &self.own.namespace, identity: &self.own.identity() };
        let keys = std::slice::from_ref(&self.inbox_key);
        let ReceivedLetter { letter, sender } = Letter::open(letter, keys, me).unwrap();
        let Letter::RejoinRequest(request) = letter else { panic!("{letter:?}") };
        self.work(|ratchets, tx| ratchets.note_request(tx, (&request, &sender))).unwrap()
    }

    /// Does what somebody has asked for.
    fn puts_back(&self, id: GroupId) -> Vec<u8> {
        let due = self.due(id).unwrap();
        let Intent::PutBack(wish) = &due else { panic!("{due:?}") };
        let invitee = wish.invitee(&self.own).unwrap();
        self.commits(id, &due, &[invitee])
    }
}

#[test]
fn a_restored_copy_is_put_back_and_everybody_goes_on() {
    let [alice, bob, carol] = crowd(["alice", "bob", "carol"]);
    let id = alice.gathers(&[&bob, &carol]);
    bob.is_restored();
    let group = Conversation::group(&bob.own.namespace, id.as_bytes());
    let said = bob.content_in(group, "with keys that were used before");
    let refused = bob.work(|ratchets, tx| ratchets.seal(tx, id, &said, EnvelopeKind::Mail));
    assert!(matches!(refused, Err(GroupError::Stranded)));

    assert!(alice.is_asked(&bob.asks(id, &alice)));
    let commit = alice.puts_back(id);
    for person in [&alice, &carol] {
        let settled = person.takes(id, &commit, 50);
        assert_eq!(told(&settled.events), [("alice", GroupEvent::PutBack(handles(&["bob"])))]);
        if std::ptr::eq(person, &alice) {
            // The letter may come before the Commit, or behind it.
            let joined = bob.joins(&settled.letters).unwrap();
            assert_eq!(joined.state, GroupState::Member);
            let event = GroupEvent::PutBack(handles(&["bob"]));
            assert_eq!(told(joined.event.as_slice()), [("alice", event)]);
        }
    }
    assert_eq!(alice.due(id), None, "it is done");
    for (from, to) in [(&bob, [&alice, &carol]), (&carol, [&alice, &bob])] {
        let said = from.says(id, "back again");
        for person in to {
            assert_eq!(person.text(id, &said).as_deref(), Some("back again"));
        }
    }
    assert_eq!(carol.people(id), ["alice", "bob", "carol"]);
}

#[test]
fn a_request_counts_once_whoever_sends_it_again() {
    let [alice, bob, carol] = crowd(["alice", "bob", "carol"]);
    let id = alice.gathers(&[&bob, &carol]);
    bob.is_restored();
    let letter = bob.asks(id, &alice);
    assert!(alice.is_asked(&letter));
    assert!(alice.is_asked(&letter), "not done yet: it is one wish");
    let commit = alice.puts_back(id);
    let settled = alice.takes(id, &commit, 50);
    carol.takes(id, &commit, 50);
    bob.joins(&settled.letters).unwrap();
    assert!(!alice.is_asked(&letter), "done");
    assert_eq!(alice.due(id), None);
    // Restored once more, from a copy of now: that is another request.
    bob.is_restored();
    assert!(alice.is_asked(&bob.asks(id, &alice)));
}

#[test]
fn the_only_admin_is_put_back_by_somebody_else() {
    let [alice, bob, carol] = crowd(["alice", "bob", "carol"]);
    let id = alice.gathers(&[&bob, &carol]);
    let whom = |person: &Person| {
        let whom = person.work(|ratchets, tx| ratchets.whom_to_ask(tx, id)).unwrap();
        whom.into_iter().map(|name| name.handle.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(whom(&bob), ["alice"]);
    assert_eq!(whom(&alice), ["bob", "carol"]);
    alice.is_restored();
    let letter = alice.asks(id, &carol);
    assert!(carol.is_asked(&letter));
    let commit = carol.puts_back(id);
    let settled = carol.takes(id, &commit, 50);
    bob.takes(id, &commit, 50);
    // She reads the Commit, and keeps what she has until she is in again: the letter may never come.
    assert!(matches!(alice.read(id, &commit), Read::PutBack));
    assert_eq!(alice.row(id).state, GroupState::Stranded);
    assert_eq!(alice.joins(&settled.letters).unwrap().state, GroupState::Member);
    assert!(bob.text(id, &alice.says(id, "back again")).is_some());
    let rename = Intent::rename("ops", &GroupTitle::parse("still hers").unwrap());
    let renamed = alice.commits(id, &rename, &[]);
    bob.takes(id, &renamed, 51);
    assert!(!carol.is_asked(&letter), "once");
}

#[test]
fn who_is_no_admin_needs_the_signature_of_the_leaf_and_only_a_member_asks() {
    let [alice, bob, carol, dave] = crowd(["alice", "bob", "carol", "dave"]);
    let id = alice.gathers(&[&bob, &carol]);
    // The copy is older than bob's last renewal.
    let (old, renewal) = (bob.asks_later(id), bob.renew(id).unwrap());
    [&alice, &bob, &carol].iter().for_each(|person| drop(person.takes(id, &renewal, 50)));
    assert!(!carol.is_asked(&old(&carol)), "carol is no admin, and it is another leaf");
    assert!(alice.is_asked(&old(&alice)), "an admin needs no signature");
    let wish = alice.row(id).repair;
    alice
        .work(|ratchets, tx| ratchets.change(tx, id, |row| row.repair = Default::default()))
        .unwrap();
    assert_ne!(wish, Default::default());
    // Dave knows the group's id, and no more.
    let request = RejoinRequest {
        group: id,
        why: letter::RejoinReason::Restored,
        epoch: 1,
        state: [0; 32],
        made_at_ms: crate::clock::now_ms(),
        wish: chat_crypto::mls::Return::from_bytes(&[7; 68]),
        inbox_key: dave.inbox_key.public(),
        key_package: dave.key_package(),
    };
    let to_alice = (&alice.inbox_key.public(), &alice.own.identity());
    let forged = Letter::RejoinRequest(request.clone()).seal(&dave.own, to_alice).unwrap();
    assert!(!alice.is_asked(forged.body()));
    // Carol asks with the keys of somebody else.
    let stolen = Letter::RejoinRequest(request).seal(&carol.own, to_alice).unwrap();
    assert!(!alice.is_asked(stolen.body()));
    assert_eq!(alice.due(id), None);
}

#[test]
fn who_has_missed_a_commit_is_put_back_and_who_is_in_step_is_not() {
    let [alice, bob, carol] = crowd(["alice", "bob", "carol"]);
    let id = alice.gathers(&[&bob, &carol]);
    let step = |person: &Person, junk: bool| {
        person
            .work(|ratchets, tx| {
                ratchets.change(tx, id, GroupRow::pass_over)?;
                if junk && ratchets.row(tx, id)?.repair.tells_of_gap() {
                    ratchets.change(tx, id, |row| row.repair.note_unopened())?;
                }
                Ok(ratchets.row(tx, id)?.rejoin_reason().is_some())
            })
            .unwrap()
    };
    let hears = |letter: &[u8]| {
        let Answer::Said(held) = alice.answers(letter) else { panic!("not answered") };
        let me = Addressee { namespace: &bob.own.namespace, identity: &bob.own.identity() };
        let keys = std::slice::from_ref(&bob.inbox_key);
        let received = Letter::open(held.letter.body(), keys, me).unwrap();
        let Letter::RejoinAnswer(answer) = received.letter else { panic!() };
        assert_eq!(answer.finding, Finding::InStep);
        let heard = |ratchets: &mut Ratchets, tx: &chat_store::ReadTxn<'_>| {
            ratchets.note_answer(tx, (&answer, &received.sender))
        };
        assert!(bob.work(heard).unwrap().is_empty());
    };
    assert!(step(&bob, false), "who has missed something asks");
    assert!(matches!(bob.tries(id, &Intent::Renew, &[]), Err(GroupError::InDoubt)));
    let letter = bob.asks(id, &alice);
    let now = crate::clock::now_ms();
    assert!(!bob.row(id).is_asking_due(now), "once, until something does not open");
    assert!(bob.row(id).is_asking_due(now + 61 * 60 * 1000), "or for an hour");
    assert!(matches!(bob.tries(id, &Intent::Renew, &[]), Err(GroupError::InDoubt)));
    hears(&letter);
    assert!(!bob.row(id).repair.tells_of_gap(), "alice knows that nothing was missed");
    // He writes on, and is read.
    assert!(alice.text(id, &bob.says(id, "I am here")).is_some());
    assert_eq!(alice.due(id), None);

    let missed = carol.renew(id).unwrap();
    for person in [&alice, &carol] {
        person.takes(id, &missed, 50);
    }
    assert!(step(&bob, true));
    assert!(alice.is_asked(&bob.asks(id, &alice)));
    let commit = alice.puts_back(id);
    let settled = alice.takes(id, &commit, 51);
    carol.takes(id, &commit, 51);
    assert!(matches!(bob.read(id, &commit), Read::Refused(_)), "he cannot read it");
    bob.joins(&settled.letters).unwrap();
    assert_eq!(bob.row(id).rejoin_reason(), None);
    assert!(alice.text(id, &bob.says(id, "and again")).is_some());
}

#[test]
fn who_has_missed_their_own_removal_is_told_when_they_ask() {
    let [alice, bob, carol] = crowd(["alice", "bob", "carol"]);
    let id = alice.gathers(&[&bob, &carol]);
    let removal = alice.commits(id, &Intent::Remove(vec![bob.name()]), &[]);
    alice.takes(id, &removal, 50);
    bob.is_restored();
    let Answer::Said(held) = alice.answers(&bob.asks(id, &alice)) else { panic!() };
    let me = Addressee { namespace: &bob.own.namespace, identity: &bob.own.identity() };
    let keys = std::slice::from_ref(&bob.inbox_key);
    let received = Letter::open(held.letter.body(), keys, me).unwrap();
    let Letter::RejoinAnswer(answer) = received.letter else { panic!() };
    assert_eq!(answer.finding, Finding::NotAMember);
    let hears = |answer: &RejoinAnswer, sender: &chat_crypto::DeviceCertificate| {
        bob.work(|ratchets, tx| ratchets.note_answer(tx, (answer, sender))).unwrap()
    };
    let other = RejoinAnswer { made_at_ms: answer.made_at_ms - 1, ..answer.clone() };
    assert!(hears(&other, &received.sender).is_empty(), "to another request");
    assert!(hears(&answer, &carol.own.signer.certificate).is_empty(), "nobody has asked carol");
    let told_to_bob = hears(&answer, &received.sender);
    assert_eq!(told(&told_to_bob), [("alice", GroupEvent::Removed(handles(&["bob"])))]);
    assert_eq!(bob.row(id).state, GroupState::Gone);
    assert!(hears(&answer, &received.sender).is_empty(), "once");
}

#[test]
fn an_invitation_that_comes_before_the_removal_is_kept_until_then() {
    let [alice, bob, carol] = crowd(["alice", "bob", "carol"]);
    let id = alice.gathers(&[&bob, &carol]);
    let removal = alice.commits(id, &Intent::Remove(vec![bob.name()]), &[]);
    alice.takes(id, &removal, 50);
    let invitees = [bob.invitee()];
    let commit = alice.commits(id, &Intent::add(&invitees), &invitees);
    let settled = alice.takes(id, &commit, 51);
    assert!(matches!(bob.joins(&settled.letters), Err(NotJoined::Early)));
    let take = || bob.work(|ratchets, tx| ratchets.take_early(tx, id)).unwrap();
    let Read::Changed(changed) = bob.read(id, &removal) else { panic!("he was put out") };
    assert!(changed.change.removes_us);
    let (invitation, sender) = take().unwrap();
    assert_eq!(bob.take_invitation(&invitation, &sender).unwrap().state, GroupState::Member);
    assert!(take().is_none(), "once");
    let left = |tx: &chat_store::ReadTxn<'_>| {
        Ok::<_, GroupError>(tx.session_get(&[b"early".as_slice(), id.as_bytes()].concat())?)
    };
    assert!(bob.client.profile.store.read(left).unwrap().is_none(), "nothing of it is left");
    carol.takes(id, &removal, 50);
    carol.takes(id, &commit, 51);
    assert!(carol.text(id, &bob.says(id, "in again")).is_some());
    // Carol is no admin: what she sends is not kept.
    let Letter::Invitation(invitation) = letter_of(&settled, &bob) else { panic!() };
    let kept = carol.work(|ratchets, tx| {
        ratchets.keep_early(tx, id, (&invitation, &bob.own.signer.certificate))
    });
    assert!(!kept.unwrap());
}

#[test]
fn an_answer_counts_once_and_only_for_what_was_asked() {
    let [alice, bob, carol] = crowd(["alice", "bob", "carol"]);
    let id = alice.gathers(&[&bob, &carol]);
    bob.work(|ratchets, tx| ratchets.change(tx, id, GroupRow::pass_over)).unwrap();
    let letter = bob.asks(id, &alice);
    let Answer::Said(held) = alice.answers(&letter) else { panic!("not answered") };
    assert!(matches!(alice.answers(&letter), Answer::None), "once");
    // Bob renews, and somebody sends his old request again: it throws nobody out.
    let hear = |held: &HeldLetter| {
        let me = Addressee { namespace: &bob.own.namespace, identity: &bob.own.identity() };
        let keys = std::slice::from_ref(&bob.inbox_key);
        let received = Letter::open(held.letter.body(), keys, me).unwrap();
        let Letter::RejoinAnswer(answer) = received.letter else { panic!() };
        bob.work(|ratchets, tx| ratchets.note_answer(tx, (&answer, &received.sender))).unwrap()
    };
    // Another gap since: the answer is not for that one.
    bob.work(|ratchets, tx| ratchets.change(tx, id, GroupRow::pass_over)).unwrap();
    assert!(hear(&held).is_empty());
    assert!(bob.row(id).rejoin_reason().is_some());
    let Answer::Said(held) = alice.answers(&bob.asks(id, &alice)) else { panic!("not answered") };
    assert!(hear(&held).is_empty());
    assert_eq!(bob.row(id).rejoin_reason(), None);
    let renewal = bob.renew(id).unwrap();
    [&alice, &bob, &carol].iter().for_each(|person| drop(person.takes(id, &renewal, 50)));
    assert!(!alice.is_asked(&letter));
    assert_eq!(alice.due(id), None);
}

fn letter_of(settled: &Settled, to: &Person) -> Letter {
    let mine = settled.letters.iter().find(|held| held.to == *to.client.handle()).unwrap();
    let me = Addressee { namespace: &to.own.namespace, identity: &to.own.identity() };
    let keys = std::slice::from_ref(&to.inbox_key);
    Letter::open(mine.letter.body(), keys, me).unwrap().letter
}

#[cfg(feature = "mutants")]
#[test]
fn each_broken_rule_of_being_put_back_fails_its_test() {
    use crate::mutant::assert_each_is_killed;
    let name = |test: &str| format!("groups::tests::repair::{test}");
    let again = name("a_request_counts_once_whoever_sends_it_again");
    let copy = name("a_restored_copy_is_put_back_and_everybody_goes_on");
    assert_each_is_killed(&[(Mutant::PutBackAgain, &again), (Mutant::ForgetRestore, &copy)]);
}
