//! Changing a group: a Commit that is pending until its record came back.

use chat_crypto::mls::{CommitError, GroupId, Refusal};
use chat_crypto::{Envelope, EnvelopeKind};
use chat_store::ReadTxn;

use super::device_list::{due_devices, due_removed};
use super::intent::Intent;
use super::ratchets::Ratchets;
use super::row::{Guest, Pending};
use super::{GroupError, GroupState, Invitee};
use crate::clock::now_ms;
use crate::mailbox::Mailbox;

/// A record of MLS for a group's mailbox that is no message.
#[derive(Debug)]
pub(crate) struct Handshake {
    pub(crate) mailbox: Mailbox,
    pub(crate) envelope: Envelope,
}

impl Ratchets {
    /// Makes a Commit that does what `intent` says, and keeps it pending; what is for whoever it adds is held until
    /// it has won.
    ///
    /// Returns `None` while another one is pending, and when there is nothing left to do.
    ///
    /// * `invitees` - the keys of those whom it adds
    ///
    /// # Errors
    /// When it may not be done; then nothing was changed.
    pub(crate) fn commit(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        (intent, invitees): (&Intent, &[Invitee]),
    ) -> Result<Option<Handshake>, GroupError> {
        self.check_we_write(tx, id)?;
        if self.row(tx, id)?.holds_back(now_ms()) {
            return Err(GroupError::InDoubt);
        }
        match intent {
            Intent::PutOut { devices: gone, .. } | Intent::Devices { gone, .. } => {
                self.avoid_if_tainted(tx, id, gone)?;
            }
            _ => {}
        }
        let made = self.step::<_, GroupError>(tx, id, |group, overlay, own| {
            let view = group.view(overlay)?;
            if view.pending().is_some() {
                return Err(CommitError::Pending.into());
            }
            let Some(plan) = intent.plan(&view, own, invitees)? else { return Ok(None) };
            Ok(Some(group.commit(overlay, &own.member, &plan, &own.check)?))
        });
        let made = match made {
            Err(GroupError::Commit(CommitError::Pending)) => return Ok(None),
            Err(GroupError::Commit(CommitError::Refused(refusal))) => return Err(refusal.into()),
            made => made?,
        };
        let Some(made) = made else {
            self.change(tx, id, |row| row.forget(intent))?;
            return Ok(None);
        };
        let envelope = self.wrap(tx, id, &made.commit, EnvelopeKind::Mail)?;
        let guests = match intent {
            Intent::Add(_) | Intent::PutBack(_) | Intent::Devices { .. }
                if made.welcome.is_some() =>
            {
                invitees.iter().map(Guest::from).collect()
            }
            _ => Vec::new(),
        };
        let (hash, welcome) = (made.hash, made.welcome.unwrap_or_default());
        let pending = Pending { hash, intent: intent.clone(), welcome, guests };
        let mailbox = self.change(tx, id, |row| {
            (row.wanted, row.pending) = (None, Some(pending));
            row.mailbox()
        })?;
        Ok(Some(Handshake { mailbox, envelope }))
    }

    /// What is to be committed next, if anything is: what has lost its race, a change of our own devices, somebody's
    /// departure or wish to be put back, a renewal.
    ///
    /// Several members may find the same: whoever asks waits a while, by chance, and asks again.
    pub(crate) fn due(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        now_ms: i64,
    ) -> Result<Option<Intent>, GroupError> {
        let row = self.row(tx, id)?;
        let waits = row.pending.is_some() || row.holds_back(now_ms);
        let writes = matches!(row.state, GroupState::Member | GroupState::Superseded);
        if waits || !writes {
            return Ok(None);
        }
        let devices = due_devices(tx, row)?;
        let removed = due_removed(tx, row)?;
        if row.state == GroupState::Superseded {
            // It is still read: whoever was removed says nothing more in it.
            return Ok(devices.filter(Intent::removes_devices).or(removed));
        }
        let departure = || row.departures.first().map(|bytes| Intent::Answer(bytes.to_vec()));
        let renewal = || row.is_renewal_due(now_ms).then_some(Intent::Renew);
        let wish = || row.repair.next().cloned().map(Intent::PutBack);
        Ok(row
            .wanted
            .clone()
            .or(devices)
            .or(removed)
            .or_else(departure)
            .or_else(wish)
            .or_else(renewal))
    }

    /// Whether we are in the group as somebody who writes to it.
    pub(crate) fn check_we_write(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
    ) -> Result<(), GroupError> {
        self.row(tx, id)?.state.check_we_write()
    }
}

impl GroupState {
    /// Whether what takes the place of a message of ours is read by anybody.
    pub(crate) fn takes_voids(self) -> bool {
        matches!(self, Self::Member | Self::Superseded | Self::Leaving)
    }

    /// Whether somebody in this state writes to the group.
    pub(crate) fn check_we_write(self) -> Result<(), GroupError> {
        match self {
            Self::Member | Self::Superseded => Ok(()),
            Self::Requested => Err(GroupError::Requested),
            Self::Leaving => Err(GroupError::Leaving),
            Self::Stranded => Err(GroupError::Stranded),
            Self::Declined | Self::Gone => Err(GroupError::Left),
        }
    }
}

impl From<Refusal> for GroupError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotAdmin => Self::NotAdmin,
            Refusal::TooMany => Self::TooMany { most: chat_crypto::mls::MAX_MEMBERS },
            other => Self::Commit(CommitError::Refused(other)),
        }
    }
}
