//! Leaving a group: signed by whoever leaves, committed by whoever stays.

use chat_crypto::EnvelopeKind;
use chat_crypto::mls::{Departure, GroupId};
use chat_store::ReadTxn;

use super::commit::Handshake;
use super::payload::Payload;
use super::ratchets::Ratchets;
use super::{GroupError, GroupState};
use crate::hash::sha256;

/// How a group is left.
#[derive(Debug)]
pub(crate) enum Parting {
    /// The others are told; we are out once one of them has committed it.
    Asked(Handshake),
    /// Nobody else was in it: it is forgotten.
    Forgotten,
}

impl Ratchets {
    /// Leaves a group. Nothing is sent to it from then on, and our leaf stays as it is, or the signature would
    /// prove nothing. It may be said again, where the log has lost it.
    pub(crate) fn leave(&mut self, tx: &ReadTxn<'_>, id: GroupId) -> Result<Parting, GroupError> {
        let state = self.row(tx, id)?.state;
        let own = self.own.identity();
        let roster = match state {
            GroupState::Leaving | GroupState::Stranded => self.roster(tx, id)?,
            state => {
                state.check_we_write()?;
                self.roster(tx, id)?
            }
        };
        if roster.leaves.iter().all(|leaf| leaf.name.identity == own) {
            self.delete(tx, id)?;
            self.change(tx, id, |row| row.end())?;
            return Ok(Parting::Forgotten);
        }
        if state == GroupState::Stranded {
            return Err(GroupError::Stranded);
        }
        let admins = roster.admins();
        if admins.len() == 1 && admins.contains(&own) {
            return Err(GroupError::LastAdmin);
        }
        self.part(tx, id, GroupState::Leaving).map(Parting::Asked)
    }

    /// Refuses what a stranger has invited us to: we leave, and nothing of it is ever shown.
    pub(crate) fn decline(&mut self, tx: &ReadTxn<'_>, id: GroupId) -> Result<Parting, GroupError> {
        let row = self.row(tx, id)?;
        if row.state != GroupState::Requested {
            return Err(GroupError::NoRequest);
        }
        if row.repair.is_copy {
            // Another copy may have used the keys that it would be said with.
            self.change(tx, id, |row| row.end())?;
            self.wipe(tx, id)?;
            self.forget_early(tx, id)?;
            return Ok(Parting::Forgotten);
        }
        self.part(tx, id, GroupState::Declined).map(Parting::Asked)
    }

    fn part(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        state: GroupState,
    ) -> Result<Handshake, GroupError> {
        let message = self.step::<_, GroupError>(tx, id, |group, overlay, own| {
            let view = group.view(overlay)?;
            if view.pending().is_some() {
                return Err(GroupError::Pending);
            }
            let departure = view.sign_departure(&own.member).ok_or(GroupError::Left)?;
            let payload = Payload::departure(&departure);
            Ok(group.encrypt(overlay, &own.member, &payload)?)
        })?;
        let (epoch, _) = self.row(tx, id)?.newest_wrap().ok_or(GroupError::Left)?;
        self.expect_own(id, (epoch, &sha256(&[&message])))?;
        let envelope = self.wrap(tx, id, &message, EnvelopeKind::Mail)?;
        let mailbox = self.change(tx, id, |row| {
            (row.state, row.wanted) = (state, None);
            row.withheld.clear();
            row.mailbox()
        })?;
        Ok(Handshake { mailbox, envelope })
    }

    /// Keeps a departure until somebody has committed it; whether it proves anything.
    pub(super) fn note_departure(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        departure: &Departure,
    ) -> Result<bool, GroupError> {
        let leaving = self.step::<_, GroupError>(tx, id, |group, overlay, own| {
            Ok(group.view(overlay)?.departing(departure, &own.check))
        })?;
        if leaving.is_none() {
            return Ok(false);
        }
        let bytes = serde_bytes::ByteBuf::from(departure.to_bytes().to_vec());
        self.change(tx, id, |row| {
            if row.departures.len() < MOST_DEPARTURES && !row.departures.contains(&bytes) {
                row.departures.push(bytes);
            }
        })?;
        Ok(true)
    }
}

/// Departures that are kept; a leaf has one, and a group has no more leaves.
const MOST_DEPARTURES: usize = chat_crypto::mls::MAX_MEMBERS;
