//! Moving a profile's store to another engine.

use std::io;
use std::path::Path;

use chat_store::failpoint::{Place, reach};
use chat_store::{Copied, EngineKind, Store, StoreError, StoreKey, note_files};
use secrecy::SecretString;

use super::Client;
use super::folder::Folder;
use super::profile::{accept_if_restored, store_key};
use crate::error::{Error, ProfileError};
use crate::private_file;

impl Client {
    /// The engine of the store of the profile in `folder`.
    ///
    /// # Errors
    /// When the folder cannot be read, or names an engine that is not known.
    pub fn engine(folder: &Path) -> Result<EngineKind, Error> {
        Ok(Folder::new(folder).engine()?)
    }

    /// Moves the store of the profile in `folder` to another engine: copies every sealed row as it is, compares, walks
    /// the copy as [`verify`](Self::verify) does, and lets it take the old one's place in one step. Whenever it is
    /// interrupted there is one store that counts, whole; what an earlier attempt left over is removed.
    ///
    /// `None` if the store is of that engine already.
    ///
    /// # Errors
    /// [`ProfileError::InUse`] while any process has the profile open; when the store is damaged (repair it first), the
    /// disk is full, or this program was built without the engine.
    pub fn migrate_store(
        folder: &Path,
        passphrase: Option<&SecretString>,
        to: EngineKind,
    ) -> Result<Option<Copied>, Error> {
        let parts = Folder::new(folder);
        let key = parts
            .read_vault()?
            .open(passphrase)
            .map_err(|source| ProfileError::Vault { path: parts.vault(), source })?;
        let in_use = || ProfileError::InUse { path: folder.to_owned() };
        let _alone = parts.take()?.ok_or_else(in_use)?;
        let from = parts.engine()?;
        if from == to {
            // What a migration that was interrupted behind the switch has left.
            let others = EngineKind::ALL.into_iter().filter(|engine| *engine != to);
            for other in others {
                remove_store(&parts.store_of(other))?;
            }
            return Ok(None);
        }
        Ok(Some(switch(&parts, &store_key(&key), from, to)?))
    }
}

fn switch(
    parts: &Folder<'_>,
    key: &StoreKey,
    from: EngineKind,
    to: EngineKind,
) -> Result<Copied, ProfileError> {
    let (old, new) = (parts.store_of(from), parts.store_of(to));
    if !old.exists() {
        return Err(ProfileError::NoStore { path: old });
    }
    remove_store(&new)?;
    let store = Store::open(&old, key)?;
    // The copy will be in its own place: what the old one tells of being put back is heard now.
    accept_if_restored(&store)?;
    let copied = match copy_whole(&store, to, &new, key) {
        Ok(copied) => copied,
        Err(error) => {
            drop(remove_store(&new));
            return Err(error);
        }
    };
    drop(store);
    reach(Place::BeforeSwitch);
    parts.set_engine(to)?;
    reach(Place::AfterSwitch);
    remove_store(&old)?;
    Ok(copied)
}

/// Copies a store, and walks the copy as somebody who opens it.
fn copy_whole(
    store: &Store,
    engine: EngineKind,
    path: &Path,
    key: &StoreKey,
) -> Result<Copied, ProfileError> {
    let (copy, copied) = store.copy(engine, path, key)?;
    drop(copy);
    let report = Store::open(path, key)?.verify()?;
    if let Some(damage) = report.damage.first() {
        let what = format!("{}: {}", damage.table, damage.what);
        return Err(StoreError::Damaged { what }.into());
    }
    private_file::sync_folder(path).map_err(|source| io_at(path, source))?;
    Ok(copied)
}

/// Removes a store's files, whatever its engine; none is fine.
pub(super) fn remove_store(path: &Path) -> Result<(), ProfileError> {
    let gone = |done: io::Result<()>| match done {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_at(path, error)),
        _ => Ok(()),
    };
    if path.is_dir() {
        gone(std::fs::remove_dir_all(path))?;
    }
    for note in note_files(path) {
        gone(std::fs::remove_file(note))?;
    }
    // The log goes late: beside a database that is not its own it would be taken for it.
    for suffix in ["", "-shm", "-wal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        gone(std::fs::remove_file(name))?;
    }
    Ok(())
}

fn io_at(path: &Path, source: io::Error) -> ProfileError {
    ProfileError::Io { path: path.to_owned(), source }
}
