//! The keys that say where a codec hides.

use std::fmt;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// A stego key: secret bytes that say where and how a codec hides.
///
/// It has two parts. The [`ProbeKey`] tells which pictures carry something at all, and may be
/// shared by many who write to each other; the body's key tells where the payload lies.
/// Codecs that hide without a key, such as [`LsbCompat`](crate::LsbCompat), ignore both.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct StegoKey {
    probe: ProbeKey,
    body: [u8; 32],
}

/// The part of a stego key that tells which pictures carry something: 32 secret bytes.
///
/// # Security
/// Whoever holds it sees for each picture that it carries a payload, and the payload's size
/// class, but neither where it lies nor what it says.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct ProbeKey([u8; 32]);

impl StegoKey {
    /// Derives both parts from 32 secret bytes, uniformly random or derived from such.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        let bytes = Zeroizing::new(bytes);
        let derivation = Hkdf::<Sha256>::new(None, &*bytes);
        let mut parts = Zeroizing::new([[0; 32]; 2]);
        for (part, label) in
            parts.iter_mut().zip([&b"chat-stego/v1/probe"[..], b"chat-stego/v1/body"])
        {
            #[expect(clippy::expect_used, reason = "32 bytes are far below HKDF's limit of 8,160")]
            derivation.expand(label, part).expect("32 bytes");
        }
        let [probe, body] = *parts;
        Self::with_probe(ProbeKey(probe), body)
    }

    /// Puts a key together from a probe key and 32 secret bytes for the body.
    pub fn with_probe(probe: ProbeKey, body: [u8; 32]) -> Self {
        Self { probe, body }
    }

    /// The part that tells which pictures carry something.
    pub fn probe(&self) -> &ProbeKey {
        &self.probe
    }

    pub(crate) fn body_bytes(&self) -> &[u8; 32] {
        &self.body
    }
}

impl ProbeKey {
    /// Takes over 32 secret bytes, uniformly random or derived from such.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for StegoKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { probe: _, body: _ } = self;
        f.write_str("StegoKey([redacted])")
    }
}

impl fmt::Debug for ProbeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(_) = self;
        f.write_str("ProbeKey([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_tells_nothing() {
        insta::assert_snapshot!(
            format!("{:?}", StegoKey::from_bytes([0xa5; 32])),
            @"StegoKey([redacted])"
        );
        insta::assert_snapshot!(
            format!("{:?}", ProbeKey::from_bytes([0xa5; 32])),
            @"ProbeKey([redacted])"
        );
    }

    #[test]
    fn both_parts_come_from_the_bytes_and_differ() {
        let key = StegoKey::from_bytes([1; 32]);
        assert_ne!(key.probe().as_bytes(), key.body_bytes());
        assert_ne!(key.body_bytes(), StegoKey::from_bytes([2; 32]).body_bytes());
    }
}
