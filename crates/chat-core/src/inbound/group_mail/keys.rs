//! Keys of the network that somebody sends.

use chat_crypto::DeviceCertificate;
use chat_store::{Unreadable, WriteTxn};

use super::{GroupMail, refused};
use crate::client::stored_network;
use crate::error::ReceiveError;
use crate::groups::OfferedKeys;
use crate::handle::Handle;
use crate::hash::sha256;
use crate::history_row::HistoryRow;
use crate::inbound::Refusal;
use crate::inbound::conversations::{RecordAt, Took};
use crate::item::{Item, KeyOffer, NetworkKeyChanged};
use crate::mutant::{Mutant, breaks};
use crate::network::rotation::take_keys;
use crate::trust::{PinTrust, Standing};

impl GroupMail {
    /// Somebody sends keys of the network. They are taken from whom we have verified, or were introduced by, and from
    /// our own devices.
    pub(super) fn keys_offered(
        &self,
        (tx, at): (&mut WriteTxn<'_>, &RecordAt),
        (offered, sender): (&OfferedKeys, &DeviceCertificate),
    ) -> Result<Took, ReceiveError> {
        let identity = *sender.identity().as_bytes();
        let Ok(by) = sender.handle().parse::<Handle>() else {
            return Ok(refused(Refusal::Forged));
        };
        let pin = Standing::of::<ReceiveError>(tx, &by)?.pin;
        let pin = pin.filter(|pin| pin.identity == identity);
        let is_ours = identity == self.own.identity();
        if pin.is_none() && !is_ours {
            tracing::debug!(%by, "keys of the network from nobody whom we know count for nothing");
            return Ok(Took::default());
        }
        let is_trusted = is_ours || pin.is_some_and(|pin| pin.trust != PinTrust::FirstUse);
        let Some(known) = stored_network::<ReceiveError>(tx)? else { return Ok(Took::default()) };
        let Some(newest) = offered.keys.first() else { return Ok(Took::default()) };
        let (key, number) = (newest.key.id().to_string(), newest.number);
        if !is_trusted && !breaks(Mutant::TakeAnyNetworkKey) {
            let once = sha256(&[b"keys offered", &identity, newest.key.id().as_bytes()]);
            let is_told = tx.unreadable_insert(&self.topic, at.partition, &once)?;
            if known.keys().has(newest.key.id()) || is_told == Unreadable::Known {
                return Ok(Took::default());
            }
            let offer = KeyOffer::Refused;
            let item = Item::NetworkKeyChanged(NetworkKeyChanged { by, key, number, offer });
            HistoryRow::now(item).append::<ReceiveError>(tx, &[])?;
            return Ok(Took { rows: 1, ..Took::default() });
        }
        let Some(network) = take_keys::<ReceiveError>(tx, &self.me, &offered.keys)? else {
            return Ok(Took::default());
        };
        let newest = network.keys().newest();
        let (key, number) = (newest.key.id().to_string(), newest.number);
        let offer = KeyOffer::Taken;
        let item = Item::NetworkKeyChanged(NetworkKeyChanged { by, key, number, offer });
        HistoryRow::now(item).append::<ReceiveError>(tx, &[])?;
        Ok(Took { rows: 1, mailboxes_changed: true, ..Took::default() })
    }
}
