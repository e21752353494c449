//! Groups as people see them.

use std::sync::Arc;

use chat_crypto::{Fingerprint, IdentityPublic};
use chat_store::ReadTxn;

use super::find::{id_prefix, named_groups};
use super::{Group, GroupDetail, GroupMember, GroupStanding, id_of};
use crate::client::Client;
use crate::error::{Error, GroupError};
use crate::groups::{GroupRow, GroupState, MemberName, Ratchets, Roster};
use crate::peer::GroupName;
use crate::trust::{Standing, TrustState};

impl Client {
    /// The groups with a name that this profile is in, is leaving, or was invited to, by name.
    ///
    /// # Errors
    /// When no network is joined or the store cannot be read.
    pub fn groups(&self) -> Result<Vec<Group>, Error> {
        let own = self.profile.own_leaf(&self.profile.joined_network()?)?;
        Ok(self.profile.store.read::<_, GroupError>(|tx| {
            let rows = named_groups(tx)?;
            let mut ratchets = Ratchets::new(Arc::clone(&own));
            let standing =
                |row: &&GroupRow| !matches!(row.state, GroupState::Gone | GroupState::Declined);
            let shown = rows.iter().filter(standing).map(|row| {
                let roster = ratchets.roster(tx, row.id())?;
                Ok(shown(&rows, row, Some(&roster)))
            });
            shown.collect()
        })?)
    }

    /// A group, with its members and what they can compare.
    ///
    /// # Errors
    /// When no network is joined or the store cannot be read.
    pub fn group(&self, group: &GroupName) -> Result<GroupDetail, Error> {
        let own = self.profile.own_leaf(&self.profile.joined_network()?)?;
        let id = id_of(group);
        Ok(self.profile.store.read::<_, GroupError>(|tx| {
            let rows = named_groups(tx)?;
            let row = rows.iter().find(|row| row.id() == id).ok_or(GroupError::NoGroup)?;
            if row.state == GroupState::Gone {
                let group = shown(&rows, row, None);
                return Ok(GroupDetail { group, members: vec![], epoch: 0, code: String::new() });
            }
            let roster = Ratchets::new(Arc::clone(&own)).roster(tx, id)?;
            let people = roster.people();
            let members = people.iter().map(|name| member(tx, &roster, name));
            Ok(GroupDetail {
                group: shown(&rows, row, Some(&roster)),
                members: members.collect::<Result<_, _>>()?,
                epoch: roster.epoch,
                code: roster.code(),
            })
        })?)
    }
}

fn shown(rows: &[GroupRow], row: &GroupRow, roster: Option<&Roster>) -> Group {
    Group {
        name: row.name(),
        id_prefix: id_prefix(rows, row),
        standing: match row.state {
            GroupState::Member | GroupState::Superseded => GroupStanding::Member,
            GroupState::Requested => GroupStanding::Requested,
            GroupState::Leaving | GroupState::Declined => GroupStanding::Leaving,
            GroupState::Gone => GroupStanding::Gone,
            GroupState::Stranded => GroupStanding::Stranded,
        },
        is_admin: roster.is_some_and(Roster::are_we_admin),
        people: roster.map_or(0, |roster| roster.people().len()),
        inviter: row.inviter.as_ref().map(|name| name.handle.clone()),
    }
}

fn member(tx: &ReadTxn<'_>, roster: &Roster, name: &MemberName) -> Result<GroupMember, GroupError> {
    let standing = Standing::of::<GroupError>(tx, &name.handle)?;
    let trust = match standing.pin {
        Some(pin) if pin.identity != name.identity => TrustState::Changed,
        _ => standing.state(),
    };
    Ok(GroupMember {
        handle: name.handle.clone(),
        fingerprint: fingerprint(&name.identity),
        trust,
        blocked: standing.blocked,
        is_admin: roster.is_admin(&name.identity),
        is_self: roster.is_us(&name.identity),
    })
}

fn fingerprint(identity: &[u8; 32]) -> Option<Fingerprint> {
    IdentityPublic::from_bytes(identity).ok().map(|key| key.fingerprint())
}
