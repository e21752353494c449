//! A block's tokens, and the same for other bytes.

use super::super::{
    alphabet::SHORTEST_MATCH,
    blocks::{Refused, Sink},
    token::Token,
};

/// A match of three bytes from farther away is worth no more than its literals; compressors know.
const TOO_FAR: usize = 4096;

/// Collects the tokens of a block and compares them with the bytes that the stream should hold.
pub(in super::super) struct Tokens<'a> {
    list: Vec<Token>,
    /// What the stream should hold.
    expected: &'a [u8],
    written: usize,
    /// The stream holds something else.
    foreign: bool,
    /// The shortest match so far: the compressor may have dropped shorter ones.
    shortest: usize,
}

impl<'a> Tokens<'a> {
    pub(in super::super) fn new(expected: &'a [u8]) -> Self {
        Self { list: Vec::new(), expected, written: 0, foreign: false, shortest: usize::MAX }
    }

    /// Forgets the tokens; returns how many bytes are written.
    pub(in super::super) fn next_block(&mut self) -> usize {
        self.list.clear();
        self.written
    }

    pub(in super::super) fn list(&self) -> &[Token] {
        &self.list
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
/// * `start` - where the block begins in the bytes
pub(super) fn rewrite(tokens: &Tokens<'_>, new: &[u8], start: usize, out: &mut Vec<Token>) -> bool {
    let in_reach = start.saturating_sub(32_768)..tokens.written;
    if tokens.expected.get(in_reach.clone()) == new.get(in_reach) {
        out.extend_from_slice(&tokens.list);
        return false;
    }
    let mut place = start;
    let mut changed = false;
    for &token in &tokens.list {
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
            split(target, source, (distance, tokens.shortest), out);
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
