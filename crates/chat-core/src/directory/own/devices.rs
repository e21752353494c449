//! Our own devices: what the entry says of them, and what is awaited of them.

use chat_crypto::{DeviceCertificate, DirectoryEntry};
use chat_store::{ReadTxn, WriteTxn};

use super::{OwnRow, Owner};
use crate::client::held_identity;
use crate::devices::{Certified, Linked, OwnDevice, OwnDevices, RemovedDevice, promote_inbox_key};
use crate::directory::kept::{KeptKeyPackage, KeptRecords};
use crate::directory::take::note_devices_changed;
use crate::error::DirectoryError;
use crate::groups::MAX_KEY_PACKAGE_AGE_MS;
use crate::meta_row::MetaRow;

impl Owner<'_> {
    /// Whether the own records should be looked at before it is time: our KeyPackage was used, a device that was
    /// certified just now has not published its own, or we have been linked and the entry does not show us yet.
    pub(crate) fn is_waiting(&self, tx: &ReadTxn<'_>, now_ms: i64) -> Result<bool, DirectoryError> {
        if OwnDevices::of::<DirectoryError>(tx)?.is_removed {
            return Ok(false);
        }
        let row = OwnRow::of(tx)?;
        if row.key_package.is_some_and(|package| package.used) {
            return Ok(true);
        }
        if held_identity(tx)?.is_none() {
            let linked = Linked::stored::<DirectoryError>(tx)?;
            let is_young = linked.is_some_and(|linked| linked.since_ms + AWAITED_MS > now_ms);
            return Ok(!row.announced && is_young);
        }
        let certified = Certified::of::<DirectoryError>(tx)?;
        let (devices, changes) = (&certified.devices, certified.rotates);
        let young = devices.iter().filter(|device| device.since_ms + AWAITED_MS > now_ms);
        for device in young.filter_map(|device| device.certificate(&self.place.namespace)) {
            let owner = (device.identity().as_bytes(), device.device_id());
            if KeptKeyPackage::of::<DirectoryError>(tx, self.handle, owner)?.is_none() {
                return Ok(true);
            }
        }
        Ok(changes)
    }

    /// Keeps what the entry says of our devices, and tells what has changed.
    pub(super) fn note_devices(
        &self,
        tx: &mut WriteTxn<'_>,
        (row, entry): (&OwnRow, &DirectoryEntry),
        now_ms: i64,
    ) -> Result<(), DirectoryError> {
        let packages = KeptRecords::of::<DirectoryError>(tx, self.handle)?.key_packages;
        let is_young = |package: &KeptKeyPackage| {
            package.made_at_ms.saturating_add(MAX_KEY_PACKAGE_AGE_MS) >= now_ms.cast_unsigned()
        };
        let us = self.signer.certificate.device_id();
        let is_valid = entry.valid_until_ms() >= now_ms.cast_unsigned();
        let own = |device: &DeviceCertificate| OwnDevice {
            id: *device.device_id().as_bytes(),
            key: *device.device_key().as_bytes(),
            can_join: device.device_id() == us
                || is_valid && {
                    let id = *device.device_id().as_bytes();
                    let is_its = |package: &KeptKeyPackage| {
                        package.identity == *entry.identity().as_bytes() && package.device == id
                    };
                    packages.iter().any(|package| is_its(package) && is_young(package))
                },
        };
        let identity = *entry.identity().as_bytes();
        let known = OwnDevices::of::<DirectoryError>(tx)?;
        let now = OwnDevices {
            devices: entry.devices().iter().map(own).collect(),
            gone: entry
                .removed_devices()
                .map(|id| RemovedDevice { identity, id: *id.as_bytes() })
                .collect(),
            is_removed: entry.has_removed(us) || (row.announced && entry.device(us).is_none()),
            lacks_inbox_key: !promote_inbox_key(tx, entry.inbox_key())?,
            asked_ms: known.asked_ms,
            head: match row.is_on_log(entry.as_bytes()) {
                true => Some(entry.head().into()),
                false => known.head,
            },
            answered: known.answered.clone(),
        };
        if now == known {
            return Ok(());
        }
        if !known.devices.is_empty() {
            let ids = |list: &OwnDevices| list.devices.iter().map(|one| one.id).collect::<Vec<_>>();
            note_devices_changed(
                tx,
                (self.place, self.handle),
                self.handle,
                (&ids(&known), &ids(&now)),
            )?;
        }
        now.put(tx)
    }
}

/// How long a new device's KeyPackage is waited for: 10 minutes.
const AWAITED_MS: i64 = 10 * 60 * 1000;
