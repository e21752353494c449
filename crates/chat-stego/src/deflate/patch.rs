//! Changing bytes within a stream whose compressor is unknown.
//!
//! The tokens stay where they can: literals are replaced, a match that no longer holds is split
//! around the bytes that differ. Untouched blocks keep their bits; touched ones get the code that
//! is best for them. Compressors of zlib's family fill each block with the same number of
//! symbols; where a stream shows that, the blocks are filled again, so that no block of an odd
//! size tells of the change.

pub(super) mod rewrite;

use std::{
    panic::resume_unwind,
    sync::mpsc::{SyncSender, sync_channel},
    thread,
};

use self::rewrite::{ReadBlock, Tokens, rewrite};
use super::{
    blocks::{Block, BlockKind, Blocks, HEADER},
    encode::{BitWriter, BlockWriter},
    error::{InflateError, PatchError},
    inflate::inflate_to,
    token::Token,
};

/// The stream with `new` in the place of `old`, changed as little as can be.
///
/// The zlib header stays; the Adler-32 is renewed; if nothing changes, the stream is the same. The
/// bits that fill up a byte before a stored block become zeros. Time grows with the bytes; the
/// memory is the new stream and eight bytes for each symbol of the largest block.
///
/// * `stream` - a zlib stream that holds `old`
///
/// # Errors
/// [`PatchError`] where the stream is damaged, or holds something else, or where the lengths
/// differ.
pub(crate) fn patch(stream: &[u8], old: &[u8], new: &[u8]) -> Result<Vec<u8>, PatchError> {
    if old.len() != new.len() {
        return Err(PatchError::Length { old: old.len(), new: new.len() });
    }
    if old == new {
        return unchanged(stream, old);
    }
    let header = stream.iter().copied().take(HEADER).collect();
    let writer = BlockWriter { bits: BitWriter::after(header) };
    let mut patch = Patch { stream, old, new, writer, full: None, waiting: Vec::new() };
    // Blocks are read while those before them are written.
    let read = thread::scope(|scope| {
        let (sender, receiver) = sync_channel(BLOCKS_AHEAD);
        let reading = scope.spawn(move || read_blocks(stream, old, &sender));
        receiver.iter().for_each(|block| patch.block(&block));
        reading.join().unwrap_or_else(|cause| resume_unwind(cause))
    });
    read?;
    let mut patched = patch.writer.bits.finish();
    patched.extend_from_slice(&simd_adler32::adler32(&new).to_be_bytes());
    Ok(patched)
}

/// Reads all blocks of a stream that must hold `old`.
fn read_blocks(
    stream: &[u8],
    old: &[u8],
    sender: &SyncSender<ReadBlock>,
) -> Result<(), PatchError> {
    let mut blocks = Blocks::new(stream)?;
    let mut tokens = Tokens::new(old);
    while let Some(block) = blocks.next(&mut tokens)? {
        if sender.send(tokens.take(block)).is_err() {
            break;
        }
    }
    if tokens.written() != old.len() {
        Err(InflateError::TooShort { expected: old.len(), got: tokens.written() })?;
    }
    if tokens.is_foreign() {
        return Err(PatchError::Foreign);
    }
    let (expected, computed) = (blocks.checksum()?, simd_adler32::adler32(&old));
    if expected != computed {
        Err(InflateError::Checksum { expected, computed })?;
    }
    Ok(())
}

/// Blocks that wait to be written, at most.
const BLOCKS_AHEAD: usize = 8;

/// The stream, if it holds `old`.
fn unchanged(stream: &[u8], old: &[u8]) -> Result<Vec<u8>, PatchError> {
    let (mut rest, mut holds) = (old, true);
    inflate_to(stream, old.len(), &mut |piece| match rest.strip_prefix(piece) {
        Some(behind) => rest = behind,
        None => holds = false,
    })?;
    if holds { Ok(stream.to_vec()) } else { Err(PatchError::Foreign) }
}

struct Patch<'a> {
    stream: &'a [u8],
    old: &'a [u8],
    new: &'a [u8],
    writer: BlockWriter,
    /// Symbols of a full block, where the compressor fills blocks.
    full: Option<usize>,
    /// Symbols of blocks before that wait to fill one.
    waiting: Vec<Token>,
}

impl Patch<'_> {
    /// Writes a block again.
    fn block(&mut self, read: &ReadBlock) {
        let block = read.block;
        if block.start == 8 * HEADER {
            self.full = filled(block, read.tokens.len());
        }
        if block.kind == BlockKind::Stored {
            self.write_waiting();
            let bytes = self.new.get(read.bytes.clone()).unwrap_or_default();
            self.writer.stored(bytes, block.last);
            return;
        }
        let queued = self.waiting.len();
        let changed = rewrite(read, (self.old, self.new), &mut self.waiting);
        match self.full {
            _ if !changed && queued == 0 => {
                self.waiting.clear();
                self.writer.bits.copy_bits(self.stream, block.start, block.end);
            }
            Some(full) => self.refill(full, block.last),
            None if block.kind == BlockKind::Fixed => {
                self.writer.fixed(&self.waiting, block.last);
                self.waiting.clear();
            }
            None => {
                self.writer.dynamic(&self.waiting, block.last);
                self.waiting.clear();
            }
        }
    }

    /// Writes as many full blocks as there are, and at the stream's end what is left.
    fn refill(&mut self, full: usize, last: bool) {
        let mut rest = self.waiting.as_slice();
        while let Some((block, later)) = rest.split_at_checked(full)
            && !(last && later.is_empty())
        {
            self.writer.shortest(block, None, false);
            rest = later;
        }
        if last {
            self.writer.shortest(rest, None, true);
            rest = &[];
        }
        self.waiting.drain(..self.waiting.len() - rest.len());
    }

    fn write_waiting(&mut self) {
        if !self.waiting.is_empty() {
            self.writer.shortest(&self.waiting, None, false);
            self.waiting.clear();
        }
    }
}

/// The number of symbols of every block, if the first one shows that they are filled: one less
/// than a power of two, as in zlib and its relatives.
fn filled(first: Block, symbols: usize) -> Option<usize> {
    let full = first.kind != BlockKind::Stored
        && !first.last
        && (symbols + 1).is_power_of_two()
        && symbols >= 255;
    full.then_some(symbols)
}
