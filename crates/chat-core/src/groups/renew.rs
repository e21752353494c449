//! Renewing our own leaf: what was stolen before opens nothing after.

#[cfg(test)]
use chat_crypto::mls::GroupId;
#[cfg(test)]
use chat_store::ReadTxn;

#[cfg(test)]
use super::{GroupError, Intent, Ratchets};
use super::{GroupRow, GroupState};
use crate::mutant::{Mutant, breaks};

impl GroupRow {
    /// Whether our leaf is to be renewed: just after joining, every hundred messages, and once a day while we write.
    pub(crate) fn is_renewal_due(&self, now_ms: i64) -> bool {
        let old = now_ms.saturating_sub(self.renewed_ms) >= DAY_MS;
        let due =
            self.renewed_ms <= 0 || self.sent_since >= MOST_SENT || (self.sent_since > 0 && old);
        self.state == GroupState::Member && due && !breaks(Mutant::NeverRenew)
    }
}

#[cfg(test)]
impl Ratchets {
    /// Makes a Commit that renews our leaf: an envelope for the group's mailbox; `None` while one is pending.
    pub(crate) fn renew(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
    ) -> Result<Option<chat_crypto::Envelope>, GroupError> {
        let made = self.commit(tx, id, (&Intent::Renew, &[]))?;
        Ok(made.map(|made| made.envelope))
    }
}

/// Messages after which our leaf is renewed.
const MOST_SENT: u32 = 100;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
