//! What can be wrong with directory entries.

use crate::device::CertificateError;

/// Why bytes are no directory entry, or none can be made. Readers keep the last good one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// It is longer than entries are. Ignore it.
    #[error("a directory entry of {len} bytes is longer than {max}")]
    TooLong {
        /// Its length, in bytes.
        len: usize,
        /// The limit, in bytes.
        max: usize,
    },
    /// It is not encoded as entries are. Ignore it.
    #[error("the directory entry is malformed at byte {at}")]
    Malformed {
        /// Where the first thing that does not fit begins or ends.
        at: usize,
    },
    /// A later version made it. Upgrade.
    #[error("the directory entry was made by a newer securechat")]
    Newer,
    /// The identity did not sign this, or not for this network. Ignore it.
    #[error("the directory entry is not signed by its identity for this network")]
    Signature,
    /// A change is not the next after the one before it. Ignore the entry.
    #[error("change {number} of the directory entry does not follow the one before")]
    Chain {
        /// The number that it should have.
        number: u32,
    },
    /// The identity did not sign a change, or not for this network. Ignore the entry.
    #[error("change {number} of the directory entry is not signed by its identity")]
    ChangeSignature {
        /// The change's number.
        number: u32,
    },
    /// A change is not allowed where it stands.
    #[error("change {number} of the directory entry is not allowed")]
    Change {
        /// The change's number.
        number: u32,
        /// The rule that it breaks.
        #[source]
        source: ChangeError,
    },
    /// The inbox key is not the one of the last change to it. Ignore the entry.
    #[error("the directory entry's inbox key is not the one of its changes")]
    InboxKey,
    /// The key is not the one of the entry's identity. Use the owner's.
    #[error("only its own identity can change a directory entry")]
    NotOwner,
}

/// Which rule a change of a directory entry breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// It is no change of a known kind.
    #[error("it is no change of a known kind")]
    Malformed,
    /// It adds what is no device certificate.
    #[error("the certificate of the device cannot be used")]
    Certificate(#[from] CertificateError),
    /// It adds a device of another identity or under another handle.
    #[error("the device is certified for somebody else")]
    Stranger,
    /// It adds a device whose id or key the entry has or had. Make new ones.
    #[error("the device's id or key was used before")]
    Known,
    /// It removes a device that the entry does not have.
    #[error("there is no such device")]
    Unknown,
    /// It removes the only device, or comes before the first.
    #[error("an entry has at least one device")]
    LastDevice,
    /// The entry has 64 devices. Remove one first.
    #[error("an entry has at most 64 devices")]
    TooManyDevices,
    /// The entry has 1,024 changes. A new identity is needed.
    #[error("an entry has at most 1,024 changes")]
    TooManyChanges,
    /// The inbox key is empty or longer than 2,048 bytes.
    #[error("an inbox key has 1 to 2,048 bytes")]
    InboxKey,
}
