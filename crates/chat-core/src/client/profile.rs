//! Making and opening profiles.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, RwLock};

use chat_crypto::{DataKey, Vault};
use chat_store::{EngineKind, Restored as StoreRestored, Store, StoreKey, WriteTxn};
use secrecy::SecretString;

use super::folder::Folder;
use super::identity::{has_identity, make_identity};
use super::{Client, META_HANDLE, META_STREAM, Profile};
use crate::directory::key_package_used;
use crate::error::{Error, ProfileError};
use crate::groups::GroupRow;
use crate::handle::Handle;
use crate::history_row::HistoryRow;
use crate::inbound::note_restored;
use crate::item::{Item, Restored};
use crate::lock::Lock;
use crate::mutant::{Mutant, breaks};
use crate::private_file;
use crate::random;

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
        Self::create_with(EngineKind::default(), folder, handle, passphrase)
    }

    /// Makes a profile whose store is of this engine.
    ///
    /// # Errors
    /// As [`create`](Self::create), and when this program was built without the engine.
    pub fn create_with(
        engine: EngineKind,
        folder: &Path,
        handle: &Handle,
        passphrase: Option<&SecretString>,
    ) -> Result<Self, Error> {
        Self::create_as(engine, folder, (handle, passphrase), |_| Ok(()))
    }

    /// Makes a profile that is from its first moment on what `begin` makes of it.
    pub(super) fn create_as(
        engine: EngineKind,
        folder: &Path,
        (handle, passphrase): (&Handle, Option<&SecretString>),
        begin: impl Fn(&mut WriteTxn<'_>) -> Result<(), ProfileError>,
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
        if parts.vault().exists() || parts.has_store() {
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
        make_parts(&Folder::new(&made), engine, (handle, passphrase), (&begin, &mut rng))?;
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
        let in_use = || ProfileError::InUse { path: folder.to_owned() };
        let share = parts.share()?.ok_or_else(in_use)?;
        let path = parts.store()?;
        if !path.exists() {
            return Err(ProfileError::NoStore { path }.into());
        }
        for path in [folder, &path] {
            private_file::check(path).map_err(ProfileError::from)?;
        }
        let store = Store::open(&path, &store_key(&key)).map_err(ProfileError::from)?;
        let was_restored = accept_if_restored(&store)?;
        let handle = store.read::<_, ProfileError>(|tx| Ok(tx.meta_get(META_HANDLE)?))?;
        let handle = handle
            .as_ref()
            .and_then(|bytes| std::str::from_utf8(bytes).ok()?.parse().ok())
            .ok_or(ProfileError::Incomplete { part: META_HANDLE })?;
        let locks = parts.locks();
        if !store.read(has_identity)? {
            store.write(make_identity)?;
        }
        let profile = Profile {
            handle,
            store,
            locks,
            network: RwLock::new(None),
            signer: RwLock::new(None),
            own_leaf: RwLock::new(None),
            policy: RwLock::default(),
            was_restored,
            broker_answers: AtomicBool::new(false),
            _share: share,
        };
        Ok(Self { profile: Arc::new(profile), transport: None })
    }
}

/// Goes on with a store that is a restored copy, if it is one; whether it was.
pub(super) fn accept_if_restored(store: &Store) -> Result<bool, ProfileError> {
    if store.restored()?.is_none() {
        return Ok(false);
    }
    store.write(|tx| accept_restored(tx, store))
}

/// Goes on with a restored copy: in streams of its own, since nobody knows which numbers of the old ones are in use.
fn accept_restored(tx: &mut WriteTxn<'_>, store: &Store) -> Result<bool, ProfileError> {
    // Another process may have been quicker.
    let Some(restored) = tx.accept_restored(store)? else { return Ok(false) };
    begin_new_streams(tx)?;
    let changes = match restored {
        StoreRestored::RolledBack { commits } => Some(commits),
        _ => None,
    };
    HistoryRow::now(Item::Restored(Restored { changes })).append::<ProfileError>(tx, &[])?;
    Ok(true)
}

/// Numbers own messages anew from here on, under a name that nobody has used; in groups nothing is encrypted any more
/// under keys that others may have seen used.
pub(super) fn begin_new_streams(tx: &mut WriteTxn<'_>) -> Result<(), ProfileError> {
    tx.clear_stream_tips()?;
    if !breaks(Mutant::ForgetRestore) {
        GroupRow::strand_all::<ProfileError>(tx)?;
        note_restored::<ProfileError>(tx)?;
        key_package_used::<ProfileError>(tx)?;
    }
    Ok(tx.meta_put(META_STREAM, &random::bytes::<16>(&mut rand::rng()))?)
}

/// What a new profile begins as.
type Begin<'a> = dyn Fn(&mut WriteTxn<'_>) -> Result<(), ProfileError> + 'a;

fn make_parts(
    parts: &Folder<'_>,
    engine: EngineKind,
    (handle, passphrase): (&Handle, Option<&SecretString>),
    (begin, rng): (&Begin<'_>, &mut impl rand::CryptoRng),
) -> Result<(), ProfileError> {
    make_folder(&parts.locks())?;
    let (vault, key) = Vault::create(passphrase, rng)
        .map_err(|source| ProfileError::Vault { path: parts.vault(), source })?;
    if engine != EngineKind::default() {
        parts.set_engine(engine)?;
    }
    let store = Store::create_with(engine, &parts.store_of(engine), &store_key(&key))?;
    store.write::<_, ProfileError>(|tx| {
        tx.meta_put(META_HANDLE, handle.as_str().as_bytes())?;
        make_identity(tx)?;
        tx.meta_put(META_STREAM, &random::bytes::<16>(rng))?;
        begin(tx)
    })?;
    Ok(private_file::create_new(&parts.vault(), &vault.encode())?)
}

pub(super) fn store_key(key: &DataKey) -> StoreKey {
    StoreKey::from_bytes(*key.subkey("store").expose_bytes())
}

fn make_folder(path: &Path) -> Result<(), ProfileError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|source| ProfileError::Io { path: path.to_owned(), source })
}
