//! Bits into bytes, the least significant of each byte first.

/// Writes bits.
pub(in super::super) struct BitWriter {
    bytes: Vec<u8>,
    /// Fewer than 32 bits that are not in `bytes` yet.
    hold: u64,
    have: u32,
}

impl BitWriter {
    /// Goes on after these bytes.
    pub(in super::super) fn after(bytes: Vec<u8>) -> Self {
        Self { bytes, hold: 0, have: 0 }
    }

    /// Writes the lowest `count` bits of `bits`, at most 32; those above are zero.
    #[inline(always)]
    pub(in super::super) fn put(&mut self, bits: u32, count: u32) {
        self.hold |= u64::from(bits) << self.have;
        self.have += count;
        if self.have >= 32 {
            self.bytes.extend_from_slice(&(self.hold as u32).to_le_bytes());
            self.hold >>= 32;
            self.have -= 32;
        }
    }

    /// Fills a byte that is begun with zeros.
    pub(in super::super) fn align(&mut self) {
        let count = self.have.div_ceil(8) as usize;
        self.bytes.extend_from_slice(&self.hold.to_le_bytes()[..count]);
        self.hold = 0;
        self.have = 0;
    }

    /// Writes whole bytes, after [`align`](Self::align).
    pub(in super::super) fn bytes(&mut self, bytes: &[u8]) {
        debug_assert_eq!(self.have, 0);
        self.bytes.extend_from_slice(bytes);
    }

    /// Copies the bits from `start` to `end` of another stream, which has them all.
    pub(in super::super) fn copy_bits(&mut self, stream: &[u8], start: usize, end: usize) {
        let mut at = start;
        while at < end {
            // At most 24 bits that begin anywhere in a byte lie in four bytes.
            let count = (end - at).min(24);
            let word = stream[at / 8..].iter().take(4).rev();
            let word = word.fold(0_u32, |word, &byte| word << 8 | u32::from(byte));
            self.put(word >> (at % 8) & ((1 << count) - 1), count as u32);
            at += count;
        }
    }

    /// The whole bytes so far, but for the last few.
    pub(in super::super) fn so_far(&self) -> &[u8] {
        &self.bytes
    }

    /// All bytes, the last one filled with zeros.
    pub(in super::super) fn finish(mut self) -> Vec<u8> {
        self.align();
        self.bytes
    }
}
