//! Making and opening profiles.

use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use chat_crypto::{DataKey, Vault};
use chat_store::{Store, StoreKey};
use secrecy::SecretString;

use super::{Client, META_HANDLE, META_STREAM, Profile};
use crate::error::{Error, ProfileError};
use crate::handle::Handle;
use crate::lock::Lock;
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
            PrivateFileError::NotFound { .. } if self.store().exists() => {
                ProfileError::NoVault { path: self.vault() }
            }
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
        let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        make_folder(parent)?;
        let io = |source| ProfileError::Io { path: folder.to_owned(), source };
        let taken = || ProfileError::Exists { path: folder.to_owned() };
        let name = folder.as_os_str().as_encoded_bytes();
        // Two that make the same profile at once: one does.
        let _lock = Lock::try_take(parent, ".create", name).map_err(io)?.ok_or_else(taken)?;
        let parts = Folder::new(folder);
        if parts.vault().exists() || parts.store().exists() {
            return Err(taken().into());
        }
        if std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(ProfileError::NotEmpty { path: folder.to_owned() }.into());
        }
        // It is made beside its place and moved there whole: what a crash leaves is never a half.
        let mut rng = rand::rng();
        let unfinished = tempfile::Builder::new().prefix(".unfinished-").tempdir_in(parent);
        let unfinished = unfinished.map_err(io)?;
        let made = unfinished.path().join("profile");
        make_folder(&made)?;
        make_parts(&Folder::new(&made), handle, passphrase, &mut rng)?;
        std::fs::rename(&made, folder).map_err(io)?;
        private_file::sync_folder(folder).map_err(io)?;
        Self::open(folder, passphrase)
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
        if !parts.store().exists() {
            return Err(ProfileError::NoStore { path: parts.store() }.into());
        }
        for path in [folder, &parts.store()] {
            private_file::check(path).map_err(ProfileError::from)?;
        }
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

fn make_parts(
    parts: &Folder<'_>,
    handle: &Handle,
    passphrase: Option<&SecretString>,
    rng: &mut impl rand::CryptoRng,
) -> Result<(), ProfileError> {
    make_folder(&parts.locks())?;
    let (vault, key) = Vault::create(passphrase, rng)
        .map_err(|source| ProfileError::Vault { path: parts.vault(), source })?;
    let store = Store::create(&parts.store(), &store_key(&key))?;
    store.write::<_, ProfileError>(|tx| {
        tx.meta_put(META_HANDLE, handle.as_str().as_bytes())?;
        Ok(tx.meta_put(META_STREAM, &random::bytes::<16>(rng))?)
    })?;
    Ok(private_file::create_new(&parts.vault(), &vault.encode())?)
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
