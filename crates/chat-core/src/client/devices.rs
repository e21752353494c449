//! The devices of this profile's identity.

use std::sync::Arc;
use std::time::Duration;

use chat_crypto::{DeviceId, DirectoryEntry, IdentityKey};
use chat_store::ReadTxn;
use tokio::time::Instant;

use super::{Client, Profile, held_identity};
use crate::clock::now_ms;
use crate::devices::{Certified, DeviceCode, Offers, OwnDevices, replace_inbox_key};
use crate::directory::{Place, Publisher, note_devices_changed};
use crate::error::{DeviceError, Error, ProfileError, SendError};
use crate::groups::{DeviceAnswer, GroupRow, GroupState, Letter};
use crate::meta_row::MetaRow;
use crate::network::Network;
use crate::network::fields::Inviter;
use crate::outbox::Sealer;
use crate::outbox::deliver::Drain;
use crate::outbox::ground::Ground;
use crate::remote_text::RemoteText;

mod link;

pub use self::link::LinkOutcome;

/// A device of this profile's identity.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Device {
    /// Its name: 32 hex digits.
    pub id: String,
    /// What its owner calls it, where that is known: on the device that has linked it.
    pub label: Option<RemoteText>,
    /// Whether it is this one.
    pub is_self: bool,
    /// Whether it has published what it takes to bring it into groups.
    pub can_join: bool,
}

/// What has become of a place that was offered to a new device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OfferState {
    /// Nobody has used it.
    Open,
    /// A device has used it.
    Taken,
    /// It is offered no more: its time is over, or it was taken back.
    Gone,
}

impl Client {
    /// Offers a place to a new device, once, for a time. The code is for the device alone: whoever uses it first is
    /// a device of this identity.
    ///
    /// # Errors
    /// [`ProfileError::LinkedDevice`] on a device that does not hold the identity's secret;
    /// [`DeviceError::TooMany`]; when no network is joined or the store fails.
    pub fn offer_device(&self, time: Duration) -> Result<DeviceCode, Error> {
        self.profile.check_is_device()?;
        let network = self.profile.joined_network()?;
        let secret = IdentityKey::generate(&mut rand::rng());
        let now = now_ms();
        let expires = now.saturating_add(i64::try_from(time.as_millis()).unwrap_or(i64::MAX));
        let identity = self.profile.store.write::<_, DeviceError>(|tx| {
            let identity = held_identity(tx)?.ok_or(ProfileError::LinkedDevice)?;
            let most = DirectoryEntry::MAX_DEVICES;
            if OwnDevices::of::<DeviceError>(tx)?.devices.len() >= most {
                return Err(DeviceError::TooMany { most });
            }
            let mut offers = Offers::of::<DeviceError>(tx)?;
            offers.make(*secret.public().as_bytes(), (now, expires));
            offers.put::<DeviceError>(tx)?;
            Ok(identity.public())
        })?;
        let owner = Inviter { handle: self.profile.handle.clone(), identity };
        let expires_ms = expires.cast_unsigned();
        Ok(DeviceCode { network: network.fields, expires_ms, owner, secret })
    }

    /// What has become of the place of a code.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn offer_state(&self, code: &DeviceCode) -> Result<OfferState, Error> {
        let key = *code.secret.public().as_bytes();
        Ok(self.profile.store.read::<_, DeviceError>(|tx| {
            let certified = Certified::of::<DeviceError>(tx)?;
            if certified.devices.iter().any(|device| device.offer == key) {
                return Ok(OfferState::Taken);
            }
            match Offers::of::<DeviceError>(tx)?.has(&key, now_ms()) {
                true => Ok(OfferState::Open),
                false => Ok(OfferState::Gone),
            }
        })?)
    }

    /// Takes back the place of a code that nobody has used.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn withdraw_offer(&self, code: &DeviceCode) -> Result<(), Error> {
        Ok(self.profile.store.write::<_, DeviceError>(|tx| {
            let mut offers = Offers::of::<DeviceError>(tx)?;
            offers.take(code.secret.public().as_bytes(), now_ms());
            offers.put(tx)
        })?)
    }

    /// The devices of this profile's identity, as far as this one knows, in the order in which they joined.
    ///
    /// # Errors
    /// When no network is joined or the store cannot be read.
    pub fn devices(&self) -> Result<Vec<Device>, Error> {
        let network = self.profile.joined_network()?;
        let us = *self.profile.signer(network.namespace())?.certificate.device_id().as_bytes();
        let (ours, certified) = self.profile.store.read::<_, DeviceError>(|tx| {
            Ok((OwnDevices::of::<DeviceError>(tx)?, Certified::of::<DeviceError>(tx)?))
        })?;
        let device = |one: &crate::devices::OwnDevice| {
            let id = DeviceId::from_bytes(one.id);
            let label = certified.label(id, network.namespace()).map(RemoteText::new);
            Device { id: id.to_string(), label, is_self: one.id == us, can_join: one.can_join }
        };
        Ok(ours.devices.iter().map(device).collect())
    }

    /// Whether this profile may go on as a device of its identity.
    ///
    /// # Errors
    /// [`ProfileError::Linking`] while it waits to be linked, [`ProfileError::DeviceRemoved`] once its identity has
    /// removed it, and when the store cannot be read.
    pub fn check_device(&self) -> Result<(), Error> {
        Ok(self.profile.check_is_device()?)
    }

    /// Groups that are still to be brought in line with the list of our devices.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn groups_behind(&self) -> Result<usize, Error> {
        Ok(self.profile.store.read(groups_behind)?)
    }

    /// Removes a device, for ever: it is taken out of the directory, and the inbox gets another key, which the devices
    /// that stay are told. [`spread_devices`](Self::spread_devices) takes it out of all groups.
    ///
    /// * `id` - the device's name or the first digits of it
    ///
    /// # Errors
    /// [`DeviceError::Unknown`], [`DeviceError::Ambiguous`], [`DeviceError::ThisOne`];
    /// [`ProfileError::LinkedDevice`] on a device that does not hold the identity's secret; when the store fails.
    pub fn remove_device(&self, id: &str) -> Result<Device, Error> {
        let device = find(self.devices()?, id)?;
        if device.is_self {
            return Err(DeviceError::ThisOne.into());
        }
        let network = self.profile.joined_network()?;
        self.profile.remove_device(&network, &device)?;
        Ok(device)
    }

    /// Brings a change of the devices to everybody: changes the groups, delivers what that takes, and publishes it, for
    /// `timeout` at most. What is left is done by the next `listen`.
    ///
    /// # Errors
    /// When the store fails. A broker that does not answer is no error; returns whether all of it was done.
    pub async fn spread_devices(&self, timeout: Duration) -> Result<bool, Error> {
        let deadline = Instant::now() + timeout;
        let network = self.profile.joined_network()?;
        let profile = Arc::clone(&self.profile);
        let changing = tokio::task::spawn_blocking(move || profile.change_groups_of_devices());
        changing.await.map_err(|_| SendError::Stopped)??;
        // The devices that stay know the new key of the inbox before anybody else uses it.
        self.spread(network, deadline).await
    }

    /// Delivers what waits in the outbox, then publishes what we are; whether all of it was done.
    pub(super) async fn spread(&self, network: Network, deadline: Instant) -> Result<bool, Error> {
        let ground = Ground::new(Arc::clone(&self.profile), self.transport()?, network.clone());
        let delivery = Drain::new(ground).run(&[], deadline).await?;
        let publisher = Publisher::new(Arc::clone(&self.profile), self.transport()?, network);
        let published = tokio::time::timeout_at(deadline, publisher.publish()).await;
        let is_published = matches!(published, Ok(Ok(())));
        Ok(is_published && delivery.failure.is_none() && !delivery.passed_over)
    }
}

impl Profile {
    fn remove_device(&self, network: &Network, device: &Device) -> Result<(), DeviceError> {
        let own = self.own_leaf(network)?;
        let identity = own.identity();
        self.store.write(|tx| {
            held_identity(tx)?.ok_or(ProfileError::LinkedDevice)?;
            let mut ours = OwnDevices::of::<DeviceError>(tx)?;
            let mut ids = ours.devices.iter().map(|one| DeviceId::from_bytes(one.id));
            // Another process may have been quicker.
            let id = ids.find(|id| id.to_string() == device.id);
            let id = id.ok_or_else(|| DeviceError::Unknown { id: device.id.clone() })?;
            let mut certified = Certified::of::<DeviceError>(tx)?;
            certified.remove(id, network.namespace());
            certified.put::<DeviceError>(tx)?;
            // From here on it is none of ours, whether or not the directory can be reached.
            ours.remove(identity, *id.as_bytes());
            ours.put::<DeviceError>(tx)?;
            let (place, removed) = (Place::new(network), [*id.as_bytes()]);
            let who = (&place, &self.handle);
            note_devices_changed(tx, who, &self.handle, (&removed, &[]))?;
            let key = replace_inbox_key(tx)?;
            let sealer = Sealer { network, signer: &own.signer };
            for other in &certified.devices {
                let namespace = network.namespace();
                let (Some(certificate), Some(to)) =
                    (other.certificate(namespace), other.inbox_key())
                else {
                    continue;
                };
                if *certificate.identity().as_bytes() != identity {
                    continue;
                }
                let letter = Letter::DeviceAnswer(DeviceAnswer::new(&certificate, &key));
                let letter = letter.seal(&own, (&to, &identity)).map_err(SendError::from)?;
                sealer.post(tx, &self.handle, &letter)?;
            }
            Ok(())
        })
    }

    /// Puts on its way what groups lack of the list of our devices.
    fn change_groups_of_devices(&self) -> Result<(), SendError> {
        let behind = self.store.read(|tx| {
            let mark = OwnDevices::of::<SendError>(tx)?.mark();
            let rows = GroupRow::all::<SendError>(tx)?;
            Ok::<_, SendError>(
                rows.into_iter().filter(|row| row.is_behind(&mark)).collect::<Vec<_>>(),
            )
        })?;
        for row in behind {
            match self.commit_due(row.id()) {
                Ok(_) => {}
                Err(error) if error.concerns_store() => return Err(error),
                Err(error) => tracing::warn!(%error, "a group still has a device that was removed"),
            }
        }
        Ok(())
    }
}

impl GroupRow {
    /// Whether our devices in it are still to be looked at.
    fn is_behind(&self, mark: &[u8; 32]) -> bool {
        let is_read = matches!(self.state, GroupState::Member | GroupState::Superseded);
        is_read && (self.devices != *mark || self.pending.is_some())
    }
}

fn groups_behind(tx: &ReadTxn<'_>) -> Result<usize, DeviceError> {
    let ours = OwnDevices::of::<DeviceError>(tx)?;
    let mark = ours.mark();
    let rows = GroupRow::all::<DeviceError>(tx)?;
    Ok(rows.iter().filter(|row| row.is_behind(&mark)).count())
}

/// The device that a text names.
fn find(devices: Vec<Device>, id: &str) -> Result<Device, DeviceError> {
    let mut found = devices.into_iter().filter(|device| device.id.starts_with(id));
    let unknown = || DeviceError::Unknown { id: id.to_owned() };
    let first = found.next().filter(|_| !id.is_empty()).ok_or_else(unknown)?;
    match found.next() {
        None => Ok(first),
        Some(_) => Err(DeviceError::Ambiguous { id: id.to_owned() }),
    }
}
