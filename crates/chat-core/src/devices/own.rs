//! Our own devices, as our entry of the directory has them.

use serde::{Deserialize, Serialize};

use super::RemovedDevice;
use crate::directory::SeenHead;
use crate::hash::sha256;
use crate::meta_row::MetaRow;

/// Our own devices as our entry has them: kept beside the entry, of which every signature is checked when it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OwnDevices {
    /// In the order in which they joined; none before the entry was seen.
    pub(crate) devices: Vec<OwnDevice>,
    /// Those that were removed.
    pub(crate) gone: Vec<RemovedDevice>,
    /// Whether this device was among them and is no more.
    pub(crate) is_removed: bool,
    /// Whether the entry's inbox key is one that we do not hold.
    pub(crate) lacks_inbox_key: bool,
    /// When we have asked for it last: our clock, milliseconds since 1970.
    pub(crate) asked_ms: i64,
    /// The end of our list of changes, as the directory shows it; `None` before it does.
    pub(crate) head: Option<SeenHead>,
    /// Devices that have asked us for it, and when we have answered each.
    pub(crate) answered: Vec<([u8; 16], i64)>,
}

/// One of our devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OwnDevice {
    pub(crate) id: [u8; 16],
    /// Its public key: that of its leaves.
    pub(crate) key: [u8; 32],
    /// Whether it has published what it takes to bring it into a group.
    pub(crate) can_join: bool,
}

impl MetaRow for OwnDevices {
    const NAME: &'static str = "own devices";
}

impl OwnDevices {
    /// Tells these devices from all other lists of devices.
    pub(crate) fn mark(&self) -> [u8; 32] {
        let devices = self.devices.iter();
        let rows: Vec<u8> =
            devices.flat_map(|one| one.key.into_iter().chain([u8::from(one.can_join)])).collect();
        let gone: Vec<u8> = self.gone.iter().flat_map(|one| one.id).collect();
        sha256(&[b"securechat/v1/own-devices", &rows, &gone])
    }

    /// Notes that a device of ours is answered; whether it was not within the last hour.
    pub(crate) fn note_answer(&mut self, id: [u8; 16], now_ms: i64) -> bool {
        self.answered.retain(|(_, at)| (0..HOUR_MS).contains(&(now_ms - at)));
        let is_new = self.answered.iter().all(|(one, _)| *one != id);
        if is_new {
            self.answered.push((id, now_ms));
        }
        is_new
    }

    /// A device is ours no more.
    pub(crate) fn remove(&mut self, identity: [u8; 32], id: [u8; 16]) {
        self.devices.retain(|one| one.id != id);
        let gone = RemovedDevice { identity, id };
        if !self.gone.contains(&gone) {
            self.gone.push(gone);
        }
    }

    /// Whether this is the leaf of one of them.
    pub(crate) fn has(&self, key: &[u8]) -> bool {
        self.devices.iter().any(|one| one.key == key)
    }

    /// Whether a device of this name and key is one of them.
    pub(crate) fn is_one(&self, id: &[u8; 16], key: &[u8; 32]) -> bool {
        self.devices.iter().any(|one| one.id == *id && one.key == *key)
    }
}

const HOUR_MS: i64 = 60 * 60 * 1000;
