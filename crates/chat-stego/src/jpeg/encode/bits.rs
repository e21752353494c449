//! Bits to entropy-coded data, with a zero stuffed behind each 0xff.

/// Writes bits from the most significant end.
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    /// The last bits, at the low end; what stands above the valid ones is already written.
    bits: u64,
    /// Valid bits in `bits`, below 32 between calls.
    count: u32,
}

impl BitWriter {
    /// A writer behind `bytes`.
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, bits: 0, count: 0 }
    }

    /// Writes the low `count` bits (0 to 32) of `bits`; the others must be zero.
    #[inline(always)]
    pub(super) fn put(&mut self, bits: u64, count: u32) {
        self.bits = (self.bits << (count & 63)) | bits;
        self.count += count;
        if self.count >= 32 {
            self.count -= 32;
            self.flush((self.bits >> self.count) as u32);
        }
    }

    #[inline(always)]
    fn flush(&mut self, word: u32) {
        const ONES: u32 = 0x0101_0101;
        if (!word).wrapping_sub(ONES) & word & (ONES << 7) == 0 {
            self.bytes.extend_from_slice(&word.to_be_bytes());
        } else {
            word.to_be_bytes().into_iter().for_each(|byte| self.byte(byte));
        }
    }

    fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
        if byte == 0xff {
            self.bytes.push(0);
        }
    }

    /// Fills the last byte with ones or zeros.
    pub(super) fn align(&mut self, ones: u64) {
        let missing = self.count.wrapping_neg() & 7;
        self.put(ones & ((1 << missing) - 1), missing);
        while self.count > 0 {
            self.count -= 8;
            self.byte((self.bits >> self.count) as u8);
        }
    }

    /// Writes bytes as they are, after [`align`](Self::align).
    pub(super) fn raw(&mut self, bytes: impl IntoIterator<Item = u8>) {
        self.bytes.extend(bytes);
    }

    /// All that was written, after [`align`](Self::align).
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writer_stuffs_and_fills() {
        let mut writer = BitWriter::new(vec![7]);
        for (bits, count) in [(0xf, 4), (0xf, 4), (0x12_34ff, 24), (0, 0), (0x5, 3), (0xffff, 16)] {
            writer.put(bits, count);
        }
        writer.align(u64::MAX);
        writer.raw([0xff, 0xd0]);
        let expected = [7, 0xff, 0, 0x12, 0x34, 0xff, 0, 0xbf, 0xff, 0, 0xff, 0, 0xff, 0xd0];
        assert_eq!(writer.into_bytes(), expected);
    }

    #[test]
    fn align_of_whole_bytes_writes_nothing_more() {
        let mut writer = BitWriter::new(Vec::new());
        writer.put(0x1234, 16);
        writer.align(0);
        writer.align(0);
        assert_eq!(writer.into_bytes(), [0x12, 0x34]);
    }
}
