//! What groups need from time to time, whoever writes in them.

use chat_crypto::mls::GroupId;
use chat_store::WriteTxn;

use super::{GroupKind, GroupRow, Ratchets};
use crate::client::Profile;
use crate::clock::now_ms;
use crate::error::SendError;
use crate::network::Network;
use crate::outbox::OutboxRow;

impl Profile {
    /// Renews our leaf in every group where that is due: each Commit waits in the outbox from then on.
    pub(crate) fn renew_groups(&self, network: &Network) -> Result<(), SendError> {
        let rows = self.store.read(|tx| GroupRow::all::<SendError>(tx))?;
        let now = now_ms();
        for row in rows.iter().filter(|row| row.is_renewal_due(now)) {
            let mut ratchets = Ratchets::new(self.own_leaf(network)?);
            self.store.write(|tx| renew(tx, &mut ratchets, row.id()))?;
        }
        Ok(())
    }
}

fn renew(tx: &mut WriteTxn<'_>, ratchets: &mut Ratchets, id: GroupId) -> Result<(), SendError> {
    ratchets.begin();
    let row = ratchets.row(tx, id)?;
    let GroupKind::Pair(to, _) = row.kind.clone() else { return Ok(()) };
    let mailbox = row.mailbox();
    if !row.is_renewal_due(now_ms()) {
        return Ok(());
    }
    let Some(commit) = ratchets.renew(tx, id)? else { return Ok(()) };
    tx.outbox_push(&mailbox.to_bytes(), &OutboxRow::letter(to, commit).to_bytes()?)?;
    Ok(ratchets.finish(tx)?)
}
