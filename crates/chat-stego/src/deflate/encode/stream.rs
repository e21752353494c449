//! Tokens into blocks of zlib's size.

use std::ops::ControlFlow;

use super::{
    super::token::Token, bit_writer::BitWriter, block::BlockWriter, effort::Parsing,
    window::base_at,
};

/// Whether the one who watches a stream come into being wants more of it.
pub(in super::super) type Verdict = ControlFlow<()>;

/// Cuts tokens into blocks and writes these; after each block `watch` sees the stream so far, and
/// hears how many bytes of input it stands for.
pub(in super::super) struct StreamWriter<'a, F> {
    input: &'a [u8],
    parsing: Parsing,
    /// Tokens of a full block.
    full: usize,
    tokens: Vec<Token>,
    /// Where the block begins in the input.
    start: usize,
    blocks: BlockWriter,
    watch: F,
}

impl<'a, F: FnMut(&[u8], usize) -> Verdict> StreamWriter<'a, F> {
    /// * `memory` - zlib's memLevel, 1 to 9
    pub(in super::super) fn new(
        input: &'a [u8],
        header: [u8; 2],
        (parsing, memory): (Parsing, u8),
        watch: F,
    ) -> Self {
        let full = (1 << (memory.clamp(1, 9) + 6)) - 1;
        let tokens = Vec::with_capacity(full + 1);
        let blocks = BlockWriter { bits: BitWriter::after(header.to_vec()) };
        Self { input, parsing, full, tokens, start: 0, blocks, watch }
    }

    /// Takes the next tokens.
    pub(in super::super) fn take(&mut self, mut tokens: &[Token]) -> Verdict {
        while !tokens.is_empty() {
            let room = self.full - self.tokens.len();
            let (now, later) = tokens.split_at(room.min(tokens.len()));
            self.tokens.extend_from_slice(now);
            tokens = later;
            if self.tokens.len() == self.full {
                self.flush()?;
            }
        }
        Verdict::Continue(())
    }

    /// Writes the last block, with a last byte that does not fill it up, and the checksum.
    pub(in super::super) fn finish(mut self, rest: Option<Token>) -> Vec<u8> {
        self.tokens.extend(rest);
        let bytes = self.bytes_if_in_window(self.input.len(), self.input.len());
        self.blocks.shortest(&self.tokens, bytes, true);
        let mut stream = self.blocks.bits.finish();
        stream.extend_from_slice(&simd_adler32::adler32(&self.input).to_be_bytes());
        stream
    }

    fn flush(&mut self) -> Verdict {
        let length: usize = self.tokens.iter().map(|token| token.span()).sum();
        let end = self.start + length;
        // A lazy walk writes a token when it has come to the place after the token's first.
        let last = self.tokens.last().map_or(0, |token| token.span());
        let place = match self.parsing {
            Parsing::Greedy => end - last,
            Parsing::Lazy => end - last + 1,
        };
        let bytes = self.bytes_if_in_window(place, end);
        self.blocks.shortest(&self.tokens, bytes, false);
        self.tokens.clear();
        self.start = end;
        (self.watch)(self.blocks.bits.so_far(), end)
    }

    /// The block's bytes if the window of a walk at `place` still has them all: else zlib does
    /// not store them.
    fn bytes_if_in_window(&self, place: usize, end: usize) -> Option<&'a [u8]> {
        let base = base_at(place, self.input.len());
        (self.start >= base).then(|| &self.input[self.start..end])
    }
}
