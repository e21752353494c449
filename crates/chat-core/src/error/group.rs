//! Why something could not be done in a group.

use chat_crypto::mls::{CommitError, EncryptError, LoadError, MergeError};
use chat_crypto::{InboxError, SealError};
use chat_store::StoreError;

use super::StoredValueError;

/// Why something could not be done in a group. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GroupError {
    /// This profile knows no such group, or has left it.
    #[error("this profile is in no such group")]
    NoGroup,
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
