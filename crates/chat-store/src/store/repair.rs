//! Saving what is whole of a damaged store into a new one.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::origin::with_suffix;
use super::{CHECK, Store, make_engine};
use crate::codec::numbered;
use crate::engine::kind::EngineKind;
use crate::engine::{self, Range, Row, Txn, sqlite};
use crate::error::{OpenError, StoreError};
use crate::ids::Seq;
use crate::schema::{
    CONVERSATIONS, HEADS, KEYS_ONLY, MESSAGES, MIGRATIONS, TABLES, Table, VERSION,
};
use crate::sealed::StoreKey;
use crate::tables::messages::{Head, HistoryRow, LAST_SEQ};
use crate::txn::{ReadTxn, WriteTxn};

/// What was saved of a damaged store, and what is gone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Repaired {
    /// Rows that were saved.
    pub kept: u64,
    /// Rows that were there and did not open, by table.
    pub unauthentic: BTreeMap<&'static str, u64>,
    /// Tables of which the engine could not read everything: how much is gone is not known.
    pub unreadable: BTreeSet<&'static str>,
    /// Rows of the history that are gone: first and last of each run.
    pub history: Vec<(Seq, Seq)>,
}

impl Store {
    /// Makes a new store at `to` of all that opens of the one at `from`, which is left as it is.
    ///
    /// Each row of the history that is gone gets the body that `gone` makes, so that no number is given out twice. Indexes,
    /// heads and counters are made anew. A message of the outbox of which it is not known whether it was sent waits again.
    /// Whoever calls this begins new streams: what was sent last may be among what is gone.
    ///
    /// # Errors
    /// [`OpenError::WrongKey`] if no row opens with this key; what opening reports if the engine cannot read the
    /// store at all; a failure to write the new one.
    pub fn repair(
        from: &Path,
        (engine, to): (EngineKind, &Path),
        key: &StoreKey,
        gone: impl Fn(Seq) -> Zeroizing<Vec<u8>>,
    ) -> Result<(Self, Repaired), OpenError> {
        let lengthened = Lengthened::of(from, to)?;
        let from = lengthened.as_ref().map_or(from, |copy| &copy.path);
        let damaged = Self::over(engine::open(from)?, key);
        let found = damaged.version()?;
        if found > VERSION {
            return Err(OpenError::Newer { found, supported: VERSION });
        }
        let repaired = Self::at(to, make_engine(engine, to)?, key);
        repaired.write(|tx| tx.raw.ensure_tables())?;
        let mut report = Repaired::default();
        let old = damaged.inner.engine.begin_read()?;
        for table in TABLES.into_iter().filter(|table| ![&CONVERSATIONS, &HEADS].contains(table)) {
            save_table((&*old, found), &repaired, table, &mut report)?;
        }
        if report.kept == 0 {
            return Err(OpenError::WrongKey);
        }
        let commits = repaired.commits_noted();
        repaired.write(|tx| {
            tx.meta_put(CHECK, CHECK.as_bytes())?;
            tx.meta_delete(super::origin::PLACE)?;
            // The number that was saved may be below what saving has taken.
            tx.raise_generation_above(commits)
        })?;
        // What an older version wrote is brought up to date where it is whole.
        let migrations = usize::try_from(found.saturating_sub(1)).unwrap_or(usize::MAX);
        repaired.write(|tx| {
            if found > 0 {
                MIGRATIONS.iter().skip(migrations).try_for_each(|migration| migration(tx))?;
            }
            tx.outbox_make_whole()?;
            tx.own_recount()
        })?;
        make_history_whole(&repaired, &gone, &mut report)?;
        repaired.write(|tx| tx.raw.set_version(VERSION))?;
        repaired.settle()?;
        Ok((repaired, report))
    }
}

/// Saves the rows of a table that the engine can read and that open.
fn save_table(
    (old, version): (&dyn Txn, u32),
    new: &Store,
    table: &'static Table,
    report: &mut Repaired,
) -> Result<(), StoreError> {
    let written = table.as_of(if version == 0 { VERSION } else { version });
    let mut known = HashSet::new();
    let mut save = |rows: Vec<Row>, report: &mut Repaired| {
        new.write(|tx| {
            for (key, value) in rows {
                if !known.insert(key.clone()) {
                    continue;
                }
                let whole = match KEYS_ONLY.contains(&table) {
                    true => value.is_empty(),
                    false => tx.sealer.open(&written, &key, &value).is_ok(),
                };
                if whole {
                    tx.raw.put(table, &key, &value)?;
                    report.kept += 1;
                } else {
                    *report.unauthentic.entry(table.name).or_default() += 1;
                }
            }
            Ok::<_, StoreError>(())
        })
    };
    // As they lie there first: a key that is damaged itself leads nobody past the rows behind it.
    let (mut page, mut saved) = (Vec::new(), Ok(()));
    let walked = old.walk(table, &mut |row| {
        page.push(row);
        if page.len() >= page_of(table) {
            saved = save(std::mem::take(&mut page), report);
        }
        if saved.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    // A row that cannot be written is no row that cannot be read.
    saved?;
    save(page, report)?;
    match walked {
        Ok(()) => {}
        Err(error @ (StoreError::Locked | StoreError::Full)) => return Err(error),
        Err(_) => drop(report.unreadable.insert(table.name)),
    }
    let Err(last) = each_page(old, table, Range::all(), |rows| save(rows, report))? else {
        return Ok(());
    };
    // Something in the middle cannot be read: from the other end, then.
    report.unreadable.insert(table.name);
    let rest = Range::all().starting_at(last).falling();
    drop(each_page(old, table, rest, |rows| save(rows, report))?);
    Ok(())
}

/// Rows that are held at once.
fn page_of(table: &Table) -> usize {
    if table.large { 8 } else { 256 }
}

/// Reads a range in pages, and row by row where a page cannot be read. `Err` holds the key from which on it could not.
fn each_page(
    tx: &dyn Txn,
    table: &Table,
    mut range: Range,
    mut visit: impl FnMut(Vec<Row>) -> Result<(), StoreError>,
) -> Result<Result<(), Vec<u8>>, StoreError> {
    let most = page_of(table);
    let mut page = most;
    loop {
        match tx.scan(table, &range, page) {
            Ok(rows) => {
                let Some((last, _)) = rows.last() else { return Ok(Ok(())) };
                range = match range.order {
                    engine::Order::Rising => range.starting_at([last.as_slice(), &[0]].concat()),
                    engine::Order::Falling => range.ending_before(last.clone()),
                };
                visit(rows)?;
                page = most;
            }
            Err(error @ (StoreError::Locked | StoreError::Full)) => return Err(error),
            Err(_) if page > 1 => page /= 4,
            Err(_) => return Ok(Err(range.from)),
        }
    }
}

/// The rows of a table whose keys are numbers.
fn numbers(tx: &ReadTxn<'_>, table: &Table) -> Result<BTreeSet<u64>, StoreError> {
    let keys = tx.keys(table, &Range::all(), usize::MAX)?;
    Ok(keys
        .iter()
        .filter_map(|key| Some(u64::from_be_bytes(key.as_slice().try_into().ok()?)))
        .collect())
}

/// Fills the history's holes, and makes its index and heads anew.
fn make_history_whole(
    store: &Store,
    gone: &impl Fn(Seq) -> Zeroizing<Vec<u8>>,
    report: &mut Repaired,
) -> Result<(), StoreError> {
    let there = store.read(|tx| numbers(tx, &MESSAGES))?;
    let counted = store.read(|tx| tx.count(LAST_SEQ))?;
    // A consumer that has taken a row knows that there was one.
    let marked = store.read(|tx| tx.furthest_mark())?;
    let last = there.last().copied().unwrap_or(0).max(counted).max(marked);
    let mut next = 1;
    for seq in there.iter().copied().chain([last.saturating_add(1)]) {
        if next < seq {
            report.history.push((next.into(), (seq - 1).into()));
        }
        next = seq.saturating_add(1);
    }
    for (first, last) in &report.history {
        store.write(|tx| {
            (first.get()..=last.get())
                .try_for_each(|seq| tx.history_fill(seq.into(), &gone(seq.into())))
        })?;
    }
    let mut heads: BTreeMap<[u8; 16], Head> = BTreeMap::new();
    let mut after = Seq::ZERO;
    loop {
        let rows = store.read(|tx| tx.history_after(after, PAGE))?;
        let Some(row) = rows.last() else { break };
        after = row.seq;
        store.write(|tx| rows.iter().try_for_each(|row| index(tx, row, &mut heads)))?;
    }
    store.write(|tx| {
        tx.write_heads(&heads.into_iter().collect())?;
        tx.set_count(LAST_SEQ, last);
        Ok(())
    })
}

fn index(
    tx: &WriteTxn<'_>,
    row: &HistoryRow,
    heads: &mut BTreeMap<[u8; 16], Head>,
) -> Result<(), StoreError> {
    let conversation = tx.sealer.hide("conversation", &[&row.conversation]);
    let head = heads.entry(conversation).or_insert(Head::EMPTY);
    *head = head.with(row.seq);
    tx.put_key(&CONVERSATIONS, &numbered(&conversation, row.seq.get()))
}

/// A copy of a database that is shorter than it says, with its length again: it would not open otherwise.
struct Lengthened {
    path: PathBuf,
}

impl Lengthened {
    fn of(from: &Path, beside: &Path) -> Result<Option<Self>, OpenError> {
        let io = |source| OpenError::Io { path: from.to_owned(), source };
        let Some(length) = sqlite::missing_length(from).map_err(io)? else { return Ok(None) };
        let copy = Self { path: with_suffix(beside, ".lengthened") };
        // A repair that was interrupted may have left one, with a log that is not this one's.
        copy.remove();
        std::fs::copy(from, &copy.path).map_err(io)?;
        let file = std::fs::File::options().write(true).open(&copy.path);
        file.and_then(|file| file.set_len(length)).map_err(io)?;
        let log = with_suffix(from, "-wal");
        if log.exists() {
            std::fs::copy(log, with_suffix(&copy.path, "-wal")).map_err(io)?;
        }
        Ok(Some(copy))
    }

    fn remove(&self) {
        for suffix in ["", "-wal", "-shm"] {
            drop(std::fs::remove_file(with_suffix(&self.path, suffix)));
        }
    }
}

impl Drop for Lengthened {
    fn drop(&mut self) {
        self.remove();
    }
}

const PAGE: usize = 256;
