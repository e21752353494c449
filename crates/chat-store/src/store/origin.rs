//! Whether a store is the one that was written last, or an older or moved copy of it.
//!
//! A copy that goes on where it was made would use the numbers of its owner's messages a second time. Two things outside
//! the sealed rows tell: the file's place on the disk, which no copy shares, and a file beside it with the number of the
//! newest commit, which is written behind that commit and never synced: it may be behind the store and never ahead of it.
//!
//! Where a copy is written over both files, neither tells. But the system changes a file's time with every write and lets
//! nobody set it back: the note has the time at which it was written, and a file that was written later was written by
//! somebody else.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

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
    /// It lies elsewhere than when it was last opened, or was written over: it is a copy, and others may exist.
    Copied,
}

/// A store's files on disk.
pub(super) struct Origin {
    path: PathBuf,
    /// The file with the number of the newest commit; absent where it cannot be written.
    file: Option<File>,
    /// The highest number that is known to have been noted.
    noted: AtomicU64,
    /// How far the disk's clock is ahead of this machine's, in nanoseconds, once that was seen.
    ahead: OnceLock<i64>,
}

/// What is noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Note {
    /// The newest commit.
    number: u64,
    /// When it was written, in nanoseconds since 1970 by the disk's clock; older notes do not say.
    written: Option<u64>,
}

impl Note {
    fn encode(self) -> Vec<u8> {
        let written = self.written.unwrap_or_default();
        [self.number, !self.number, written, !written].map(u64::to_be_bytes).concat()
    }

    /// `None` for a torn one.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let (number, inverted) = (fields.u64()?, fields.u64()?);
        let written = fields.u64().zip(fields.u64());
        let written = written.filter(|(at, inverted)| *at == !inverted).map(|(at, _)| at);
        (number == !inverted).then_some(Self { number, written })
    }
}

impl Origin {
    pub(super) fn of(path: &Path) -> Self {
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(beside(path)).ok();
        let origin =
            Self { path: path.to_owned(), file, noted: AtomicU64::new(0), ahead: OnceLock::new() };
        origin.noted.store(origin.newest().unwrap_or(0), Ordering::Relaxed);
        origin
    }

    /// The newest commit that was noted; `None` if there is no note, or a torn one.
    fn newest(&self) -> Option<u64> {
        self.read().map(|note| note.number)
    }

    fn read(&self) -> Option<Note> {
        // A path, not the open file: its position belongs to all threads.
        let mut bytes = Vec::new();
        let file = File::open(beside(&self.path)).ok()?;
        file.take(NOTE).read_to_end(&mut bytes).ok()?;
        Note::decode(&bytes)
    }

    /// Notes a commit that is durable. Failing is harmless: the note then tells less.
    pub(super) fn note(&self, generation: Generation) {
        let number = generation.get();
        // While commits are gone, their note stays until somebody has accepted that.
        if self.noted.fetch_max(number, Ordering::Relaxed) >= number {
            return;
        }
        let Some(file) = &self.file else { return };
        let write = |ahead: i64| {
            let written = now().checked_add_signed(ahead);
            write_at_start(file, &Note { number, written }.encode());
        };
        write(self.ahead.get().copied().unwrap_or(0));
        // The disk may be another machine's.
        if let (None, Some(changed)) = (self.ahead.get(), self.changed()) {
            let ahead = i64::try_from(i128::from(changed) - i128::from(now())).unwrap_or(0);
            let ahead = if ahead.unsigned_abs() > CLOSE { ahead } else { 0 };
            if self.ahead.set(ahead).is_ok() && ahead != 0 {
                write(ahead);
            }
        }
    }

    /// When the note's file was last changed, in nanoseconds since 1970, where the system tells.
    fn changed(&self) -> Option<u64> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let metadata = std::fs::metadata(beside(&self.path)).ok()?;
            let seconds = u64::try_from(metadata.ctime()).ok()?;
            seconds
                .checked_mul(1_000_000_000)?
                .checked_add(u64::try_from(metadata.ctime_nsec()).ok()?)
        }
        #[cfg(not(unix))]
        None
    }

    /// Whether somebody else has written the note of this very commit: it came with a copy.
    fn was_written_over(&self, generation: Generation) -> bool {
        let Some(Note { number, written: Some(written) }) = self.read() else { return false };
        let changed = self.changed().unwrap_or(0);
        number == generation.get() && changed > written.saturating_add(LATER)
    }

    /// Where the store lies; empty where the system does not tell.
    fn place(&self) -> Vec<u8> {
        let main = if self.path.is_dir() { self.path.join("db") } else { self.path.clone() };
        std::fs::metadata(main).map(|metadata| place(&metadata)).unwrap_or_default()
    }
}

fn write_at_start(file: &File, bytes: &[u8]) {
    #[cfg(unix)]
    drop(std::os::unix::fs::FileExt::write_all_at(file, bytes, 0));
    #[cfg(windows)]
    drop(std::os::windows::fs::FileExt::seek_write(file, bytes, 0));
}

/// Nanoseconds since 1970.
fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.ok().and_then(|since| u64::try_from(since.as_nanos()).ok()).unwrap_or(0)
}

/// The file that notes the newest commit of a store.
pub(crate) fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".newest");
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
        let generation = tx.generation()?;
        let behind = origin.newest().unwrap_or(0).saturating_sub(generation.get());
        if behind > 0 {
            return Ok(Some(Restored::RolledBack { commits: behind }));
        }
        let elsewhere = tx.meta_get(PLACE)?.is_some_and(|place| differ(&place, &origin.place()));
        let copied = elsewhere || origin.was_written_over(generation);
        Ok(copied.then_some(Restored::Copied))
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

/// The bytes of a note.
const NOTE: u64 = 32;
/// A disk's clock that is no further from this machine's, in nanoseconds, counts as the same.
const CLOSE: u64 = 1_000_000_000;
/// A note that was changed so much later than it says, in nanoseconds, was not changed by this program.
const LATER: u64 = 5_000_000_000;
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
