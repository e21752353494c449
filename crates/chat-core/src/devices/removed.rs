//! Devices that others have removed: groups that we may change put them out.

use chat_store::{ReadTxn, StoreError, WriteTxn};
use serde::{Deserialize, Serialize};

use crate::error::StoredValueError;
use crate::hash::sha256;
use crate::history_row::{decode, encode};

/// Devices that people whose keys count have removed, the newest last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RemovedDevices(pub(crate) Vec<RemovedDevice>);

/// A device that its identity has removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RemovedDevice {
    pub(crate) identity: [u8; 32],
    pub(crate) id: [u8; 16],
}

impl RemovedDevices {
    pub(crate) fn of<E>(tx: &ReadTxn<'_>) -> Result<Self, E>
    where
        E: From<StoreError> + From<StoredValueError>,
    {
        Ok(tx.meta_get(META_REMOVED)?.map_or(Ok(Self::default()), |row| decode(&row))?)
    }

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
            tx.meta_put(META_REMOVED, &encode(&all)?)?;
        }
        Ok(())
    }

    /// Tells this list from all others.
    pub(crate) fn mark(&self) -> [u8; 32] {
        let parts = self.0.iter().flat_map(|one| [&one.identity[..], &one.id[..]]);
        sha256(&[b"securechat/v1/removed-devices", &parts.collect::<Vec<_>>().concat()])
    }
}

const META_REMOVED: &str = "removed devices";
/// The most devices that are kept in mind.
const MOST_REMOVED: usize = 256;
