//! What can go wrong with a store.

use std::io;
use std::path::PathBuf;

use crate::engine::kind::EngineKind;

/// Why a store could not be made or opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is a store already. Open it, or choose another place.
    #[error("there is a store at {} already", path.display())]
    AlreadyExists {
        /// Its file.
        path: PathBuf,
    },
    /// There is no store, or none that was finished.
    #[error("there is no store at {}", path.display())]
    NotFound {
        /// The file that was looked for.
        path: PathBuf,
    },
    /// The key is not the one that the store was made with, or the store's first row is damaged.
    #[error("the store cannot be opened with this key")]
    WrongKey,
    /// A later version of the program wrote the store. Upgrade.
    #[error("the store has schema version {found}; this program knows up to {supported}")]
    Newer {
        /// The store's version.
        found: u32,
        /// The newest version that is known.
        supported: u32,
    },
    /// The linked SQLite has a known way to lose commits.
    #[error("SQLite {found} is too old: at least 3.51.3 is needed")]
    OldSqlite {
        /// The linked version.
        found: &'static str,
    },
    /// The store is of an engine that this program was built without.
    #[error("the store at {} is of the engine {engine}, which this program was built without", path.display())]
    EngineMissing {
        /// The engine.
        engine: EngineKind,
        /// Its place.
        path: PathBuf,
    },
    /// Another process has the store, and its engine serves one at a time.
    #[error("another process has the store at {}; the engine sled serves one process at a time", path.display())]
    Held {
        /// Its place.
        path: PathBuf,
    },
    /// The file could not be made.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The engine failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a read or write of an open store failed. A failed write has changed nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A row is not what was written: the file was damaged or tampered with. Run a verification.
    #[error("the store is damaged: {what}")]
    Damaged {
        /// Table and kind of damage; nothing secret.
        what: String,
    },
    /// There is no space left on the disk. Make room and try again.
    #[error("storage full: the disk has no room for the store")]
    Full,
    /// The disk refused a read, a write or a sync. What was committed before stands.
    #[error("the disk failed: {0}")]
    Disk(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The file or its folder cannot be written.
    #[error("the store is read-only")]
    ReadOnly,
    /// Another process has held the store for longer than 10 s. Try again.
    #[error("the store is locked by another process")]
    Locked,
    /// A newer program has brought the store up to date since it was opened. Open it with that program.
    #[error("the store has version {found} by now, this program knows versions up to {supported}")]
    Newer {
        /// The store's version.
        found: u32,
        /// The newest version that is known here.
        supported: u32,
    },
    /// A value is longer than the store takes.
    #[error("a value of {len} bytes is longer than the {max} bytes that the store takes")]
    TooLong {
        /// Its length, in bytes.
        len: usize,
        /// The limit, in bytes.
        max: usize,
    },
    /// The engine failed in another way.
    #[error("the store failed: {0}")]
    Engine(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            _ => Self::Disk(Box::new(error)),
        }
    }
}

impl StoreError {
    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }
}
