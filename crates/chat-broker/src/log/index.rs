//! Where batches lie in a segment, and how new they are: one entry for some kilobytes.

use super::batch::BatchHeader;

/// A sparse index of one segment, in the order of offsets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Index {
    entries: Vec<IndexEntry>,
}

/// A batch, and what is known of it and of those up to the next entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IndexEntry {
    pub(crate) offset: i64,
    /// Where the batch starts, in bytes.
    pub(crate) position: u64,
    /// The newest timestamp of the batches up to the next entry, in milliseconds.
    pub(crate) max_timestamp: i64,
}

impl Index {
    /// Takes entries back from a checkpoint; they must be in order.
    pub(crate) fn from_entries(entries: Vec<IndexEntry>) -> Option<Self> {
        let ordered = entries.is_sorted_by(|a, b| a.offset < b.offset && a.position < b.position);
        ordered.then_some(Self { entries })
    }

    /// Adds the batch that lies behind all others.
    pub(crate) fn add(&mut self, header: &BatchHeader, position: u64) {
        let max_timestamp = header.max_timestamp;
        match self.entries.last_mut() {
            Some(last) if position < last.position.saturating_add(SPACING) => {
                last.max_timestamp = last.max_timestamp.max(max_timestamp);
            }
            _ => {
                let offset = header.base_offset;
                self.entries.push(IndexEntry { offset, position, max_timestamp });
            }
        }
    }

    /// Where to start looking for an offset.
    pub(crate) fn position_before(&self, offset: i64) -> u64 {
        let behind = self.entries.partition_point(|entry| entry.offset <= offset);
        behind.checked_sub(1).and_then(|at| self.entries.get(at)).map_or(0, |entry| entry.position)
    }

    /// The last place at or before one, where a batch starts.
    pub(crate) fn batch_before(&self, position: u64) -> u64 {
        let behind = self.entries.partition_point(|entry| entry.position <= position);
        behind.checked_sub(1).and_then(|at| self.entries.get(at)).map_or(0, |entry| entry.position)
    }

    /// Where to start looking for the first batch that is at least this new.
    pub(crate) fn first_since(&self, timestamp: i64) -> Option<u64> {
        let found = self.entries.iter().find(|entry| entry.max_timestamp >= timestamp);
        found.map(|entry| entry.position)
    }

    /// About the time of the first record.
    pub(crate) fn first_timestamp(&self) -> Option<i64> {
        self.entries.first().map(|entry| entry.max_timestamp)
    }

    /// The newest timestamp in the segment.
    pub(crate) fn max_timestamp(&self) -> Option<i64> {
        self.entries.iter().map(|entry| entry.max_timestamp).max()
    }

    pub(crate) fn entries(&self) -> &[IndexEntry] {
        &self.entries
    }
}

/// Bytes between entries.
const SPACING: u64 = 4096;
