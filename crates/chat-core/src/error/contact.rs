//! What can be wrong with a contact.

use chat_store::StoreError;

use super::StoredValueError;
use crate::handle::Handle;

/// Why a question about a contact failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContactError {
    /// Nothing is known of this handle.
    #[error("nothing is known of {handle}")]
    Unknown {
        /// The handle.
        handle: Handle,
    },
    /// No key of theirs has come: there is nothing to compare.
    #[error("no key of {handle} has come yet: there is nothing to compare")]
    NoKey {
        /// The handle.
        handle: Handle,
    },
    /// Another key came under the handle while this one was compared. Compare again.
    #[error("another key of {handle} has just come; compare again")]
    KeyMoved {
        /// The handle.
        handle: Handle,
    },
    /// A text or picture is no verification code.
    #[error("this is no verification code of securechat")]
    NotAVerification,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A row is damaged.
    #[error(transparent)]
    Row(#[from] StoredValueError),
}

impl ContactError {
    /// A row that is not what this program writes.
    pub(crate) fn damaged() -> Self {
        Self::Row(StoredValueError::format())
    }
}
