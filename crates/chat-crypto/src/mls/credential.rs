//! Who a leaf is, as the caller's credentials say it.

/// Who a leaf belongs to. Two leaves with equal names are devices of one person.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LeafName {
    /// The identity's public key.
    pub identity: [u8; 32],
    /// The identity's handle, as its credential spells it.
    pub handle: String,
}

/// Decides whether a leaf is who its credential says.
///
/// Called on every leaf of a Welcome and of every Add, Update and Commit before anything is kept.
///
/// # Security
/// It must be a **pure function of these bytes**: signatures and forms, but no pins, trust, blocks,
/// directory or clock. Otherwise two members decide differently, and the group splits for ever.
/// What the caller thinks of the person comes after the merge: it marks, warns and keeps us from
/// sending.
pub trait CheckLeaf {
    /// The name in a credential that vouches for this signature key.
    ///
    /// * `credential` - what the leaf's Basic credential holds, at most
    ///   [`MAX_CREDENTIAL`](super::MAX_CREDENTIAL) bytes
    /// * `signature_key` - the leaf's Ed25519 public key, 32 bytes in a well-formed leaf
    ///
    /// # Errors
    /// [`RefusedLeaf`] for everything else.
    fn check(&self, credential: &[u8], signature_key: &[u8]) -> Result<LeafName, RefusedLeaf>;
}

/// A leaf is not who it says, or says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a leaf is refused: {reason}")]
pub struct RefusedLeaf {
    /// What is wrong with it, in a few words.
    pub reason: &'static str,
}

impl RefusedLeaf {
    /// A refusal for this reason.
    pub fn new(reason: &'static str) -> Self {
        Self { reason }
    }
}
