//! Table `own`: where our own records lie on the log.
//!
//! Places that are remembered together lie in runs: one sealed value for many, under its first offset.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::codec::{Fields, numbered, push_bytes, split_number};
use crate::engine::Range;
use crate::error::StoreError;
use crate::schema::OWN;
use crate::tables::log_key;
use crate::txn::{OpenRow, ReadTxn, WriteTxn};

/// A record of our own.
#[derive(Clone, PartialEq, Eq)]
pub struct OwnRow {
    /// Its offset.
    pub offset: u64,
    /// What the caller stored about it.
    pub body: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for OwnRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { offset, body } = self;
        write!(f, "OwnRow({offset}, {} bytes)", body.len())
    }
}

impl OwnRow {
    /// The rows of a run, by rising offsets.
    fn decode_run(row: &OpenRow) -> Result<Vec<Self>, StoreError> {
        let damaged = || StoreError::damaged("an own row");
        let mut fields = Fields(&row.value);
        let mut run: Vec<Self> = Vec::new();
        while !fields.0.is_empty() {
            let offset = fields.u64().ok_or_else(damaged)?;
            let body = Zeroizing::new(fields.bytes().ok_or_else(damaged)?.to_vec());
            if run.last().is_some_and(|last| last.offset >= offset) {
                return Err(damaged());
            }
            run.push(Self { offset, body });
        }
        let (_, first) = split_number(&row.key).ok_or_else(damaged)?;
        if run.first().is_none_or(|row| row.offset != first) {
            return Err(damaged());
        }
        Ok(run)
    }

    fn encode_run(run: &[Self]) -> Zeroizing<Vec<u8>> {
        let length = run.iter().map(|row| 12 + row.body.len()).sum();
        let mut value = Zeroizing::new(Vec::with_capacity(length));
        for Self { offset, body } in run {
            value.extend_from_slice(&offset.to_be_bytes());
            push_bytes(&mut value, body);
        }
        value
    }
}

impl ReadTxn<'_> {
    /// Our own newest record on a partition.
    ///
    /// # Errors
    /// When the row is damaged or the store cannot be read.
    pub fn own_newest(&self, topic: &str, partition: u32) -> Result<Option<OwnRow>, StoreError> {
        let log = log_key(self.sealer, topic, partition);
        let newest = self.rows(&OWN, &Range::prefix(&log).falling(), 1)?.pop();
        Ok(newest.map(|row| OwnRow::decode_run(&row)).transpose()?.and_then(|mut run| run.pop()))
    }

    /// Our own records on a partition below `offset`, newest first, at most `limit`.
    ///
    /// # Errors
    /// When a row is damaged or the store cannot be read.
    pub fn own_below(
        &self,
        topic: &str,
        partition: u32,
        offset: u64,
        limit: usize,
    ) -> Result<Vec<OwnRow>, StoreError> {
        let log = log_key(self.sealer, topic, partition);
        let mut range = Range::prefix(&log).falling().ending_before(numbered(&log, offset));
        let mut rows = Vec::new();
        while rows.len() < limit {
            let Some(row) = self.rows(&OWN, &range, 1)?.pop() else { break };
            let run = OwnRow::decode_run(&row)?;
            let below = run.into_iter().rev().filter(|row| row.offset < offset);
            rows.extend(below.take(limit - rows.len()));
            range = range.ending_before(row.key);
        }
        Ok(rows)
    }
}

impl WriteTxn<'_> {
    /// Remembers where records of our own lie, each in place of one at the same offset, and forgets the
    /// oldest that are no longer among the partition's newest 131,072, those together that were remembered
    /// together.
    ///
    /// * `rows` - offsets with what is to be stored about them
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn own_put<B: AsRef<[u8]>>(
        &mut self,
        topic: &str,
        partition: u32,
        rows: impl IntoIterator<Item = (u64, B)>,
    ) -> Result<(), StoreError> {
        let log = log_key(self.sealer, topic, partition);
        let mut newest = self.own_newest(topic, partition)?.map(|row| row.offset);
        let mut count = self.count(&counter(&log))?;
        let mut above: Vec<OwnRow> = Vec::new();
        for (offset, body) in rows {
            let row = OwnRow { offset, body: Zeroizing::new(body.as_ref().to_vec()) };
            // As a rule they lie above all that is there, one after another.
            if Some(offset) > newest {
                newest = Some(offset);
                above.push(row);
                continue;
            }
            self.own_add_run(&log, &std::mem::take(&mut above), &mut count)?;
            self.own_insert(&log, row, &mut count)?;
        }
        self.own_add_run(&log, &above, &mut count)?;
        while count > NEWEST {
            let Some(oldest) = self.rows(&OWN, &Range::prefix(&log), 1)?.pop() else { break };
            let run = OwnRow::decode_run(&oldest)?.len() as u64;
            if count - run.min(count) < NEWEST {
                break;
            }
            self.delete(&OWN, &oldest.key)?;
            count -= run;
        }
        self.set_count(&counter(&log), count);
        Ok(())
    }

    /// Forgets a record of our own.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn own_delete(
        &mut self,
        topic: &str,
        partition: u32,
        offset: u64,
    ) -> Result<(), StoreError> {
        let log = log_key(self.sealer, topic, partition);
        let mut run = self.run_at(&log, offset)?;
        let Some(place) = run.iter().position(|row| row.offset == offset) else { return Ok(()) };
        let mut count = self.count(&counter(&log))?;
        self.own_take_run(&log, &run, &mut count)?;
        run.remove(place);
        self.own_add_run(&log, &run, &mut count)?;
        self.set_count(&counter(&log), count);
        Ok(())
    }

    /// The only run that can hold an offset: it begins there or below.
    fn run_at(&self, log: &[u8], offset: u64) -> Result<Vec<OwnRow>, StoreError> {
        let mut range = Range::prefix(log).falling();
        if let Some(next) = offset.checked_add(1) {
            range = range.ending_before(numbered(log, next));
        }
        let row = self.rows(&OWN, &range, 1)?.pop();
        row.map_or(Ok(Vec::new()), |row| OwnRow::decode_run(&row))
    }

    /// Puts a row where others may be: in place of one at its offset, or among a run's.
    fn own_insert(&self, log: &[u8], row: OwnRow, count: &mut u64) -> Result<(), StoreError> {
        let mut run = self.run_at(log, row.offset)?;
        if run.last().is_none_or(|last| last.offset < row.offset) {
            return self.own_add_run(log, &[row], count);
        }
        self.own_take_run(log, &run, count)?;
        match run.binary_search_by_key(&row.offset, |row| row.offset) {
            Ok(place) => drop(run.get_mut(place).map(|old| *old = row)),
            Err(place) => run.insert(place, row),
        }
        self.own_add_run(log, &run, count)
    }

    fn own_take_run(&self, log: &[u8], run: &[OwnRow], count: &mut u64) -> Result<(), StoreError> {
        let Some(first) = run.first() else { return Ok(()) };
        self.delete(&OWN, &numbered(log, first.offset))?;
        *count = count.saturating_sub(run.len() as u64);
        Ok(())
    }

    fn own_add_run(&self, log: &[u8], run: &[OwnRow], count: &mut u64) -> Result<(), StoreError> {
        for run in run.chunks(RUN_ROWS) {
            let Some(first) = run.first() else { continue };
            self.put(&OWN, &numbered(log, first.offset), &OwnRow::encode_run(run))?;
        }
        *count = count.saturating_add(run.len() as u64);
        Ok(())
    }

    /// Makes runs of one row of what a store of version 2 holds.
    pub(crate) fn own_into_runs(&mut self) -> Result<(), StoreError> {
        self.rewrite(&OWN, 2, |key, value| {
            let (_, offset) = split_number(key)?;
            Some(OwnRow::encode_run(&[OwnRow { offset, body: Zeroizing::new(value.to_vec()) }]))
        })
    }

    /// Counts the rows of each partition anew.
    pub(crate) fn own_recount(&mut self) -> Result<(), StoreError> {
        let mut counts: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
        let mut range = Range::all();
        while let Some(row) = self.rows(&OWN, &range, 1)?.pop() {
            if let Some((log, _)) = split_number(&row.key) {
                let run = OwnRow::decode_run(&row)?.len() as u64;
                *counts.entry(counter(log)).or_default() += run;
            }
            range = range.starting_at([row.key.as_slice(), &[0]].concat());
        }
        counts.iter().for_each(|(name, count)| self.set_count(name, *count));
        Ok(())
    }

    /// Forgets all rows of all partitions.
    pub(crate) fn own_clear(&mut self) -> Result<(), StoreError> {
        while let Some((key, _)) = self.raw.scan(&OWN, &Range::all(), 1)?.pop() {
            self.delete(&OWN, &key)?;
        }
        Ok(())
    }
}

fn counter(log: &[u8]) -> Vec<u8> {
    [b"own".as_slice(), log].concat()
}

/// The newest records of a partition whose places are kept: as many as 64 MiB of resting bodies of small messages are.
const NEWEST: u64 = 128 * 1024;
/// Rows that lie together, at most.
const RUN_ROWS: usize = 64;
