//! A profile that is the device of an identity whose secret is somewhere else.

use chat_crypto::{DeviceCertificate, IdentityPublic, InboxKey, InboxPublic};
use chat_store::{ReadTxn, StoreError, WriteTxn};
use serde::{Deserialize, Serialize};

use super::DeviceCode;
use crate::client::{inbox_key, put_identity, put_inbox_key, take_identity};
use crate::clock::now_ms;
use crate::error::ProfileError;
use crate::meta_row::MetaRow;

/// What a linked device has in place of the identity's secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Linked {
    identity: [u8; 32],
    #[serde(with = "serde_bytes")]
    pub(crate) certificate: Vec<u8>,
    /// Since when: our clock, milliseconds since 1970.
    pub(crate) since_ms: i64,
}

/// A profile that waits to be linked. Until then its identity is the secret of its code.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Linking {
    /// Who it is to be.
    pub(crate) identity: [u8; 32],
    pub(crate) expires_ms: i64,
    /// What its owner calls it.
    pub(crate) label: String,
    /// Whether the request is on its way.
    pub(crate) asked: bool,
}

impl MetaRow for Linked {
    const NAME: &'static str = "linked";
}

impl Linked {
    pub(crate) fn identity(&self) -> Result<IdentityPublic, ProfileError> {
        IdentityPublic::from_bytes(&self.identity)
            .map_err(|_| ProfileError::Incomplete { part: Self::NAME })
    }
}

impl MetaRow for Linking {
    const NAME: &'static str = "linking";
}

impl Linking {
    /// Makes a new profile one that waits to be linked.
    pub(crate) fn begin(
        tx: &mut WriteTxn<'_>,
        code: &DeviceCode,
        label: &str,
    ) -> Result<(), ProfileError> {
        put_identity(tx, &code.secret)?;
        let linking = Self {
            identity: *code.owner.identity.as_bytes(),
            expires_ms: i64::try_from(code.expires_ms).unwrap_or(i64::MAX),
            label: label.to_owned(),
            asked: false,
        };
        linking.put(tx)
    }

    /// The profile is a device of its identity from here on.
    pub(crate) fn finish(
        self,
        tx: &mut WriteTxn<'_>,
        certificate: &DeviceCertificate,
        inbox: &InboxKey,
    ) -> Result<(), ProfileError> {
        let linked = Linked {
            identity: self.identity,
            certificate: certificate.as_bytes().to_vec(),
            since_ms: now_ms(),
        };
        linked.put::<ProfileError>(tx)?;
        let device = inbox_key(tx)?;
        tx.meta_put(META_DEVICE_INBOX, device.expose_bytes())?;
        put_inbox_key(tx, inbox)?;
        take_identity(tx)?;
        Ok(Self::forget(tx)?)
    }
}

/// What opens letters to this device alone, if it has such a key.
pub(crate) fn device_inbox_key(tx: &ReadTxn<'_>) -> Result<Option<InboxKey>, StoreError> {
    let stored = tx.meta_get(META_DEVICE_INBOX)?;
    let seed = stored.as_ref().and_then(|stored| stored.as_slice().try_into().ok());
    Ok(seed.map(InboxKey::from_bytes))
}

/// Draws a key for letters to this device alone.
pub(crate) fn make_device_inbox_key(tx: &mut WriteTxn<'_>) -> Result<InboxPublic, StoreError> {
    let key = InboxKey::generate(&mut rand::rng());
    tx.meta_put(META_DEVICE_INBOX, key.expose_bytes())?;
    Ok(key.public())
}

const META_DEVICE_INBOX: &str = "device inbox key";
