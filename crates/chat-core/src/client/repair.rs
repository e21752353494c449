//! Saving what is whole of a profile whose store is damaged.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use chat_store::failpoint::{Place, reach};
use chat_store::{EngineKind, Repaired, Seq, Store, StoreKey, note_files};
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::folder::Folder;
use super::migrate::remove_store;
use super::profile::{begin_new_streams, store_key};
use super::{Client, META_HANDLE};
use crate::error::{Error, ProfileError};
use crate::history_row::{HistoryRow, encode};
use crate::item::{Item, Lost};
use crate::private_file;

/// A profile that was repaired.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Repair {
    /// What was saved and what is gone.
    pub report: Repaired,
    /// Where the damaged store is kept.
    pub kept_at: PathBuf,
}

impl Client {
    /// Makes the profile in `folder` anew from all rows of its store that are whole, and keeps the damaged store beside it.
    ///
    /// What the log still has is read again where it is not known to have been read; own messages go on in new streams.
    ///
    /// # Errors
    /// [`ProfileError::InUse`] while any process has the profile open; when nothing can be saved, or the profile's handle
    /// is among what is gone: then nothing has changed.
    pub fn repair(folder: &Path, passphrase: Option<&SecretString>) -> Result<Repair, Error> {
        let parts = Folder::new(folder);
        let key = parts
            .read_vault()?
            .open(passphrase)
            .map_err(|source| ProfileError::Vault { path: parts.vault(), source })?;
        let in_use = || ProfileError::InUse { path: folder.to_owned() };
        let _alone = parts.take()?.ok_or_else(in_use)?;
        Ok(repair(&parts, folder, &store_key(&key))?)
    }
}

fn repair(parts: &Folder<'_>, folder: &Path, key: &StoreKey) -> Result<Repair, ProfileError> {
    let engine = parts.engine()?;
    let (old, new) = (parts.store_of(engine), folder.join("repaired"));
    if !old.exists() && new.exists() {
        // An earlier attempt ended between the moves below; what lies beside the old store's place is the old one's.
        let kept_at = put_aside(&old, folder)?;
        put_in_place(&new, &old)?;
        return Ok(Repair { report: Repaired::default(), kept_at });
    }
    remove_store(&new)?;
    let saved = save(&old, (engine, &new), key);
    if saved.is_err() {
        drop(remove_store(&new));
    }
    let report = saved?;
    let kept_at = put_aside(&old, folder)?;
    put_in_place(&new, &old)?;
    Ok(Repair { report, kept_at })
}

fn save(
    old: &Path,
    (engine, new): (EngineKind, &Path),
    key: &StoreKey,
) -> Result<Repaired, ProfileError> {
    let gone = |_: Seq| {
        // A row without a body of its own always encodes.
        encode(&HistoryRow::now(Item::Lost(Lost {}))).unwrap_or_else(|_| Zeroizing::default())
    };
    let (store, report) = Store::repair(old, (engine, new), key, gone)?;
    store.write::<_, ProfileError>(|tx| {
        if tx.meta_get(META_HANDLE)?.is_none() {
            return Err(ProfileError::Incomplete { part: META_HANDLE });
        }
        begin_new_streams(tx)
    })?;
    let check = store.verify()?;
    match check.damage.first() {
        None => {
            drop(store);
            is_in_one_file(new)?;
            Ok(report)
        }
        Some(damage) => {
            let what = format!("what was saved: {}: {}", damage.table, damage.what);
            Err(chat_store::StoreError::Damaged { what }.into())
        }
    }
}

/// A store that was closed has nothing in its log; where the disk failed at that moment, it has all of it there.
fn is_in_one_file(store: &Path) -> Result<(), ProfileError> {
    let path = with_suffix(store, "-wal");
    match std::fs::metadata(&path) {
        Ok(log) if log.len() > 0 => {
            let source = std::io::Error::other("what was saved stays in the log of the new store");
            Err(ProfileError::Io { path, source })
        }
        _ => Ok(()),
    }
}

/// Moves the damaged store's files into a folder of their own.
fn put_aside(old: &Path, folder: &Path) -> Result<PathBuf, ProfileError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    let mut aside = folder.join(format!("damaged-{now}"));
    let mut tried = 0;
    while let Err(source) = std::fs::create_dir(&aside) {
        tried += 1;
        if source.kind() != std::io::ErrorKind::AlreadyExists || tried > 100 {
            return Err(ProfileError::Io { path: aside, source });
        }
        aside = folder.join(format!("damaged-{now}-{tried}"));
    }
    // The store itself goes first: without its log and its notes it would pass for an older one that is whole.
    let parts = ["", "-wal", "-shm"].map(|suffix| with_suffix(old, suffix));
    for from in parts.into_iter().chain(note_files(old)) {
        let name = from.file_name().unwrap_or_default();
        move_file(&from, &aside.join(name))?;
    }
    Ok(aside)
}

fn put_in_place(new: &Path, place: &Path) -> Result<(), ProfileError> {
    // The next commit makes a note that bears the store's own name.
    note_files(new).into_iter().for_each(|note| drop(std::fs::remove_file(note)));
    move_file(new, place)?;
    private_file::sync_folder(place)
        .map_err(|source| ProfileError::Io { path: place.to_owned(), source })
}

fn move_file(from: &Path, to: &Path) -> Result<(), ProfileError> {
    reach(Place::BeforeMove);
    match std::fs::rename(from, to) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(ProfileError::Io { path: from.to_owned(), source }),
        Ok(()) => Ok(()),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
