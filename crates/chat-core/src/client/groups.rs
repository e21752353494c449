//! Groups with a name: what a profile is in, and changing them.

use chat_crypto::Fingerprint;
use chat_crypto::mls::GroupId;

use super::Client;
use crate::error::{Error, GroupError, SendError};
use crate::groups::{GroupRow, GroupTitle, Intent, Invitee, MemberName, Parting};
use crate::handle::Handle;
use crate::item::GroupEvent;
use crate::peer::GroupName;
use crate::trust::TrustState;

mod find;
mod queue;
mod requests;
mod shown;
#[cfg(test)]
mod tests;

/// A group that a profile is in, or was invited to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Group {
    /// Which, and what it is called.
    pub name: GroupName,
    /// The first digits of its id, at least four: enough to tell it from all other groups of this profile.
    pub id_prefix: String,
    /// How this profile stands in it.
    pub standing: GroupStanding,
    /// Whether this profile may change it.
    pub is_admin: bool,
    /// How many people are in it.
    pub people: usize,
    /// Who has invited this profile; `None` if it has made the group.
    pub inviter: Option<Handle>,
}

/// How a profile stands in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupStanding {
    /// It reads it and writes to it.
    Member,
    /// A stranger has invited it, and nobody has said yes.
    Requested,
    /// It has said that it leaves.
    Leaving,
    /// It has left, or was removed.
    Gone,
    /// Its data is a restored copy: it reads, and does not write before others have given it new keys.
    Stranded,
}

impl GroupStanding {
    /// The name that JSON output uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Requested => "requested",
            Self::Leaving => "leaving",
            Self::Gone => "gone",
            Self::Stranded => "stranded",
        }
    }
}

/// A group, with all that members can compare.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupDetail {
    /// The group.
    pub group: Group,
    /// Everybody in it, by handle; nobody once this profile is out.
    pub members: Vec<GroupMember>,
    /// How often it has changed, as all members count it.
    pub epoch: u64,
    /// 30 digits, equal for all members of this epoch and for nobody else; to be compared by voice.
    pub code: String,
}

/// Somebody in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupMember {
    /// The handle.
    pub handle: Handle,
    /// The key behind it, in this group.
    pub fingerprint: Option<Fingerprint>,
    /// How much this key is to be trusted.
    pub trust: TrustState,
    /// Whether this profile has blocked the handle.
    pub blocked: bool,
    /// Whether they may change the group.
    pub is_admin: bool,
    /// Whether it is this profile itself.
    pub is_self: bool,
}

/// A change of a group that waits in the outbox. It counts once it has come back from the log.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GroupChange {
    /// The group.
    pub group: GroupName,
    /// Rows of the outbox that carry it; none for a group that was forgotten.
    pub rows: usize,
}

impl Client {
    /// Makes a group, with this profile as its admin, and invites people to it. It is there at once: messages may
    /// be written to it before anybody has joined.
    ///
    /// # Errors
    /// When the name is not fit, somebody has no published keys, is blocked or has a changed key, or the store fails.
    pub fn create_group(&self, name: &str, others: &[Handle]) -> Result<GroupChange, Error> {
        let title = GroupTitle::parse(name)?;
        let invitees = self.invitees(others)?;
        Ok(self.profile.found_group(&title, &invitees)?)
    }

    /// Brings people into a group. Each gets an invitation once the change has come back.
    ///
    /// # Errors
    /// As [`create_group`](Self::create_group), and when this profile is no admin, or another change is on its way.
    pub fn invite_to(&self, group: &GroupName, others: &[Handle]) -> Result<GroupChange, Error> {
        let invitees = self.invitees(others)?;
        Ok(self.profile.invite_to_group(id_of(group), &invitees)?)
    }

    /// Puts people out of a group: they read nothing of what is written after.
    ///
    /// # Errors
    /// When this profile is no admin, somebody is no member, another change is on its way, or the store fails.
    pub fn remove_from(&self, group: &GroupName, others: &[Handle]) -> Result<GroupChange, Error> {
        let remove =
            |people: &[MemberName], _: &GroupRow| Ok(Intent::Remove(named(people, others)?));
        Ok(self.profile.change_group(id_of(group), &[], remove)?)
    }

    /// Calls a group otherwise.
    ///
    /// # Errors
    /// When the name is not fit, this profile is no admin, another change is on its way, or the store fails.
    pub fn rename_group(&self, group: &GroupName, name: &str) -> Result<GroupChange, Error> {
        let title = GroupTitle::parse(name)?;
        let rename = |_: &[MemberName], row: &GroupRow| {
            Ok(Intent::rename(row.name().name().expose(), &title))
        };
        Ok(self.profile.change_group(id_of(group), &[], rename)?)
    }

    /// Lets members change a group from now on, or no more.
    ///
    /// # Errors
    /// When this profile is no admin, no admin would be left, somebody is no member, another change is on its way,
    /// or the store fails.
    pub fn set_admins(
        &self,
        group: &GroupName,
        add: &[Handle],
        remove: &[Handle],
    ) -> Result<GroupChange, Error> {
        let change = |people: &[MemberName], _: &GroupRow| {
            Ok(Intent::SetAdmins { add: named(people, add)?, remove: named(people, remove)? })
        };
        Ok(self.profile.change_group(id_of(group), &[], change)?)
    }

    /// Leaves a group. This profile is out once a member has taken the change up; a group that nobody else is in is
    /// forgotten at once.
    ///
    /// # Errors
    /// [`GroupError::LastAdmin`] while others are in it, and when the store fails.
    pub fn leave_group(&self, group: &GroupName) -> Result<GroupChange, Error> {
        Ok(self.profile.in_group(id_of(group), |queue, tx| match queue.leave(tx)? {
            Parting::Asked(handshake) => queue.push(tx, handshake),
            Parting::Forgotten => {
                let us = queue.own_handle()?;
                queue.tell(tx, (us.clone(), GroupEvent::Left(vec![us])))
            }
        })?)
    }

    /// What people have published to be invited with.
    fn invitees(&self, others: &[Handle]) -> Result<Vec<Invitee>, Error> {
        let network = self.profile.joined_network()?;
        let invitee = |handle: &Handle| {
            if *handle == self.profile.handle {
                return Err(GroupError::AlreadyMember { handle: handle.clone() }.into());
            }
            self.profile.may_write_to_person(handle)?;
            let found = self.profile.invitee(&network, handle)?;
            Ok(found.ok_or_else(|| GroupError::NoKeys { handle: handle.clone() })?)
        };
        Ok(others.iter().map(invitee).collect::<Result<_, SendError>>()?)
    }
}

/// The members with these handles.
fn named(people: &[MemberName], handles: &[Handle]) -> Result<Vec<MemberName>, GroupError> {
    let find = |handle: &Handle| {
        let found = people.iter().find(|name| name.handle == *handle);
        found.cloned().ok_or_else(|| GroupError::NotAMember { handle: handle.clone() })
    };
    handles.iter().map(find).collect()
}

fn id_of(group: &GroupName) -> GroupId {
    GroupId::from_bytes(*group.as_bytes())
}
