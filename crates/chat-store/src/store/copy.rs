//! Copying a store into another engine: the sealed rows as they are, which are the same in every engine.

use std::path::Path;

use super::origin::PLACE;
use super::{Store, make_engine};
use crate::engine::kind::EngineKind;
use crate::engine::{Range, Row, Txn};
use crate::error::{OpenError, StoreError};
use crate::failpoint::{Place, reach};
use crate::schema::{TABLES, Table};
use crate::sealed::StoreKey;

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Copied {
    /// Rows of all tables.
    pub rows: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
}

impl Store {
    /// Copies this store to a new one at `path`: one state of it, every row as it is, compared afterwards byte for
    /// byte. Until the copy is whole, it is [`OpenError::NotFound`] to [`open`](Self::open).
    ///
    /// What others write meanwhile is not in the copy: whoever moves a store keeps them away.
    ///
    /// # Errors
    /// As [`create_with`](Self::create_with); [`StoreError::Damaged`] if a row cannot be read, or the copy is not
    /// what was copied.
    pub fn copy(
        &self,
        engine: EngineKind,
        path: &Path,
        key: &StoreKey,
    ) -> Result<(Self, Copied), OpenError> {
        let copy = Self::at(path, make_engine(engine, path)?, key);
        let from = self.inner.engine.begin_read()?;
        let mut copied = Copied::default();
        for table in TABLES {
            copy.take_table(&*from, table, &mut copied)?;
        }
        let to = copy.inner.engine.begin_write()?;
        to.set_version(from.version()?)?;
        to.commit()?;
        copy.compare(&*from)?;
        // Where the old one lies is no matter of the new one's.
        copy.write(|tx| tx.meta_delete(PLACE))?;
        copy.settle()?;
        Ok((copy, copied))
    }

    fn take_table(
        &self,
        from: &dyn Txn,
        table: &Table,
        copied: &mut Copied,
    ) -> Result<(), StoreError> {
        for_each_page(from, table, |rows| {
            let to = self.inner.engine.begin_write()?;
            to.ensure_tables()?;
            for (key, value) in rows {
                to.put(table, key, value)?;
                copied.rows += 1;
                copied.bytes += (key.len() + value.len()) as u64;
            }
            reach(Place::BeforeCommit);
            to.commit()
        })
    }

    fn compare(&self, from: &dyn Txn) -> Result<(), StoreError> {
        let to = self.inner.engine.begin_read()?;
        for table in TABLES {
            let mut rows = 0;
            for_each_page(from, table, |page| {
                for (key, value) in page {
                    rows += 1;
                    if to.get(table, key)?.as_ref() != Some(value) {
                        return Err(StoreError::damaged(format!(
                            "the copy of table {}",
                            table.name
                        )));
                    }
                }
                Ok(())
            })?;
            let mut copied = 0_u64;
            for_each_page(&*to, table, |page| {
                copied += page.len() as u64;
                Ok(())
            })?;
            if rows != copied {
                return Err(StoreError::damaged(format!("the copy of table {}", table.name)));
            }
        }
        Ok(())
    }
}

/// Reads a table in pages.
fn for_each_page(
    tx: &dyn Txn,
    table: &Table,
    mut visit: impl FnMut(&[Row]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    // Values of some tables may be 8 MiB each.
    let page = if table.large { 8 } else { 1024 };
    let mut range = Range::all();
    loop {
        let rows = tx.scan(table, &range, page)?;
        let Some((last, _)) = rows.last() else { return Ok(()) };
        visit(&rows)?;
        range = range.starting_at([last.as_slice(), &[0]].concat());
    }
}
