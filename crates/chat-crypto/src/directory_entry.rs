//! What a person publishes about themselves, in a form that verifies alone.
//!
//! ```text
//! version u8 = 1 | lp(handle) | identity 32 | valid until u64 (ms) | lp(inbox key)
//!     | count u32 | changes | signature 64
//! ```
//! The identity signs everything before the signature, for the network. Changes are described in
//! `change.rs`.

use std::fmt;

use crate::device::{DeviceCertificate, DeviceId};
use crate::encoding::push_lp;
use crate::identity::{IdentityKey, IdentityPublic};
use crate::signature::{SignatureContext, SignatureKind};

use self::change::{Change, Link, inbox_key_hash};
use self::state::State;

mod change;
mod error;
mod head;
mod parse;
mod state;

pub use self::error::{ChangeError, EntryError};
pub use self::head::{DirectoryHead, Relation};

/// A verified directory entry: an identity, its handle, its devices and its inbox key, with the
/// whole list of signed changes that led there.
///
/// There is no way to hold one of which anything was not verified. The list is a hash chain that
/// starts with namespace, handle and identity; two entries of one identity of which none continues
/// the other show that the directory has two faces: see [`follows`](Self::follows).
///
/// # Security
/// It says what the identity said, not that the identity is the person's: pins and safety numbers
/// do. A directory may withhold newer entries; only gossip about [`head`](Self::head)s and the end
/// of validity tell.
#[derive(Clone, PartialEq, Eq)]
pub struct DirectoryEntry {
    namespace: String,
    identity: IdentityPublic,
    state: State,
    inbox_key: Vec<u8>,
    valid_until_ms: u64,
    /// The encodings of all changes, one behind the other.
    changes: Vec<u8>,
    /// The chain's hashes: one for each change.
    hashes: Vec<[u8; 32]>,
    encoded: Vec<u8>,
}

/// What a first entry says.
#[derive(Clone, Copy, Debug)]
pub struct NewEntry<'a> {
    /// The first device, certified by the identity; the entry's handle is its.
    pub device: &'a DeviceCertificate,
    /// The public key that invitations are sealed to, 1 to 2,048 bytes.
    pub inbox_key: &'a [u8],
    /// The end of validity, milliseconds since 1970.
    pub valid_until_ms: u64,
}

/// One change of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DirectoryChange {
    /// A device joins.
    AddDevice(DeviceCertificate),
    /// A device goes, for ever.
    RemoveDevice(DeviceId),
    /// Invitations are sealed to another public key, 1 to 2,048 bytes.
    RotateInboxKey(Vec<u8>),
}

impl DirectoryEntry {
    /// The longest entry, in bytes.
    pub const MAX_LEN: usize = 1024 * 1024;
    /// The most changes in an entry.
    pub const MAX_CHANGES: usize = 1024;
    /// The most devices at one time.
    pub const MAX_DEVICES: usize = 64;
    /// The longest inbox key, in bytes.
    pub const MAX_INBOX_KEY: usize = 2048;

    /// Makes the first entry of an identity, of two changes: its device and its inbox key.
    ///
    /// # Errors
    /// [`EntryError::NotOwner`] if another identity certified the device, and
    /// [`EntryError::Change`] for an inbox key of a wrong length.
    pub fn create(
        identity: &IdentityKey,
        namespace: &str,
        entry: &NewEntry<'_>,
    ) -> Result<Self, EntryError> {
        let mut made = Self {
            namespace: namespace.to_owned(),
            identity: identity.public(),
            state: State::new(identity.public(), entry.device.handle()),
            inbox_key: Vec::new(),
            valid_until_ms: entry.valid_until_ms,
            changes: Vec::new(),
            hashes: Vec::new(),
            encoded: Vec::new(),
        };
        if entry.device.identity() != &made.identity {
            return Err(EntryError::NotOwner);
        }
        made.push(DirectoryChange::AddDevice(entry.device.clone()), identity)?;
        made.push(DirectoryChange::RotateInboxKey(entry.inbox_key.to_vec()), identity)?;
        made.seal(identity);
        Ok(made)
    }

    /// The entry with one change more.
    ///
    /// Two different changes of one entry are a fork that everybody sees: continue the newest entry
    /// that was ever published, and only where the identity's key lies.
    ///
    /// * `valid_until_ms` - the new end of validity, milliseconds since 1970
    ///
    /// # Errors
    /// [`EntryError::NotOwner`] for the key of another identity, [`EntryError::Change`] for a
    /// change that is not allowed.
    pub fn append(
        &self,
        change: DirectoryChange,
        identity: &IdentityKey,
        valid_until_ms: u64,
    ) -> Result<Self, EntryError> {
        let mut longer = self.owned_by(identity)?;
        longer.push(change, identity)?;
        longer.valid_until_ms = valid_until_ms;
        longer.seal(identity);
        Ok(longer)
    }

    /// The same entry with another end of validity.
    ///
    /// # Errors
    /// [`EntryError::NotOwner`] for the key of another identity.
    pub fn renew(&self, identity: &IdentityKey, valid_until_ms: u64) -> Result<Self, EntryError> {
        let mut renewed = self.owned_by(identity)?;
        renewed.valid_until_ms = valid_until_ms;
        renewed.seal(identity);
        Ok(renewed)
    }

    /// Whose entry it is.
    pub fn identity(&self) -> &IdentityPublic {
        &self.identity
    }

    /// The handle that the identity claims.
    pub fn handle(&self) -> &str {
        self.state.handle()
    }

    /// The network that the entry was verified for.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The present devices in the order in which they joined: 1 to 64.
    pub fn devices(&self) -> &[DeviceCertificate] {
        self.state.devices()
    }

    /// A present device.
    pub fn device(&self, id: DeviceId) -> Option<&DeviceCertificate> {
        self.devices().iter().find(|device| device.device_id() == id)
    }

    /// Whether the entry had a device that it has no more.
    pub fn has_removed(&self, id: DeviceId) -> bool {
        self.state.has_removed(id)
    }

    /// The devices that the entry had and has no more.
    pub fn removed_devices(&self) -> impl Iterator<Item = DeviceId> {
        self.state.removed()
    }

    /// The public key that invitations are sealed to, 1 to 2,048 bytes.
    pub fn inbox_key(&self) -> &[u8] {
        &self.inbox_key
    }

    /// The end of validity, milliseconds since 1970. Nothing here looks at a clock: who is about to
    /// invite does.
    pub fn valid_until_ms(&self) -> u64 {
        self.valid_until_ms
    }

    /// The entry's bytes: what the directory record carries.
    pub fn as_bytes(&self) -> &[u8] {
        &self.encoded
    }

    fn owned_by(&self, identity: &IdentityKey) -> Result<Self, EntryError> {
        let own = identity.public() == self.identity;
        own.then(|| self.clone()).ok_or(EntryError::NotOwner)
    }

    /// Signs a change and puts it behind the others.
    fn push(&mut self, change: DirectoryChange, identity: &IdentityKey) -> Result<(), EntryError> {
        let number = self.state.next_number();
        let failed = |source| EntryError::Change { number, source };
        let change = match change {
            DirectoryChange::AddDevice(device) => Change::AddDevice(device),
            DirectoryChange::RemoveDevice(id) => Change::RemoveDevice(id),
            DirectoryChange::RotateInboxKey(key) => {
                if !(1..=Self::MAX_INBOX_KEY).contains(&key.len()) {
                    return Err(failed(ChangeError::InboxKey));
                }
                let hash = inbox_key_hash(&key);
                self.inbox_key = key;
                Change::RotateInboxKey(hash)
            }
        };
        let link = Link { number, previous: self.last_hash() };
        self.state.apply(&change).map_err(failed)?;
        let signed = change.sign(link, identity, &self.namespace);
        self.hashes.push(change::chain_hash(&signed));
        self.changes.extend_from_slice(&signed);
        Ok(())
    }

    /// Writes the entry and signs it as a whole.
    fn seal(&mut self, identity: &IdentityKey) {
        let mut encoded = vec![VERSION];
        push_lp(&mut encoded, self.state.handle().as_bytes());
        encoded.extend_from_slice(self.identity.as_bytes());
        encoded.extend_from_slice(&self.valid_until_ms.to_be_bytes());
        push_lp(&mut encoded, &self.inbox_key);
        encoded.extend_from_slice(&self.state.next_number().to_be_bytes());
        encoded.extend_from_slice(&self.changes);
        let signature = identity.sign(&context(&self.namespace), &encoded);
        encoded.extend_from_slice(signature.as_bytes());
        self.encoded = encoded;
    }

    /// What the next change names as the one before it.
    fn last_hash(&self) -> [u8; 32] {
        let start = || change::start(&self.namespace, self.state.handle(), &self.identity);
        self.hashes.last().copied().unwrap_or_else(start)
    }
}

impl fmt::Debug for DirectoryEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (handle, identity) = (self.handle(), &self.identity);
        let (devices, head) = (self.devices().len(), self.head());
        write!(f, "DirectoryEntry({handle}, {identity:?}, {devices} devices, {head:?})")
    }
}

fn context(namespace: &str) -> SignatureContext<'_> {
    SignatureContext::network(SignatureKind::DirectoryEntry, namespace)
}

const VERSION: u8 = 1;
