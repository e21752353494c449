//! Devices that others have removed: groups that we may change put them out.

use chat_store::{StoreError, WriteTxn};
use serde::{Deserialize, Serialize};

use crate::error::StoredValueError;
use crate::hash::sha256;
use crate::meta_row::MetaRow;

/// Devices that people whose keys count have removed, the newest last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RemovedDevices(pub(crate) Vec<RemovedDevice>);

/// A device that its identity has removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RemovedDevice {
    pub(crate) identity: [u8; 32],
    pub(crate) id: [u8; 16],
}

impl MetaRow for RemovedDevices {
    const NAME: &'static str = "removed devices";
}

impl RemovedDevices {
    /// Notes that an identity has removed devices.
    pub(crate) fn add<E>(
        tx: &mut WriteTxn<'_>,
        identity: &[u8; 32],
        ids: impl IntoIterator<Item = [u8; 16]>,
    ) -> Result<(), E>
    where
        E: From<StoreError> + From<StoredValueError>,
    {
        let before = Self::of::<E>(tx)?;
        let mut all = before.clone();
        for device in ids.into_iter().map(|id| RemovedDevice { identity: *identity, id }) {
            if !all.0.contains(&device) {
                all.0.push(device);
            }
        }
        all.0.drain(..all.0.len().saturating_sub(MOST_REMOVED));
        if all != before {
            all.put::<E>(tx)?;
        }
        Ok(())
    }

    /// Tells this list from all others.
    pub(crate) fn mark(&self) -> [u8; 32] {
        let parts = self.0.iter().flat_map(|one| [&one.identity[..], &one.id[..]]);
        sha256(&[b"securechat/v1/removed-devices", &parts.collect::<Vec<_>>().concat()])
    }
}

/// The most devices that are kept in mind.
const MOST_REMOVED: usize = 256;
