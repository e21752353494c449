//! Whom we can bring into a group while they are away: who has published what it takes.

use chat_crypto::KeyPackageRecord;
use chat_crypto::mls::KeyPackage;

use super::{DeviceCheck, Invitee};
use crate::client::{Profile, inbox_key};
use crate::clock::now_ms;
use crate::devices::OwnDevices;
use crate::directory::Published;
use crate::error::{DirectoryError, SendError};
use crate::handle::Handle;
use crate::meta_row::MetaRow;
use crate::network::Network;

impl Profile {
    /// Somebody who can be invited, by what is known of what they have published; `None` if that is nothing, not
    /// enough, or too old.
    ///
    /// # Errors
    /// When the store fails, and where several identities claim the handle and none of them counts.
    pub(crate) fn invitee(
        &self,
        network: &Network,
        to: &Handle,
    ) -> Result<Option<Invitee>, SendError> {
        match self.published_by(network, to) {
            Ok(published) => Ok(Invitee::of(to, &published, network)),
            Err(error) if error.concerns_store() => Err(error.into()),
            // Somebody has to say which identity counts: nothing is written to any of them before.
            Err(error @ DirectoryError::Conflict { .. }) => Err(error.into()),
            Err(error) => {
                tracing::debug!(%to, %error, "cannot be invited to a group");
                Ok(None)
            }
        }
    }
}

impl Profile {
    /// Our own other devices, to be brought into a group; `None` if there are none that can be.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) fn own_invitee(&self, network: &Network) -> Result<Option<Invitee>, SendError> {
        if self.store.read(OwnDevices::of::<SendError>)?.devices.len() < 2 {
            return Ok(None);
        }
        let own = self.own_leaf(network)?;
        let Some(published) = self.published_by_us(network, &own.identity())? else {
            return Ok(None);
        };
        let Some(mut ours) = Invitee::of(&self.handle, &published, network) else {
            return Ok(None);
        };
        // What the directory shows may be older than what we know.
        let (list, key) = self.store.read::<_, SendError>(|tx| {
            let list = OwnDevices::of::<SendError>(tx)?;
            let key = (!list.lacks_inbox_key).then(|| inbox_key(tx)).transpose()?;
            Ok((list, key))
        })?;
        if let Some(key) = key {
            ours.inbox_key = key.public();
        }
        let us = own.member.signature_key();
        ours.key_packages.retain(|package| {
            let key = &package.leaf().signature_key;
            key != us && list.has(key)
        });
        Ok((!ours.key_packages.is_empty()).then_some(ours))
    }
}

impl Invitee {
    /// Devices whose KeyPackage is missing or old are left out: their owner's other devices bring them in.
    fn of(handle: &Handle, published: &Published, network: &Network) -> Option<Self> {
        let now = u64::try_from(now_ms()).unwrap_or(0);
        if published.valid_until_ms() < now {
            return None;
        }
        let check = DeviceCheck::new(network.namespace());
        let packages = published.key_packages.iter();
        let fresh = packages
            .filter(|record| record.made_at_ms().saturating_add(MAX_KEY_PACKAGE_AGE_MS) >= now);
        let key_packages: Vec<KeyPackage> =
            fresh.filter_map(|record| published.key_package(record, &check)).collect();
        (!key_packages.is_empty()).then(|| Self {
            handle: handle.clone(),
            identity: *published.identity.as_bytes(),
            inbox_key: published.inbox_key.clone(),
            key_packages,
        })
    }
}

impl Published {
    /// The KeyPackage of a record, if it is that of the device which published it.
    fn key_package(&self, record: &KeyPackageRecord, check: &DeviceCheck) -> Option<KeyPackage> {
        let package = KeyPackage::parse(record.key_package(), check).ok()?;
        let device = self.devices.iter().find(|device| device.device_id() == record.device_id())?;
        (package.leaf().credential == device.as_bytes()).then_some(package)
    }
}

/// How old a KeyPackage may be, in milliseconds: 30 days.
pub(crate) const MAX_KEY_PACKAGE_AGE_MS: u64 = 30 * 24 * 60 * 60 * 1000;
