//! The store: an engine, and the keys that seal what it keeps.

use std::path::Path;
use std::sync::Arc;

use self::origin::{Origin, Restored};
use crate::engine::kind::EngineKind;
use crate::engine::memory::MemoryEngine;
use crate::engine::{self, Engine};
use crate::error::{OpenError, StoreError};
use crate::failpoint::{Place, reach};
use crate::ids::Generation;
use crate::schema::{MIGRATIONS, Migration, VERSION};
use crate::sealed::{Sealer, StoreKey};
use crate::txn::{ReadTxn, WriteTxn};
use crate::verify::{Damage, VerifyReport, verify};

/// An open store. Cheap to clone; may be used from several threads and, on disk and with the default
/// engine, opened by several processes at once.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Box<dyn Engine>,
    sealer: Sealer,
    /// Where it lies on disk.
    origin: Option<Origin>,
}

impl Store {
    /// Makes a store of the default engine in a new file at mode 0600, in a folder that exists.
    ///
    /// # Errors
    /// [`OpenError::AlreadyExists`] if there is a file of that name. A file that a crash left
    /// unfinished is [`OpenError::NotFound`] to [`open`](Self::open); remove it first.
    pub fn create(path: &Path, key: &StoreKey) -> Result<Self, OpenError> {
        Self::create_with(EngineKind::default(), path, key)
    }

    /// Makes a store of an engine: a file at mode 0600, or a folder at mode 0700.
    ///
    /// # Errors
    /// As [`create`](Self::create); [`OpenError::EngineMissing`].
    pub fn create_with(engine: EngineKind, path: &Path, key: &StoreKey) -> Result<Self, OpenError> {
        let store = Self::at(path, make_engine(engine, path)?, key);
        store.initialise()?;
        store.settle()?;
        Ok(store)
    }

    /// Opens a store, and brings an older one up to date.
    ///
    /// # Errors
    /// [`OpenError::NotFound`], [`OpenError::WrongKey`], [`OpenError::Newer`],
    /// [`OpenError::EngineMissing`], [`OpenError::Held`], or a failure of the engine: damaged,
    /// read-only, locked, full.
    pub fn open(path: &Path, key: &StoreKey) -> Result<Self, OpenError> {
        let store = Self::at(path, engine::open(path)?, key);
        match store.version()? {
            0 => return Err(OpenError::NotFound { path: path.to_owned() }),
            1..=VERSION => store.check_key()?,
            found => return Err(OpenError::Newer { found, supported: VERSION }),
        }
        store.migrate(MIGRATIONS)?;
        store.settle()?;
        Ok(store)
    }

    /// A store that lives as long as this value and its clones.
    pub fn in_memory(key: &StoreKey) -> Result<Self, OpenError> {
        let store = Self::over(Box::new(MemoryEngine::new()), key);
        store.initialise()?;
        Ok(store)
    }

    /// Changes the store: all of it, or nothing. `Ok` means atomic **and** on disk.
    ///
    /// Holds the single-writer lock of all processes while `work` runs, so keep it short and free
    /// of other effects. A write inside a write waits for itself: use [`WriteTxn::nested`].
    ///
    /// # Errors
    /// What `work` returned, or a failure of the engine; either way nothing has changed.
    pub fn write<R, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&mut WriteTxn<'_>) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut txn = WriteTxn::new(self.inner.engine.begin_write()?, &self.inner.sealer);
        // A newer program may have brought it up to date since it was opened.
        let found = txn.raw.version()?;
        if found > VERSION {
            return Err(StoreError::Newer { found, supported: VERSION }.into());
        }
        let done = work(&mut txn)?;
        reach(Place::BeforeCommit);
        let generation = txn.commit()?;
        if let Some(origin) = &self.inner.origin {
            origin.note(generation);
        }
        reach(Place::AfterCommit);
        Ok(done)
    }

    /// Reads one unchanging state.
    ///
    /// # Errors
    /// What `work` returned, or a failure of the engine.
    pub fn read<R, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&ReadTxn<'_>) -> Result<R, E>,
    ) -> Result<R, E> {
        work(&ReadTxn::new(self.inner.engine.begin_read()?, &self.inner.sealer))
    }

    /// A number that every write raises, in whichever process.
    ///
    /// # Errors
    /// A failure of the engine.
    pub fn generation(&self) -> Result<Generation, StoreError> {
        self.read(|tx| tx.generation())
    }

    /// Walks every row: the engine's own check, every seal, every conversation's head, every index.
    ///
    /// # Errors
    /// Only if the engine cannot be read at all; damage is in the report.
    pub fn verify(&self) -> Result<VerifyReport, StoreError> {
        let mut report = verify(&*self.inner.engine, &self.inner.sealer)?;
        if let Ok(Some(Restored::RolledBack { commits })) = self.restored() {
            let what = format!("the newest commits are gone, at least {commits}");
            report.damage.push(Damage { table: "engine", what });
        }
        Ok(report)
    }

    fn version(&self) -> Result<u32, StoreError> {
        self.read(|tx| tx.raw.version())
    }

    fn over(engine: Box<dyn Engine>, key: &StoreKey) -> Self {
        Self { inner: Arc::new(Inner { engine, sealer: Sealer::new(key), origin: None }) }
    }

    fn at(path: &Path, engine: Box<dyn Engine>, key: &StoreKey) -> Self {
        let origin = Some(Origin::of(path));
        Self { inner: Arc::new(Inner { engine, sealer: Sealer::new(key), origin }) }
    }

    fn initialise(&self) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.raw.ensure_tables()?;
            tx.raw.set_version(VERSION)?;
            tx.meta_put(CHECK, CHECK.as_bytes())
        })
    }

    /// A store whose first row does not open was made with another key.
    fn check_key(&self) -> Result<(), OpenError> {
        match self.read(|tx| tx.meta_get(CHECK)) {
            Ok(Some(_)) => Ok(()),
            Ok(None) | Err(StoreError::Damaged { .. }) => Err(OpenError::WrongKey),
            Err(error) => Err(error.into()),
        }
    }

    /// Runs the migrations that the store lacks, each in a transaction of its own.
    pub(crate) fn migrate(&self, migrations: &[Migration]) -> Result<(), StoreError> {
        for (migration, to) in migrations.iter().zip(2..) {
            if self.version()? >= to {
                continue;
            }
            self.write(|tx| {
                // Another process may have been quicker.
                if tx.raw.version()? < to {
                    tx.raw.ensure_tables()?;
                    migration(tx)?;
                    tx.raw.set_version(to)?;
                }
                Ok::<_, StoreError>(())
            })?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

/// Makes an engine's files, empty.
fn make_engine(engine: EngineKind, path: &Path) -> Result<Box<dyn Engine>, OpenError> {
    if !engine.is_built_in() {
        return Err(OpenError::EngineMissing { engine, path: path.to_owned() });
    }
    let made = match engine {
        EngineKind::Sqlite => {
            let mut options = std::fs::OpenOptions::new();
            options.write(true).create_new(true);
            // SQLite gives its log and shared-memory files the rights of the database file.
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            options.open(path).map(drop)
        }
        EngineKind::Sled => {
            let mut options = std::fs::DirBuilder::new();
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut options, 0o700);
            options.create(path)
        }
    };
    made.map_err(|source| match source.kind() {
        std::io::ErrorKind::AlreadyExists => OpenError::AlreadyExists { path: path.to_owned() },
        _ => OpenError::Io { path: path.to_owned(), source },
    })?;
    engine::open(path)
}

/// The row whose seal tells whether the key is right.
const CHECK: &str = "check";

pub(crate) mod copy;
pub(crate) mod origin;
pub(crate) mod repair;
#[cfg(test)]
mod tests;
