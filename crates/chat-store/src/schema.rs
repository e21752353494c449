//! The tables, and how older stores become newer ones.

use crate::error::StoreError;
use crate::txn::WriteTxn;

/// One table of the store.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Table {
    /// Stands in the additional data of every value; never changes and is never used twice.
    pub(crate) id: u8,
    /// Its name in the engine, and in the derivation of its key.
    pub(crate) name: &'static str,
    /// The form of its values; also in the additional data.
    pub(crate) format: u8,
    /// The schema version that brought this form; before it, form 1.
    pub(crate) since: u32,
    /// Whether values may be large.
    pub(crate) large: bool,
}

impl Table {
    const fn new(id: u8, name: &'static str) -> Self {
        Self { id, name, format: 1, since: 1, large: false }
    }

    /// The table with a second form of its values, which came with schema `version`.
    const fn reformed(self, version: u32) -> Self {
        Self { format: 2, since: version, ..self }
    }

    /// The table as a store of schema `version` has it.
    pub(crate) fn as_of(&'static self, version: u32) -> Self {
        let format = if version < self.since { 1 } else { self.format };
        Self { format, ..*self }
    }

    /// Its place in [`TABLES`].
    pub(crate) fn index(&self) -> usize {
        usize::from(self.id).saturating_sub(1)
    }
}

pub(crate) const META: Table = Table::new(1, "meta");
pub(crate) const MESSAGES: Table = Table::new(2, "messages");
pub(crate) const CONVERSATIONS: Table = Table::new(3, "conversations");
pub(crate) const HEADS: Table = Table::new(4, "heads");
pub(crate) const STREAMS: Table = Table::new(5, "streams");
pub(crate) const SEEN: Table = Table::new(6, "seen");
pub(crate) const MISSING: Table = Table::new(7, "missing");
pub(crate) const CURSORS: Table = Table::new(8, "cursors");
pub(crate) const KEPT: Table = Table::new(9, "kept");
pub(crate) const UNREADABLE: Table = Table::new(10, "unreadable");
pub(crate) const NEWER: Table = Table::new(11, "newer");
pub(crate) const OUTBOX: Table = Table { large: true, ..Table::new(12, "outbox") }.reformed(3);
pub(crate) const WAITING: Table = Table::new(13, "waiting").reformed(3);
pub(crate) const OWN: Table = Table::new(14, "own").reformed(3);
pub(crate) const CONTACTS: Table = Table::new(15, "contacts").reformed(4);
pub(crate) const COVERS: Table = Table::new(16, "covers");
pub(crate) const MARKS: Table = Table::new(17, "marks");
pub(crate) const COUNTS: Table = Table::new(18, "counts");
pub(crate) const RESTING: Table = Table::new(19, "resting").reformed(3);
pub(crate) const DIRECTORY: Table = Table { large: true, ..Table::new(20, "directory") };
pub(crate) const SESSIONS: Table = Table { large: true, ..Table::new(21, "sessions") };
pub(crate) const GROUPS: Table = Table::new(22, "groups");

/// All tables, by their ids from 1.
pub(crate) const TABLES: [&Table; 22] = [
    &META,
    &MESSAGES,
    &CONVERSATIONS,
    &HEADS,
    &STREAMS,
    &SEEN,
    &MISSING,
    &CURSORS,
    &KEPT,
    &UNREADABLE,
    &NEWER,
    &OUTBOX,
    &WAITING,
    &OWN,
    &CONTACTS,
    &COVERS,
    &MARKS,
    &COUNTS,
    &RESTING,
    &DIRECTORY,
    &SESSIONS,
    &GROUPS,
];

/// Tables whose rows are keys only: their values are empty and not sealed.
pub(crate) const KEYS_ONLY: [&Table; 2] = [&CONVERSATIONS, &UNREADABLE];

/// The newest schema version.
pub(crate) const VERSION: u32 = 5;

/// A step from one version to the next; new tables are there already when it runs.
pub(crate) type Migration = fn(&mut WriteTxn<'_>) -> Result<(), StoreError>;

/// `MIGRATIONS[n]` leads from version `n + 1` to `n + 2`.
pub(crate) const MIGRATIONS: &[Migration] =
    &[forget_own_rows, rows_into_blocks, contacts_with_standing, groups];

/// Version 1 kept places of own records without what it takes to send them again.
fn forget_own_rows(tx: &mut WriteTxn<'_>) -> Result<(), StoreError> {
    tx.own_clear()
}

/// Version 2 kept every row of the outbox, and every place of an own record, by itself.
fn rows_into_blocks(tx: &mut WriteTxn<'_>) -> Result<(), StoreError> {
    tx.outbox_into_blocks()?;
    tx.own_into_runs()
}

/// Version 3 knew of a contact only when it was heard from and written to.
fn contacts_with_standing(tx: &mut WriteTxn<'_>) -> Result<(), StoreError> {
    tx.contacts_get_standing()
}

/// Version 4 knew no groups; their table is new and empty.
fn groups(_: &mut WriteTxn<'_>) -> Result<(), StoreError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_numbered_without_holes_and_named_once() {
        for (index, table) in TABLES.iter().enumerate() {
            assert_eq!(usize::from(table.id), index + 1, "{}", table.name);
            assert!(TABLES.iter().filter(|other| other.name == table.name).count() == 1);
        }
        assert_eq!(MIGRATIONS.len() + 1, VERSION as usize);
    }
}
