//! Founding the group of two people, so that a first message can be written while both are away.

use std::collections::BTreeSet;

use chat_crypto::mls::{
    FoundingPlan, GroupFacts, GroupId, GroupMailbox, KeyPackage, MlsGroup, Overlay,
};
use chat_crypto::{InboxPublic, Protected};
use chat_store::ReadTxn;

use super::letter::{Invitation, Letter};
use super::ratchets::Ratchets;
use super::row::NewGroup;
use super::state::StoreState;
use super::{GroupError, GroupKind, GroupRow, GroupState};
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
}

impl Ratchets {
    /// Founds the group of two people. It is there at once; the other joins with the invitation.
    pub(crate) fn found_pair(
        &mut self,
        tx: &ReadTxn<'_>,
        invitee: &Invitee,
        place: &Place,
    ) -> Result<FoundedPair, GroupError> {
        let generation = self.next_generation(tx, &invitee.identity)?;
        let admins = BTreeSet::from([self.own.identity(), invitee.identity]);
        let mailbox = GroupMailbox { tag: place.mailbox.tag, partition: place.mailbox.partition.0 };
        let facts = GroupFacts { mailbox, generation, admins, name: String::new() };
        let plan = FoundingPlan { facts, members: invitee.key_packages.iter().collect() };
        let state = StoreState::new(tx, &self.changes);
        let mut overlay = Overlay::new(&state, &self.own.join_secrets);
        let founded = MlsGroup::found(&mut overlay, &self.own.member, &plan, &self.own.check)?;
        let changes = overlay.into_changes();
        let id = founded.group.id();
        let letter = Letter::Invitation(Invitation {
            topic_id: place.topic_id,
            mailbox: place.mailbox,
            start: place.start,
            welcome: founded.welcome.unwrap_or_default(),
            tree: founded.tree,
        });
        let invitation = letter.seal(&self.own, (&invitee.inbox_key, &invitee.identity))?;
        let group = NewGroup {
            id,
            kind: GroupKind::Pair(invitee.handle.clone(), invitee.identity),
            state: GroupState::Member,
            mailbox: place.mailbox,
            generation,
            start: place.start,
        };
        self.changes.extend(changes);
        self.insert(GroupRow::new(group, &founded.start, now_ms()));
        self.keep_loaded(id, founded.group);
        Ok(FoundedPair { id, invitation })
    }

    /// Above that of all groups that this pair has had.
    fn next_generation(
        &mut self,
        tx: &ReadTxn<'_>,
        identity: &[u8; 32],
    ) -> Result<u32, GroupError> {
        let pairs = self.pairs_of(tx, identity)?;
        let highest = pairs.iter().map(|row| row.generation).max();
        Ok(highest.map_or(0, |highest| highest.saturating_add(1)))
    }
}
