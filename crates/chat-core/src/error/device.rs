//! Why something could not be done with a device.

use chat_store::StoreError;

use super::{DirectoryError, NetworkError, ProfileError, SendError, StoredValueError};
use crate::devices::DeviceCodeError;
use crate::handle::Handle;

/// Why something could not be done with a device of one's own.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// No device of this identity has this name.
    #[error("no device of yours begins with {id:?}")]
    Unknown {
        /// What was asked for.
        id: String,
    },
    /// Several devices begin so.
    #[error("several devices of yours begin with {id:?}")]
    Ambiguous {
        /// What was asked for.
        id: String,
    },
    /// A device cannot remove itself. Do it on another.
    #[error("this is the device that you are using")]
    ThisOne,
    /// A name for a device is too long, or empty.
    #[error("a device is called by 1 to {max} bytes without control characters")]
    BadLabel {
        /// The most bytes.
        max: usize,
    },
    /// The identity has as many devices as it may.
    #[error("you have {most} devices, and no more are possible")]
    TooMany {
        /// How many may be.
        most: usize,
    },
    /// The profile is no device that waits to be linked.
    #[error("this profile does not wait to be linked")]
    NotLinking,
    /// The owner's entry of the directory does not show their inbox. Let them listen once.
    #[error(
        "{handle} has published nothing that a new device could ask: let the first device listen"
    )]
    NotPublished {
        /// The owner.
        handle: Handle,
    },
    /// The code that the profile was made with can be used no more.
    #[error(transparent)]
    Code(#[from] DeviceCodeError),
    /// The profile's identity or store failed.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// No network is joined.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The directory could not be read or written.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// Something could not be put on its way.
    #[error(transparent)]
    Send(#[from] Box<SendError>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A row is damaged.
    #[error(transparent)]
    Row(#[from] StoredValueError),
}

impl From<SendError> for DeviceError {
    fn from(error: SendError) -> Self {
        Self::Send(Box::new(error))
    }
}
