//! Groups follow the list of our own devices: whichever of them finds one that is not as the list says changes it.

use chat_crypto::mls::{CommitPlan, MAX_MEMBERS};
use chat_store::ReadTxn;

use super::roster::Roster;
use super::{GroupError, GroupRow, Intent, Invitee, OwnLeaf};
use crate::devices::OwnDevices;

/// What is to be done in a group about our own devices, if it was not looked at since their list has changed.
pub(super) fn due_devices(tx: &ReadTxn<'_>, row: &GroupRow) -> Result<Option<Intent>, GroupError> {
    let ours = OwnDevices::of::<GroupError>(tx)?;
    let was_alone = row.devices == [0; 32];
    if ours.is_removed || ours.devices.is_empty() || (ours.devices.len() == 1 && was_alone) {
        return Ok(None);
    }
    let mark = ours.mark();
    let keys = ours.devices.iter().map(|device| device.key).collect();
    Ok((row.devices != mark).then_some(Intent::Devices { mark, keys }))
}

impl Roster {
    /// Brings in our devices that are missing and have published what it takes, and puts out those that are ours no
    /// more; `None` if there are none.
    ///
    /// * `keys` - the public keys of all our devices
    pub(super) fn with_devices<'a>(
        &self,
        own: &OwnLeaf,
        keys: &[[u8; 32]],
        invitees: &'a [Invitee],
    ) -> Result<Option<CommitPlan<'a>>, GroupError> {
        let us = own.member.signature_key().as_slice();
        let ours = || self.leaves.iter().filter(|leaf| self.is_us(&leaf.name.identity));
        let is_listed = |key: &[u8]| key == us || keys.iter().any(|one| one == key);
        let gone = ours().filter(|leaf| !is_listed(&leaf.signature_key));
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
        if self.leaves.len() - gone.len() + missing.len() > MAX_MEMBERS {
            return Err(GroupError::TooMany { most: MAX_MEMBERS });
        }
        let plan = gone.into_iter().fold(CommitPlan::new(), CommitPlan::removing);
        Ok(Some(missing.into_iter().fold(plan, CommitPlan::adding)))
    }
}
