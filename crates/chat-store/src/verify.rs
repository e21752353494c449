//! Walking the whole store.

use std::collections::{BTreeMap, BTreeSet};

use crate::codec::{Fields, numbered, split_number};
use crate::engine::{Engine, Range};
use crate::error::StoreError;
use crate::ids::Seq;
use crate::schema::{CONVERSATIONS, HEADS, KEYS_ONLY, MESSAGES, TABLES, Table};
use crate::sealed::Sealer;
use crate::tables::messages::{Head, LAST_SEQ};
use crate::txn::ReadTxn;

/// What a walk found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifyReport {
    /// Rows that were read.
    pub rows: u64,
    /// What is damaged; empty for a sound store.
    pub damage: Vec<Damage>,
}

/// One thing that is damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damage {
    /// The table.
    pub table: &'static str,
    /// What is wrong with it, for people; nothing secret.
    pub what: String,
}

impl VerifyReport {
    /// Whether nothing is damaged.
    pub fn is_sound(&self) -> bool {
        self.damage.is_empty()
    }

    fn add(&mut self, table: &Table, what: impl Into<String>) {
        if self.damage.len() < MOST_DAMAGE {
            self.damage.push(Damage { table: table.name, what: what.into() });
        }
    }
}

pub(crate) fn verify(engine: &dyn Engine, sealer: &Sealer) -> Result<VerifyReport, StoreError> {
    let mut report = VerifyReport::default();
    for line in engine.check()? {
        report.damage.push(Damage { table: "engine", what: line });
    }
    let tx = ReadTxn::new(engine.begin_read()?, sealer);
    for table in TABLES {
        check_seals(&tx, table, &mut report)?;
    }
    check_history(&tx, &mut report)?;
    Ok(report)
}

/// Every row of a table must open. A table that the engine cannot read is damaged as a whole.
fn check_seals(
    tx: &ReadTxn<'_>,
    table: &Table,
    report: &mut VerifyReport,
) -> Result<(), StoreError> {
    let keys_only = KEYS_ONLY.contains(&table);
    for_each_row(tx, table, report, |tx, key, value, report| {
        report.rows += 1;
        if !keys_only && tx.sealer.open(table, key, value).is_err() {
            let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
            report.add(table, format!("row {key} is not authentic"));
        }
    })
}

/// Rows, conversations and heads must tell the same story.
fn check_history(tx: &ReadTxn<'_>, report: &mut VerifyReport) -> Result<(), StoreError> {
    let mut heads: BTreeMap<[u8; 16], Head> = BTreeMap::new();
    let mut indexed: BTreeSet<Vec<u8>> = BTreeSet::new();
    let mut expected = 1;
    for_each_row(tx, &MESSAGES, report, |tx, key, value, report| {
        let Some((_, seq)) = split_number(key) else {
            return report.add(&MESSAGES, "a key is malformed");
        };
        // A row that does not open was named already, and its key is not to be believed.
        let Ok(value) = tx.sealer.open(&MESSAGES, key, value) else {
            expected = if seq == expected { seq.saturating_add(1) } else { expected };
            return;
        };
        if expected < seq {
            report.add(&MESSAGES, missing_rows(expected, seq - 1));
        }
        expected = seq.saturating_add(1);
        let Some(conversation) = Fields(&value).bytes() else {
            return report.add(&MESSAGES, format!("row {seq} is malformed"));
        };
        let conversation = tx.sealer.hide("conversation", &[conversation]);
        indexed.insert(numbered(&conversation, seq));
        let head = heads.entry(conversation).or_insert(Head::EMPTY);
        *head = head.with(Seq::from(seq));
    })?;
    match tx.count(LAST_SEQ) {
        Ok(last) if last >= expected => report.add(&MESSAGES, missing_rows(expected, last)),
        Ok(_) => {}
        Err(_) => report.add(&MESSAGES, "the counter of rows is damaged"),
    }
    check_index(tx, indexed, report)?;
    check_heads(tx, heads, report)
}

fn missing_rows(first: u64, last: u64) -> String {
    if first == last {
        format!("row {first} is missing")
    } else {
        format!("rows {first} to {last} are missing")
    }
}

fn check_index(
    tx: &ReadTxn<'_>,
    mut indexed: BTreeSet<Vec<u8>>,
    report: &mut VerifyReport,
) -> Result<(), StoreError> {
    for_each_row(tx, &CONVERSATIONS, report, |_, key, _, report| {
        if !indexed.remove(key) {
            report.add(&CONVERSATIONS, "an entry points to no message");
        }
    })?;
    for key in indexed {
        let seq = split_number(&key).map_or(0, |(_, seq)| seq);
        report.add(&CONVERSATIONS, format!("message {seq} has no entry"));
    }
    Ok(())
}

fn check_heads(
    tx: &ReadTxn<'_>,
    mut heads: BTreeMap<[u8; 16], Head>,
    report: &mut VerifyReport,
) -> Result<(), StoreError> {
    for_each_row(tx, &HEADS, report, |tx, key, value, report| {
        let computed = <[u8; 16]>::try_from(key).ok().and_then(|key| heads.remove(&key));
        let stored = tx.sealer.open(&HEADS, key, value).ok().and_then(|value| Head::decode(&value));
        if stored.is_none() || stored != computed {
            report.add(&HEADS, "a conversation's rows are not those that were written");
        }
    })?;
    for head in heads.values() {
        report.add(&HEADS, format!("the head of a conversation of {} rows is missing", head.count));
    }
    Ok(())
}

/// Reads a table in pages. What the engine cannot read is damage, not an error.
fn for_each_row(
    tx: &ReadTxn<'_>,
    table: &Table,
    report: &mut VerifyReport,
    mut visit: impl FnMut(&ReadTxn<'_>, &[u8], &[u8], &mut VerifyReport),
) -> Result<(), StoreError> {
    let mut range = Range::all();
    loop {
        let rows = match tx.raw.scan(table, &range, PAGE) {
            Ok(rows) => rows,
            Err(error @ (StoreError::Locked | StoreError::ReadOnly)) => return Err(error),
            Err(error) => {
                report.add(table, error.to_string());
                return Ok(());
            }
        };
        for (key, value) in &rows {
            visit(tx, key, value, report);
        }
        let Some((last, _)) = rows.last() else { return Ok(()) };
        range = range.starting_at([last.as_slice(), &[0]].concat());
    }
}

const PAGE: usize = 256;
const MOST_DAMAGE: usize = 1000;
