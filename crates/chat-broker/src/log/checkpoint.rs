//! What is known of a segment up to a place in it, so that a start need not read all of it again.
//!
//! Written beside the segment when it is full, after every few megabytes, and at a clean shutdown,
//! always after the records themselves are durable. A missing or damaged checkpoint costs time at
//! the next start, nothing else; except that before records are removed, what was learned from them
//! is made durable here.
//!
//! Layout, big endian: `"CBCP"`, version 4 (1), covered bytes 8, next offset 8; then three lists,
//! each with its length in 4: index entries (offset 8, position 8, newest timestamp 8), epochs
//! (epoch 4, first offset 8), producers (id 8, epoch 2, batches 1, each first and last sequence 4,
//! base offset 8, append time 8); CRC-32C 4 of everything before it.

use std::collections::VecDeque;
use std::path::Path;

use bytes::{Buf, BufMut};

use super::epochs::Epochs;
use super::files;
use super::index::{Index, IndexEntry};
use super::producers::{MOST, Producer, Producers, WINDOW, Written};

/// What is known of a segment up to a place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    /// Bytes of the segment that it covers; they are durable.
    pub(crate) covered: u64,
    /// The offset behind them.
    pub(crate) next: i64,
    pub(crate) index: Index,
    /// Epochs of the log from its beginning.
    pub(crate) epochs: Epochs,
    /// Producers of the log as they were at that place.
    pub(crate) producers: Producers,
}

impl Checkpoint {
    /// Reads the checkpoint of a segment; `None` if there is none that can be trusted.
    pub(crate) fn load(path: &Path) -> Option<Self> {
        let bytes = std::fs::read(path).ok()?;
        let (body, crc) = bytes.split_last_chunk()?;
        if crc32c::crc32c(body) != u32::from_be_bytes(*crc) {
            return None;
        }
        Self::decode(body)
    }

    fn decode(mut bytes: &[u8]) -> Option<Self> {
        let start = bytes.split_off(..START.len())?;
        if start != START {
            return None;
        }
        let covered = bytes.try_get_u64().ok()?;
        let next = bytes.try_get_i64().ok()?;
        let mut entries = Vec::new();
        for _ in 0..bytes.try_get_u32().ok()? {
            let (offset, position) = (bytes.try_get_i64().ok()?, bytes.try_get_u64().ok()?);
            let max_timestamp = bytes.try_get_i64().ok()?;
            entries.push(IndexEntry { offset, position, max_timestamp });
        }
        let mut epochs = Epochs::default();
        for _ in 0..bytes.try_get_u32().ok()? {
            epochs.note(bytes.try_get_i32().ok()?, bytes.try_get_i64().ok()?);
        }
        let mut producers = Producers::default();
        for _ in 0..bytes.try_get_u32().ok().filter(|count| *count as usize <= MOST)? {
            let (id, producer) = decode_producer(&mut bytes)?;
            producers.restore(id, producer);
        }
        let index = Index::from_entries(entries)?;
        bytes.is_empty().then_some(Self { covered, next, index, epochs, producers })
    }

    /// Writes it beside its segment; losing it costs time only.
    pub(crate) fn store(&self, path: &Path) -> std::io::Result<()> {
        files::replace_lazily(path, &self.encode())
    }

    /// Writes it beside its segment, and waits until it is durable.
    pub(crate) fn store_durably(&self, path: &Path) -> std::io::Result<()> {
        files::replace(path, &self.encode())
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::from(*START);
        out.put_u64(self.covered);
        out.put_i64(self.next);
        put_count(&mut out, self.index.entries().len());
        for entry in self.index.entries() {
            out.put_i64(entry.offset);
            out.put_u64(entry.position);
            out.put_i64(entry.max_timestamp);
        }
        put_count(&mut out, self.epochs.starts().len());
        for (epoch, offset) in self.epochs.starts() {
            out.put_i32(*epoch);
            out.put_i64(*offset);
        }
        put_count(&mut out, self.producers.iter().len());
        for (id, producer) in self.producers.iter() {
            put_producer(&mut out, id, producer);
        }
        out.put_u32(crc32c::crc32c(&out));
        out
    }
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    out.put_u32(u32::try_from(count).unwrap_or(u32::MAX));
}

fn put_producer(out: &mut Vec<u8>, id: i64, producer: &Producer) {
    out.put_i64(id);
    out.put_i16(producer.epoch);
    out.put_u8(u8::try_from(producer.batches.len()).unwrap_or(u8::MAX));
    for batch in &producer.batches {
        out.put_i32(batch.first_sequence);
        out.put_i32(batch.last_sequence);
        out.put_i64(batch.base_offset);
        out.put_i64(batch.append_time);
    }
}

fn decode_producer(bytes: &mut &[u8]) -> Option<(i64, Producer)> {
    let (id, epoch) = (bytes.try_get_i64().ok()?, bytes.try_get_i16().ok()?);
    let mut batches = VecDeque::with_capacity(WINDOW);
    for _ in 0..bytes.try_get_u8().ok().filter(|count| usize::from(*count) <= WINDOW)? {
        batches.push_back(Written {
            first_sequence: bytes.try_get_i32().ok()?,
            last_sequence: bytes.try_get_i32().ok()?,
            base_offset: bytes.try_get_i64().ok()?,
            append_time: bytes.try_get_i64().ok()?,
        });
    }
    Some((id, Producer { epoch, batches }))
}

const START: &[u8; 8] = b"CBCP\0\0\0\x01";

#[cfg(test)]
mod tests {
    use super::super::batch::BatchHeader;
    use super::super::batch::tests::batch;
    use super::*;

    #[test]
    fn checkpoints_come_back_and_damage_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        assert_eq!(Checkpoint::load(&path), None);
        let mut checkpoint = Checkpoint {
            covered: 9_000,
            next: 3,
            index: Index::default(),
            epochs: Epochs::default(),
            producers: Producers::default(),
        };
        for at in 0..3 {
            let bytes = batch(&[(None, "x")], (5, 0, at));
            let mut header = BatchHeader::decode(&bytes).unwrap();
            header.base_offset = i64::from(at);
            checkpoint.index.add(&header, at.unsigned_abs().into());
            checkpoint.index.add(&header, 8_000 + u64::from(at.unsigned_abs()));
            checkpoint.epochs.note(at / 2, header.base_offset);
            checkpoint.producers.note(&header);
        }
        checkpoint.index = Index::from_entries(
            [(0, 0), (2, 8_000)]
                .map(|(offset, position)| IndexEntry { offset, position, max_timestamp: 7 })
                .into(),
        )
        .unwrap();
        checkpoint.store(&path).unwrap();
        assert_eq!(Checkpoint::load(&path), Some(checkpoint));
        let whole = std::fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            std::fs::write(&path, &bytes).unwrap();
            assert_eq!(Checkpoint::load(&path), None, "byte {at}");
            std::fs::write(&path, &whole[..at]).unwrap();
            assert_eq!(Checkpoint::load(&path), None, "cut at {at}");
        }
    }
}
