//! What somebody writes with: devices and what certifies them.

use std::fmt;

use rand_core::{CryptoRng, Rng};
use zeroize::ZeroizeOnDrop;

use crate::ed25519::{PublicKey, SecretKey};
use crate::identity::KeyError;
use crate::signature::{Signature, SignatureContext, SignatureError};

mod certificate;
mod known;

pub use self::certificate::{CertificateError, DeviceCertificate, NewDevice};
pub use self::known::KnownCertificates;

/// The secret key of a device: an Ed25519 seed of 32 bytes. Wiped when dropped, redacted in
/// `Debug`.
///
/// It signs the device's MLS leaf and all that the device sends.
///
/// # Security
/// Whoever holds it writes as this device until the identity removes it from the directory entry.
#[derive(Clone, PartialEq, Eq, ZeroizeOnDrop)]
pub struct DeviceKey(SecretKey);

impl DeviceKey {
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

    /// The secret bytes (the seed of RFC 8032), for the sealed store and for the MLS signer. Keep
    /// them out of logs and arguments.
    pub fn expose_bytes(&self) -> &[u8; Self::LEN] {
        self.0.expose_bytes()
    }

    /// The public half.
    pub fn public(&self) -> DevicePublic {
        DevicePublic(self.0.public())
    }

    /// Signs `bytes` for one place.
    pub fn sign(&self, context: &SignatureContext<'_>, bytes: &[u8]) -> Signature {
        Signature::make(&self.0, context, bytes)
    }
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(_) = self;
        f.write_str("DeviceKey([redacted])")
    }
}

/// The public key of a device: 32 bytes, a canonical point of prime order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DevicePublic(PublicKey);

impl DevicePublic {
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

    /// The 32 bytes: also the signature key of the device's MLS leaf.
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        self.0.as_bytes()
    }

    /// Verifies that this device signed `bytes` for this place.
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

impl fmt::Debug for DevicePublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DevicePublic(")?;
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// The name of a device: 16 random bytes, public, never used again after its removal. Shown as 32
/// hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceId([u8; 16]);

impl DeviceId {
    /// Length of the id, in bytes.
    pub const LEN: usize = 16;

    /// Draws a new id.
    pub fn generate(rng: &mut impl Rng) -> Self {
        let mut id = [0; Self::LEN];
        rng.fill_bytes(&mut id);
        Self(id)
    }

    /// Wraps 16 bytes.
    pub fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceId({self})")
    }
}
