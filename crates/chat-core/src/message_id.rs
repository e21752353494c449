//! What a message is called for ever.

use std::fmt;

use rand::CryptoRng;
use serde::{Deserialize, Serialize};

/// The name of a message: 16 random bytes, made once by its sender; public.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageId([u8; 16]);

impl MessageId {
    /// Wraps 16 bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Draws a new name.
    pub(crate) fn random(rng: &mut impl CryptoRng) -> Self {
        Self(crate::random::bytes(rng))
    }

    /// The 16 bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageId({self})")
    }
}

/// The name of a sender's stream: 16 random bytes, made with the sender's store; public.
///
/// Messages are numbered within (sender, stream, conversation), so that a profile that was made
/// anew under an old handle begins a stream of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct StreamId(pub(crate) [u8; 16]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_32_lower_case_hex_digits() {
        let id = MessageId::from_bytes([0xab; 16]);
        assert_eq!(id.to_string(), "ab".repeat(16));
    }
}
