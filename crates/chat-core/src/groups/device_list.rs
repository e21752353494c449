//! Groups follow the lists of devices in the directory: our own devices are brought in and put out, and what others have
//! removed is put out wherever we may.

use chat_crypto::DeviceCertificate;
use chat_crypto::mls::{CommitPlan, GroupId, Leaf, MAX_MEMBERS};
use chat_store::ReadTxn;

use super::ratchets::Ratchets;
use super::roster::Roster;
use super::{GroupError, GroupKind, GroupRow, Intent, Invitee, OwnLeaf};
use crate::devices::{OwnDevices, RemovedDevice, RemovedDevices};
use crate::directory::has_removed;
use crate::handle::Handle;
use crate::meta_row::MetaRow;
use crate::mutant::{Mutant, breaks};
use crate::namespace::Namespace;

/// What is to be done in a group about our own devices, if it was not looked at since their list has changed.
pub(super) fn due_devices(tx: &ReadTxn<'_>, row: &GroupRow) -> Result<Option<Intent>, GroupError> {
    let ours = OwnDevices::of::<GroupError>(tx)?;
    let was_alone = row.devices == [0; 32];
    let is_alone = ours.devices.len() == 1 && ours.gone.is_empty();
    if ours.is_removed || ours.devices.is_empty() || (is_alone && was_alone) {
        return Ok(None);
    }
    let mark = ours.mark();
    let keys = ours.devices.iter().map(|device| device.key).collect();
    Ok((row.devices != mark).then_some(Intent::Devices { mark, keys, gone: ours.gone }))
}

/// What is to be done in a group about devices that others have removed, if it was not looked at since.
pub(super) fn due_removed(tx: &ReadTxn<'_>, row: &GroupRow) -> Result<Option<Intent>, GroupError> {
    let removed = RemovedDevices::of::<GroupError>(tx)?;
    if removed.0.is_empty() {
        return Ok(None);
    }
    let mark = removed.mark();
    Ok((row.removed != mark).then_some(Intent::PutOut { mark, devices: removed.0 }))
}

impl Ratchets {
    /// The group of two that a removed device has invited us to is read, and written to no more: whoever has the device
    /// may have founded it, so that we write there.
    pub(super) fn avoid_if_tainted(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        removed: &[RemovedDevice],
    ) -> Result<(), GroupError> {
        let row = self.row(tx, id)?;
        let GroupKind::Pair(_, identity) = row.kind.clone() else { return Ok(()) };
        let by = row.inviter.as_ref().map(|name| name.identity).zip(row.inviting_device);
        let is_it = |one: &RemovedDevice| by == Some((one.identity, one.id));
        if row.is_tainted || !removed.iter().any(is_it) {
            return Ok(());
        }
        self.change(tx, id, |row| row.is_tainted = true)?;
        self.converge(tx, &identity)
    }

    /// Whether the owner of a device has removed it, by what is known of the directory.
    pub(crate) fn is_removed(
        &self,
        tx: &ReadTxn<'_>,
        device: &DeviceCertificate,
    ) -> Result<bool, GroupError> {
        let Ok(handle) = device.handle().parse::<Handle>() else { return Ok(false) };
        let who = (&handle, device.identity().as_bytes());
        has_removed(tx, who, device.device_id())
    }
}

impl Roster {
    /// Brings in our devices that are missing and have published what it takes, and puts out those that were removed;
    /// `None` if there are none. One that is in neither list is newer than what we know of the directory.
    ///
    /// * `keys` - the public keys of all our devices
    pub(super) fn with_devices<'a>(
        &self,
        own: &OwnLeaf,
        (keys, gone): (&[[u8; 32]], &[RemovedDevice]),
        invitees: &'a [Invitee],
    ) -> Result<Option<CommitPlan<'a>>, GroupError> {
        let ours = || self.leaves.iter().filter(|leaf| self.is_us(&leaf.name.identity));
        let is_listed = |key: &[u8]| keys.iter().any(|one| one == key);
        let us = own.member.signature_key();
        let unlisted = |leaf: &Leaf| {
            let key = leaf.signature_key.as_slice();
            breaks(Mutant::PutOutUnlisted) && key != us && !is_listed(key)
        };
        let gone = ours().filter(|leaf| is_one_of(leaf, gone, &own.namespace) || unlisted(leaf));
        let packages = invitees.iter().flat_map(|invitee| &invitee.key_packages);
        let missing = packages.filter(|package| {
            let key = &package.leaf().signature_key;
            is_listed(key) && ours().all(|leaf| leaf.signature_key != *key)
        });
        let (gone, missing): (Vec<_>, Vec<_>) =
            (gone.filter_map(|leaf| leaf.index).collect(), missing.collect());
        if gone.is_empty() && missing.is_empty() {
            return Ok(None);
        }
        let mut missing = missing;
        // Whoever goes, goes, also where nobody can come.
        missing.truncate(MAX_MEMBERS.saturating_sub(self.leaves.len() - gone.len()));
        if gone.is_empty() && missing.is_empty() {
            return Err(GroupError::TooMany { most: MAX_MEMBERS });
        }
        let plan = gone.into_iter().fold(CommitPlan::new(), CommitPlan::removing);
        Ok(Some(missing.into_iter().fold(plan, CommitPlan::adding)))
    }

    /// Puts out devices that others have removed; `None` if none is here, or only admins may.
    pub(super) fn without_devices<'a>(
        &self,
        own: &OwnLeaf,
        removed: &[RemovedDevice],
    ) -> Result<Option<CommitPlan<'a>>, GroupError> {
        if !self.are_we_admin() {
            return Ok(None);
        }
        let is_gone = |leaf: &&Leaf| is_one_of(leaf, removed, &own.namespace);
        let gone: Vec<_> =
            self.leaves.iter().filter(is_gone).filter_map(|leaf| leaf.index).collect();
        let plan = || gone.iter().fold(CommitPlan::new(), |plan, leaf| plan.removing(*leaf));
        Ok((!gone.is_empty()).then(plan))
    }
}

/// Whether a leaf is a device that its owner has removed.
fn is_one_of(leaf: &Leaf, removed: &[RemovedDevice], namespace: &Namespace) -> bool {
    let is_theirs = removed.iter().any(|one| one.identity == leaf.name.identity);
    if !is_theirs || breaks(Mutant::KeepRemovedDevice) {
        return false;
    }
    let Ok(device) = DeviceCertificate::parse(&leaf.credential, namespace.as_str()) else {
        return false;
    };
    let id = device.device_id();
    removed.iter().any(|one| one.identity == leaf.name.identity && one.id == *id.as_bytes())
}
