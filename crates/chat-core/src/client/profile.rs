//! Making and opening profiles.

use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use chat_crypto::{DataKey, Vault};
use chat_store::{Store, StoreKey};
use secrecy::SecretString;

use super::{Client, META_HANDLE, META_STREAM, Profile};
use crate::error::{Error, ProfileError};
use crate::handle::Handle;
use crate::private_file::{self, PrivateFileError};
use crate::random;

/// Where the parts of a profile lie in its folder.
pub(crate) struct Folder<'a>(&'a Path);

impl<'a> Folder<'a> {
    pub(crate) fn new(path: &'a Path) -> Self {
        Self(path)
    }

    fn vault(&self) -> PathBuf {
        self.0.join("vault.key")
    }

    fn store(&self) -> PathBuf {
        self.0.join("store.db")
    }

    fn locks(&self) -> PathBuf {
        self.0.join("locks")
    }

    fn read_vault(&self) -> Result<Vault, ProfileError> {
        let bytes = private_file::read(&self.vault(), MAX_VAULT).map_err(|error| match error {
            PrivateFileError::NotFound { .. } => ProfileError::NotFound { path: self.0.to_owned() },
            other => other.into(),
        })?;
        Vault::decode(&bytes).map_err(|source| ProfileError::Vault { path: self.vault(), source })
    }
}

impl Client {
    /// Makes a profile in `folder`, which is created at mode 0700 where it is missing.
    ///
    /// * `passphrase` - seals the profile's data key; `None` leaves it to the file's permissions
    ///   alone, for machines
    ///
    /// # Errors
    /// When there is a profile already, or the folder cannot be written.
    ///
    /// # Security
    /// With a passphrase an attacker who has the folder pays Argon2id (64 MiB, 3 passes) a guess;
    /// without one they have everything.
    pub fn create(
        folder: &Path,
        handle: &Handle,
        passphrase: Option<&SecretString>,
    ) -> Result<Self, Error> {
        make_folder(folder)?;
        let parts = Folder::new(folder);
        if parts.vault().exists() {
            return Err(ProfileError::Exists { path: folder.to_owned() }.into());
        }
        make_folder(&parts.locks())?;
        let mut rng = rand::rng();
        let (vault, key) = Vault::create(passphrase, &mut rng)
            .map_err(|source| ProfileError::Vault { path: parts.vault(), source })?;
        remove_unfinished(&parts.store())?;
        let store = Store::create(&parts.store(), &store_key(&key)).map_err(ProfileError::from)?;
        store.write::<_, ProfileError>(|tx| {
            tx.meta_put(META_HANDLE, handle.as_str().as_bytes())?;
            Ok(tx.meta_put(META_STREAM, &random::bytes::<16>(&mut rng))?)
        })?;
        // The vault is what makes a profile: written last, it is never there without its store.
        private_file::create_new(&parts.vault(), &vault.encode()).map_err(|error| match error {
            PrivateFileError::Exists { .. } => ProfileError::Exists { path: folder.to_owned() },
            other => other.into(),
        })?;
        Ok(Self::with(handle.clone(), store, parts.locks()))
    }

    /// Whether opening the profile in `folder` needs a passphrase.
    ///
    /// # Errors
    /// When there is no profile, or its vault is damaged or readable by others.
    pub fn needs_passphrase(folder: &Path) -> Result<bool, Error> {
        Ok(Folder::new(folder).read_vault()?.needs_passphrase())
    }

    /// Opens the profile in `folder`.
    ///
    /// # Errors
    /// When there is none, the passphrase is wrong or missing, or the store is damaged, of a newer
    /// version, read-only or locked.
    pub fn open(folder: &Path, passphrase: Option<&SecretString>) -> Result<Self, Error> {
        let parts = Folder::new(folder);
        let key = parts
            .read_vault()?
            .open(passphrase)
            .map_err(|source| ProfileError::Vault { path: parts.vault(), source })?;
        let store = Store::open(&parts.store(), &store_key(&key)).map_err(ProfileError::from)?;
        let handle = store.read::<_, ProfileError>(|tx| Ok(tx.meta_get(META_HANDLE)?))?;
        let handle = handle
            .as_ref()
            .and_then(|bytes| std::str::from_utf8(bytes).ok()?.parse().ok())
            .ok_or(ProfileError::Incomplete { part: META_HANDLE })?;
        Ok(Self::with(handle, store, parts.locks()))
    }

    fn with(handle: Handle, store: Store, locks: PathBuf) -> Self {
        let profile = Profile { handle, store, locks, network: RwLock::new(None) };
        Self { profile: Arc::new(profile), transport: None }
    }
}

/// A store without a vault is what a `create` that was cut off left behind: nobody can open it.
fn remove_unfinished(store: &Path) -> Result<(), ProfileError> {
    for suffix in ["", "-wal", "-shm"] {
        let path = store.with_file_name(format!("store.db{suffix}"));
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(ProfileError::Io { path, source });
            }
            _ => {}
        }
    }
    Ok(())
}

fn store_key(key: &DataKey) -> StoreKey {
    StoreKey::from_bytes(*key.subkey("store").expose_bytes())
}

fn make_folder(path: &Path) -> Result<(), ProfileError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|source| ProfileError::Io { path: path.to_owned(), source })
}

/// A vault is far shorter, in bytes.
const MAX_VAULT: u64 = 64 * 1024;
