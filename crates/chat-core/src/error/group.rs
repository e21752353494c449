//! Why something could not be done in a group.

use chat_crypto::mls::{CommitError, EncryptError, LoadError, MergeError};
use chat_crypto::{InboxError, SealError};
use chat_store::StoreError;

use super::StoredValueError;
use crate::handle::Handle;

/// Why something could not be done in a group. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GroupError {
    /// This profile knows no such group, or has left it.
    #[error("this profile is in no such group")]
    NoGroup,
    /// No group of this profile is called so.
    #[error("no group of this profile is called {name:?}")]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// Several groups of this profile are called so.
    #[error("several groups of this profile are called {name:?}: {}", candidates.join(", "))]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// Each of them, as it can be named.
        candidates: Vec<String>,
    },
    /// A text is no name for a group.
    #[error("this is no name for a group: {why}")]
    BadName {
        /// What is wrong with it.
        why: &'static str,
    },
    /// Only admins may add, remove, rename and name admins.
    #[error("only an admin of the group may do this")]
    NotAdmin,
    /// Somebody is in the group already.
    #[error("{handle} is in the group already")]
    AlreadyMember {
        /// Who.
        handle: Handle,
    },
    /// Somebody is not in the group.
    #[error("{handle} is not in the group")]
    NotAMember {
        /// Who.
        handle: Handle,
    },
    /// A member has the handle, with another identity.
    #[error("somebody else in the group is called {handle}")]
    HandleInUse {
        /// The handle.
        handle: Handle,
    },
    /// Nothing that somebody could be invited with is published.
    #[error("{handle} has published no keys to be invited with")]
    NoKeys {
        /// Who.
        handle: Handle,
    },
    /// The group would have too many members.
    #[error("a group has at most {most} devices of members")]
    TooMany {
        /// The most, in devices.
        most: usize,
    },
    /// Another change of ours is on its way. Wait until it has come back.
    #[error("another change of the group is on its way")]
    Pending,
    /// The last admin can neither leave nor be unmade while others are in the group.
    #[error("the group would have no admin")]
    LastAdmin,
    /// Nobody removes themselves: they leave.
    #[error("nobody removes themselves from a group")]
    RemovesSelf,
    /// A stranger has invited us, and nobody has said yes yet.
    #[error("nobody has accepted this group yet")]
    Requested,
    /// No stranger's invitation to this group waits.
    #[error("this group is no request")]
    NoRequest,
    /// We have said that we leave.
    #[error("this profile is leaving the group")]
    Leaving,
    /// We have left, or were removed.
    #[error("this profile is not in the group any more")]
    Left,
    /// Somebody else has decided otherwise meanwhile.
    #[error("somebody else has changed the same meanwhile")]
    Overtaken,
    /// Others have changed the group again and again before us.
    #[error("others have changed the group again and again meanwhile")]
    Outrun,
    /// This profile's data is a restored copy: it does not write to the groups that it was in before others have given
    /// it new keys. A running listener asks them for it.
    #[error(
        "this profile was restored from a copy, and waits for others to give it new keys for the group"
    )]
    Stranded,
    /// Records of the group are gone that nobody here has read: it may have changed. A running listener asks others.
    #[error("this profile may have missed changes of the group, and waits for others to say")]
    InDoubt,
    /// The group's state cannot be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A message could not be encrypted.
    #[error(transparent)]
    Encrypt(#[from] EncryptError),
    /// A change of the group could not be made.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// A change of the group could not be taken over.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// A message could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A letter could not be sealed to an inbox.
    #[error(transparent)]
    Inbox(#[from] InboxError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A row of the store is damaged.
    #[error(transparent)]
    Row(#[from] StoredValueError),
}

impl GroupError {
    /// Whether it is the store's doing, not the group's.
    pub(crate) fn concerns_store(&self) -> bool {
        let loading = match self {
            Self::Store(_) | Self::Row(_) => return true,
            Self::Load(error)
            | Self::Encrypt(EncryptError::Load(error))
            | Self::Commit(CommitError::Load(error))
            | Self::Merge(MergeError::Load(error)) => error,
            _ => return false,
        };
        matches!(loading, LoadError::State(_))
    }
}
