//! Who somebody is: a key that signs for a person.

use std::fmt;

use rand_core::CryptoRng;
use zeroize::ZeroizeOnDrop;

use crate::ed25519::{PublicKey, SecretKey};
use crate::signature::{Signature, SignatureContext, SignatureError};

mod fingerprint;

pub use self::fingerprint::Fingerprint;

/// The secret key of a person: an Ed25519 seed of 32 bytes. Wiped when dropped, redacted in
/// `Debug`.
///
/// It certifies devices and signs the directory entry. Messages are signed by devices.
///
/// # Security
/// Whoever holds it is this person for everybody who trusts the [`IdentityPublic`]. Only the first
/// device and the backup hold it.
#[derive(Clone, PartialEq, Eq, ZeroizeOnDrop)]
pub struct IdentityKey(SecretKey);

impl IdentityKey {
    /// Length of the secret, in bytes.
    pub const LEN: usize = 32;

    /// Draws a new key: 32 bytes of `rng`.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(SecretKey::generate(rng))
    }

    /// Takes 32 secret bytes, such as [`expose_bytes`](Self::expose_bytes) gives.
    pub fn from_bytes(seed: &[u8; Self::LEN]) -> Self {
        Self(SecretKey::from_bytes(seed))
    }

    /// The secret bytes, for the sealed store and for backups. Keep them out of logs and arguments.
    pub fn expose_bytes(&self) -> &[u8; Self::LEN] {
        self.0.expose_bytes()
    }

    /// The public half.
    pub fn public(&self) -> IdentityPublic {
        IdentityPublic(self.0.public())
    }

    /// Signs `bytes` for one place.
    pub fn sign(&self, context: &SignatureContext<'_>, bytes: &[u8]) -> Signature {
        Signature::make(&self.0, context, bytes)
    }
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(_) = self;
        f.write_str("IdentityKey([redacted])")
    }
}

/// The public key of a person: 32 bytes, a canonical point of prime order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityPublic(PublicKey);

impl IdentityPublic {
    /// Length of the key, in bytes.
    pub const LEN: usize = 32;

    /// Takes 32 bytes that may be a public key.
    ///
    /// # Errors
    /// [`KeyError`] for bytes that are no point, a second encoding of one, or a point that is not
    /// of prime order.
    pub fn from_bytes(bytes: &[u8; Self::LEN]) -> Result<Self, KeyError> {
        PublicKey::parse(bytes).map(Self).ok_or(KeyError)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        self.0.as_bytes()
    }

    /// What people compare and programs show.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self)
    }

    /// Verifies that this identity signed `bytes` for this place.
    ///
    /// # Errors
    /// [`SignatureError`] for every way in which it can fail.
    pub fn verify(
        &self,
        context: &SignatureContext<'_>,
        bytes: &[u8],
        signature: &Signature,
    ) -> Result<(), SignatureError> {
        signature.check(&self.0, context, bytes)
    }
}

impl fmt::Debug for IdentityPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityPublic(")?;
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// Bytes are no public key that can be trusted with anything. Whoever sent them made them wrongly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no Ed25519 public key")]
pub struct KeyError;
