//! Letters between the devices of one identity.

use chat_crypto::mls::Change;
use chat_crypto::{DeviceCertificate, DirectoryEntry, NewDevice};
use chat_store::WriteTxn;

use super::{GroupMail, refused, refused_by};
use crate::client::{held_identity, inbox_key, stored_network};
use crate::clock::now_ms;
use crate::devices::{Certified, CertifiedDevice, Linking, Offers, OwnDevices, add_inbox_key};
use crate::error::ReceiveError;
use crate::groups::{DeviceAnswer, DeviceRequest, Letter};
use crate::inbound::Refusal;
use crate::inbound::conversations::Took;
use crate::meta_row::MetaRow;
use crate::network::rotation::take_keys;
use crate::outbox::Sealer;

impl GroupMail {
    /// A device asks to be one of ours, by the secret of an offer, or one that is for the key of our inbox.
    pub(super) fn device_asks(
        &mut self,
        tx: &mut WriteTxn<'_>,
        (request, sender): (&DeviceRequest, &DeviceCertificate),
    ) -> Result<Took, ReceiveError> {
        let Some(certificate) = self.certificate_for(tx, (request, sender))? else {
            tracing::debug!("a request of a device counts for nothing");
            return Ok(Took::default());
        };
        let network = stored_network::<ReceiveError>(tx)?;
        let keys = network.as_ref().unwrap_or(&self.network).keys();
        let answer = DeviceAnswer::new(&certificate, &inbox_key(tx)?).with_keys(keys);
        let answer = Letter::DeviceAnswer(answer);
        let to = (&request.inbox_key, sender.identity().as_bytes());
        let letter = match answer.seal(&self.own, to) {
            Ok(letter) => letter,
            Err(error) => return refused_by(error),
        };
        let sealer = Sealer { network: &self.network, signer: &self.own.signer };
        sealer.post(tx, &self.me, &letter).map_err(Box::new)?;
        Ok(Took::default())
    }

    /// What makes the sender a device of ours: it is one, or shows the secret of an offer.
    fn certificate_for(
        &self,
        tx: &mut WriteTxn<'_>,
        (request, sender): (&DeviceRequest, &DeviceCertificate),
    ) -> Result<Option<DeviceCertificate>, ReceiveError> {
        let ours = OwnDevices::of::<ReceiveError>(tx)?;
        let (id, key) = (sender.device_id(), sender.device_key());
        let is_us = id == self.own.signer.certificate.device_id();
        if sender.handle() != self.me.as_str() || is_us || ours.is_removed {
            return Ok(None);
        }
        if *sender.identity().as_bytes() == self.own.identity() {
            let is_one = ours.is_one(id.as_bytes(), key.as_bytes());
            let mut ours = ours;
            if !is_one || ours.lacks_inbox_key || !ours.note_answer(*id.as_bytes(), now_ms()) {
                return Ok(None);
            }
            ours.put::<ReceiveError>(tx)?;
            return Ok(Some(sender.clone()));
        }
        let Some(identity) = held_identity(tx)? else { return Ok(None) };
        let (mut offers, now) = (Offers::of::<ReceiveError>(tx)?, now_ms());
        if !offers.take(sender.identity().as_bytes(), now) {
            return Ok(None);
        }
        offers.put::<ReceiveError>(tx)?;
        let is_used = ours.devices.iter().any(|one| one.id == *id.as_bytes())
            || ours.gone.iter().any(|one| one.id == *id.as_bytes())
            || ours.has(key.as_bytes())
            || *key.as_bytes() == self.own.identity();
        if is_used || ours.devices.len() >= DirectoryEntry::MAX_DEVICES {
            tracing::warn!("a new device cannot be taken");
            return Ok(None);
        }
        let device = NewDevice { handle: self.me.as_str(), id, key };
        let namespace = self.own.namespace.as_str();
        let Ok(certificate) = DeviceCertificate::issue(&identity, &device, namespace) else {
            return Ok(None);
        };
        let mut certified = Certified::of::<ReceiveError>(tx)?;
        let what = (&request.inbox_key, request.label.expose());
        let offer = *sender.identity().as_bytes();
        certified.devices.push(CertifiedDevice::new(&certificate, what, (offer, now)));
        certified.put::<ReceiveError>(tx)?;
        Ok(Some(certificate))
    }

    /// We were put out of a group. Where another device of ours has done it, that is because we were removed: nothing is
    /// written from here on, unless the directory says otherwise at the next look.
    pub(super) fn put_out_by(
        &self,
        tx: &mut WriteTxn<'_>,
        change: &Change,
    ) -> Result<(), ReceiveError> {
        let us = self.own.member.signature_key().as_slice();
        let is_swap = change.added.iter().any(|leaf| leaf.signature_key == us);
        let is_ours = change.by.name.identity == self.own.identity();
        // Whoever holds the identity's secret says who is a device.
        if !is_ours || is_swap || held_identity(tx)?.is_some() {
            return Ok(());
        }
        let ours = OwnDevices::of::<ReceiveError>(tx)?;
        OwnDevices { is_removed: true, ..ours }.put(tx)
    }

    /// The device that we have asked makes us one of its own, or a device of ours tells us the key of our inbox.
    pub(super) fn device_answers(
        &mut self,
        tx: &mut WriteTxn<'_>,
        (answer, sender): (&DeviceAnswer, &DeviceCertificate),
    ) -> Result<Took, ReceiveError> {
        let namespace = self.own.namespace.as_str();
        let Ok(certificate) = DeviceCertificate::parse(&answer.certificate, namespace) else {
            return Ok(refused(Refusal::Malformed));
        };
        let us = &self.own.signer;
        let is_ours = certificate.device_id() == us.certificate.device_id()
            && *certificate.device_key() == us.key.public()
            && certificate.handle() == self.me.as_str()
            && certificate.identity() == sender.identity();
        if !is_ours {
            return Ok(refused(Refusal::Forged));
        }
        let identity = sender.identity().as_bytes();
        if let Some(linking) = Linking::stored::<ReceiveError>(tx)? {
            if *identity != linking.identity {
                return Ok(refused(Refusal::Forged));
            }
            linking.finish(tx, &certificate, &answer.inbox_key())?;
            return self.take_keys_of(tx, answer);
        }
        let (id, key) = (sender.device_id(), sender.device_key());
        let ours = OwnDevices::of::<ReceiveError>(tx)?;
        if *identity != self.own.identity() || !ours.is_one(id.as_bytes(), key.as_bytes()) {
            return Ok(refused(Refusal::Forged));
        }
        add_inbox_key::<ReceiveError>(tx, &answer.inbox_key())?;
        self.take_keys_of(tx, answer)
    }

    /// Takes over the keys of the network that another device of ours has told of.
    fn take_keys_of(
        &self,
        tx: &mut WriteTxn<'_>,
        answer: &DeviceAnswer,
    ) -> Result<Took, ReceiveError> {
        let taken = take_keys::<ReceiveError>(tx, &self.me, &answer.keys)?;
        Ok(Took { mailboxes_changed: taken.is_some(), ..Took::default() })
    }
}
