//! Groups of several, with a name.

use chat_crypto::mls::GroupId;

use super::*;
use crate::error::GroupError;
use crate::groups::settle::MOST_TRIES;
use crate::item::{GroupChanged, GroupEvent, Item};
use crate::trust::{PinTrust, Standing};

pub(super) fn crowd<const N: usize>(names: [&str; N]) -> [Person; N] {
    let network = network();
    names.map(|name| Person::new(name, &network))
}

pub(super) fn crowd_of(names: &[&str]) -> Vec<Person> {
    let network = network();
    names.iter().map(|name| Person::new(name, &network)).collect()
}

impl Person {
    pub(super) fn name(&self) -> MemberName {
        MemberName { handle: self.client.handle().clone(), identity: self.own.identity() }
    }

    pub(super) fn knows(&self, other: &Self) {
        let handle = other.client.handle();
        let known = self.client.profile.store.write::<_, GroupError>(|tx| {
            let mut standing = Standing::default();
            standing.accept(other.own.identity(), PinTrust::FirstUse, 5);
            standing.put::<GroupError>(tx, handle)
        });
        known.unwrap();
    }

    pub(super) fn founds(&self, name: &str, others: &[&Self]) -> FoundedGroup {
        let invitees: Vec<Invitee> = others.iter().map(|other| other.invitee()).collect();
        self.tries_founding(name, &invitees).unwrap()
    }

    fn tries_founding(&self, name: &str, invitees: &[Invitee]) -> Result<FoundedGroup, GroupError> {
        self.founds_at(40, name, invitees)
    }

    /// Founds a group of which nothing lies before an offset.
    pub(super) fn founds_at(
        &self,
        start: u64,
        name: &str,
        invitees: &[Invitee],
    ) -> Result<FoundedGroup, GroupError> {
        let title = GroupTitle::parse(name)?;
        let mailbox = Mailbox { partition: Partition(3), tag: MailboxTag::from_bytes([9; 16]) };
        let place = Place { topic_id: [5; 16], mailbox, start };
        self.work(|ratchets, tx| ratchets.found_named(tx, (&title, invitees, None), &place))
    }

    pub(super) fn joins(&self, letters: &[HeldLetter]) -> Result<Joined, NotJoined> {
        let mine = letters.iter().find(|letter| letter.to == *self.client.handle()).unwrap();
        self.join(mine.letter.body())
    }

    /// A Commit of theirs, as bytes.
    pub(super) fn commits(&self, id: GroupId, intent: &Intent, invitees: &[Invitee]) -> Vec<u8> {
        self.tries(id, intent, invitees).unwrap().unwrap()
    }

    pub(super) fn tries(
        &self,
        id: GroupId,
        intent: &Intent,
        invitees: &[Invitee],
    ) -> Result<Option<Vec<u8>>, GroupError> {
        let made = self.work(|ratchets, tx| ratchets.commit(tx, id, (intent, invitees)))?;
        Ok(made.map(|made| made.envelope.into_bytes()))
    }

    /// Reads a Commit, and settles what follows.
    pub(super) fn takes(&self, id: GroupId, commit: &[u8], offset: u64) -> Settled {
        match self.read(id, commit) {
            Read::Changed(changed) => {
                let landing = Landing { topic_id: [5; 16], offset };
                self.work(|ratchets, tx| ratchets.settle(tx, id, &changed, landing)).unwrap()
            }
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn people(&self, id: GroupId) -> Vec<String> {
        let roster = self.work(|ratchets, tx| ratchets.roster(tx, id)).unwrap();
        roster.people().into_iter().map(|name| name.handle.as_str().to_owned()).collect()
    }

    pub(super) fn due(&self, id: GroupId) -> Option<Intent> {
        let now = self.row(id).renewed_ms + 1_000;
        self.work(|ratchets, tx| ratchets.due(tx, id, now)).unwrap()
    }

    pub(super) fn says(&self, id: GroupId, text: &str) -> Vec<u8> {
        let group = Conversation::group(&self.own.namespace, id.as_bytes());
        self.seal(id, &self.content_in(group, text))
    }
}

impl Person {
    /// A group in which this person and the others are, all renewed.
    pub(super) fn gathers(&self, others: &[&Self]) -> GroupId {
        let founded = self.founds("ops", others);
        for other in others {
            other.knows(self);
            other.joins(&founded.letters).unwrap();
        }
        for other in others {
            let renewal = other.renew(founded.id).unwrap();
            for person in others.iter().chain([&self]) {
                person.takes(founded.id, &renewal, 41);
            }
        }
        founded.id
    }
}

pub(super) fn told(events: &[Item]) -> Vec<(&str, GroupEvent)> {
    let one = |item: &Item| match item {
        Item::GroupChanged(GroupChanged { by, what, .. }) => {
            (Box::leak(by.as_str().to_owned().into_boxed_str()) as &str, what.clone())
        }
        other => panic!("{other:?}"),
    };
    events.iter().map(one).collect()
}

pub(super) fn handles(names: &[&str]) -> Vec<crate::handle::Handle> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

#[test]
fn all_first_members_read_what_each_of_them_says() {
    let [alice, bob, carol] = crowd(["alice", "bob", "carol"]);
    let id = alice.gathers(&[&bob, &carol]);
    for (from, to) in [(&alice, [&bob, &carol]), (&carol, [&alice, &bob])] {
        let said = from.says(id, "hello all");
        for person in to {
            assert_eq!(person.text(id, &said).as_deref(), Some("hello all"));
        }
    }
    assert_eq!(bob.people(id), ["alice", "bob", "carol"]);
    let code = |person: &Person| person.work(|r, tx| Ok(r.roster(tx, id)?.code())).unwrap();
    assert_eq!(code(&alice), code(&carol));
    assert_eq!(code(&alice).split(' ').map(str::len).collect::<Vec<_>>(), [5; 6]);
    assert!(code(&alice).bytes().all(|b| b == b' ' || b.is_ascii_digit()));
}

#[test]
fn whoever_is_added_is_invited_once_the_commit_has_won_and_reads_from_there() {
    let [alice, bob, carol] = crowd(["alice", "bob", "carol"]);
    let id = alice.gathers(&[&bob]);
    carol.knows(&alice);
    let invitees = [carol.invitee()];
    let commit = alice.commits(id, &Intent::add(&invitees), &invitees);
    let before = alice.says(id, "before the Commit");
    assert!(matches!(alice.tries(id, &Intent::Renew, &[]), Ok(None)), "one is pending");
    let settled = bob.takes(id, &commit, 50);
    assert!(settled.letters.is_empty(), "only whoever made it invites");
    assert_eq!(told(&settled.events), [("alice", GroupEvent::Added(handles(&["carol"])))]);
    let settled = alice.takes(id, &commit, 50);
    assert_eq!(told(&settled.events), [("alice", GroupEvent::Added(handles(&["carol"])))]);
    let joined = carol.joins(&settled.letters).unwrap();
    assert_eq!((joined.state, carol.row(id).start), (GroupState::Member, 51));
    assert_eq!(told(joined.event.as_slice()), [("alice", GroupEvent::Joined)]);
    let after = bob.says(id, "after it");
    assert_eq!(carol.text(id, &after).as_deref(), Some("after it"));
    assert_eq!(carol.text(id, &before), None, "it was not for her");
}

#[test]
fn of_two_commits_the_first_wins_and_nobody_is_invited_by_the_other() {
    let [alice, bob, carol] = crowd(["alice", "bob", "carol"]);
    let id = alice.gathers(&[&bob]);
    let invitees = [carol.invitee()];
    let intent = Intent::add(&invitees);
    let lost = alice.commits(id, &intent, &invitees);
    let won = bob.commits(id, &Intent::Renew, &[]);
    let settled = alice.takes(id, &won, 50);
    assert!(settled.letters.is_empty(), "the epoch that the letter is for never was");
    assert_eq!(settled.retry, Some(intent.clone()));
    bob.takes(id, &won, 50);
    assert!(!matches!(bob.read(id, &lost), Read::Changed(_)));
    assert!(!matches!(alice.read(id, &lost), Read::Changed(_)));
    assert_eq!(alice.due(id), Some(intent.clone()), "kept for the next try");
    let again = alice.commits(id, &intent, &invitees);
    bob.takes(id, &again, 52);
    assert_eq!(alice.takes(id, &again, 52).letters.len(), 1);
    assert_eq!(alice.due(id), None);
    assert_eq!(bob.people(id), ["alice", "bob", "carol"]);
}

#[test]
fn what_others_have_done_meanwhile_is_not_done_twice() {
    let [alice, bob, carol] = crowd(["alice", "bob", "carol"]);
    let id = alice.gathers(&[&bob, &carol]);
    let admins = Intent::SetAdmins { add: vec![bob.name()], remove: vec![] };
    let made = alice.commits(id, &admins, &[]);
    for person in [&alice, &bob, &carol] {
        let settled = person.takes(id, &made, 50);
        let event = GroupEvent::AdminsChanged { added: handles(&["bob"]), removed: vec![] };
        assert_eq!(told(&settled.events), [("alice", event)]);
    }
    let remove = Intent::Remove(vec![carol.name()]);
    alice.commits(id, &remove, &[]);
    let won = bob.commits(id, &remove, &[]);
    let settled = alice.takes(id, &won, 51);
    assert_eq!(settled.retry, None, "she is out already");
    assert_eq!(told(&settled.events), [("bob", GroupEvent::Removed(handles(&["carol"])))]);
    bob.takes(id, &won, 51);
    let name = GroupTitle::parse("night shift").unwrap();
    let other = GroupTitle::parse("day shift").unwrap();
    alice.commits(id, &Intent::rename("ops", &name), &[]);
    let won = bob.commits(id, &Intent::rename("ops", &other), &[]);
    let settled = alice.takes(id, &won, 52);
    assert_eq!(settled.retry, None);
    let [(_, GroupEvent::Renamed(name)), (by, GroupEvent::NotMade(why))] =
        &told(&settled.events)[..]
    else {
        panic!("{:?}", settled.events);
    };
    assert_eq!((name.expose(), *by), ("day shift", "alice"));
    assert!(why.contains("somebody else"), "{why}");
    assert_eq!(alice.row(id).kind, GroupKind::Named("day shift".to_owned()));
}

#[test]
fn a_change_that_always_loses_is_given_up_and_said() {
    let [alice, bob] = crowd(["alice", "bob"]);
    let id = alice.gathers(&[&bob]);
    let intent = Intent::rename("ops", &GroupTitle::parse("night").unwrap());
    for offset in 0..u64::from(MOST_TRIES) {
        alice.commits(id, &intent, &[]);
        let won = bob.commits(id, &Intent::Renew, &[]);
        bob.takes(id, &won, offset);
        assert_eq!(alice.takes(id, &won, offset).retry, Some(intent.clone()), "{offset}");
    }
    alice.commits(id, &intent, &[]);
    let won = bob.commits(id, &Intent::Renew, &[]);
    let settled = alice.takes(id, &won, 90);
    assert_eq!(settled.retry, None);
    assert!(matches!(told(&settled.events)[..], [("alice", GroupEvent::NotMade(_))]));
    assert_eq!(alice.due(id), None);
}

#[test]
fn whoever_is_removed_reads_nothing_more_and_the_others_go_on_elsewhere() {
    let [alice, bob, carol] = crowd(["alice", "bob", "carol"]);
    let id = alice.gathers(&[&bob, &carol]);
    let old = alice.row(id).mailbox();
    let out = alice.commits(id, &Intent::Remove(vec![carol.name()]), &[]);
    for person in [&alice, &bob, &carol] {
        let settled = person.takes(id, &out, 50);
        assert_eq!(told(&settled.events), [("alice", GroupEvent::Removed(handles(&["carol"])))]);
    }
    assert_eq!(carol.row(id).state, GroupState::Gone);
    assert_ne!(bob.row(id).mailbox(), old);
    let after = alice.says(id, "without her");
    assert_eq!(bob.text(id, &after).as_deref(), Some("without her"));
    assert_eq!(carol.text(id, &after), None);
    let late = carol.work(|r, tx| r.seal(tx, id, b"late", EnvelopeKind::Mail));
    assert!(matches!(late, Err(GroupError::Left)));
}

#[test]
fn only_admins_change_a_group_and_what_cannot_be_done_says_why() {
    let [alice, bob, carol] = crowd(["alice", "bob", "carol"]);
    let id = alice.gathers(&[&bob]);
    let invitees = [carol.invitee()];
    let add = Intent::add(&invitees);
    let refused = |person: &Person, intent: &Intent, invitees: &[Invitee]| {
        person.tries(id, intent, invitees).unwrap_err()
    };
    assert!(matches!(refused(&bob, &add, &invitees), GroupError::NotAdmin));
    let rename = Intent::rename("ops", &GroupTitle::parse("mine").unwrap());
    assert!(matches!(refused(&bob, &rename, &[]), GroupError::NotAdmin));
    assert!(
        matches!(refused(&alice, &add, &[]), GroupError::NoKeys { handle } if handle.as_str() == "carol")
    );
    let again = [bob.invitee()];
    let error = refused(&alice, &Intent::add(&again), &again);
    assert!(matches!(error, GroupError::AlreadyMember { handle } if handle.as_str() == "bob"));
    let error = refused(&alice, &Intent::Remove(vec![carol.name()]), &[]);
    assert!(matches!(error, GroupError::NotAMember { .. }));
    assert!(matches!(
        refused(&alice, &Intent::Remove(vec![alice.name()]), &[]),
        GroupError::RemovesSelf
    ));
    let unmake = Intent::SetAdmins { add: vec![], remove: vec![alice.name()] };
    assert!(matches!(refused(&alice, &unmake, &[]), GroupError::LastAdmin));
    let left = alice.work(|r, tx| r.leave(tx, id));
    assert!(matches!(left, Err(GroupError::LastAdmin)));
    let impostor = Invitee { handle: "bob".parse().unwrap(), ..carol.invitee() };
    let error = refused(&alice, &Intent::add(std::slice::from_ref(&impostor)), &[impostor]);
    assert!(matches!(error, GroupError::HandleInUse { .. }));
}

#[test]
fn whoever_leaves_is_let_go_by_anybody_and_is_out_then() {
    let [alice, bob, carol] = crowd(["alice", "bob", "carol"]);
    let id = alice.gathers(&[&bob, &carol]);
    let Parting::Asked(goodbye) = carol.work(|r, tx| r.leave(tx, id)).unwrap() else { panic!() };
    let goodbye = goodbye.envelope.into_bytes();
    assert_eq!(carol.row(id).state, GroupState::Leaving);
    assert!(!carol.row(id).is_renewal_due(i64::MAX), "it would undo the signature");
    assert!(matches!(carol.tries(id, &Intent::Renew, &[]), Err(GroupError::Leaving)));
    assert!(matches!(carol.work(|r, tx| r.leave(tx, id)), Ok(Parting::Asked(_))), "once more");
    for person in [&alice, &bob] {
        assert!(matches!(person.read(id, &goodbye), Read::Leaving(name) if name == carol.name()));
    }
    let answer = bob.due(id).unwrap();
    assert!(matches!(answer, Intent::Answer(_)));
    let let_go = bob.commits(id, &answer, &[]);
    let too_late = alice.commits(id, &alice.due(id).unwrap(), &[]);
    for person in [&alice, &bob, &carol] {
        let settled = person.takes(id, &let_go, 50);
        assert_eq!(told(&settled.events), [("bob", GroupEvent::Left(handles(&["carol"])))]);
        assert_eq!(settled.retry, None);
        assert_eq!(person.due(id), None, "it is answered");
    }
    assert!(!matches!(bob.read(id, &too_late), Read::Changed(_)));
    assert_eq!(carol.row(id).state, GroupState::Gone);
    assert_eq!(alice.people(id), ["alice", "bob"]);
}

#[test]
fn nobody_says_goodbye_for_somebody_else() {
    let [alice, bob, carol] = crowd(["alice", "bob", "carol"]);
    let id = alice.gathers(&[&bob, &carol]);
    let departure = carol.work(|r, tx| {
        r.step(tx, id, |group, overlay, own| {
            Ok::<_, GroupError>(group.view(overlay)?.sign_departure(&own.member).unwrap())
        })
    });
    let payload = payload::Payload::departure(&departure.unwrap());
    let forged = bob.work(|r, tx| {
        let message = r.step::<_, GroupError>(tx, id, |group, overlay, own| {
            Ok(group.encrypt(overlay, &own.member, &payload)?)
        })?;
        r.wrap(tx, id, &message, EnvelopeKind::Mail)
    });
    let read = alice.read(id, &forged.unwrap().into_bytes());
    assert!(matches!(read, Read::Refused(Refusal::Forged)));
    assert_eq!(alice.due(id), None);
}

#[test]
fn the_last_one_who_leaves_forgets_the_group() {
    let [alice] = crowd(["alice"]);
    let id = alice.founds("alone", &[]).id;
    assert!(matches!(alice.work(|r, tx| r.leave(tx, id)), Ok(Parting::Forgotten)));
    assert_eq!(alice.row(id).state, GroupState::Gone);
    assert!(alice.work(|r, tx| r.roster(tx, id)).is_err());
    assert!(matches!(alice.work(|r, tx| r.leave(tx, id)), Err(GroupError::Left)));
}

#[test]
fn a_strangers_group_is_read_and_shown_once_somebody_has_said_yes() {
    let [alice, bob, carol] = crowd(["alice", "bob", "carol"]);
    let founded = alice.founds("ops", &[&bob, &carol]);
    let id = founded.id;
    let joined = bob.joins(&founded.letters).unwrap();
    assert_eq!((joined.state, &joined.event), (GroupState::Requested, &None));
    assert!(matches!(bob.read(id, &alice.says(id, "psst")), Read::Withheld));
    assert_eq!(bob.due(id), None, "no sign of life");
    let sealed = bob.work(|r, tx| r.seal(tx, id, b"hi", EnvelopeKind::Mail));
    assert!(matches!(sealed, Err(GroupError::Requested)));
    let rename = Intent::rename("ops", &GroupTitle::parse("new name").unwrap());
    let renamed = alice.commits(id, &rename, &[]);
    alice.takes(id, &renamed, 50);
    assert_eq!(bob.takes(id, &renamed, 50).events, []);
    assert_eq!(bob.row(id).kind, GroupKind::Named("new name".to_owned()));
    let said = bob.work(|r, tx| r.accept(tx, id)).unwrap();
    let [said] = &said[..] else { panic!("{said:?}") };
    assert!(matches!(&said.content.body, Body::Text(text) if text == "psst"));
    assert_eq!(bob.row(id).state, GroupState::Member);
    assert_eq!(bob.due(id), Some(Intent::Renew));
    assert!(matches!(bob.work(|r, tx| r.accept(tx, id)), Err(GroupError::NoRequest)));
    carol.knows(&alice);
    assert_eq!(carol.joins(&founded.letters).unwrap().state, GroupState::Member);
}

#[test]
fn a_declined_group_is_left_without_a_word_of_it_being_shown() {
    let [alice, bob] = crowd(["alice", "bob"]);
    let founded = alice.founds("ops", &[&bob]);
    let id = founded.id;
    bob.joins(&founded.letters).unwrap();
    let parting = bob.work(|r, tx| r.decline(tx, id)).unwrap();
    let Parting::Asked(handshake) = parting else { panic!("{parting:?}") };
    let goodbye = handshake.envelope.into_bytes();
    assert!(matches!(alice.read(id, &goodbye), Read::Leaving(_)));
    assert!(matches!(bob.read(id, &alice.says(id, "psst")), Read::Withheld));
    let let_go = alice.commits(id, &alice.due(id).unwrap(), &[]);
    alice.takes(id, &let_go, 50);
    assert_eq!(bob.takes(id, &let_go, 50).events, []);
    assert_eq!(bob.row(id).state, GroupState::Gone);
}

#[test]
fn a_blocked_inviter_is_refused_under_any_handle() {
    let [alice, bob] = crowd(["alice", "bob"]);
    let founded = alice.founds("ops", &[&bob]);
    bob.knows(&alice);
    bob.client.block(alice.client.handle(), true).unwrap();
    assert!(matches!(bob.joins(&founded.letters), Err(NotJoined::Blocked)));
    bob.client.block(alice.client.handle(), false).unwrap();
    assert_eq!(bob.joins(&founded.letters).unwrap().state, GroupState::Member);
}

#[test]
fn nobody_is_a_first_member_twice_or_without_keys() {
    let [alice, bob] = crowd(["alice", "bob"]);
    let refused = |invitees: &[Invitee]| alice.tries_founding("ops", invitees).unwrap_err();
    assert!(matches!(refused(&[bob.invitee(), bob.invitee()]), GroupError::AlreadyMember { .. }));
    assert!(matches!(refused(&[alice.invitee()]), GroupError::AlreadyMember { .. }));
    let without = Invitee { key_packages: vec![], ..bob.invitee() };
    assert!(matches!(refused(&[without]), GroupError::NoKeys { .. }));
    let package = bob.invitee().key_packages;
    let crowd = Invitee { key_packages: vec![package[0].clone(); 256], ..bob.invitee() };
    assert!(matches!(refused(std::slice::from_ref(&crowd)), GroupError::TooMany { most: 256 }));
    let id = alice.founds("ops", &[]).id;
    let error = alice.tries(id, &Intent::add(std::slice::from_ref(&crowd)), &[crowd]).unwrap_err();
    assert!(matches!(error, GroupError::TooMany { most: 256 }));
}

#[cfg(feature = "mutants")]
#[test]
fn each_broken_rule_of_groups_fails_its_test() {
    use crate::mutant::{Mutant, assert_each_is_killed};
    let name = |test: &str| format!("groups::tests::named::{test}");
    let lost = name("of_two_commits_the_first_wins_and_nobody_is_invited_by_the_other");
    let request = name("a_strangers_group_is_read_and_shown_once_somebody_has_said_yes");
    assert_each_is_killed(&[(Mutant::KeepLostCommit, &lost), (Mutant::ShowRequests, &request)]);
}
