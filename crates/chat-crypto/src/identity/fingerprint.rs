//! The short form of an identity.

use std::fmt;

use sha2::{Digest, Sha256};

use super::IdentityPublic;

/// The fingerprint of an identity: 32 public bytes, shown as 16 groups of 4 hex digits.
///
/// It names a key in messages and invites. People who compare keys by eye use the safety number of
/// [`Verification`](crate::Verification).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Wraps 32 bytes, such as an invite carries.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// SHA-256 over `"securechat/v1/fingerprint" | identity`.
    pub(super) fn of(identity: &IdentityPublic) -> Self {
        let hash = Sha256::new()
            .chain_update(b"securechat/v1/fingerprint")
            .chain_update(identity.as_bytes());
        Self(hash.finalize().into())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            let gap = if at > 0 && at % 2 == 0 { " " } else { "" };
            write!(f, "{gap}{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_sixteen_groups_of_four() {
        let shown = Fingerprint(std::array::from_fn(|at| at as u8)).to_string();
        assert_eq!(shown.split(' ').count(), 16);
        assert!(shown.starts_with("0001 0203 0405 ") && shown.ends_with(" 1e1f"), "{shown}");
    }
}
