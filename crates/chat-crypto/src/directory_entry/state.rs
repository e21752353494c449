//! What the changes of an entry come to, and which of them are allowed.

use std::collections::BTreeSet;

use crate::device::{DeviceCertificate, DeviceId};
use crate::identity::IdentityPublic;

use super::DirectoryEntry;
use super::change::Change;
use super::error::ChangeError;

/// What the changes so far come to.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct State {
    identity: IdentityPublic,
    handle: String,
    devices: Vec<DeviceCertificate>,
    /// Ids of all devices that ever were: none comes back.
    ids: BTreeSet<DeviceId>,
    /// Keys of all devices that ever were.
    keys: BTreeSet<[u8; 32]>,
    inbox_key_hash: Option<[u8; 32]>,
    changes: u32,
}

impl State {
    /// Before the first change.
    pub(super) fn new(identity: IdentityPublic, handle: &str) -> Self {
        Self {
            identity,
            handle: handle.to_owned(),
            devices: Vec::new(),
            ids: BTreeSet::new(),
            keys: BTreeSet::new(),
            inbox_key_hash: None,
            changes: 0,
        }
    }

    /// Takes the next change, if it is allowed here. The signature is not looked at.
    pub(super) fn apply(&mut self, change: &Change) -> Result<(), ChangeError> {
        if usize::try_from(self.changes).is_ok_and(|n| n >= DirectoryEntry::MAX_CHANGES) {
            return Err(ChangeError::TooManyChanges);
        }
        match change {
            Change::AddDevice(device) => self.add(device)?,
            Change::RemoveDevice(id) => self.remove(*id)?,
            Change::RotateInboxKey(hash) if !self.devices.is_empty() => {
                self.inbox_key_hash = Some(*hash);
            }
            Change::RotateInboxKey(_) => return Err(ChangeError::LastDevice),
        }
        self.changes += 1;
        Ok(())
    }

    pub(super) fn handle(&self) -> &str {
        &self.handle
    }

    pub(super) fn devices(&self) -> &[DeviceCertificate] {
        &self.devices
    }

    /// Whether a device was one of them and is no more.
    pub(super) fn has_removed(&self, id: DeviceId) -> bool {
        self.ids.contains(&id) && self.devices.iter().all(|device| device.device_id() != id)
    }

    /// The devices that were there and are no more.
    pub(super) fn removed(&self) -> impl Iterator<Item = DeviceId> {
        self.ids.iter().copied().filter(|id| self.has_removed(*id))
    }

    /// The hash of the present inbox key; `None` before the first one.
    pub(super) fn inbox_key_hash(&self) -> Option<[u8; 32]> {
        self.inbox_key_hash
    }

    /// The number of the next change: how many there are.
    pub(super) fn next_number(&self) -> u32 {
        self.changes
    }

    fn add(&mut self, device: &DeviceCertificate) -> Result<(), ChangeError> {
        if device.identity() != &self.identity || device.handle() != self.handle {
            return Err(ChangeError::Stranger);
        }
        if self.devices.len() >= DirectoryEntry::MAX_DEVICES {
            return Err(ChangeError::TooManyDevices);
        }
        let (id, key) = (device.device_id(), device.device_key().as_bytes());
        if self.ids.contains(&id) || self.keys.contains(key) {
            return Err(ChangeError::Known);
        }
        self.ids.insert(id);
        self.keys.insert(*key);
        self.devices.push(device.clone());
        Ok(())
    }

    fn remove(&mut self, id: DeviceId) -> Result<(), ChangeError> {
        let at = self.devices.iter().position(|device| device.device_id() == id);
        let at = at.ok_or(ChangeError::Unknown)?;
        if self.devices.len() == 1 {
            return Err(ChangeError::LastDevice);
        }
        self.devices.remove(at);
        Ok(())
    }
}
