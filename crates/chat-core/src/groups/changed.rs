//! A Commit that was taken over, and what it is told as.

use std::collections::BTreeSet;

use chat_crypto::mls::{Change, GroupFacts, GroupId, Leaf};
use chat_store::ReadTxn;

use super::ratchets::Ratchets;
use super::roster::{MemberName, Roster};
use super::{GroupError, GroupState};
use crate::handle::Handle;
use crate::item::{GroupChanged, GroupEvent, Item};
use crate::remote_text::RemoteText;

/// A Commit that was taken over.
#[derive(Debug)]
pub(crate) struct Changed {
    pub(crate) change: Change,
    /// What all agreed on before.
    pub(super) before: GroupFacts,
    /// How we stood in the group before.
    pub(super) was: GroupState,
    /// Our own Commit, by its hash.
    pub(super) own: Option<[u8; 32]>,
    /// Who had signed that they leave.
    pub(super) departed: Vec<MemberName>,
}

impl Ratchets {
    /// What a Commit is told as, to those who stay.
    pub(super) fn events(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        (changed, roster): (&Changed, &Roster),
    ) -> Result<Vec<Item>, GroupError> {
        if !self.is_shown(tx, id)? {
            return Ok(Vec::new());
        }
        let Changed { change, before, departed, .. } = changed;
        let (added, removed, back) =
            (changed.came(roster), changed.went(roster), changed.came_back());
        let (left, removed): (Vec<_>, Vec<_>) =
            removed.into_iter().partition(|name| departed.contains(name));
        let mut events = Vec::new();
        for (names, what) in [
            (added, GroupEvent::Added as fn(Vec<Handle>) -> GroupEvent),
            (removed.clone(), GroupEvent::Removed),
            (left.clone(), GroupEvent::Left),
            (back, GroupEvent::PutBack),
        ] {
            if !names.is_empty() {
                events.push(what(handles(names)));
            }
        }
        if change.facts.name != before.name {
            events.push(GroupEvent::Renamed(RemoteText::new(change.facts.name.as_str())));
        }
        let people = roster.people();
        let of = |admins: &GroupFacts, others: &GroupFacts| {
            let new = |name: &&MemberName| {
                admins.admins.contains(&name.identity) && !others.admins.contains(&name.identity)
            };
            handles(people.iter().filter(new).cloned().collect())
        };
        let (more, fewer) = (of(&change.facts, before), of(before, &change.facts));
        if !more.is_empty() || !fewer.is_empty() {
            events.push(GroupEvent::AdminsChanged { added: more, removed: fewer });
        }
        self.told(tx, id, (&change.by, events))
    }

    /// What the Commit is told as that has put us out.
    pub(super) fn events_of_our_end(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        changed: &Changed,
    ) -> Result<Vec<Item>, GroupError> {
        let us = self.own.handle()?;
        let own = self.own.identity();
        let we_left = changed.departed.iter().any(|name| name.identity == own);
        let event = match changed.was {
            // Another device of ours has said so.
            GroupState::Member if we_left => GroupEvent::Left(vec![us]),
            GroupState::Member | GroupState::Stranded => GroupEvent::Removed(vec![us]),
            GroupState::Leaving => GroupEvent::Left(vec![us]),
            _ => return Ok(Vec::new()),
        };
        if !self.row(tx, id)?.is_named() {
            return Ok(Vec::new());
        }
        self.told(tx, id, (&changed.change.by, vec![event]))
    }

    /// That a change which we have asked for is given up.
    pub(super) fn not_made(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        why: &GroupError,
    ) -> Result<Vec<Item>, GroupError> {
        if !self.is_shown(tx, id)? {
            return Ok(Vec::new());
        }
        let group = self.row(tx, id)?.name();
        let (by, what) = (self.own.handle()?, GroupEvent::NotMade(why.to_string()));
        Ok(vec![Item::GroupChanged(GroupChanged { group, by, what })])
    }

    fn told(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        (by, events): (&Leaf, Vec<GroupEvent>),
    ) -> Result<Vec<Item>, GroupError> {
        let group = self.row(tx, id)?.name();
        let by: Handle = by.name.handle.parse().map_err(|_| GroupError::NoGroup)?;
        let item =
            |what| Item::GroupChanged(GroupChanged { group: group.clone(), by: by.clone(), what });
        Ok(events.into_iter().map(item).collect())
    }
}

impl Changed {
    /// People who are new: all their devices are.
    fn came(&self, roster: &Roster) -> Vec<MemberName> {
        let (added, removed) = (&self.change.added, &self.change.removed);
        let is_new = |name: &MemberName| {
            count(added, name) > 0
                && count(added, name) == count(&roster.leaves, name)
                && count(removed, name) == 0
        };
        roster.people().into_iter().filter(is_new).collect()
    }

    /// People of whom a device was taken out and brought in again.
    fn came_back(&self) -> Vec<MemberName> {
        let (added, removed) = (&self.change.added, &self.change.removed);
        let is_back =
            |leaf: &&Leaf| added.iter().any(|new| new.signature_key == leaf.signature_key);
        let back = removed.iter().filter(is_back).filter_map(|leaf| MemberName::of(&leaf.name));
        let names: BTreeSet<MemberName> = back.collect();
        names.into_iter().collect()
    }

    /// People of whom no device is left.
    fn went(&self, roster: &Roster) -> Vec<MemberName> {
        let mut names: Vec<MemberName> =
            self.change.removed.iter().filter_map(|leaf| MemberName::of(&leaf.name)).collect();
        names.sort();
        names.dedup();
        names.retain(|name| count(&roster.leaves, name) == 0);
        names
    }
}

fn count(leaves: &[Leaf], name: &MemberName) -> usize {
    leaves.iter().filter(|leaf| leaf.name.identity == name.identity).count()
}

fn handles(names: Vec<MemberName>) -> Vec<Handle> {
    names.into_iter().map(|name| name.handle).collect()
}
