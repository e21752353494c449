//! What groups need from time to time, whoever writes in them.

use chat_store::ReadTxn;
use rand::RngExt;

use super::request::is_pinned;
use super::{GroupKind, GroupRow, Intent, Ratchets};
use crate::client::Profile;
use crate::clock::now_ms;
use crate::error::SendError;
use crate::network::Network;

impl Profile {
    /// Puts on its way what is due in any group. Returns whether something is left that is due: of several members
    /// who find the same due each waits a while, by chance.
    pub(crate) fn keep_groups(&self, network: &Network) -> Result<bool, SendError> {
        let own = self.own_leaf(network)?;
        let (now, mut is_left) = (now_ms(), false);
        let due = self.store.read::<_, SendError>(|tx| {
            let mut ratchets = Ratchets::new(own);
            let mut due = Vec::new();
            for row in GroupRow::all::<SendError>(tx)? {
                is_left |= row.asks_soon(now);
                let Some(intent) = ratchets.due(tx, row.id(), now)? else { continue };
                let is_ours = matches!(intent, Intent::Devices { .. } | Intent::PutOut { .. });
                // Whoever is removed reads nothing more, wherever it is.
                if intent.removes_devices() || is_answered(tx, &row)? {
                    due.push((row, is_ours));
                }
            }
            Ok(due)
        })?;
        for (row, is_ours) in due {
            let with_others = is_ours || matches!(row.kind, GroupKind::Named(_));
            let waits = with_others && rand::rng().random_bool(WAITS);
            if waits {
                is_left = true;
                continue;
            }
            match self.commit_due(row.id()) {
                Ok(_) => {}
                Err(error) if error.concerns_store() => return Err(error),
                // One group holds up no other.
                Err(error) => tracing::warn!(%error, "what is due in a group was not done"),
            }
        }
        Ok(is_left)
    }
}

/// Whether we answer in a group by ourselves: not in that of a stranger, before anybody has read a word of theirs.
fn is_answered(tx: &ReadTxn<'_>, row: &GroupRow) -> Result<bool, SendError> {
    let GroupKind::Pair(handle, identity) = &row.kind else { return Ok(true) };
    Ok(is_pinned(tx, handle, identity)?)
}

/// How likely a member is to leave a turn to others.
const WAITS: f64 = 0.6;
