//! Joining a group that somebody has invited us to.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use chat_crypto::DeviceCertificate;
use chat_crypto::mls::{
    GroupFacts, GroupId, Invitation as Welcome, JoinError, Joined as JoinedMls, LeafName,
    MlsChanges, MlsGroup, Overlay, Rejoin,
};
use chat_store::ReadTxn;

use super::letter::Invitation;
use super::ratchets::Ratchets;
use super::repair::Repair;
use super::request::is_pinned;
use super::roster::MemberName;
use super::row::NewGroup;
use super::state::StoreState;
use super::{GroupError, GroupKind, GroupRow, GroupState};
use crate::clock::now_ms;
use crate::handle::Handle;
use crate::item::{GroupChanged, GroupEvent, Item};
use crate::mailbox::Mailbox;

/// A group that was just joined.
#[derive(Debug)]
pub(crate) struct Joined {
    pub(crate) id: GroupId,
    pub(crate) inviter: LeafName,
    /// How we stand in it: a member, or asked by a stranger.
    pub(crate) state: GroupState,
    /// For the group's conversation: that we are in it now.
    pub(crate) event: Option<Item>,
}

/// Why an invitation was not taken. It counts for nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotJoined {
    /// The group's state could not be read or written.
    #[error(transparent)]
    Failed(#[from] GroupError),
    /// The Welcome is not valid, or not for us.
    #[error(transparent)]
    Welcome(JoinError),
    /// Whoever invites is blocked.
    #[error("its inviter is blocked")]
    Blocked,
    /// Too many strangers have invited us.
    #[error("too many invitations of strangers wait")]
    TooMany,
    /// We are in the group. It is kept: we may be about to be put out.
    #[error("it is for a group that this profile is in")]
    Early,
    /// The letter and the group do not fit together.
    #[error("the invitation does not fit its group: {0}")]
    Unfit(&'static str),
}

/// Where an invitation came in, and what is known there.
#[derive(Clone, Copy)]
pub(crate) struct Arrival {
    /// Partitions that mailboxes may be in.
    pub(crate) partitions: NonZeroU32,
    /// The mail topic that it was read from.
    pub(crate) topic_id: [u8; 16],
    /// Whether it is from before this profile's data was restored: another copy may have joined with it.
    pub(crate) is_copy: bool,
}

impl Ratchets {
    /// Joins a group. Our first act in it is to renew our leaf, which is due at once.
    pub(crate) fn join(
        &mut self,
        tx: &ReadTxn<'_>,
        (invitation, sender): (&Invitation, &DeviceCertificate),
        arrival: Arrival,
    ) -> Result<Joined, NotJoined> {
        if self.is_removed(tx, sender)? {
            return Err(NotJoined::Unfit("its sender's device was removed by its owner"));
        }
        if invitation.mailbox.partition.0 >= arrival.partitions.get() {
            return Err(NotJoined::Unfit("no partition of the network"));
        }
        let (joined, changes, asked) = match self.try_join(tx, invitation, Rejoin::No) {
            Err(NotJoined::Welcome(JoinError::Exists(id))) => {
                self.join_again(tx, id, (invitation, sender))?
            }
            joined => {
                let (joined, changes) = joined?;
                (joined, changes, false)
            }
        };
        let before = self.known(tx, joined.group.id())?.cloned();
        let kind = self.check_fits(tx, &joined, (invitation, sender), before.as_ref())?;
        let state = self.standing_in(tx, (&joined, &kind), (asked, arrival.is_copy))?;
        let JoinedMls { group, inviter, facts, start, .. } = joined;
        let same_log = [arrival.topic_id, [0; 16]].contains(&invitation.topic_id);
        let new = NewGroup {
            id: group.id(),
            kind: kind.clone(),
            state,
            mailbox: invitation.mailbox,
            generation: facts.generation,
            start: if same_log { invitation.start } else { 0 },
            inviter: MemberName::of(&inviter.name),
        };
        let inviting = *sender.device_id().as_bytes();
        let id = group.id();
        let mut row = GroupRow::new(new, &start, NEVER);
        row.inviting_device = Some(inviting);
        row.repair =
            Repair::joined((start.epoch, now_ms()), before.as_ref().map(|row| &row.repair));
        row.repair.is_copy = arrival.is_copy;
        if let Some(before) = &before {
            self.forget_secrets(tx, id)?;
            self.forget_early(tx, id)?;
            if asked {
                row.keep_mailboxes(before);
            }
        }
        self.changes.extend(changes);
        self.insert(row);
        self.keep_loaded(id, group);
        if let GroupKind::Pair(_, identity) = kind {
            self.converge(tx, &identity)?;
        }
        let what =
            if asked { GroupEvent::PutBack(vec![self.own.handle()?]) } else { GroupEvent::Joined };
        let event = match state {
            GroupState::Member => self.joined_event(tx, id, what)?,
            _ => None,
        };
        Ok(Joined { id, inviter: inviter.name, state, event })
    }

    /// How we stand in a group that we have just joined.
    fn standing_in(
        &mut self,
        tx: &ReadTxn<'_>,
        (joined, kind): (&JoinedMls, &GroupKind),
        (asked, is_copy): (bool, bool),
    ) -> Result<GroupState, NotJoined> {
        let inviter = &joined.inviter.name;
        let is_known = match (kind, inviter.identity == self.own.identity()) {
            (_, false) => self.knows(tx, inviter)?,
            (GroupKind::Named(_), true) => true,
            // It is the other of the two who may be a stranger.
            (GroupKind::Pair(handle, identity), true) => is_pinned(tx, handle, identity)?,
        };
        let state = match asked || is_known {
            true => GroupState::Member,
            false => self.standing_with_stranger(tx, kind)?,
        };
        let is_lost = is_copy && state == GroupState::Member;
        Ok(if is_lost { GroupState::Stranded } else { state })
    }

    /// Checks that a Welcome, the letter that it came in, and what is known of the group fit together.
    fn check_fits(
        &self,
        tx: &ReadTxn<'_>,
        joined: &JoinedMls,
        (invitation, sender): (&Invitation, &DeviceCertificate),
        before: Option<&GroupRow>,
    ) -> Result<GroupKind, NotJoined> {
        if joined.inviter.credential != sender.as_bytes() {
            return Err(NotJoined::Unfit("somebody else has signed the Welcome"));
        }
        if mailbox_of(&joined.facts) != invitation.mailbox {
            return Err(NotJoined::Unfit("it names another mailbox"));
        }
        let kind = self.kind_of(joined)?;
        if let Some(row) = before {
            // What is sent again from before we were put out, or put back, leads into an epoch that is over.
            if joined.start.epoch <= row.newest_epoch() {
                return Err(NotJoined::Unfit("it is for an epoch that is over"));
            }
            if row.is_named() != matches!(kind, GroupKind::Named(_)) {
                return Err(NotJoined::Unfit(
                    "a named group stays one, and that of two people too",
                ));
            }
        }
        let is_ours = joined.inviter.name.identity == self.own.identity();
        if let (GroupKind::Pair(_, identity), false) = (&kind, is_ours) {
            let next = self.next_generation(tx, identity)?;
            // Whoever makes a leap wants all others to count for nothing, for ever.
            if joined.facts.generation > next.saturating_add(MOST_AHEAD) {
                return Err(NotJoined::Unfit("its generation is far above all that there were"));
            }
        }
        Ok(kind)
    }

    fn try_join(
        &self,
        tx: &ReadTxn<'_>,
        invitation: &Invitation,
        rejoin: Rejoin,
    ) -> Result<(JoinedMls, MlsChanges), NotJoined> {
        let state = StoreState::new(tx, &self.changes);
        let mut overlay = Overlay::new(&state, &self.own.join_secrets);
        let Invitation { welcome, tree, .. } = invitation;
        let welcome = Welcome { welcome, tree, rejoin };
        let joined = MlsGroup::join(&mut overlay, &self.own.member, &welcome, &self.own.check)?;
        Ok((joined, overlay.into_changes()))
    }

    /// Joins a group that we are in, if we have asked whoever invites us for it.
    fn join_again(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        (invitation, sender): (&Invitation, &DeviceCertificate),
    ) -> Result<(JoinedMls, MlsChanges, bool), NotJoined> {
        let inviter = sender.identity().as_bytes();
        let is_asked = self.known(tx, id)?.is_some_and(|row| row.repair.has_asked(inviter));
        if is_asked {
            let (joined, changes) = self.try_join(tx, invitation, Rejoin::Asked(id))?;
            return Ok((joined, changes, true));
        }
        if self.keep_early(tx, id, (invitation, sender))? {
            return Err(NotJoined::Early);
        }
        Err(NotJoined::Welcome(JoinError::Exists(id)))
    }

    /// That we are in a named group now, for its conversation.
    ///
    /// * `what` - how that came
    pub(crate) fn joined_event(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        what: GroupEvent,
    ) -> Result<Option<Item>, GroupError> {
        let row = self.row(tx, id)?;
        let inviter = row.inviter.as_ref().filter(|_| row.is_named());
        let changed = inviter.map(|inviter| GroupChanged {
            group: row.name(),
            by: inviter.handle.clone(),
            what,
        });
        Ok(changed.map(Item::GroupChanged))
    }

    /// A group without a name is that of us and one other, whichever of the two has founded it.
    fn kind_of(&self, joined: &JoinedMls) -> Result<GroupKind, NotJoined> {
        let names: BTreeSet<&LeafName> = joined.members.iter().map(|leaf| &leaf.name).collect();
        let mut identities: BTreeSet<[u8; 32]> = names.iter().map(|name| name.identity).collect();
        if identities.len() != names.len() {
            return Err(NotJoined::Unfit("one identity has two handles"));
        }
        if !joined.facts.name.is_empty() {
            return Ok(GroupKind::Named(joined.facts.name.clone()));
        }
        let is_other = |name: &&&LeafName| name.identity != self.own.identity();
        let other = names.iter().find(is_other).filter(|_| names.len() == 2);
        if joined.facts.admins != identities || !identities.remove(&self.own.identity()) {
            return Err(NotJoined::Unfit("a group without a name is of two people"));
        }
        let other = other.ok_or(NotJoined::Unfit("a group without a name is of two people"))?;
        let handle: Handle =
            other.handle.parse().map_err(|_| NotJoined::Unfit("the other has no handle"))?;
        Ok(GroupKind::Pair(handle, other.identity))
    }
}

impl From<JoinError> for NotJoined {
    fn from(error: JoinError) -> Self {
        match error {
            JoinError::Load(error) => Self::Failed(error.into()),
            other => Self::Welcome(other),
        }
    }
}

/// Where a group's records go, as all its members agree.
pub(super) fn mailbox_of(facts: &GroupFacts) -> Mailbox {
    let partition = chat_transport::Partition(facts.mailbox.partition);
    Mailbox { partition, tag: facts.mailbox.tag }
}

/// How many generations of a pair's groups may have passed unseen.
const MOST_AHEAD: u32 = 1024;
/// Our leaf was never renewed.
const NEVER: i64 = 0;
