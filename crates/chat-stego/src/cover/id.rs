//! Which cover a picture was made from.

use std::fmt;

use sha2::{Digest, Sha256};

/// Identifies a cover: the SHA-256 of the original file.
///
/// Two pictures made from one cover differ exactly where payloads lie, so keep these and use no
/// cover twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CoverId([u8; 32]);

impl CoverId {
    /// Names the cover that lies in a file.
    pub fn of(file: &[u8]) -> Self {
        Self(Sha256::digest(file).into())
    }

    /// The bytes of the hash.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for CoverId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
