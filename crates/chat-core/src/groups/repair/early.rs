//! Invitations that come before the Commit which puts us out: they lie in another partition.

use chat_crypto::DeviceCertificate;
use chat_crypto::mls::GroupId;
use chat_store::ReadTxn;
use serde::{Deserialize, Serialize};

use crate::groups::letter::Invitation;
use crate::groups::ratchets::Ratchets;
use crate::groups::{GroupError, GroupRow, GroupState};
use crate::history_row::{decode, encode};

/// An invitation that came before the Commit which puts us out.
#[derive(Serialize, Deserialize)]
struct Early {
    #[serde(with = "serde_bytes")]
    invitation: Vec<u8>,
    /// The device certificate of its sender.
    #[serde(with = "serde_bytes")]
    sender: Vec<u8>,
}

impl Ratchets {
    /// An invitation to a named group that we are in: it may come before the Commit which puts us out. It is kept until
    /// then, if it comes from an admin or another device of ours and is for later than the one that we have joined with.
    ///
    /// Returns whether it is kept.
    pub(in crate::groups) fn keep_early(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        (invitation, sender): (&Invitation, &DeviceCertificate),
    ) -> Result<bool, GroupError> {
        let own = self.own.identity();
        let Some(row) = self.known(tx, id)? else { return Ok(false) };
        let is_later = invitation.start > row.repair.early.unwrap_or(row.start);
        let (identity, is_named) = (sender.identity().as_bytes(), row.is_named());
        // Another device of ours may bring us into any group again.
        let is_ours = *identity == own;
        let may_be = is_later && (is_named || is_ours);
        if row.state == GroupState::Gone || !may_be {
            return Ok(false);
        }
        let roster = self.roster(tx, id)?;
        if !(roster.is_admin(identity) || is_ours) || !roster.has(identity) {
            return Ok(false);
        }
        self.change(tx, id, |row| row.repair.early = Some(invitation.start))?;
        let invitation = invitation.encode().to_vec();
        let early = Early { invitation, sender: sender.as_bytes().to_vec() };
        self.changes.insert(key(id), Some(encode(&early)?));
        Ok(true)
    }

    /// The invitation that came before we were put out, if one did.
    pub(crate) fn take_early(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
    ) -> Result<Option<(Invitation, DeviceCertificate)>, GroupError> {
        if self.row(tx, id)?.repair.early.is_none() {
            return Ok(None);
        }
        let stored = self.stored(tx, &key(id))?;
        self.forget_early(tx, id)?;
        let Some(stored) = stored else { return Ok(None) };
        let early: Early = decode(&stored)?;
        let namespace = self.own.namespace.as_str();
        let invitation = Invitation::decode(&early.invitation).ok();
        Ok(invitation.zip(DeviceCertificate::parse(&early.sender, namespace).ok()))
    }

    /// No invitation is waited with any more.
    pub(in crate::groups) fn forget_early(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
    ) -> Result<(), GroupError> {
        if self.row(tx, id)?.repair.early.is_some() {
            self.change(tx, id, |row| row.repair.early = None)?;
            self.changes.insert(key(id), None);
        }
        Ok(())
    }

    /// What is kept of a group, if anything is.
    pub(in crate::groups) fn known(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
    ) -> Result<Option<&GroupRow>, GroupError> {
        match self.row(tx, id) {
            Ok(row) => Ok(Some(row)),
            Err(GroupError::NoGroup) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn key(id: GroupId) -> Vec<u8> {
    [b"early".as_slice(), id.as_bytes()].concat()
}
