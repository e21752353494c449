//! Getting back into groups that a profile cannot go on in: it asks to be put back, or founds the group of two anew.

use chat_crypto::InboxPublic;
use chat_crypto::mls::GroupId;
use chat_store::{ReadTxn, WriteTxn};
use rand::seq::SliceRandom;

use super::found::Invitee;
use super::repair::{KEYS_SOON_MS, NOBODY_MS};
use super::request::is_pinned;
use super::{GroupKind, GroupRow, GroupState, MOST_ASKED, MemberName, NewKeys, Ratchets};
use crate::client::{Profile, inbox_key};
use crate::clock::now_ms;
use crate::directory::{inbox_key_of, own_key_package};
use crate::error::SendError;
use crate::handle::Handle;
use crate::network::Network;
use crate::outbox::Sealer;
use crate::trust::Standing;

impl Profile {
    /// Whose published keys it takes to get back into groups; `None` if this profile is in step with all of them.
    pub(crate) fn who_helps_back(
        &self,
        network: &Network,
    ) -> Result<Option<Vec<Handle>>, SendError> {
        let own = self.own_leaf(network)?;
        self.store.read(|tx| {
            let mut ratchets = Ratchets::new(own);
            let mut handles = Vec::new();
            let lost = lost(tx)?;
            for row in &lost {
                match &row.kind {
                    GroupKind::Pair(handle, _) => handles.push(handle.clone()),
                    GroupKind::Named(_) => match ratchets.whom_to_ask(tx, row.id()) {
                        Ok(names) => handles.extend(names.into_iter().map(|name| name.handle)),
                        Err(error) if error.concerns_store() => return Err(error.into()),
                        // One group holds up no other.
                        Err(error) => tracing::warn!(%error, "a group cannot be read any more"),
                    },
                }
            }
            handles.sort();
            handles.dedup();
            Ok((!lost.is_empty()).then_some(handles))
        })
    }

    /// Does what it takes to get back into groups, with the keys that are known: letters and invitations go into the
    /// outbox. It is done again after a while, until it has helped.
    pub(crate) fn get_back(&self, network: &Network) -> Result<(), SendError> {
        for row in self.store.read::<_, SendError>(lost)? {
            let done = match &row.kind {
                GroupKind::Pair(handle, identity) => {
                    self.found_again(network, &row, (handle, identity))
                }
                GroupKind::Named(_) => self.ask_members(network, row.id()),
            };
            match done {
                Ok(()) => {}
                Err(error) if error.concerns_store() => return Err(error),
                // One group holds up no other.
                Err(error) => tracing::warn!(%error, "a group cannot be got back into"),
            }
        }
        Ok(())
    }

    /// Asks members of a group to put us back.
    fn ask_members(&self, network: &Network, id: GroupId) -> Result<(), SendError> {
        let (own, signer) = (self.own_leaf(network)?, self.signer(network.namespace())?);
        let sealer = Sealer { network, signer: &signer };
        self.store.write(|tx| {
            let mut ratchets = Ratchets::new(own);
            // Another process may have been quicker.
            if !ratchets.row(tx, id)?.is_asking_due(now_ms()) {
                return Ok(());
            }
            let mut members = ratchets.whom_to_ask(tx, id)?;
            if members.is_empty() && ratchets.row(tx, id)?.state == GroupState::Member {
                // Nobody else is in it who could have changed it.
                ratchets.change(tx, id, GroupRow::settle_doubt)?;
                return Ok(ratchets.finish(tx)?);
            }
            members.shuffle(&mut rand::rng());
            let key_package = own_key_package(tx, (network, &self.handle, &signer))?;
            let mut known = Vec::new();
            for name in members {
                known.extend(self.inbox_of(tx, network, name)?);
            }
            known.truncate(MOST_ASKED);
            let wait = if known.is_empty() { NOBODY_MS } else { KEYS_SOON_MS };
            let Some(key_package) = key_package.filter(|_| !known.is_empty()) else {
                ratchets.change(tx, id, |row| row.ask_after(now_ms(), wait))?;
                return Ok(ratchets.finish(tx)?);
            };
            let keys = NewKeys { inbox_key: inbox_key(tx)?.public(), key_package };
            for held in ratchets.ask(tx, id, (&known, &keys), now_ms())? {
                sealer.post(tx, &held.to, &held.letter)?;
            }
            Ok(ratchets.finish(tx)?)
        })
    }

    /// Where a letter to somebody goes, if it is known and they are not blocked.
    fn inbox_of(
        &self,
        tx: &ReadTxn<'_>,
        network: &Network,
        name: MemberName,
    ) -> Result<Option<(MemberName, InboxPublic)>, SendError> {
        if Standing::of::<SendError>(tx, &name.handle)?.blocked {
            return Ok(None);
        }
        let who = (&name.handle, &name.identity);
        let inbox_key = inbox_key_of::<SendError>(tx, network.namespace(), who)?;
        Ok(inbox_key.map(|inbox_key| (name, inbox_key)))
    }

    /// Founds the group of us and somebody anew: it takes the place of the one that we cannot go on in.
    fn found_again(
        &self,
        network: &Network,
        row: &GroupRow,
        (handle, identity): (&Handle, &[u8; 32]),
    ) -> Result<(), SendError> {
        let invitee = self.invitee(network, handle)?;
        let invitee: Option<Invitee> = invitee.filter(|known| known.identity == *identity);
        let (own, signer) = (self.own_leaf(network)?, self.signer(network.namespace())?);
        let sealer = Sealer { network, signer: &signer };
        let (place, ours) = (self.new_place(network)?, self.own_invitee(network)?);
        self.store.write(|tx: &mut WriteTxn<'_>| {
            // Another process may have been quicker, or another row of the same two.
            if !lost(tx)?.iter().any(|one| one.id() == row.id()) {
                return Ok(());
            }
            let mut ratchets = Ratchets::new(own);
            match invitee {
                None => ratchets.change(tx, row.id(), |row| row.ask_after(now_ms(), NOBODY_MS))?,
                Some(invitee) => {
                    ratchets.change(tx, row.id(), |row| row.note_asking(Vec::new(), now_ms()))?;
                    let founded = ratchets.found_pair(tx, (&invitee, ours.as_ref()), &place)?;
                    ratchets.converge(tx, identity)?;
                    sealer.invite(tx, &mut ratchets, (handle, &founded))?;
                }
            }
            Ok(ratchets.finish(tx)?)
        })
    }
}

/// The groups in which it is time to do something: a pair's only where it has no other group, and only with somebody
/// whose key counts and who is not blocked.
fn lost(tx: &ReadTxn<'_>) -> Result<Vec<GroupRow>, SendError> {
    let (all, now) = (GroupRow::all::<SendError>(tx)?, now_ms());
    let mut lost = Vec::new();
    for row in all.iter().filter(|row| row.is_asking_due(now)) {
        let is_it = match &row.kind {
            GroupKind::Named(_) => true,
            GroupKind::Pair(handle, identity) => {
                let is_replaced = all.iter().any(|other| {
                    other.id() != row.id()
                        && other.state == GroupState::Member
                        && other.is_pair_with(identity)
                });
                let is_blocked = Standing::of::<SendError>(tx, handle)?.blocked;
                !is_replaced && !is_blocked && is_pinned(tx, handle, identity)?
            }
        };
        if is_it {
            lost.push(row.clone());
        }
    }
    Ok(lost)
}
