//! A new key for the network.

use std::sync::Arc;
use std::time::Duration;

use chat_crypto::{InboxPublic, KeyId, NetworkKey};
use chat_store::{ReadTxn, WriteTxn};
use tokio::time::Instant;

use super::{Client, inbox_key, stored_network};
use crate::clock::now_ms;
use crate::devices::OwnDevices;
use crate::directory::{inbox_key_of, refresh};
use crate::error::{Error, NetworkError, SendError};
use crate::groups::{Letter, OfferedKeys, OwnLeaf};
use crate::handle::Handle;
use crate::history_row::HistoryRow;
use crate::item::{Item, KeyOffer, NetworkKeyChanged};
use crate::meta_row::MetaRow;
use crate::network::Network;
use crate::network::keys::KeyGeneration;
use crate::network::rotation::take_keys;
use crate::outbox::Sealer;
use crate::trust::{PinTrust, Standing};

/// What became of a network key that was made or handed on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyRotation {
    /// The public name of the key that seals.
    pub key_id: KeyId,
    /// Its number; the first key of a network has number 1.
    pub number: u32,
    /// An older key that was still read, and is not any more: three are kept.
    pub dropped: Option<KeyId>,
    /// Contacts that it is on its way to.
    pub sent_to: Vec<Handle>,
    /// Contacts that do not get it, and why.
    pub left_out: Vec<LeftOut>,
    /// Whether the directory could be read before: else somebody may have published what is not known here.
    pub looked_up: bool,
}

/// Somebody who does not get a network key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftOut {
    /// Who.
    pub handle: Handle,
    /// Why not.
    pub why: WhyLeftOut,
}

/// Why somebody does not get a network key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhyLeftOut {
    /// Their key was not compared, they have not introduced us, and nobody has named them.
    NotVerified,
    /// They have published no keys that it could be sealed to: they need an invite.
    NotPublished,
    /// Another key has come under their handle.
    KeyChanged,
    /// They are blocked.
    Blocked,
}

impl Client {
    /// Makes a new network key and uses it from here on for messages without MLS; what MLS or an inbox key protects
    /// goes under the one before for 30 days more, so that it reaches everybody. What contacts have published is looked up first, for `timeout`
    /// at most; where the broker does not answer, what is known counts. What is sealed from now on opens for nobody who holds older
    /// ones only. It goes, sealed to each of them, to all contacts that are verified or have introduced us, to our own
    /// other devices, and to those who are named; [`spread_network_key`](Self::spread_network_key) brings it there.
    /// Everybody else needs a new invite. What still comes under the older keys is read for 60 days.
    ///
    /// # Errors
    /// When no network is joined, this is a device that was removed, or the store fails; then nothing has changed.
    ///
    /// # Security
    /// Receivers take it from whom they have verified, or were introduced by, alone. It protects what is sealed under
    /// the network key: inboxes, the directory, messages without MLS. Groups have keys of their own.
    pub async fn rotate_network_key(
        &self,
        to: &[Handle],
        timeout: Duration,
    ) -> Result<KeyRotation, Error> {
        let looked_up = self.look_up_all(to, timeout).await?;
        let rotation = self.profile.hand_out_keys(to, |network| {
            let newest = network.keys().newest();
            // A clock that was set back makes no key that is older than the one before.
            let made_ms = now_ms().max(newest.made_ms);
            let number = newest.number.saturating_add(1);
            Some(KeyGeneration::new(number, NetworkKey::generate(&mut rand::rng()), made_ms))
        })?;
        Ok(KeyRotation { looked_up, ..rotation })
    }

    /// Hands the network's present keys to those who are named, as [`rotate_network_key`](Self::rotate_network_key)
    /// does to others.
    ///
    /// # Errors
    /// As there; [`NetworkError::NoOlderKey`] where no older key is left that could lead to anybody.
    pub async fn share_network_key(
        &self,
        to: &[Handle],
        timeout: Duration,
    ) -> Result<KeyRotation, Error> {
        let network = self.profile.joined_network()?;
        if network.keys().older().is_empty() {
            return Err(NetworkError::NoOlderKey { namespace: network.namespace().clone() }.into());
        }
        let looked_up = self.look_up_all(to, timeout).await?;
        Ok(KeyRotation { looked_up, ..self.profile.hand_out_keys(to, |_| None)? })
    }

    /// Reads what contacts, and those who are named, have published; whether the broker let it.
    async fn look_up_all(&self, named: &[Handle], timeout: Duration) -> Result<bool, Error> {
        let network = self.profile.joined_network()?;
        let Ok(transport) = self.transport() else { return Ok(false) };
        let mut handles = self.profile.store.read(|tx| contacts(tx, named))?;
        handles.push(self.profile.handle.clone());
        let of = (Arc::clone(&self.profile), transport);
        let read = refresh(of, &network, (&handles, timeout)).await;
        if let Err(error) = &read {
            tracing::debug!(%error, "the directory was not read");
        }
        for handle in named.iter().filter(|handle| **handle != self.profile.handle) {
            self.profile.pin_published(&network, handle)?;
        }
        Ok(read.is_ok())
    }

    /// Brings the network's keys to whom they were handed, and publishes what we are under the newest, for `timeout` at
    /// most. What is left is done by the next `listen`.
    ///
    /// # Errors
    /// When the store fails. A broker that does not answer is no error; returns whether all of it was done.
    pub async fn spread_network_key(&self, timeout: Duration) -> Result<bool, Error> {
        let deadline = Instant::now() + timeout;
        self.spread(self.profile.joined_network()?, deadline).await
    }
}

impl super::Profile {
    fn hand_out_keys(
        &self,
        named: &[Handle],
        make: impl FnOnce(&Network) -> Option<KeyGeneration>,
    ) -> Result<KeyRotation, SendError> {
        self.check_is_device()?;
        let own = self.own_leaf(&self.joined_network()?)?;
        self.store.write(|tx| {
            let before = stored_network::<SendError>(tx)?;
            let before =
                before.ok_or_else(|| NetworkError::None { handle: self.handle.clone() })?;
            let made = make(&before);
            let is_new = made.is_some();
            let known: Vec<KeyId> = before.keys().iter().map(|of| of.key.id()).collect();
            let taken = take_keys::<SendError>(tx, &self.handle, made.as_slice())?;
            let network = taken.unwrap_or(before);
            let dropped = known.into_iter().find(|id| !network.keys().has(*id));
            let handing = Handing { network: &network, own: &own };
            let (mut sent_to, mut left_out) = (Vec::new(), Vec::new());
            for handle in contacts(tx, named)? {
                let is_named = named.contains(&handle);
                if handle == self.handle || !(is_new || is_named) {
                    continue;
                }
                match handing.to(tx, &handle, is_named)? {
                    Some(why) => left_out.push(LeftOut { handle, why }),
                    None => sent_to.push(handle),
                }
            }
            // Other devices of ours, and a copy of this one that is restored. A device that was removed may know the
            // inbox key that we hold, if another one has put its own in the directory since.
            let (us, identity) = (&self.handle, own.identity());
            let ours = inbox_key(tx)?.public();
            let shown = inbox_key_of::<SendError>(tx, network.namespace(), (us, &identity))?;
            let lacks = OwnDevices::of::<SendError>(tx)?.lacks_inbox_key;
            if !lacks && shown.is_some_and(|shown| shown.as_bytes() == ours.as_bytes()) {
                handing.post(tx, (us, &identity), &ours)?;
            }
            let newest = network.keys().newest();
            let (key_id, number) = (newest.key.id(), newest.number);
            if is_new {
                let (by, key) = (self.handle.clone(), key_id.to_string());
                let changed = NetworkKeyChanged { by, key, number, offer: KeyOffer::Taken };
                HistoryRow::now(Item::NetworkKeyChanged(changed)).append::<SendError>(tx, &[])?;
            }
            Ok(KeyRotation { key_id, number, dropped, sent_to, left_out, looked_up: false })
        })
    }
}

/// The network's keys on their way to others.
struct Handing<'a> {
    network: &'a Network,
    own: &'a OwnLeaf,
}

impl Handing<'_> {
    /// Puts the keys on their way to a contact, if they may have them; returns why not.
    fn to(
        &self,
        tx: &mut WriteTxn<'_>,
        handle: &Handle,
        is_named: bool,
    ) -> Result<Option<WhyLeftOut>, SendError> {
        let standing = Standing::of::<SendError>(tx, handle)?;
        if standing.blocked {
            return Ok(Some(WhyLeftOut::Blocked));
        }
        let Some(pin) = standing.pin else { return Ok(Some(WhyLeftOut::NotPublished)) };
        if standing.presented.is_some() {
            return Ok(Some(WhyLeftOut::KeyChanged));
        }
        if !is_named && pin.trust == PinTrust::FirstUse {
            return Ok(Some(WhyLeftOut::NotVerified));
        }
        let (namespace, owner) = (self.network.namespace(), (handle, &pin.identity));
        let Some(inbox) = inbox_key_of::<SendError>(tx, namespace, owner)? else {
            return Ok(Some(WhyLeftOut::NotPublished));
        };
        self.post(tx, owner, &inbox)?;
        Ok(None)
    }

    /// Posts the keys to all inboxes of somebody that they may read by now.
    fn post(
        &self,
        tx: &mut WriteTxn<'_>,
        (handle, identity): (&Handle, &[u8; 32]),
        inbox: &InboxPublic,
    ) -> Result<(), SendError> {
        let network = self.network;
        let letter = Letter::NetworkKeys(OfferedKeys::new(network.keys()));
        for older in network.keys().older() {
            let letter = letter.seal(self.own, (inbox, identity))?;
            let network = network.under(older);
            Sealer { network: &network, signer: &self.own.signer }.post(tx, handle, &letter)?;
        }
        Ok(())
    }
}

/// All contacts, and those who are named.
fn contacts(tx: &ReadTxn<'_>, named: &[Handle]) -> Result<Vec<Handle>, SendError> {
    let known = tx.contacts()?;
    let known = known.iter().filter_map(|contact| contact.handle.parse().ok());
    let mut all: Vec<Handle> = known.collect();
    all.extend(named.iter().cloned());
    all.sort_unstable();
    all.dedup();
    Ok(all)
}
