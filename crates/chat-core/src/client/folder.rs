//! Where the parts of a profile lie in its folder.

use std::io;
use std::path::{Path, PathBuf};

use chat_crypto::Vault;
use chat_store::EngineKind;

use crate::error::ProfileError;
use crate::lock::Lock;
use crate::private_file::{self, PrivateFileError};

/// The folder of a profile.
#[derive(Clone, Copy)]
pub(crate) struct Folder<'a>(&'a Path);

impl<'a> Folder<'a> {
    pub(crate) fn new(path: &'a Path) -> Self {
        Self(path)
    }

    pub(crate) fn vault(&self) -> PathBuf {
        self.0.join("vault.key")
    }

    /// The store of an engine.
    pub(crate) fn store_of(&self, engine: EngineKind) -> PathBuf {
        self.0.join(match engine {
            EngineKind::Sled => "store.sled",
            _ => "store.db",
        })
    }

    /// The profile's store.
    pub(crate) fn store(&self) -> Result<PathBuf, ProfileError> {
        Ok(self.store_of(self.engine()?))
    }

    /// The engine of the profile's store: what the file `engine` names, or SQLite where there is none. The file is
    /// replaced in one step, so there is one store that counts at every moment.
    pub(crate) fn engine(&self) -> Result<EngineKind, ProfileError> {
        let path = self.engine_file();
        match std::fs::read_to_string(&path) {
            Ok(name) => name.trim_end().parse().map_err(|_| ProfileError::UnknownEngine { path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(EngineKind::default()),
            Err(source) => Err(ProfileError::Io { path, source }),
        }
    }

    /// Lets the store of an engine be the one that counts. Durable when it returns.
    pub(crate) fn set_engine(&self, engine: EngineKind) -> Result<(), ProfileError> {
        let path = self.engine_file();
        let text = format!("{engine}\n");
        private_file::replace(&path, text.as_bytes()).map_err(ProfileError::from)
    }

    fn engine_file(&self) -> PathBuf {
        self.0.join("engine")
    }

    pub(crate) fn locks(&self) -> PathBuf {
        self.0.join("locks")
    }

    /// A share of the profile, for everybody who has it open; `None` while somebody has it alone.
    pub(crate) fn share(&self) -> Result<Option<Lock>, ProfileError> {
        Lock::try_share(&self.locks(), "profile", b"").map_err(|source| self.lock_failed(source))
    }

    /// The profile alone; `None` while anybody has it open.
    pub(crate) fn take(&self) -> Result<Option<Lock>, ProfileError> {
        Lock::try_take(&self.locks(), "profile", b"").map_err(|source| self.lock_failed(source))
    }

    fn lock_failed(&self, source: io::Error) -> ProfileError {
        ProfileError::Io { path: self.locks(), source }
    }

    pub(crate) fn read_vault(&self) -> Result<Vault, ProfileError> {
        let bytes = private_file::read(&self.vault(), MAX_VAULT).map_err(|error| match error {
            PrivateFileError::NotFound { .. } if self.has_store() => {
                ProfileError::NoVault { path: self.vault() }
            }
            PrivateFileError::NotFound { .. } => ProfileError::NotFound { path: self.0.to_owned() },
            other => other.into(),
        })?;
        Vault::decode(&bytes).map_err(|source| ProfileError::Vault { path: self.vault(), source })
    }

    /// Whether there is a store of any engine.
    pub(crate) fn has_store(&self) -> bool {
        EngineKind::ALL.into_iter().any(|engine| self.store_of(engine).exists())
    }
}

/// A vault is far shorter, in bytes.
const MAX_VAULT: u64 = 64 * 1024;
