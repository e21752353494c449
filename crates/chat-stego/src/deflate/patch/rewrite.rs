//! A block's tokens, and the same for other bytes.

use std::ops::Range;

use super::super::{
    alphabet::SHORTEST_MATCH,
    blocks::{Block, Refused, Sink},
    token::Token,
};

/// A match of three bytes from farther away is worth no more than its literals; compressors know.
const TOO_FAR: usize = 4096;

/// A block as it was read.
pub(in super::super) struct ReadBlock {
    pub(super) block: Block,
    /// Its tokens; none if it is stored.
    pub(in super::super) tokens: Vec<Token>,
    /// The bytes that it stands for.
    pub(super) bytes: Range<usize>,
    /// The shortest match so far: the compressor may have dropped shorter ones.
    shortest: usize,
}

/// Collects the tokens of a block and compares them with the bytes that the stream should hold.
pub(in super::super) struct Tokens<'a> {
    list: Vec<Token>,
    /// What the stream should hold.
    expected: &'a [u8],
    /// Where the block begins.
    start: usize,
    written: usize,
    /// The stream holds something else.
    foreign: bool,
    /// The shortest match so far.
    shortest: usize,
}

impl<'a> Tokens<'a> {
    pub(in super::super) fn new(expected: &'a [u8]) -> Self {
        let list = Vec::new();
        Self { list, expected, start: 0, written: 0, foreign: false, shortest: usize::MAX }
    }

    /// Takes what was collected of a block, which has ended.
    pub(in super::super) fn take(&mut self, block: Block) -> ReadBlock {
        let room = Vec::with_capacity(self.list.len());
        let tokens = std::mem::replace(&mut self.list, room);
        let bytes = self.start..self.written;
        self.start = self.written;
        ReadBlock { block, tokens, bytes, shortest: self.shortest }
    }

    /// Bytes up to the end of the block.
    pub(in super::super) fn written(&self) -> usize {
        self.written
    }

    /// Whether the stream holds something else than it should.
    pub(super) fn is_foreign(&self) -> bool {
        self.foreign
    }

    fn full(&self) -> Refused {
        Refused::Full { limit: self.expected.len() }
    }
}

impl Sink for Tokens<'_> {
    #[inline(always)]
    fn literal(&mut self, byte: u8) -> Result<(), Refused> {
        let expected = *self.expected.get(self.written).ok_or(self.full())?;
        self.foreign |= expected != byte;
        self.written += 1;
        self.list.push(Token::literal(byte));
        Ok(())
    }

    #[inline(always)]
    fn copy(&mut self, length: usize, distance: usize) -> Result<(), Refused> {
        let Some(source) = self.written.checked_sub(distance) else {
            return Err(Refused::Distance { distance, written: self.written });
        };
        let end = self.written + length;
        let expected = self.expected.get(self.written..end).ok_or(self.full())?;
        self.foreign |= self.expected.get(source..source + length) != Some(expected);
        self.written = end;
        self.shortest = self.shortest.min(length);
        self.list.push(Token::copy(length, distance));
        Ok(())
    }

    fn stored(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        let end = self.written + bytes.len();
        let expected = self.expected.get(self.written..end).ok_or(self.full())?;
        self.foreign |= expected != bytes;
        self.written = end;
        Ok(())
    }
}

/// Adds the block's tokens for the new bytes to `out`; returns whether any differ.
///
/// * `old`, `new` - what the whole stream stands for, and shall
pub(super) fn rewrite(read: &ReadBlock, (old, new): (&[u8], &[u8]), out: &mut Vec<Token>) -> bool {
    let in_reach = read.bytes.start.saturating_sub(32_768)..read.bytes.end;
    if old.get(in_reach.clone()) == new.get(in_reach) {
        out.extend_from_slice(&read.tokens);
        return false;
    }
    let mut place = read.bytes.start;
    let mut changed = false;
    for &token in &read.tokens {
        let distance = token.distance();
        if distance == 0 {
            let byte = new.get(place).copied().unwrap_or_default();
            changed |= usize::from(byte) != token.value();
            out.push(Token::literal(byte));
            place += 1;
            continue;
        }
        let source = place.saturating_sub(distance);
        let source = new.get(source..source + token.value()).unwrap_or_default();
        let target = new.get(place..place + token.value()).unwrap_or_default();
        place += token.value();
        if target == source {
            out.push(token);
        } else {
            changed = true;
            split(target, source, (distance, read.shortest), out);
        }
    }
    changed
}

/// A match that no longer holds: matches where it still does, for as long as a match must be, and
/// literals elsewhere.
fn split(target: &[u8], source: &[u8], (distance, shortest): (usize, usize), out: &mut Vec<Token>) {
    let shortest = if distance > TOO_FAR { shortest.max(SHORTEST_MATCH + 1) } else { shortest };
    let mut rest = target;
    let pairs: Vec<bool> = target.iter().zip(source).map(|(a, b)| a == b).collect();
    for run in pairs.chunk_by(|a, b| a == b) {
        let (now, later) = rest.split_at(run.len().min(rest.len()));
        if run.first() == Some(&true) && now.len() >= shortest {
            out.push(Token::copy(now.len(), distance));
        } else {
            out.extend(now.iter().map(|&byte| Token::literal(byte)));
        }
        rest = later;
    }
}
