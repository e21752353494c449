//! Where a directory record lies.

use std::fmt;
use std::num::NonZeroU32;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::device::DeviceCertificate;
use crate::encoding::push_lp;
use crate::identity::IdentityPublic;
use crate::mailbox_tag::MailboxTag;
use crate::subkey::Subkey;

/// The key of a record in the directory topic: 16 bytes that mean nothing to outsiders.
///
/// The identity is in it, so that nobody's record displaces another's when the topic is compacted:
/// two identities that claim one handle are both seen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DirectoryKey([u8; 16]);

impl DirectoryKey {
    /// Wraps 16 bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The key of an identity's directory entry: HMAC-SHA256 over
    /// `lp("entry") | lp(namespace) | lp(handle) | identity`, cut to 16 bytes.
    ///
    /// * `key` - the network key's subkey for the directory
    pub fn entry(key: &Subkey, namespace: &str, handle: &str, identity: &IdentityPublic) -> Self {
        Self::derive(key, &[b"entry", namespace.as_bytes(), handle.as_bytes()], |message| {
            message.extend_from_slice(identity.as_bytes());
        })
    }

    /// The key of a device's KeyPackage record: HMAC-SHA256 over
    /// `lp("keypackage") | lp(namespace) | lp(handle) | identity | device id`, cut to 16 bytes.
    ///
    /// Each device has its own, as one KeyPackage brings one device into a group.
    ///
    /// * `key` - the network key's subkey for the directory
    pub fn key_package(key: &Subkey, namespace: &str, device: &DeviceCertificate) -> Self {
        let names = [b"keypackage", namespace.as_bytes(), device.handle().as_bytes()];
        Self::derive(key, &names, |message| {
            message.extend_from_slice(device.identity().as_bytes());
            message.extend_from_slice(device.device_id().as_bytes());
        })
    }

    /// The partition of all directory records of a handle: the first 8 bytes of HMAC-SHA256 over
    /// `lp(namespace) | lp(handle)`, modulo the partitions that the topic had when it was made.
    ///
    /// * `key` - the network key's subkey for the directory
    pub fn partition(key: &Subkey, namespace: &str, handle: &str, partitions: NonZeroU32) -> u32 {
        let names = [namespace.as_bytes(), handle.as_bytes()];
        Self::derive(key, &names, |_| ()).tag().derived_partition(partitions)
    }

    /// The same bytes as the tag that the record's envelope is sealed for.
    pub fn tag(&self) -> MailboxTag {
        MailboxTag::from_bytes(self.0)
    }

    fn derive(key: &Subkey, names: &[&[u8]], more: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut message = Vec::new();
        names.iter().for_each(|name| push_lp(&mut message, name));
        more(&mut message);
        #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
        let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key.expose_bytes()).expect("any key");
        let hash = mac.chain_update(&message).finalize().into_bytes();
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        Self(bytes)
    }
}

impl fmt::Debug for DirectoryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DirectoryKey(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}
