//! A block's tokens, and the same for other bytes.

use super::super::{
    alphabet::SHORTEST_MATCH,
    blocks::{Refused, Sink},
    token::Token,
};

/// A match of three bytes from farther away is worth no more than its literals; compressors know.
const TOO_FAR: usize = 4096;

/// Collects the tokens of a block; knows how many bytes came before, and may come at all.
pub(super) struct Tokens {
    list: Vec<Token>,
    written: usize,
    limit: usize,
    /// The shortest match so far: the compressor may have dropped shorter ones.
    shortest: usize,
}

impl Tokens {
    pub(super) fn new(limit: usize) -> Self {
        Self { list: Vec::new(), written: 0, limit, shortest: usize::MAX }
    }

    /// Forgets the tokens; returns how many bytes are written.
    pub(super) fn next_block(&mut self) -> usize {
        self.list.clear();
        self.written
    }

    pub(super) fn list(&self) -> &[Token] {
        &self.list
    }

    /// Bytes up to the end of the block.
    pub(super) fn written(&self) -> usize {
        self.written
    }

    #[inline(always)]
    fn write(&mut self, count: usize) -> Result<(), Refused> {
        self.written += count;
        if self.written > self.limit {
            return Err(Refused::Full { limit: self.limit });
        }
        Ok(())
    }
}

impl Sink for Tokens {
    #[inline(always)]
    fn literal(&mut self, byte: u8) -> Result<(), Refused> {
        self.write(1)?;
        self.list.push(Token::literal(byte));
        Ok(())
    }

    #[inline(always)]
    fn copy(&mut self, length: usize, distance: usize) -> Result<(), Refused> {
        if distance > self.written {
            return Err(Refused::Distance { distance, written: self.written });
        }
        self.write(length)?;
        self.shortest = self.shortest.min(length);
        self.list.push(Token::copy(length, distance));
        Ok(())
    }

    fn stored(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        self.write(bytes.len())
    }
}

/// Adds the block's tokens for the new bytes to `out`; returns whether any differ.
///
/// * `start` - where the block begins in the bytes
pub(super) fn rewrite(
    tokens: &Tokens,
    (old, new): (&[u8], &[u8]),
    start: usize,
    out: &mut Vec<Token>,
) -> bool {
    let in_reach = start.saturating_sub(32_768)..tokens.written;
    if old.get(in_reach.clone()) == new.get(in_reach) {
        out.extend_from_slice(&tokens.list);
        return false;
    }
    let mut place = start;
    let mut changed = false;
    for &token in &tokens.list {
        let target = new.get(place..place + token.span()).unwrap_or_default();
        let source = place.saturating_sub(token.distance());
        let source = new.get(source..source + token.span()).unwrap_or_default();
        place += token.span();
        if let ([byte], 0) = (target, token.distance()) {
            changed |= usize::from(*byte) != token.value();
            out.push(Token::literal(*byte));
        } else if target == source {
            out.push(token);
        } else {
            changed = true;
            split(target, source, (token.distance(), tokens.shortest), out);
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
