//! Sealing to somebody's inbox: HPKE (RFC 9180) in base mode with a post-quantum hybrid KEM.
//!
//! ```text
//! sealed = enc 1120 | AES-256-GCM ciphertext | tag 16
//! ```
//! KEM X-Wing (0x647a), KDF HKDF-SHA256 (0x0001), AEAD AES-256-GCM (0x0002).

use std::fmt;

use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::XWing;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use rand_core::CryptoRng;
use zeroize::{ZeroizeOnDrop, Zeroizing};

/// The secret key of an inbox: a seed of 32 bytes. Wiped when dropped, redacted in `Debug`.
///
/// # Security
/// Who gets it opens all that was ever sealed to its public half: rotate it, and delete old ones.
#[derive(Clone, ZeroizeOnDrop)]
pub struct InboxKey([u8; Self::LEN]);

impl InboxKey {
    /// Length of the secret, in bytes.
    pub const LEN: usize = 32;

    /// Draws a new key: 32 bytes of `rng`.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut key = Self([0; Self::LEN]);
        rng.fill_bytes(&mut key.0);
        key
    }

    /// Takes 32 secret bytes, such as [`expose_bytes`](Self::expose_bytes) gives.
    pub fn from_bytes(seed: &[u8; Self::LEN]) -> Self {
        Self(*seed)
    }

    /// The secret bytes, for the sealed store. Keep them out of logs and arguments.
    pub fn expose_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// The public half.
    pub fn public(&self) -> InboxPublic {
        let public = XWing::sk_to_pk(&self.secret());
        let bytes = public.to_bytes().to_vec();
        InboxPublic { public, bytes }
    }

    /// Opens what was sealed to the public half for the same `info` and `aad`.
    ///
    /// # Errors
    /// [`InboxError::Open`] for every way in which it can fail.
    ///
    /// # Security
    /// Anybody may have sealed it: what is inside must be signed.
    pub fn open(
        &self,
        info: &[u8],
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, InboxError> {
        if info.len() > InboxPublic::MAX_INFO {
            return Err(InboxError::Open);
        }
        let (enc, text) = sealed.split_at_checked(ENC).ok_or(InboxError::Open)?;
        let enc = <XWing as Kem>::EncappedKey::from_bytes(enc).map_err(|_| InboxError::Open)?;
        let opened = hpke::single_shot_open::<AesGcm256, HkdfSha256, XWing>(
            &OpModeR::Base,
            &self.secret(),
            &enc,
            &labelled(info),
            text,
            aad,
        );
        opened.map(Zeroizing::new).map_err(|_| InboxError::Open)
    }

    #[expect(clippy::expect_used, reason = "every seed of 32 bytes is a key")]
    fn secret(&self) -> <XWing as Kem>::PrivateKey {
        <XWing as Kem>::PrivateKey::from_bytes(&self.0).expect("32 bytes")
    }
}

impl fmt::Debug for InboxKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(_) = self;
        f.write_str("InboxKey([redacted])")
    }
}

/// The public key of an inbox: 1,216 bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct InboxPublic {
    public: <XWing as Kem>::PublicKey,
    bytes: Vec<u8>,
}

impl InboxPublic {
    /// Length of the key, in bytes.
    pub const LEN: usize = 1216;
    /// How many bytes longer than the plaintext the sealed bytes are.
    pub const OVERHEAD: usize = ENC + TAG;
    /// The longest `info`, in bytes.
    pub const MAX_INFO: usize = 1024;
    /// The longest plaintext, in bytes.
    pub const MAX_PLAINTEXT: usize = 16 * 1024 * 1024;

    /// Takes bytes that may be a public key, such as a directory entry carries.
    ///
    /// # Errors
    /// [`InboxError::NotAKey`] for another length, or what ML-KEM does not encode.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InboxError> {
        // The KEM takes a length for granted.
        if bytes.len() != Self::LEN {
            return Err(InboxError::NotAKey);
        }
        let public = <XWing as Kem>::PublicKey::from_bytes(bytes);
        let public = public.map_err(|_| InboxError::NotAKey)?;
        Ok(Self { public, bytes: bytes.to_vec() })
    }

    /// The 1,216 bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Seals `plaintext` so that only the inbox opens it, and only with the same `info` and `aad`.
    ///
    /// * `info` - what the bytes are for, at most 1,024 bytes
    /// * `aad` - bytes that are not sealed but must be the same
    /// * `rng` - for the 64 bytes of the encapsulation
    ///
    /// Returns [`OVERHEAD`](Self::OVERHEAD) bytes more than `plaintext`.
    ///
    /// # Errors
    /// [`InboxError::TooLong`] for `info` or `plaintext`.
    ///
    /// # Security
    /// Secret while X25519 or ML-KEM-768 holds. It says nothing about who sealed it, and it has no
    /// forward secrecy against the inbox's key. It does not look random: seal it in an envelope.
    pub fn seal(
        &self,
        info: &[u8],
        aad: &[u8],
        plaintext: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, InboxError> {
        let limits = [(info.len(), Self::MAX_INFO), (plaintext.len(), Self::MAX_PLAINTEXT)];
        if let Some((len, max)) = limits.into_iter().find(|(len, max)| len > max) {
            return Err(InboxError::TooLong { len, max });
        }
        let sealed = hpke::single_shot_seal_with_rng::<AesGcm256, HkdfSha256, XWing>(
            &OpModeS::Base,
            &self.public,
            &labelled(info),
            plaintext,
            aad,
            rng,
        );
        let (enc, text) = sealed.map_err(|_| InboxError::NotAKey)?;
        let mut bytes = enc.to_bytes().to_vec();
        bytes.extend_from_slice(&text);
        Ok(bytes)
    }
}

impl fmt::Debug for InboxPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { public: _, bytes } = self;
        f.write_str("InboxPublic(")?;
        bytes.iter().take(8).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        write!(f, ".., {} bytes)", bytes.len())
    }
}

/// Why something could not be sealed to an inbox, or opened in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InboxError {
    /// Bytes are no public key of an inbox. Whoever published them made them wrongly.
    #[error("this is no X-Wing public key")]
    NotAKey,
    /// A part is longer than can be sealed.
    #[error("{len} bytes are more than the {max} that can be sealed to an inbox")]
    TooLong {
        /// Its length, in bytes.
        len: usize,
        /// The limit, in bytes.
        max: usize,
    },
    /// It cannot be opened: noise, damage, another key, another purpose. It is never said which.
    #[error("what was sent to the inbox cannot be opened")]
    Open,
}

/// `"securechat/v1/inbox" | info`
fn labelled(info: &[u8]) -> Vec<u8> {
    [b"securechat/v1/inbox", info].concat()
}

const ENC: usize = 1120;
const TAG: usize = 16;
