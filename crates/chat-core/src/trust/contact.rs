//! A contact, as people see it.

use chat_crypto::Fingerprint;

use crate::handle::Handle;

/// How much the key behind a handle is to be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrustState {
    /// Nothing signed has come, and nothing is published: the handle may be anybody's.
    Unknown,
    /// The key came first under this handle; nobody has compared it.
    Unverified,
    /// The key came with the invite.
    Introduced,
    /// The key was compared in person, or over another way than this network.
    Verified,
    /// Another key has come under this handle since. Nothing is sent until somebody decides.
    Changed,
}

impl TrustState {
    /// The name that JSON output uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Unverified => "unverified",
            Self::Introduced => "introduced",
            Self::Verified => "verified",
            Self::Changed => "changed",
        }
    }
}

/// Somebody whom this profile knows by a handle.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Contact {
    /// The handle.
    pub handle: Handle,
    /// How much the key behind it is to be trusted.
    pub trust: TrustState,
    /// The key that counts, by its fingerprint.
    pub fingerprint: Option<Fingerprint>,
    /// Since when it counts: our clock, milliseconds since 1970.
    pub since_ms: Option<i64>,
    /// Another key that came under the handle, by its fingerprint.
    pub presented: Option<Fingerprint>,
    /// Whether nothing is sent to them and nothing of theirs is shown.
    pub blocked: bool,
    /// When the last message of theirs came: our clock, milliseconds since 1970.
    pub last_heard_ms: Option<i64>,
    /// Whether they are written to under the shared key alone.
    pub shared_key: bool,
    /// Other keys that claim the handle in the directory, by their fingerprints; where no key counts yet and several
    /// claim it, all of them.
    pub claims: Vec<Fingerprint>,
    /// Whether the directory has shown two faces of the key that counts.
    pub forked: bool,
    /// Other contacts, or this profile itself, whose handle people may take for this one.
    pub lookalikes: Vec<Handle>,
}
