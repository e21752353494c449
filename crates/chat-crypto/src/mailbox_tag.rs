//! Tags of mailboxes.

use std::fmt;
use std::num::NonZeroU32;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::encoding::lp_joined;
use crate::subkey::Subkey;

/// The tag of a mailbox: 16 bytes that are the record's key and mean nothing to outsiders.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MailboxTag([u8; 16]);

impl MailboxTag {
    /// Wraps 16 bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The tag of the inbox of `handle`: HMAC-SHA256 over `lp(namespace) | lp(handle)`, cut to 16
    /// bytes.
    ///
    /// * `inbox_key` - the network key's subkey for inbox tags
    pub fn inbox(inbox_key: &Subkey, namespace: &str, handle: &str) -> Self {
        let message = lp_joined(&[namespace.as_bytes(), handle.as_bytes()]);
        #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
        let mac =
            <Hmac<Sha256> as KeyInit>::new_from_slice(inbox_key.expose_bytes()).expect("any key");
        let hash = mac.chain_update(&message).finalize().into_bytes();
        let mut tag = [0; 16];
        tag.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        Self(tag)
    }

    /// The partition of a derived mailbox: the first 8 bytes modulo the partitions that the topic
    /// had when it was made.
    pub fn derived_partition(&self, partitions: NonZeroU32) -> u32 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        let number = u64::from_be_bytes([a, b, c, d, e, f, g, h]) % u64::from(partitions.get());
        u32::try_from(number).unwrap_or(0)
    }
}

impl fmt::Debug for MailboxTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailboxTag(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}
