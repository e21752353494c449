//! Founding groups, so that a first message can be written while everybody is away.

use std::collections::BTreeSet;
use std::sync::Arc;

use chat_crypto::mls::{
    CommitError, FoundingPlan, GroupFacts, GroupId, GroupMailbox, KeyPackage, MAX_MEMBERS,
    MlsGroup, Overlay,
};
use chat_crypto::{InboxPublic, Protected};
use chat_store::ReadTxn;

use super::letter::{Invitation, Letter};
use super::ratchets::Ratchets;
use super::roster::MemberName;
use super::row::NewGroup;
use super::settle::HeldLetter;
use super::state::StoreState;
use super::{GroupError, GroupKind, GroupRow, GroupState, GroupTitle};
use crate::clock::now_ms;
use crate::handle::Handle;
use crate::mailbox::Mailbox;

/// Somebody who can be brought into a group while they are away.
#[derive(Clone, Debug)]
pub(crate) struct Invitee {
    pub(crate) handle: Handle,
    pub(crate) identity: [u8; 32],
    pub(crate) inbox_key: InboxPublic,
    /// One of each of their devices, at least one.
    pub(crate) key_packages: Vec<KeyPackage>,
}

/// Where the records of a new group go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The mail topic, as far as it was seen.
    pub(crate) topic_id: [u8; 16],
    pub(crate) mailbox: Mailbox,
    /// An offset of the partition at which nothing of the group can lie before.
    pub(crate) start: u64,
}

/// A group of two that was just founded.
#[derive(Debug)]
pub(crate) struct FoundedPair {
    pub(crate) id: GroupId,
    /// For the other's inbox.
    pub(crate) invitation: Protected,
    /// For our own inbox, where our other devices read it.
    pub(crate) for_us: Option<HeldLetter>,
}

/// A named group that was just founded.
#[derive(Debug)]
pub(crate) struct FoundedGroup {
    pub(crate) id: GroupId,
    /// For the inboxes of its first members.
    pub(crate) letters: Vec<HeldLetter>,
}

impl Ratchets {
    /// Founds the group of two people. It is there at once; the other joins with the invitation.
    ///
    /// * `ours` - our other devices, where there are any
    pub(crate) fn found_pair(
        &mut self,
        tx: &ReadTxn<'_>,
        (invitee, ours): (&Invitee, Option<&Invitee>),
        place: &Place,
    ) -> Result<FoundedPair, GroupError> {
        let generation = self.next_generation(tx, &invitee.identity)?;
        let admins = BTreeSet::from([self.own.identity(), invitee.identity]);
        let facts = facts(place, generation, admins, String::new());
        let kind = GroupKind::Pair(invitee.handle.clone(), invitee.identity);
        let members = key_packages(std::iter::once(invitee).chain(ours));
        let (id, letter) = self.found(tx, (facts, members), (kind, place))?;
        let invitation = letter.seal(&self.own, (&invitee.inbox_key, &invitee.identity))?;
        let for_us = ours.map(|ours| HeldLetter::seal(&letter, &self.own, ours)).transpose()?;
        Ok(FoundedPair { id, invitation, for_us })
    }

    /// Founds a group under a name, with any number of first members. We are its admin.
    pub(crate) fn found_named(
        &mut self,
        tx: &ReadTxn<'_>,
        (title, invitees, ours): (&GroupTitle, &[Invitee], Option<&Invitee>),
        place: &Place,
    ) -> Result<FoundedGroup, GroupError> {
        let own = MemberName { handle: self.own.handle()?, identity: self.own.identity() };
        check_each_once(&own, (invitees, ours))?;
        let facts = facts(place, 0, BTreeSet::from([own.identity]), title.as_str().to_owned());
        let kind = GroupKind::Named(title.as_str().to_owned());
        let members = key_packages(invitees.iter().chain(ours));
        let (id, letter) = self.found(tx, (facts, members), (kind, place))?;
        let own = Arc::clone(&self.own);
        let seal = |invitee: &Invitee| HeldLetter::seal(&letter, &own, invitee);
        let letters = invitees.iter().chain(ours).map(seal).collect::<Result<_, GroupError>>()?;
        Ok(FoundedGroup { id, letters })
    }

    fn found(
        &mut self,
        tx: &ReadTxn<'_>,
        (facts, members): (GroupFacts, Vec<&KeyPackage>),
        (kind, place): (GroupKind, &Place),
    ) -> Result<(GroupId, Letter), GroupError> {
        let generation = facts.generation;
        let plan = FoundingPlan { facts, members };
        let state = StoreState::new(tx, &self.changes);
        let mut overlay = Overlay::new(&state, &self.own.join_secrets);
        let founded = MlsGroup::found(&mut overlay, &self.own.member, &plan, &self.own.check);
        let founded = founded.map_err(|error| match error {
            CommitError::Refused(refusal) => refusal.into(),
            other => GroupError::from(other),
        })?;
        let changes = overlay.into_changes();
        let id = founded.group.id();
        let letter = Letter::Invitation(Invitation {
            topic_id: place.topic_id,
            mailbox: place.mailbox,
            start: place.start,
            welcome: founded.welcome.unwrap_or_default(),
            tree: founded.tree,
        });
        let group = NewGroup {
            id,
            kind,
            state: GroupState::Member,
            mailbox: place.mailbox,
            generation,
            start: place.start,
            inviter: None,
        };
        self.changes.extend(changes);
        self.insert(GroupRow::new(group, &founded.start, now_ms()));
        self.keep_loaded(id, founded.group);
        Ok((id, letter))
    }

    /// Above that of all groups that this pair has had.
    pub(super) fn next_generation(
        &self,
        tx: &ReadTxn<'_>,
        identity: &[u8; 32],
    ) -> Result<u32, GroupError> {
        let pairs = self.pairs_of(tx, identity)?;
        // What a removed device has founded counts for nothing.
        let sound = pairs.iter().filter(|row| !row.is_tainted);
        let highest = sound.map(|row| row.generation).max();
        Ok(highest.map_or(0, |highest| highest.saturating_add(1)))
    }
}

fn facts(place: &Place, generation: u32, admins: BTreeSet<[u8; 32]>, name: String) -> GroupFacts {
    let mailbox = GroupMailbox { tag: place.mailbox.tag, partition: place.mailbox.partition.0 };
    GroupFacts { mailbox, generation, admins, name }
}

fn key_packages<'a>(invitees: impl Iterator<Item = &'a Invitee>) -> Vec<&'a KeyPackage> {
    invitees.flat_map(|invitee| &invitee.key_packages).collect()
}

/// Whether these are different people, each with keys, and none of them is us.
fn check_each_once(
    own: &MemberName,
    (invitees, ours): (&[Invitee], Option<&Invitee>),
) -> Result<(), GroupError> {
    let mut names = vec![own.clone()];
    for invitee in invitees {
        let name = invitee.name();
        let handle = name.handle.clone();
        if invitee.key_packages.is_empty() {
            return Err(GroupError::NoKeys { handle });
        }
        if names.iter().any(|known| known.identity == name.identity) {
            return Err(GroupError::AlreadyMember { handle });
        }
        if names.iter().any(|known| known.handle == name.handle) {
            return Err(GroupError::HandleInUse { handle });
        }
        names.push(name);
    }
    let leaves = 1 + key_packages(invitees.iter().chain(ours)).len();
    if leaves > MAX_MEMBERS {
        return Err(GroupError::TooMany { most: MAX_MEMBERS });
    }
    Ok(())
}
