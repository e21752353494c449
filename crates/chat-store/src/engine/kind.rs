//! Which engine keeps the rows.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// An engine that keeps a store's rows on disk. The rows are the same in each of them, byte for byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum EngineKind {
    /// One file and its log; several processes at once. The default.
    #[default]
    Sqlite,
    /// A folder, pure Rust; one process at a time. Needs the feature `sled`.
    Sled,
}

impl EngineKind {
    /// All of them, whether this program has them or not.
    pub const ALL: [Self; 2] = [Self::Sqlite, Self::Sled];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Sled => "sled",
        }
    }

    /// Whether this program was built with it.
    #[must_use]
    pub fn is_built_in(self) -> bool {
        match self {
            Self::Sqlite => true,
            Self::Sled => cfg!(feature = "sled"),
        }
    }

    /// The engine of the store at a place: a folder is sled's, a file SQLite's.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let kind = std::fs::metadata(path).ok()?;
        Some(if kind.is_dir() { Self::Sled } else { Self::Sqlite })
    }
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for EngineKind {
    type Err = UnknownEngine;

    fn from_str(text: &str) -> Result<Self, UnknownEngine> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or(UnknownEngine)
    }
}

/// A text is no engine's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an engine is sqlite or sled")]
pub struct UnknownEngine;
