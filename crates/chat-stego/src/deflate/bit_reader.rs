//! Bits of a stream, the least significant of each byte first.

use super::error::InflateError;

/// Reads bits; at least 56 are at hand after [`refill`](Self::refill) unless the stream ends.
#[derive(Clone)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    /// The first byte that is not counted in `have`.
    next: usize,
    /// The bits at hand, the next one lowest. Above `have` lie bits of the byte at `next`, or
    /// zeros: to read it again changes none of them.
    hold: u64,
    have: u32,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(bytes: &'a [u8], start: usize) -> Self {
        Self { bytes, next: start, hold: 0, have: 0 }
    }

    #[inline(always)]
    pub(super) fn refill(&mut self) {
        match self.bytes.get(self.next..).and_then(|rest| rest.first_chunk::<8>()) {
            Some(chunk) => {
                self.hold |= u64::from_le_bytes(*chunk) << self.have;
                self.next += ((63 - self.have) >> 3) as usize;
                self.have |= 56;
            }
            None => self.refill_at_the_end(),
        }
    }

    #[cold]
    fn refill_at_the_end(&mut self) {
        while self.have <= 55 {
            let Some(&byte) = self.bytes.get(self.next) else { return };
            self.hold |= u64::from(byte) << self.have;
            self.next += 1;
            self.have += 8;
        }
    }

    /// Makes sure that 48 bits are at hand, enough for any literal or match.
    #[inline(always)]
    pub(super) fn refill_for_a_token(&mut self) {
        if self.have < 48 {
            self.refill();
        }
    }

    /// The next bits, zeros after the stream's end.
    #[inline(always)]
    pub(super) fn peek(&self) -> u64 {
        self.hold
    }

    /// Passes over `count` bits (at most 48) that were peeked at.
    #[inline(always)]
    pub(super) fn consume(&mut self, count: u32) -> Result<(), InflateError> {
        self.have = self.have.checked_sub(count).ok_or_else(|| self.truncated())?;
        self.hold >>= count;
        Ok(())
    }

    /// The next `count` bits of those at hand, at most 16.
    #[inline(always)]
    pub(super) fn take_at_hand(&mut self, count: u32) -> Result<usize, InflateError> {
        let bits = self.hold & ((1 << count) - 1);
        self.consume(count)?;
        Ok(bits as usize)
    }

    /// The next `count` bits, at most 16.
    pub(super) fn take(&mut self, count: u32) -> Result<usize, InflateError> {
        self.refill();
        self.take_at_hand(count)
    }

    /// Passes over the rest of a byte that is begun.
    pub(super) fn align(&mut self) {
        let rest = self.have % 8;
        self.hold >>= rest;
        self.have -= rest;
    }

    /// The next `count` bytes, after [`align`](Self::align).
    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], InflateError> {
        let start = self.byte();
        let bytes = start
            .checked_add(count)
            .and_then(|end| self.bytes.get(start..end))
            .ok_or_else(|| self.truncated())?;
        *self = Self::new(self.bytes, start + count);
        Ok(bytes)
    }

    /// The bits before the next one, from the stream's start.
    pub(super) fn bit(&self) -> usize {
        self.next * 8 - self.have as usize
    }

    /// The byte in which the next bit lies.
    pub(super) fn byte(&self) -> usize {
        self.bit() / 8
    }

    fn truncated(&self) -> InflateError {
        InflateError::Truncated { length: self.bytes.len() }
    }
}
