//! The key that all members of a network hold.

use std::fmt;

use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::subkey::Subkey;

/// The network key: 32 secret bytes. Wiped when dropped; `Debug` shows its id only.
///
/// It is used for nothing but deriving [`Subkey`]s, one for each job.
///
/// # Security
/// Whoever holds it can read and write everything that is protected by the shared key alone.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct NetworkKey([u8; 32]);

/// What a subkey is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SubkeyLabel {
    /// Sealing envelopes for inboxes and the directory.
    Envelope,
    /// Keys of directory records.
    DirectoryTag,
    /// Tags of inboxes.
    InboxTag,
    /// Probing pictures.
    Picture,
    /// Binding MLS groups to the network.
    MlsPsk,
}

impl SubkeyLabel {
    /// All labels.
    pub const ALL: [Self; 5] =
        [Self::Envelope, Self::DirectoryTag, Self::InboxTag, Self::Picture, Self::MlsPsk];

    /// The label as it stands in the derivation.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Envelope => "envelope",
            Self::DirectoryTag => "directory-tag",
            Self::InboxTag => "inbox-tag",
            Self::Picture => "picture",
            Self::MlsPsk => "mls-psk",
        }
    }
}

impl NetworkKey {
    /// Length of the key, in bytes.
    pub const LEN: usize = 32;

    /// Draws a new key.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut key = Self([0; Self::LEN]);
        rng.fill_bytes(&mut key.0);
        key
    }

    /// Wraps 32 secret bytes.
    pub fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The raw key, for writing key files and invites. Keep it out of logs and arguments.
    pub fn expose_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// The key's public name.
    pub fn id(&self) -> KeyId {
        let hash =
            Sha256::new().chain_update(b"securechat/v1/key-id").chain_update(self.0).finalize();
        let mut id = [0; 8];
        id.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        KeyId(id)
    }

    /// The key for one job: HKDF-SHA256, no salt, info `securechat/v1/<label>`.
    pub fn subkey(&self, label: SubkeyLabel) -> Subkey {
        Subkey::derive(&self.0, format!("securechat/v1/{}", label.as_str()).as_bytes())
    }
}

impl fmt::Debug for NetworkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(_) = self;
        write!(f, "NetworkKey(id {})", self.id())
    }
}

impl PartialEq for NetworkKey {
    /// In constant time.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for NetworkKey {}

/// The public name of a network key: the first 8 bytes of a hash over it. Shown as 16 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; 8]);

impl KeyId {
    /// The 8 bytes.
    pub fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}
