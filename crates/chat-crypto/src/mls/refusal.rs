//! Why a Commit is not valid, decided from the group's state and the Commit's bytes alone.

use super::credential::RefusedLeaf;

/// Why a Commit or Welcome is not valid although members signed it. All members find the same.
///
/// The record is to be passed over: the epoch stays, and nobody has to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A leaf is not who it says.
    #[error(transparent)]
    Leaf(#[from] RefusedLeaf),
    /// Who made it is no admin and may not do this: add somebody else, remove somebody who did not
    /// leave, or change more facts than the tag that a removal needs.
    #[error("only an admin may do this")]
    NotAdmin,
    /// A leaf would become somebody else's.
    #[error("a leaf would change its owner")]
    IdentityChanged,
    /// It holds a kind of proposal that groups here do not use, refers to a standalone proposal, or
    /// a standalone proposal came.
    #[error("a proposal of a kind that is not used here")]
    Proposal,
    /// The group's facts are missing, malformed, or change what never changes: suite, partition,
    /// a generation that goes back.
    #[error("the group's facts are malformed or change what must stay")]
    Facts,
    /// A group without a name would be more than that of its two admins.
    #[error("the group of two people stays theirs alone")]
    Pair,
    /// Somebody is removed and the mailbox's tag stays, or it changes without a removal.
    #[error("a removal, and nothing else, takes a new mailbox tag")]
    Tag,
    /// Somebody is added without the network's secret, or it is mixed in for nothing.
    #[error("an addition, and nothing else, mixes in the network's secret")]
    NetworkSecret,
    /// There would be more members than [`MAX_MEMBERS`](super::MAX_MEMBERS).
    #[error("the group would have too many members")]
    TooMany,
    /// A leaf's lifetime is not unlimited; members' clocks would decide differently on it.
    #[error("a leaf's lifetime is limited")]
    Lifetime,
    /// Bytes beside the content that do not belong there, or a departure or return that nobody signed.
    #[error("the additional data are malformed or prove nothing")]
    AdditionalData,
}
