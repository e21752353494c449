//! Whether a store is the one that was written last, or an older or moved copy of it.
//!
//! A copy that goes on where it was made would use the numbers of its owner's messages a second time. Two things outside
//! the sealed rows tell: the file's place on the disk, which no copy shares, and a file beside it with the number of the
//! newest commit, which is written behind that commit and never synced: it may be behind the store and never ahead of it.
//!
//! That file gets another name from time to time, and with each process that writes: a copy that is put over the files of
//! a store brings a note of its own time and leaves the newer one where it is.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::Store;
use crate::codec::Fields;
use crate::error::{OpenError, StoreError};
use crate::ids::Generation;
use crate::txn::{ReadTxn, WriteTxn};

/// Why a store is not the one that was written last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Restored {
    /// Its newest commits are gone: an older copy took its place, or its end was cut off.
    RolledBack {
        /// How many commits are gone at least.
        commits: u64,
    },
    /// It lies elsewhere than when it was last opened: it is a copy, and others may exist.
    Copied,
}

/// A store's files on disk.
pub(super) struct Origin {
    path: PathBuf,
    /// The file that this process notes commits in, once it has.
    note: Mutex<Option<Note>>,
    /// The highest number that is known to have been noted.
    noted: AtomicU64,
}

/// A file with the number of the newest commit.
struct Note {
    file: File,
    /// Commits that it may still take before another file follows.
    left: u32,
}

impl Note {
    /// Begins a file with a commit's number, and removes what others have noted before.
    fn begin(store: &Path, number: u64) -> Option<Self> {
        let mut name = beside(store).into_os_string();
        if cfg!(unix) {
            name.push(format!("-{number}"));
        }
        let path = PathBuf::from(name);
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let note = Self { file: options.open(&path).ok()?, left: COMMITS_OF_A_NOTE };
        note.write(number);
        for other in note_files(store) {
            if other != path && read(&other).is_none_or(|noted| noted < number) {
                drop(std::fs::remove_file(other));
            }
        }
        Some(note)
    }

    /// Whether another process has begun a file since, and removed this one; or it has taken enough.
    fn is_over(&self) -> bool {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            self.left == 0 || self.file.metadata().is_ok_and(|metadata| metadata.nlink() == 0)
        }
        #[cfg(not(unix))]
        false
    }

    fn write(&self, number: u64) {
        let bytes = [number.to_be_bytes(), (!number).to_be_bytes()].concat();
        #[cfg(unix)]
        drop(std::os::unix::fs::FileExt::write_all_at(&self.file, &bytes, 0));
        #[cfg(windows)]
        drop(std::os::windows::fs::FileExt::seek_write(&self.file, &bytes, 0));
    }
}

/// The number in a file of notes; `None` if it is torn or gone.
fn read(path: &Path) -> Option<u64> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(NOTE).read_to_end(&mut bytes).ok()?;
    let mut fields = Fields(&bytes);
    let (number, inverted) = (fields.u64()?, fields.u64()?);
    (number == !inverted).then_some(number)
}

/// The files beside a store that note its newest commit. They go where it goes, and are removed with it.
pub fn note_files(store: &Path) -> Vec<PathBuf> {
    let beside = beside(store);
    let (Some(folder), Some(name)) = (beside.parent(), beside.file_name()) else {
        return Vec::new();
    };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let is_note = |entry: &std::fs::DirEntry| {
        entry.file_name().as_encoded_bytes().starts_with(name.as_encoded_bytes())
    };
    entries
        .flatten()
        .filter(is_note)
        .map(|entry| beside.with_file_name(entry.file_name()))
        .collect()
}

impl Origin {
    pub(super) fn of(path: &Path) -> Self {
        let origin =
            Self { path: path.to_owned(), note: Mutex::default(), noted: AtomicU64::new(0) };
        origin.noted.store(origin.newest().unwrap_or(0), Ordering::Relaxed);
        origin
    }

    /// The newest commit that was noted; `None` if there is no note, or a torn one.
    fn newest(&self) -> Option<u64> {
        note_files(&self.path).iter().filter_map(|path| read(path)).max()
    }

    /// Notes a commit that is durable. Failing is harmless: the note then tells less.
    pub(super) fn note(&self, generation: Generation) {
        let number = generation.get();
        // While commits are gone, their note stays until somebody has accepted that.
        if self.noted.fetch_max(number, Ordering::Relaxed) >= number {
            return;
        }
        let mut note = self.note.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *note {
            Some(note) if !note.is_over() => {
                note.left = note.left.saturating_sub(1);
                note.write(number);
            }
            _ => *note = Note::begin(&self.path, number),
        }
    }

    /// Where the store lies; empty where the system does not tell.
    fn place(&self) -> Vec<u8> {
        let main = if self.path.is_dir() { self.path.join("db") } else { self.path.clone() };
        std::fs::metadata(main).map(|metadata| place(&metadata)).unwrap_or_default()
    }
}

/// How the names of the files begin that note the newest commit of a store.
fn beside(path: &Path) -> PathBuf {
    with_suffix(path, ".newest")
}

/// The file beside another whose name is longer.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// The file's number and its birth: a copy shares neither. The device is left out: its number may change with each start
/// of the machine.
#[cfg(unix)]
fn place(metadata: &Metadata) -> Vec<u8> {
    use std::os::unix::fs::MetadataExt;
    [metadata.ino(), born(metadata)].map(u64::to_be_bytes).concat()
}

#[cfg(not(unix))]
fn place(metadata: &Metadata) -> Vec<u8> {
    [0, born(metadata)].map(u64::to_be_bytes).concat()
}

/// Nanoseconds since 1970; 0 where the file system does not tell.
fn born(metadata: &Metadata) -> u64 {
    let since =
        metadata.created().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    since.and_then(|since| u64::try_from(since.as_nanos()).ok()).unwrap_or(0)
}

/// Whether two places are different files: their births tell, or their numbers where no birth is known. Numbers alone
/// are given out again, and some file systems number their files anew each time.
fn differ(before: &[u8], now: &[u8]) -> bool {
    match (before.split_at_checked(8), now.split_at_checked(8)) {
        (Some((number, birth)), Some((number_now, birth_now))) => {
            let known = [birth, birth_now].iter().all(|birth| **birth != [0; 8]);
            if known { birth != birth_now } else { number != number_now }
        }
        _ => false,
    }
}

impl Store {
    /// Whether this store is a restored copy, and nobody has [accepted](WriteTxn::accept_restored) that yet.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn restored(&self) -> Result<Option<Restored>, StoreError> {
        self.read(|tx| self.restored_in(tx))
    }

    /// The newest commit that was noted; 0 if there is no note.
    pub(super) fn commits_noted(&self) -> u64 {
        self.inner.origin.as_ref().and_then(Origin::newest).unwrap_or(0)
    }

    fn restored_in(&self, tx: &ReadTxn<'_>) -> Result<Option<Restored>, StoreError> {
        let Some(origin) = &self.inner.origin else { return Ok(None) };
        // As noted when it was opened: whoever has noted more since has committed more before.
        let noted = origin.noted.load(Ordering::Relaxed);
        let behind = noted.saturating_sub(tx.generation()?.get());
        if behind > 0 {
            return Ok(Some(Restored::RolledBack { commits: behind }));
        }
        let place = tx.meta_get(PLACE)?;
        Ok(place.is_some_and(|place| differ(&place, &origin.place())).then_some(Restored::Copied))
    }

    /// Notes where a store lies that has no note of it.
    pub(super) fn settle(&self) -> Result<(), OpenError> {
        let Some(origin) = &self.inner.origin else { return Ok(()) };
        if self.read(|tx| tx.meta_get(PLACE))?.is_none() {
            self.write(|tx| tx.meta_put(PLACE, &origin.place()))?;
        }
        Ok(())
    }
}

impl WriteTxn<'_> {
    /// Takes a restored copy for the store from now on; `None` if it is no copy, or somebody has accepted it already.
    ///
    /// Whoever accepts begins new streams in the same transaction, so that no number of a message is used twice.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn accept_restored(&mut self, store: &Store) -> Result<Option<Restored>, StoreError> {
        let Some(restored) = store.restored_in(self)? else { return Ok(None) };
        if let Some(origin) = &store.inner.origin {
            self.meta_put(PLACE, &origin.place())?;
            // The commit of this transaction is newer than any that is gone.
            self.raise_generation_above(origin.newest().unwrap_or(0))?;
        }
        Ok(Some(restored))
    }
}

/// Commits that are noted in one file.
const COMMITS_OF_A_NOTE: u32 = 64;
/// The bytes of a note.
const NOTE: u64 = 16;
pub(super) const PLACE: &str = "place";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn births_tell_files_apart_and_numbers_where_there_are_none() {
        let place = |number: u64, birth: u64| [number, birth].map(u64::to_be_bytes).concat();
        assert!(!differ(&place(1, 5), &place(1, 5)));
        assert!(!differ(&place(1, 5), &place(2, 5)));
        assert!(differ(&place(1, 5), &place(1, 6)));
        assert!(differ(&place(1, 0), &place(2, 0)) && !differ(&place(1, 0), &place(1, 0)));
        assert!(!differ(&place(1, 5), &place(1, 0)));
        assert!(!differ(&place(1, 5), &[]) && !differ(&[], &place(1, 5)));
    }
}
