//! Invitations that come before the Commit which puts us out: they lie in another partition.

use chat_crypto::DeviceCertificate;
use chat_crypto::mls::GroupId;
use chat_store::ReadTxn;
use serde::{Deserialize, Serialize};

use crate::groups::letter::Invitation;
use crate::groups::ratchets::Ratchets;
use crate::groups::{GroupError, GroupRow, GroupState};

/// An invitation that came before the Commit which puts us out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Early {
    /// The first offset that it is for.
    start: u64,
    #[serde(with = "serde_bytes")]
    invitation: Vec<u8>,
    /// The device certificate of its sender.
    #[serde(with = "serde_bytes")]
    sender: Vec<u8>,
}

impl std::fmt::Debug for Early {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Early({} bytes)", self.invitation.len())
    }
}

impl Ratchets {
    /// An invitation to a named group that we are in: it may come before the Commit which puts us out. It is kept until
    /// then, if it comes from an admin and is for later than the one that we have joined with.
    ///
    /// Returns whether it is kept.
    pub(in crate::groups) fn keep_early(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        (invitation, sender): (&Invitation, &DeviceCertificate),
    ) -> Result<bool, GroupError> {
        let Some(row) = self.known(tx, id)? else { return Ok(false) };
        let kept = row.repair.early.as_ref().map(|early| early.start);
        let is_later = invitation.start > kept.unwrap_or(row.start);
        if row.state == GroupState::Gone || !row.is_named() || !is_later {
            return Ok(false);
        }
        let roster = self.roster(tx, id)?;
        let identity = sender.identity().as_bytes();
        if !roster.is_admin(identity) || !roster.has(identity) {
            return Ok(false);
        }
        let (start, invitation) = (invitation.start, invitation.encode().to_vec());
        let early = Early { start, invitation, sender: sender.as_bytes().to_vec() };
        self.change(tx, id, |row| row.repair.early = Some(early))?;
        Ok(true)
    }

    /// The invitation that came before we were put out, if one did.
    pub(crate) fn take_early(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
    ) -> Result<Option<(Invitation, DeviceCertificate)>, GroupError> {
        let Some(early) = self.row(tx, id)?.repair.early.clone() else { return Ok(None) };
        self.change(tx, id, |row| row.repair.early = None)?;
        let namespace = self.own.namespace.as_str();
        let invitation = Invitation::decode(&early.invitation).ok();
        Ok(invitation.zip(DeviceCertificate::parse(&early.sender, namespace).ok()))
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
