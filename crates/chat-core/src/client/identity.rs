//! Who this profile is: its identity, its device, and what it signs with.

use std::sync::{Arc, PoisonError};

use chat_crypto::{
    DeviceCertificate, DeviceId, DeviceKey, IdentityKey, IdentityPublic, InboxKey, NewDevice,
    identity_backup,
};
use chat_store::{ReadTxn, StoreError, WriteTxn};
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::{Client, Profile};
use crate::devices::{Linked, Linking, OwnDevices, forget_devices};
use crate::error::{Error, ProfileError};
use crate::groups::OwnLeaf;
use crate::handle::Handle;
use crate::meta_row::MetaRow;
use crate::namespace::Namespace;
use crate::network::Network;

/// What a profile signs with in one network.
pub(crate) struct Signer {
    pub(crate) namespace: Namespace,
    pub(crate) key: DeviceKey,
    pub(crate) certificate: DeviceCertificate,
}

impl Client {
    /// The public key of who this profile is.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn identity(&self) -> Result<IdentityPublic, Error> {
        Ok(self.profile.store.read(identity_public)?)
    }

    /// The identity, sealed under a passphrase: a text that [`import_identity`](Self::import_identity) takes.
    ///
    /// # Errors
    /// [`ProfileError::LinkedDevice`]; when the store cannot be read, or the passphrase is empty.
    pub fn export_identity(&self, passphrase: &SecretString) -> Result<Zeroizing<String>, Error> {
        self.profile.check_is_device()?;
        let identity = self.profile.store.read(identity_key)?;
        let handle = self.profile.handle.as_str();
        let sealed = identity_backup::seal(&identity, handle, passphrase, &mut rand::rng());
        Ok(Zeroizing::new(sealed.map_err(ProfileError::from)?))
    }

    /// The identity as 24 words. They are the secret itself.
    ///
    /// # Errors
    /// [`ProfileError::LinkedDevice`], or when the store cannot be read.
    pub fn identity_words(&self) -> Result<Zeroizing<String>, Error> {
        self.profile.check_is_device()?;
        Ok(identity_backup::to_words(&self.profile.store.read(identity_key)?))
    }

    /// Makes this profile the person that another identity is, with a new device. A device that was linked to this
    /// very identity stays what it is, and holds the secret from then on.
    ///
    /// To everybody who knows the handle under the identity that it has now, its key has changed.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn import_identity(&self, identity: &IdentityKey) -> Result<IdentityPublic, Error> {
        self.profile.store.write::<_, ProfileError>(|tx| {
            let is_ours = identity_public(tx)? == identity.public();
            put_identity(tx, identity)?;
            let was_linked = Linked::stored::<ProfileError>(tx)?.is_some();
            if is_ours && was_linked {
                return Ok(());
            }
            if !is_ours {
                forget_devices(tx)?;
            }
            Linked::forget(tx)?;
            Linking::forget(tx)?;
            make_inbox_key(tx)?;
            make_device(tx)
        })?;
        self.profile.forget_signer();
        Ok(identity.public())
    }
}

impl Profile {
    /// Who this profile is has changed.
    pub(crate) fn forget_signer(&self) {
        *self.signer.write().unwrap_or_else(PoisonError::into_inner) = None;
        *self.own_leaf.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether this profile may write at all: it does not wait to be linked, and was not removed.
    pub(crate) fn check_is_device(&self) -> Result<(), ProfileError> {
        self.store.read(|tx| {
            if Linking::stored::<ProfileError>(tx)?.is_some() {
                return Err(ProfileError::Linking);
            }
            match OwnDevices::of::<ProfileError>(tx)?.is_removed {
                true => Err(ProfileError::DeviceRemoved),
                false => Ok(()),
            }
        })
    }
}

impl Profile {
    /// What this profile signs with in a network.
    pub(crate) fn signer(&self, namespace: &Namespace) -> Result<Arc<Signer>, ProfileError> {
        let known = self.signer.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(signer) = known.filter(|signer| signer.namespace == *namespace) {
            return Ok(signer);
        }
        let signer = Arc::new(self.store.read(|tx| make_signer(tx, &self.handle, namespace))?);
        *self.signer.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&signer));
        Ok(signer)
    }
}

impl Profile {
    /// What this profile is in groups.
    pub(crate) fn own_leaf(&self, network: &Network) -> Result<Arc<OwnLeaf>, ProfileError> {
        let known = self.own_leaf.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(own) = known.filter(|own| own.is_of(network)) {
            return Ok(own);
        }
        let own = Arc::new(OwnLeaf::new(self.signer(network.namespace())?, network));
        *self.own_leaf.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&own));
        Ok(own)
    }
}

fn make_signer(
    tx: &ReadTxn<'_>,
    handle: &Handle,
    namespace: &Namespace,
) -> Result<Signer, ProfileError> {
    let incomplete = ProfileError::Incomplete { part: META_DEVICE };
    let stored = tx.meta_get(META_DEVICE)?.ok_or(ProfileError::Incomplete { part: META_DEVICE })?;
    let (id, seed) = stored.split_first_chunk::<16>().ok_or(incomplete)?;
    let seed: &[u8; 32] =
        seed.try_into().map_err(|_| ProfileError::Incomplete { part: META_DEVICE })?;
    let key = DeviceKey::from_bytes(seed);
    if let Some(linked) = Linked::stored::<ProfileError>(tx)? {
        let certificate = DeviceCertificate::parse(&linked.certificate, namespace.as_str());
        let certificate = certificate.map_err(|_| ProfileError::OtherNetwork)?;
        return Ok(Signer { namespace: namespace.clone(), key, certificate });
    }
    let (id, public) = (DeviceId::from_bytes(*id), key.public());
    let device = NewDevice { handle: handle.as_str(), id, key: &public };
    let certificate = DeviceCertificate::issue(&identity_key(tx)?, &device, namespace.as_str())
        .map_err(|_| ProfileError::Incomplete { part: META_DEVICE })?;
    Ok(Signer { namespace: namespace.clone(), key, certificate })
}

/// The secret of the identity, where this device holds it.
pub(crate) fn held_identity(tx: &ReadTxn<'_>) -> Result<Option<IdentityKey>, ProfileError> {
    match identity_key(tx) {
        Ok(identity) => Ok(Some(identity)),
        Err(ProfileError::LinkedDevice) => Ok(None),
        Err(error) => Err(error),
    }
}

fn identity_key(tx: &ReadTxn<'_>) -> Result<IdentityKey, ProfileError> {
    let Some(stored) = tx.meta_get(META_IDENTITY)? else {
        return Err(match Linked::stored::<ProfileError>(tx)? {
            Some(_) => ProfileError::LinkedDevice,
            None => ProfileError::Incomplete { part: META_IDENTITY },
        });
    };
    let seed = stored.as_slice().try_into().ok();
    seed.map(IdentityKey::from_bytes).ok_or(ProfileError::Incomplete { part: META_IDENTITY })
}

fn identity_public(tx: &ReadTxn<'_>) -> Result<IdentityPublic, ProfileError> {
    match Linked::stored::<ProfileError>(tx)? {
        Some(linked) => linked.identity(),
        None => Ok(identity_key(tx)?.public()),
    }
}

pub(crate) fn put_identity(
    tx: &mut WriteTxn<'_>,
    identity: &IdentityKey,
) -> Result<(), ProfileError> {
    Ok(tx.meta_put(META_IDENTITY, identity.expose_bytes())?)
}

/// Forgets the secret of the identity.
pub(crate) fn take_identity(tx: &mut WriteTxn<'_>) -> Result<(), ProfileError> {
    Ok(tx.meta_delete(META_IDENTITY)?)
}

/// What opens invitations to this profile.
pub(crate) fn inbox_key(tx: &ReadTxn<'_>) -> Result<InboxKey, ProfileError> {
    let stored = tx.meta_get(META_INBOX_KEY)?;
    let seed = stored.as_ref().and_then(|stored| stored.as_slice().try_into().ok());
    seed.map(InboxKey::from_bytes).ok_or(ProfileError::Incomplete { part: META_INBOX_KEY })
}

pub(crate) fn put_inbox_key(tx: &mut WriteTxn<'_>, key: &InboxKey) -> Result<(), StoreError> {
    tx.meta_put(META_INBOX_KEY, key.expose_bytes())
}

/// Gives a profile what it lacks of an identity, a device and an inbox key: older profiles have none.
pub(super) fn make_identity(tx: &mut WriteTxn<'_>) -> Result<(), ProfileError> {
    if tx.meta_get(META_INBOX_KEY)?.is_none() {
        make_inbox_key(tx)?;
    }
    if is_somebody(tx)? {
        return Ok(());
    }
    put_identity(tx, &IdentityKey::generate(&mut rand::rng()))?;
    make_device(tx)
}

fn make_device(tx: &mut WriteTxn<'_>) -> Result<(), ProfileError> {
    let mut rng = rand::rng();
    let mut device = Zeroizing::new(Vec::with_capacity(DeviceId::LEN + DeviceKey::LEN));
    device.extend_from_slice(DeviceId::generate(&mut rng).as_bytes());
    device.extend_from_slice(DeviceKey::generate(&mut rng).expose_bytes());
    Ok(tx.meta_put(META_DEVICE, &device)?)
}

fn make_inbox_key(tx: &mut WriteTxn<'_>) -> Result<(), ProfileError> {
    Ok(put_inbox_key(tx, &InboxKey::generate(&mut rand::rng()))?)
}

/// Whether a profile has an identity and an inbox key.
pub(super) fn has_identity(tx: &ReadTxn<'_>) -> Result<bool, ProfileError> {
    Ok(is_somebody(tx)? && tx.meta_get(META_INBOX_KEY)?.is_some())
}

/// Whether a profile holds an identity's secret, or is one of its devices.
fn is_somebody(tx: &ReadTxn<'_>) -> Result<bool, ProfileError> {
    Ok(tx.meta_get(META_IDENTITY)?.is_some() || Linked::stored::<ProfileError>(tx)?.is_some())
}

const META_IDENTITY: &str = "identity";
const META_DEVICE: &str = "device";
const META_INBOX_KEY: &str = "inbox key";
