//! Walks the batches of a segment file from front to back.

use std::fs::File;
use std::io;

use super::batch::{BatchHeader, NotABatch, crc_holds};
use super::files::read_at;

/// Walks the batches of a file between two places.
pub(crate) struct Scan<'a> {
    file: &'a File,
    position: u64,
    end: u64,
    /// Its first `filled` bytes are those of the file from `at` on, read ahead.
    buffer: Vec<u8>,
    filled: usize,
    at: u64,
}

/// What a scan found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A whole batch with a right CRC, and where it starts.
    Batch(BatchHeader, u64),
    /// Something else.
    Fault(&'static str),
    /// The end.
    End,
}

impl<'a> Scan<'a> {
    /// Starts at a place where a batch begins.
    pub(crate) fn new(file: &'a File, position: u64, end: u64) -> Self {
        Self { file, position, end, buffer: Vec::new(), filled: 0, at: position }
    }

    /// Where the next batch starts.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// The next batch, its CRC checked.
    ///
    /// A batch that says it is longer than the rest of the file is a fault, so that nothing larger
    /// than the file is ever allocated.
    pub(crate) fn next_batch(&mut self) -> io::Result<Found> {
        let left = self.end.saturating_sub(self.position);
        if left == 0 {
            return Ok(Found::End);
        }
        if left < BatchHeader::LEN as u64 {
            return Ok(Found::Fault("a batch is cut short"));
        }
        let header = match BatchHeader::decode(self.bytes(BatchHeader::LEN)?) {
            Ok(header) => header,
            Err(NotABatch::Magic(_)) => return Ok(Found::Fault("there is no batch of format 2")),
            Err(_) => return Ok(Found::Fault("a batch has an impossible header")),
        };
        if header.len as u64 > left {
            return Ok(Found::Fault("a batch is cut short"));
        }
        if !crc_holds(&header, self.bytes(header.len)?) {
            return Ok(Found::Fault("the CRC of a batch is wrong"));
        }
        let at = self.position;
        self.position += header.len as u64;
        Ok(Found::Batch(header, at))
    }

    /// Bytes from the position on; the caller knows that the file has them.
    fn bytes(&mut self, len: usize) -> io::Result<&[u8]> {
        if self.filled.saturating_sub(self.skipped()) < len {
            let left = usize::try_from(self.end.saturating_sub(self.position));
            let size = len.max(AHEAD).min(left.unwrap_or(usize::MAX));
            if self.buffer.len() < size {
                self.buffer = vec![0; size];
            }
            let target = self.buffer.get_mut(..size).unwrap_or_default();
            read_at(self.file, target, self.position)?;
            (self.at, self.filled) = (self.position, size);
        }
        let skip = self.skipped();
        let found = self.buffer.get(skip..).and_then(|rest| rest.get(..len));
        found.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// Bytes of the buffer that lie before the position.
    fn skipped(&self) -> usize {
        usize::try_from(self.position - self.at).unwrap_or(usize::MAX)
    }
}

/// Bytes read at once.
const AHEAD: usize = 512 * 1024;
