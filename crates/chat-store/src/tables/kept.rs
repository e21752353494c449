//! Table `kept`: hashes of the newest records that were read, to know a log again.

use crate::codec::{Fields, numbered, split_number};
use crate::engine::Range;
use crate::error::StoreError;
use crate::schema::KEPT;
use crate::tables::log_key;
use crate::txn::{OpenRow, ReadTxn, WriteTxn};

/// An offset and the hash of its record.
type Kept = (u64, [u8; 32]);

/// The newest records of a partition whose hashes are kept, at least.
const NEWEST: u64 = 4096;

impl ReadTxn<'_> {
    /// The newest record that was read.
    ///
    /// # Errors
    /// When the row is damaged or the store cannot be read.
    pub fn kept_newest(&self, topic: &str, partition: u32) -> Result<Option<Kept>, StoreError> {
        Ok(self.kept_below(topic, partition, u64::MAX, 1)?.pop())
    }

    /// Records below `offset`, newest first, at most `limit`.
    ///
    /// # Errors
    /// When a row is damaged or the store cannot be read.
    pub fn kept_below(
        &self,
        topic: &str,
        partition: u32,
        offset: u64,
        limit: usize,
    ) -> Result<Vec<Kept>, StoreError> {
        let log = log_key(self.sealer, topic, partition);
        let mut found = Vec::new();
        let mut range = Range::prefix(&log).falling().ending_before(numbered(&log, offset));
        while found.len() < limit {
            let rows = self.rows(&KEPT, &range, 1)?;
            let Some(row) = rows.first() else { break };
            let mut chunk = decode(row)?;
            chunk.retain(|(at, _)| *at < offset);
            found.extend(chunk.into_iter().rev());
            range = range.ending_before(row.key.clone());
        }
        found.truncate(limit);
        Ok(found)
    }
}

impl WriteTxn<'_> {
    /// Keeps the hashes of records that were read together, in rising order of their offsets, and
    /// drops the oldest that are no longer among the newest 4,096.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn kept_append(
        &mut self,
        topic: &str,
        partition: u32,
        records: &[Kept],
    ) -> Result<(), StoreError> {
        let Some((first, _)) = records.first() else { return Ok(()) };
        let log = log_key(self.sealer, topic, partition);
        self.put(&KEPT, &numbered(&log, *first), &encode(records))?;
        let counter = counter(&log);
        let mut count = self.count(&counter)?.saturating_add(records.len() as u64);
        while count > NEWEST {
            let rows = self.rows(&KEPT, &Range::prefix(&log), 1)?;
            let Some(row) = rows.first() else { break };
            let oldest = decode(row)?.len() as u64;
            if count.saturating_sub(oldest) < NEWEST {
                break;
            }
            self.delete(&KEPT, &row.key)?;
            count = count.saturating_sub(oldest);
        }
        self.set_count(&counter, count);
        Ok(())
    }

    /// Forgets the hashes at and behind `offset`: the log was cut there.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn kept_truncate_from(
        &mut self,
        topic: &str,
        partition: u32,
        offset: u64,
    ) -> Result<(), StoreError> {
        let log = log_key(self.sealer, topic, partition);
        let counter = counter(&log);
        let mut count = self.count(&counter)?;
        loop {
            let rows = self.rows(&KEPT, &Range::prefix(&log).falling(), 1)?;
            let Some(row) = rows.first() else { break };
            let mut chunk = decode(row)?;
            let before = chunk.len();
            chunk.retain(|(at, _)| *at < offset);
            count = count.saturating_sub((before - chunk.len()) as u64);
            match chunk.len() {
                0 => drop(self.delete(&KEPT, &row.key)?),
                len if len == before => break,
                _ => {
                    self.put(&KEPT, &row.key, &encode(&chunk))?;
                    break;
                }
            }
        }
        self.set_count(&counter, count);
        Ok(())
    }

    /// Forgets all hashes of a partition: its log is another one now.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn kept_clear(&mut self, topic: &str, partition: u32) -> Result<(), StoreError> {
        self.kept_truncate_from(topic, partition, 0)
    }
}

fn counter(log: &[u8]) -> Vec<u8> {
    [b"kept".as_slice(), log].concat()
}

fn encode(records: &[Kept]) -> Vec<u8> {
    let mut value = Vec::with_capacity(records.len() * 40);
    for (offset, hash) in records {
        value.extend_from_slice(&offset.to_be_bytes());
        value.extend_from_slice(hash);
    }
    value
}

fn decode(row: &OpenRow) -> Result<Vec<Kept>, StoreError> {
    let damaged = || StoreError::damaged("kept hashes");
    let mut fields = Fields(&row.value);
    let mut records = Vec::with_capacity(row.value.len() / 40);
    while !fields.0.is_empty() {
        records.push((fields.u64().ok_or_else(damaged)?, fields.array().ok_or_else(damaged)?));
    }
    let first = split_number(&row.key).map(|(_, offset)| offset);
    if records.first().map(|(offset, _)| *offset) != first { Err(damaged()) } else { Ok(records) }
}
