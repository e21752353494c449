//! Transactions over sealed tables; the tables' own operations are in [`tables`](crate::tables).

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Deref;

use zeroize::Zeroizing;

use crate::engine::{Range, Txn};
use crate::error::StoreError;
use crate::ids::Generation;
use crate::schema::Table;
use crate::sealed::Sealer;
use crate::tables::messages::Head;

/// A view of one unchanging state of a store.
pub struct ReadTxn<'a> {
    pub(crate) raw: Box<dyn Txn + 'a>,
    pub(crate) sealer: &'a Sealer,
    pub(crate) pending: RefCell<Pending>,
}

/// A read-modify-write transaction: everything of [`ReadTxn`], and changes. What it reads is the
/// newest state, its own changes included.
pub struct WriteTxn<'a> {
    read: ReadTxn<'a>,
}

/// Rows that change many times in one transaction, written once at its end.
#[derive(Clone, Default)]
pub(crate) struct Pending {
    pub(crate) heads: HashMap<[u8; 16], Head>,
    pub(crate) counts: HashMap<Vec<u8>, u64>,
}

/// A row whose value was opened.
pub(crate) struct OpenRow {
    pub(crate) key: Vec<u8>,
    pub(crate) value: Zeroizing<Vec<u8>>,
}

impl<'a> ReadTxn<'a> {
    pub(crate) fn new(raw: Box<dyn Txn + 'a>, sealer: &'a Sealer) -> Self {
        Self { raw, sealer, pending: RefCell::default() }
    }

    /// The opened value of a row.
    pub(crate) fn value(
        &self,
        table: &Table,
        key: &[u8],
    ) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.raw.get(table, key)?.map(|sealed| self.sealer.open(table, key, &sealed)).transpose()
    }

    /// The opened rows of a range.
    pub(crate) fn rows(
        &self,
        table: &Table,
        range: &Range,
        limit: usize,
    ) -> Result<Vec<OpenRow>, StoreError> {
        let rows = self.raw.scan(table, range, limit)?;
        let open = |(key, sealed): (Vec<u8>, Vec<u8>)| {
            let value = self.sealer.open(table, &key, &sealed)?;
            Ok(OpenRow { key, value })
        };
        rows.into_iter().map(open).collect()
    }

    /// The keys of a range of a table whose rows are keys only.
    pub(crate) fn keys(
        &self,
        table: &Table,
        range: &Range,
        limit: usize,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        Ok(self.raw.scan(table, range, limit)?.into_iter().map(|(key, _)| key).collect())
    }
}

impl<'a> WriteTxn<'a> {
    pub(crate) fn new(raw: Box<dyn Txn + 'a>, sealer: &'a Sealer) -> Self {
        Self { read: ReadTxn::new(raw, sealer) }
    }

    /// Runs a part that is undone alone if it fails. After a failure of the engine itself, such as
    /// a full disk, the whole transaction is lost and cannot be committed.
    ///
    /// # Errors
    /// What `work` returned, or a failure of the engine.
    pub fn nested<R, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<R, E>,
    ) -> Result<R, E> {
        let pending = self.pending.borrow().clone();
        self.raw.savepoint()?;
        match work(self) {
            Ok(done) => {
                self.raw.release()?;
                Ok(done)
            }
            Err(error) => {
                *self.pending.borrow_mut() = pending;
                // Where it cannot be undone alone, the whole transaction is lost, and every
                // further step of it fails: the first error says why.
                drop(self.raw.rollback());
                Err(error)
            }
        }
    }

    /// Seals and writes a row.
    pub(crate) fn put(&self, table: &Table, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let sealed = self.sealer.seal(table, key, value)?;
        self.raw.put(table, key, &sealed)
    }

    /// Writes a row of a table whose rows are keys only.
    pub(crate) fn put_key(&self, table: &Table, key: &[u8]) -> Result<(), StoreError> {
        self.raw.put(table, key, &[])
    }

    /// Writes every row of a table anew: opened as schema `version` has it, and with the value that `change` makes.
    ///
    /// A row that is damaged stays as it is, and is damaged when it is asked for.
    pub(crate) fn rewrite(
        &self,
        table: &'static Table,
        version: u32,
        change: impl Fn(&[u8], &[u8]) -> Option<Zeroizing<Vec<u8>>>,
    ) -> Result<(), StoreError> {
        let (old, mut range) = (table.as_of(version), Range::all());
        let page = if table.large { 1 } else { 256 };
        loop {
            let rows = self.raw.scan(table, &range, page)?;
            let Some((last, _)) = rows.last() else { return Ok(()) };
            range = range.starting_at([last.as_slice(), &[0]].concat());
            for (key, sealed) in rows {
                let opened = self.sealer.open(&old, &key, &sealed).ok();
                if let Some(value) = opened.and_then(|value| change(&key, &value)) {
                    self.put(table, &key, &value)?;
                }
            }
        }
    }

    pub(crate) fn delete(&self, table: &Table, key: &[u8]) -> Result<bool, StoreError> {
        self.raw.delete(table, key)
    }

    /// Writes what was held back, raises the generation, and makes everything durable.
    pub(crate) fn commit(self) -> Result<Generation, StoreError> {
        let generation = self.raise_generation()?;
        self.write_pending()?;
        self.read.raw.commit()?;
        Ok(generation)
    }

    fn write_pending(&self) -> Result<(), StoreError> {
        let pending = self.pending.take();
        self.write_heads(&pending.heads)?;
        self.write_counts(&pending.counts)
    }
}

impl<'a> Deref for WriteTxn<'a> {
    type Target = ReadTxn<'a>;

    fn deref(&self) -> &ReadTxn<'a> {
        &self.read
    }
}
