//! Who is behind a handle: the key that was seen first, whether a person has compared it, and what came since.

mod contact;
mod standing;

pub use contact::{Contact, TrustState};
pub(crate) use standing::{Met, PinTrust, Standing, meet};

use serde::{Deserialize, Serialize};

/// What was known of a message's sender when it came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum SenderTrust {
    /// Nothing proves who wrote it: any holder of the network key can have.
    #[default]
    Unproven,
    /// It is signed by the key that is known for this handle; nobody has compared that key.
    Unverified,
    /// As `Unverified`, and the key came with the invite.
    Introduced,
    /// It is signed by a key that was compared in person.
    Verified,
    /// It is signed by another key than the one that is known for this handle.
    Changed,
    /// It is signed by a device that its owner has removed since.
    RemovedDevice,
    /// It is our own, written on another of our devices.
    OwnDevice,
}

impl SenderTrust {
    /// The name that JSON output uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unproven => "unproven",
            Self::Unverified => "unverified",
            Self::Introduced => "introduced",
            Self::Verified => "verified",
            Self::Changed => "changed",
            Self::RemovedDevice => "removed-device",
            Self::OwnDevice => "own-device",
        }
    }
}
