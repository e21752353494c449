//! The second engine: sled, a tree in a folder of its own, for one process at a time.
//!
//! sled itself gives atomic batches and an ordered tree. What it lacks is here: transactions that read what they have
//! written, readers that see one unchanging state, and commits that are on disk. Its `flush` asks the kernel to write
//! and does not wait for the disk, so each commit syncs sled's files after it (upstream: sled#1452).

use std::cell::RefCell;
use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use self::overlay::{Changes, Overlay, merge};
use self::versions::Versions;
use super::{Engine, Range, Row, Txn, after};
use crate::error::{OpenError, StoreError};
use crate::schema::Table;

mod overlay;
mod versions;

/// See the module.
pub(crate) struct SledEngine {
    /// Present until the engine is dropped.
    db: Option<sled::Db>,
    disk: Disk,
    writer: Mutex<()>,
    versions: RwLock<Versions>,
    /// Whether sled has panicked or could not make a commit durable: what it holds in memory is not to be believed.
    failed: AtomicBool,
    /// Locked; the last to be dropped.
    _owner: File,
}

impl SledEngine {
    /// Opens the store in this folder, which exists. Another process that has it is waited for, a little.
    pub(crate) fn open(folder: &Path) -> Result<Self, OpenError> {
        let owner = own(folder)?;
        remove_unfinished_snapshots(folder)
            .map_err(|source| OpenError::Io { path: folder.to_owned(), source })?;
        let config = sled::Config::new()
            .path(folder)
            .cache_capacity(CACHE)
            .flush_every_ms(None)
            .print_profile_on_drop(false);
        let begun = Instant::now();
        let db = loop {
            match contained(|| config.open()) {
                // It lets go of its own lock a moment after this process has closed it.
                Err(error) if holds_its_lock(&error) && begun.elapsed() < PATIENCE => {
                    std::thread::sleep(LOOK_EVERY);
                }
                opened => break opened?,
            }
        };
        let disk = Disk::new(folder);
        disk.make_private()?;
        Ok(Self {
            db: Some(db),
            disk,
            writer: Mutex::default(),
            versions: RwLock::default(),
            failed: AtomicBool::new(false),
            _owner: owner,
        })
    }

    /// Runs something that sled does, and remembers if it may not be asked any more.
    fn ask<R>(&self, work: impl FnOnce(&sled::Db) -> sled::Result<R>) -> Result<R, StoreError> {
        let db = self.db.as_ref().filter(|_| !self.failed.load(Ordering::Acquire));
        let Some(db) = db else {
            return Err(StoreError::Engine("sled has failed before; open the store again".into()));
        };
        contained(|| work(db)).inspect_err(|error| {
            if matches!(error, StoreError::Damaged { .. }) {
                self.failed.store(true, Ordering::Release);
            }
        })
    }

    /// Makes changes durable, all of them or none, and visible to readers that begin from now on.
    fn commit(&self, changes: &Changes) -> Result<(), StoreError> {
        let mut versions = self.versions.write().unwrap_or_else(PoisonError::into_inner);
        let mut batch = sled::Batch::default();
        for (key, value) in changes {
            match value {
                Some(value) => batch.insert(key.as_slice(), value.as_slice()),
                None => batch.remove(key.as_slice()),
            }
        }
        if versions.are_read() {
            let before = |key: &Vec<u8>| {
                let value = self.ask(|db| db.get(key))?;
                Ok((key.clone(), value.map(|value| value.to_vec())))
            };
            let before = changes.keys().map(before).collect::<Result<Changes, StoreError>>()?;
            versions.keep(before);
        }
        let done = self
            .ask(|db| db.apply_batch(batch).and_then(|()| db.flush().map(drop)))
            .and_then(|()| Ok(self.disk.sync()?));
        versions.raise();
        // Whether the disk has it, nobody knows: whoever opens the store again sees.
        done.inspect_err(|_| self.failed.store(true, Ordering::Release))
    }
}

impl Engine for SledEngine {
    fn begin_write(&self) -> Result<Box<dyn Txn + '_>, StoreError> {
        let guard = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Box::new(SledTxn {
            engine: self,
            own: RefCell::default(),
            writer: Some(guard),
            version: None,
        }))
    }

    fn begin_read(&self) -> Result<Box<dyn Txn + '_>, StoreError> {
        let version = self.versions.write().unwrap_or_else(PoisonError::into_inner).begin();
        let version = Some(version);
        Ok(Box::new(SledTxn { engine: self, own: RefCell::default(), writer: None, version }))
    }

    /// Reads everything: sled checks the sum of each page that it loads.
    fn check(&self) -> Result<Vec<String>, StoreError> {
        let walked = self.ask(|db| db.iter().try_for_each(|row| row.map(drop)));
        match walked {
            Ok(()) => Ok(Vec::new()),
            Err(StoreError::Damaged { what }) => Ok(vec![what]),
            Err(other) => Err(other),
        }
    }
}

impl Drop for SledEngine {
    /// sled writes its last pages when it is dropped, and may panic over a damaged file.
    fn drop(&mut self) {
        let db = self.db.take();
        drop(catch_unwind(AssertUnwindSafe(move || drop(db))));
    }
}

struct SledTxn<'a> {
    engine: &'a SledEngine,
    own: RefCell<Overlay>,
    /// Present while the transaction may write.
    writer: Option<MutexGuard<'a, ()>>,
    /// The state that a reader sees; a writer sees the newest.
    version: Option<u64>,
}

impl SledTxn<'_> {
    fn change(&self, key: Vec<u8>, value: Option<Vec<u8>>) -> Result<(), StoreError> {
        if self.writer.is_none() {
            return Err(StoreError::ReadOnly);
        }
        self.own.borrow_mut().set(key, value);
        Ok(())
    }

    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if let Some(changed) = self.own.borrow().changes().get(key) {
            return Ok(changed.clone());
        }
        let versions = self.engine.versions.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = self.version.and_then(|version| versions.before(version, key)) {
            return Ok(before.clone());
        }
        Ok(self.engine.ask(|db| db.get(key))?.map(|value| value.to_vec()))
    }
}

impl Txn for SledTxn<'_> {
    fn get(&self, table: &Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(&placed(table, key))
    }

    fn put(&self, table: &Table, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.change(placed(table, key), Some(value.to_vec()))
    }

    fn delete(&self, table: &Table, key: &[u8]) -> Result<bool, StoreError> {
        if self.writer.is_none() {
            return Err(StoreError::ReadOnly);
        }
        let key = placed(table, key);
        let was = self.read(&key)?.is_some();
        if was {
            self.change(key, None)?;
        }
        Ok(was)
    }

    fn scan(&self, table: &Table, range: &Range, limit: usize) -> Result<Vec<Row>, StoreError> {
        let to = match &range.to {
            Some(to) => Some(placed(table, to)),
            None => after(&[table.id]),
        };
        let inside = Range { from: placed(table, &range.from), to, order: range.order };
        if inside.to.as_ref().is_some_and(|to| *to <= inside.from) {
            return Ok(Vec::new());
        }
        let versions = self.engine.versions.read().unwrap_or_else(PoisonError::into_inner);
        let earlier = self.version.map(|version| versions.changed_since(version, &inside));
        let own = self.own.borrow();
        let over = earlier.as_ref().unwrap_or(own.changes());
        let rows = self.engine.ask(|db| {
            let to = inside.to.clone().map_or(Bound::Unbounded, Bound::Excluded);
            merge(db.range((Bound::Included(inside.from.clone()), to)), over, &inside, limit)
        })?;
        // Without the byte that tells the table.
        Ok(rows
            .into_iter()
            .map(|(key, value)| (key.get(1..).unwrap_or_default().to_vec(), value))
            .collect())
    }

    fn savepoint(&self) -> Result<(), StoreError> {
        self.own.borrow_mut().nest();
        Ok(())
    }

    fn release(&self) -> Result<(), StoreError> {
        self.own.borrow_mut().keep();
        Ok(())
    }

    fn rollback(&self) -> Result<(), StoreError> {
        self.own.borrow_mut().undo();
        Ok(())
    }

    fn version(&self) -> Result<u32, StoreError> {
        let Some(value) = self.read(VERSION_KEY)? else { return Ok(0) };
        let value = <[u8; 4]>::try_from(value.as_slice());
        value.map(u32::from_be_bytes).map_err(|_| StoreError::damaged("the schema version"))
    }

    fn set_version(&self, version: u32) -> Result<(), StoreError> {
        self.change(VERSION_KEY.to_vec(), Some(version.to_be_bytes().to_vec()))
    }

    /// A table is a first byte of keys: there is nothing to make.
    fn ensure_tables(&self) -> Result<(), StoreError> {
        if self.writer.is_some() { Ok(()) } else { Err(StoreError::ReadOnly) }
    }

    #[cfg(test)]
    fn force_rollback(&self) -> Result<(), StoreError> {
        Err(StoreError::damaged("nothing ends a transaction of sled behind its back"))
    }

    fn commit(self: Box<Self>) -> Result<(), StoreError> {
        let own = self.own.borrow();
        if self.writer.is_some() && !own.changes().is_empty() {
            self.engine.commit(own.changes())?;
        }
        Ok(())
    }
}

impl Drop for SledTxn<'_> {
    fn drop(&mut self) {
        if let Some(version) = self.version {
            self.engine.versions.write().unwrap_or_else(PoisonError::into_inner).end(version);
        }
    }
}

/// Makes this process the one that has the store. Another is waited for, a little.
fn own(folder: &Path) -> Result<File, OpenError> {
    let io = |source| OpenError::Io { path: folder.to_owned(), source };
    let mut options = File::options();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let owner = options.open(folder.join("owner")).map_err(io)?;
    let begun = Instant::now();
    loop {
        match owner.try_lock() {
            Ok(()) => return Ok(owner),
            Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => {
                std::thread::sleep(LOOK_EVERY);
            }
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::Held { path: folder.to_owned() });
            }
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
    }
}

fn holds_its_lock(error: &StoreError) -> bool {
    matches!(error, StoreError::Disk(source) if source.to_string().contains("could not acquire lock"))
}

/// Removes what a process that was killed has left of a snapshot: sled 0.34 means to pass over such files and looks for
/// another ending, so that one of them would keep the store from being opened for ever. The log has all that is in it.
fn remove_unfinished_snapshots(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "generating") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// sled's files. `db` is the log and grows; large values lie in `blobs/`, a file each, written once.
struct Disk {
    folder: PathBuf,
    synced: Mutex<HashSet<OsString>>,
}

impl Disk {
    fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), synced: Mutex::default() }
    }

    /// Waits until the disk has what was written.
    fn sync(&self) -> io::Result<()> {
        let mut synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        let blobs = self.folder.join("blobs");
        let mut there = HashSet::new();
        for entry in fs::read_dir(&blobs).into_iter().flatten() {
            let name = entry?.file_name();
            if !synced.contains(&name) {
                match File::open(blobs.join(&name)) {
                    Ok(file) => file.sync_all()?,
                    // sled removes those that it needs no more.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(error),
                }
            }
            there.insert(name);
        }
        if !there.is_subset(&synced) {
            File::open(&blobs)?.sync_all()?;
        }
        *synced = there;
        File::open(self.folder.join("db"))?.sync_all()
    }

    /// Gives a new store's files to their owner alone, and makes their names durable.
    fn make_private(&self) -> Result<(), OpenError> {
        let io = |source| OpenError::Io { path: self.folder.clone(), source };
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            for (name, mode) in [("", 0o700), ("db", 0o600), ("conf", 0o600), ("blobs", 0o700)] {
                let path = self.folder.join(name);
                if path.exists() {
                    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(io)?;
                }
            }
        }
        for name in ["conf", "blobs", ""] {
            match File::open(self.folder.join(name)) {
                Ok(file) => file.sync_all().map_err(io)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(io(error)),
            }
        }
        Ok(())
    }
}

/// Runs something that sled does. Its panics end here: it panics where its files are not what it wrote.
fn contained<R>(work: impl FnOnce() -> sled::Result<R>) -> Result<R, StoreError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(StoreError::from),
        Err(panic) => {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default();
            Err(StoreError::damaged(format!("sled panicked: {said}")))
        }
    }
}

impl From<sled::Error> for StoreError {
    fn from(error: sled::Error) -> Self {
        match error {
            sled::Error::Corruption { .. } => Self::damaged(error.to_string()),
            sled::Error::ReportableBug(said) | sled::Error::Unsupported(said) => {
                Self::damaged(said)
            }
            sled::Error::Io(error) => error.into(),
            other => Self::Engine(Box::new(other)),
        }
    }
}

fn placed(table: &Table, key: &[u8]) -> Vec<u8> {
    [&[table.id], key].concat()
}

/// No table has the number 0.
const VERSION_KEY: &[u8] = &[0];
/// Bytes of pages that sled keeps in memory.
const CACHE: u64 = 16 * 1024 * 1024;
/// How long another process is waited for: one that sends is soon done, one that listens is not.
const PATIENCE: Duration = Duration::from_secs(3);
const LOOK_EVERY: Duration = Duration::from_millis(25);
