//! The key that says where a codec hides.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// A stego key: 32 secret bytes that say where and how a codec hides.
///
/// Codecs that hide without a key, such as [`LsbCompat`](crate::LsbCompat), ignore it.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct StegoKey([u8; 32]);

impl StegoKey {
    /// Takes over 32 secret bytes, uniformly random or derived from such.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The secret bytes themselves.
    pub fn expose_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for StegoKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(_) = self;
        f.write_str("StegoKey([redacted])")
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
    }
}
