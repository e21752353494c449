//! The devices of one person: profiles of one handle and one identity, each a leaf of its own in every group.
//!
//! The first one holds the identity's secret. It offers a place with a [`DeviceCode`], certifies whoever shows the
//! code's secret in time, and publishes the list of all in its entry of the directory. The others hold a certificate.
//! All hold the key of the identity's inbox. Groups follow the list: whichever device finds one that is not as the
//! list says brings it in line.

use chat_store::{StoreError, WriteTxn};

use crate::meta_row::MetaRow;

mod certified;
mod code;
mod inbox_keys;
mod linked;
mod offer;
mod own;
mod removed;

pub(crate) use self::certified::{Certified, CertifiedDevice};
pub use self::code::{DeviceCode, DeviceCodeError};
pub(crate) use self::inbox_keys::{
    add_inbox_key, inbox_keys, promote_inbox_key, replace_inbox_key,
};
pub(crate) use self::linked::{Linked, Linking, device_inbox_key, make_device_inbox_key};
pub(crate) use self::offer::Offers;
pub(crate) use self::own::{OwnDevice, OwnDevices};
pub(crate) use self::removed::{RemovedDevice, RemovedDevices};

/// The profile is somebody else from here on: nothing of the former identity's devices concerns it.
pub(crate) fn forget_devices(tx: &mut WriteTxn<'_>) -> Result<(), StoreError> {
    Certified::forget(tx)?;
    OwnDevices::forget(tx)?;
    Offers::forget(tx)?;
    inbox_keys::forget_others(tx)
}
