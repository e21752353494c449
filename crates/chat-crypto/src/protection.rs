//! The layer between content and envelope: what makes a message its sender's.

use std::fmt;

use zeroize::Zeroizing;

/// Who can have written a message, and who can read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protection {
    /// Any holder of the network key, now and later: see [`SharedKey`](crate::SharedKey).
    SharedKey,
    /// The same, signed by the sender's identity.
    SignedSharedKey,
    /// MLS (RFC 9420).
    Mls,
    /// An id of a later version.
    Other(u8),
}

impl Protection {
    pub(crate) fn id(self) -> u8 {
        match self {
            Self::SharedKey => 1,
            Self::SignedSharedKey => 2,
            Self::Mls => 3,
            Self::Other(id) => id,
        }
    }

    fn from_id(id: u8) -> Self {
        match id {
            1 => Self::SharedKey,
            2 => Self::SignedSharedKey,
            3 => Self::Mls,
            other => Self::Other(other),
        }
    }
}

/// Protected bytes: a protection id and a body. Secret: wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Protected {
    bytes: Zeroizing<Vec<u8>>,
}

impl Protected {
    /// Puts a body under a protection.
    pub fn new(protection: Protection, body: &[u8]) -> Self {
        let mut bytes = Zeroizing::new(Vec::with_capacity(body.len() + 1));
        bytes.push(protection.id());
        bytes.extend_from_slice(body);
        Self { bytes }
    }

    /// How many bytes a body of `body` bytes is with its id.
    pub fn len_for(body: usize) -> usize {
        body.saturating_add(1)
    }

    /// What protects the body.
    pub fn protection(&self) -> Protection {
        Protection::from_id(self.bytes.first().copied().unwrap_or_default())
    }

    /// The body: for the shared key the content itself.
    pub fn body(&self) -> &[u8] {
        self.bytes.get(1..).unwrap_or_default()
    }

    /// Id and body, as the envelope carries them.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Parses what an envelope carried; `None` if there is not even an id.
    pub(crate) fn from_bytes(bytes: Zeroizing<Vec<u8>>) -> Option<Self> {
        (!bytes.is_empty()).then_some(Self { bytes })
    }
}

impl fmt::Debug for Protected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes } = self;
        write!(f, "Protected({:?}, {} bytes)", self.protection(), bytes.len())
    }
}
