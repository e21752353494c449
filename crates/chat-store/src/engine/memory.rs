//! An engine that keeps everything in memory: for tests, and for senders without state.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use super::{Engine, Order, Range, Row, Txn};
use crate::error::StoreError;
use crate::schema::{TABLES, Table};

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// One state: a map for each table, and the schema version.
#[derive(Clone)]
struct State {
    tables: Vec<Map>,
    version: u32,
}

/// See the module.
pub(crate) struct MemoryEngine {
    committed: RwLock<State>,
    writer: Mutex<()>,
}

impl MemoryEngine {
    pub(crate) fn new() -> Self {
        let state = State { tables: vec![Map::new(); TABLES.len()], version: 0 };
        Self { committed: RwLock::new(state), writer: Mutex::new(()) }
    }

    fn snapshot(&self) -> State {
        self.committed.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Engine for MemoryEngine {
    fn begin_write(&self) -> Result<Box<dyn Txn + '_>, StoreError> {
        let guard = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Box::new(MemoryTxn::new(self, Some(guard))))
    }

    fn begin_read(&self) -> Result<Box<dyn Txn + '_>, StoreError> {
        Ok(Box::new(MemoryTxn::new(self, None)))
    }

    fn check(&self) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }
}

struct MemoryTxn<'a> {
    engine: &'a MemoryEngine,
    state: RefCell<State>,
    savepoints: RefCell<Vec<State>>,
    writer: Option<MutexGuard<'a, ()>>,
}

impl<'a> MemoryTxn<'a> {
    fn new(engine: &'a MemoryEngine, writer: Option<MutexGuard<'a, ()>>) -> Self {
        let state = RefCell::new(engine.snapshot());
        Self { engine, state, savepoints: RefCell::default(), writer }
    }

    fn change<R>(&self, change: impl FnOnce(&mut State) -> Option<R>) -> Result<R, StoreError> {
        if self.writer.is_none() {
            return Err(StoreError::ReadOnly);
        }
        change(&mut self.state.borrow_mut()).ok_or_else(|| StoreError::damaged("unknown table"))
    }
}

impl Txn for MemoryTxn<'_> {
    fn get(&self, table: &Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.state.borrow().tables.get(table.index()).and_then(|map| map.get(key).cloned()))
    }

    fn put(&self, table: &Table, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.change(|state| {
            state.tables.get_mut(table.index())?.insert(key.to_vec(), value.to_vec());
            Some(())
        })
    }

    fn delete(&self, table: &Table, key: &[u8]) -> Result<bool, StoreError> {
        self.change(|state| Some(state.tables.get_mut(table.index())?.remove(key).is_some()))
    }

    fn scan(&self, table: &Table, range: &Range, limit: usize) -> Result<Vec<Row>, StoreError> {
        let state = self.state.borrow();
        let Some(map) = state.tables.get(table.index()) else { return Ok(Vec::new()) };
        if range.to.as_ref().is_some_and(|to| *to <= range.from) {
            return Ok(Vec::new());
        }
        let rows = map
            .range(range.from.clone()..)
            .take_while(|(key, _)| range.to.as_ref().is_none_or(|to| *key < to));
        let own = |(key, value): (&Vec<u8>, &Vec<u8>)| (key.clone(), value.clone());
        Ok(match (range.order, &range.to) {
            (Order::Rising, _) => rows.take(limit).map(own).collect(),
            (Order::Falling, None) => {
                map.range(range.from.clone()..).rev().take(limit).map(own).collect()
            }
            (Order::Falling, Some(to)) => {
                map.range(range.from.clone()..to.clone()).rev().take(limit).map(own).collect()
            }
        })
    }

    fn savepoint(&self) -> Result<(), StoreError> {
        self.savepoints.borrow_mut().push(self.state.borrow().clone());
        Ok(())
    }

    fn release(&self) -> Result<(), StoreError> {
        self.savepoints.borrow_mut().pop();
        Ok(())
    }

    fn rollback(&self) -> Result<(), StoreError> {
        if let Some(state) = self.savepoints.borrow_mut().pop() {
            *self.state.borrow_mut() = state;
        }
        Ok(())
    }

    fn version(&self) -> Result<u32, StoreError> {
        Ok(self.state.borrow().version)
    }

    fn ensure_tables(&self) -> Result<(), StoreError> {
        self.change(|_| Some(()))
    }

    fn set_version(&self, version: u32) -> Result<(), StoreError> {
        self.change(|state| {
            state.version = version;
            Some(())
        })
    }

    #[cfg(test)]
    fn force_rollback(&self) -> Result<(), StoreError> {
        Err(StoreError::damaged("nothing ends a transaction in memory"))
    }

    fn commit(self: Box<Self>) -> Result<(), StoreError> {
        if self.writer.is_some() {
            let state = self.state.borrow().clone();
            *self.engine.committed.write().unwrap_or_else(PoisonError::into_inner) = state;
        }
        Ok(())
    }
}
