//! What a storage engine must do: ordered keys and values, in tables, in transactions.

use std::ops::ControlFlow;
use std::path::Path;

use self::kind::EngineKind;
use crate::error::{OpenError, StoreError};
use crate::schema::Table;

#[cfg(test)]
mod conformance;
pub(crate) mod kind;
pub(crate) mod memory;
#[cfg(feature = "sled")]
pub(crate) mod sled;
pub(crate) mod sqlite;

/// Opens the engine whose files are at this place.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Engine>, OpenError> {
    match EngineKind::of(path) {
        Some(EngineKind::Sqlite) => Ok(Box::new(sqlite::SqliteEngine::open(path)?)),
        #[cfg(feature = "sled")]
        Some(EngineKind::Sled) => Ok(Box::new(sled::SledEngine::open(path)?)),
        #[cfg(not(feature = "sled"))]
        Some(kind @ EngineKind::Sled) => {
            Err(OpenError::EngineMissing { engine: kind, path: path.to_owned() })
        }
        None => Err(OpenError::NotFound { path: path.to_owned() }),
    }
}

/// A key and its value.
pub(crate) type Row = (Vec<u8>, Vec<u8>);

/// An ordered key-value store with one writer at a time, over all processes that open it.
pub(crate) trait Engine: Send + Sync {
    /// Begins a transaction under the single-writer lock; what it reads is the newest state.
    fn begin_write(&self) -> Result<Box<dyn Txn + '_>, StoreError>;

    /// Begins a transaction over one unchanging state. Its writes are refused.
    fn begin_read(&self) -> Result<Box<dyn Txn + '_>, StoreError>;

    /// The engine's own check of its files: what is damaged, in its own words.
    fn check(&self) -> Result<Vec<String>, StoreError>;
}

/// A running transaction; dropped without [`commit`](Self::commit) it has changed nothing.
pub(crate) trait Txn {
    fn get(&self, table: &Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    fn put(&self, table: &Table, key: &[u8], value: &[u8]) -> Result<(), StoreError>;

    /// Deletes a row; whether there was one.
    fn delete(&self, table: &Table, key: &[u8]) -> Result<bool, StoreError>;

    /// Rows of a range, in order, at most `limit`.
    fn scan(&self, table: &Table, range: &Range, limit: usize) -> Result<Vec<Row>, StoreError>;

    /// Hands over the rows of a table as they lie there, whatever their keys say, until `visit` breaks or it cannot be
    /// read: for repairs, where a damaged key would lead a [`scan`](Self::scan) astray. Engines without such a way
    /// hand over nothing.
    fn walk(
        &self,
        table: &Table,
        visit: &mut dyn FnMut(Row) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let _ = (table, visit);
        Ok(())
    }

    /// Begins a nested part, which [`release`](Self::release) keeps and
    /// [`rollback`](Self::rollback) undoes.
    fn savepoint(&self) -> Result<(), StoreError>;

    fn release(&self) -> Result<(), StoreError>;

    fn rollback(&self) -> Result<(), StoreError>;

    /// The schema version, 0 for a new store.
    fn version(&self) -> Result<u32, StoreError>;

    fn set_version(&self, version: u32) -> Result<(), StoreError>;

    /// Makes the tables that are missing.
    fn ensure_tables(&self) -> Result<(), StoreError>;

    /// Ends the transaction behind its back, as SQLite does after some errors.
    #[cfg(test)]
    fn force_rollback(&self) -> Result<(), StoreError>;

    /// Makes everything durable: on disk when this returns.
    fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

/// Keys from `from` up to, and without, `to`.
#[derive(Clone, Debug)]
pub(crate) struct Range {
    pub(crate) from: Vec<u8>,
    /// `None`: to the end.
    pub(crate) to: Option<Vec<u8>>,
    pub(crate) order: Order,
}

/// In which direction a range is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Rising,
    Falling,
}

impl Range {
    /// All keys.
    pub(crate) fn all() -> Self {
        Self { from: Vec::new(), to: None, order: Order::Rising }
    }

    /// Keys that begin with `prefix`.
    pub(crate) fn prefix(prefix: &[u8]) -> Self {
        Self { from: prefix.to_vec(), to: after(prefix), order: Order::Rising }
    }

    /// Whether a key lies in it.
    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        *self.from <= *key && self.to.as_ref().is_none_or(|to| *key < **to)
    }

    /// The part that begins at `key`.
    pub(crate) fn starting_at(self, key: Vec<u8>) -> Self {
        Self { from: self.from.max(key), ..self }
    }

    /// The part that ends before `key`.
    pub(crate) fn ending_before(self, key: Vec<u8>) -> Self {
        let to = Some(self.to.map_or(key.clone(), |to| to.min(key)));
        Self { to, ..self }
    }

    /// The same, from its end.
    pub(crate) fn falling(self) -> Self {
        Self { order: Order::Falling, ..self }
    }
}

/// The first key behind all that begin with `prefix`; `None` if there is none.
pub(crate) fn after(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut next = prefix.to_vec();
    while let Some(last) = next.pop() {
        if let Some(raised) = last.checked_add(1) {
            next.push(raised);
            return Some(next);
        }
    }
    None
}
