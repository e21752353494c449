//! Why a broker could not be started.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a broker could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Another broker uses the data folder. Stop it, or take another folder.
    #[error("another broker uses {}; stop it or take another data folder", folder.display())]
    Locked {
        /// The data folder.
        folder: PathBuf,
    },
    /// The address cannot be listened on: it is taken, not ours, or not allowed. Take another.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The data folder cannot be made, read or written. See the cause.
    #[error("cannot {action} {}", path.display())]
    Data {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Acknowledged records are damaged. Restore the file from a backup; nothing was changed.
    #[error("{} is damaged at byte {position} (offset {offset}): {what}", file.display())]
    Damaged {
        /// The log file.
        file: PathBuf,
        /// The place in the file, in bytes.
        position: u64,
        /// The offset of the record that should be there.
        offset: i64,
        /// What is wrong.
        what: &'static str,
    },
    /// A small file of settings or a folder's name is not what a broker writes. Restore it.
    #[error("{} is not a broker's file: {what}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
    /// The folder was written by a newer version of this broker. Update the program.
    #[error("{} was written by a newer version ({found}; this one knows {known})", path.display())]
    Newer {
        /// The file that says so.
        path: PathBuf,
        /// Its format version.
        found: u32,
        /// The newest format version that this program knows.
        known: u32,
    },
}

impl StartError {
    /// Turns an I/O error into [`StartError::Data`].
    pub(crate) fn data(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Data { action, path, source }
    }
}
