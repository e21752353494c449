//! Bits of entropy-coded data, with the stuffed zeros left out.

use crate::jpeg::fault::Fault;

/// Reads bits from the most significant end, up to a marker.
///
/// Past the marker come zeros; whether any of them was taken is asked with
/// [`is_overdrawn`](Self::is_overdrawn) now and then, and always at the end of an interval.
///
/// A copy reads on from the same place: loops over a block take one, to keep it in registers.
#[derive(Clone, Copy)]
pub(crate) struct BitReader<'a> {
    data: &'a [u8],
    /// Where the next byte is read.
    at: usize,
    /// The next bits, from the top. Below the valid ones may stand more of the same stream.
    bits: u64,
    /// Valid bits in `bits`.
    count: u32,
    /// Zeros appended so far because a marker was met.
    appended: u32,
}

impl<'a> BitReader<'a> {
    /// A reader of the file `data` that starts at the byte `at`.
    pub(crate) fn new(data: &'a [u8], at: usize) -> Self {
        Self { data, at, bits: 0, count: 0, appended: 0 }
    }

    /// About where the reader stands, for errors; exactly the next marker after an interval.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// Makes sure that 32 bits can be looked at.
    #[inline(always)]
    pub(crate) fn refill(&mut self) {
        if self.count >= 32 {
            return;
        }
        if let Some(bytes) = self.data.get(self.at..).and_then(|rest| rest.first_chunk::<8>()) {
            let word = u64::from_be_bytes(*bytes);
            if !has_ff(word) {
                self.bits |= word >> self.count;
                self.at += ((63 - self.count) >> 3) as usize;
                self.count |= 56;
                return;
            }
        }
        self.refill_by_bytes();
    }

    #[cold]
    #[inline(never)]
    fn refill_by_bytes(&mut self) {
        while self.count <= 56 {
            let byte = match (self.data.get(self.at), self.data.get(self.at + 1)) {
                (Some(0xff), Some(0x00)) => {
                    self.at += 2;
                    0xff
                }
                (Some(0xff), _) | (None, _) => {
                    self.appended = self.appended.saturating_add(8);
                    0
                }
                (Some(&byte), _) => {
                    self.at += 1;
                    byte
                }
            };
            self.bits |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    /// The next 16 bits, not taken yet. Valid after a [`refill`](Self::refill).
    #[inline(always)]
    pub(crate) fn ahead(&self) -> u64 {
        self.bits
    }

    /// Takes bits: at most 32 between two calls of [`refill`](Self::refill).
    #[inline(always)]
    pub(crate) fn take(&mut self, count: u32) {
        self.bits <<= count & 63;
        self.count = self.count.wrapping_sub(count);
    }

    /// Takes `count` bits (0 to 32) as a number.
    #[inline(always)]
    pub(crate) fn number(&mut self, count: u32) -> u32 {
        let number = (self.bits >> 1 >> (63 - (count & 63))) as u32;
        self.take(count);
        number
    }

    /// Takes `count` bits (1 to 15) as a signed value. T.81, figure F.12.
    #[inline(always)]
    pub(crate) fn value(&mut self, count: u32) -> i32 {
        let below = if self.bits >> 63 == 0 { (1 << (count & 31)) - 1 } else { 0 };
        self.number(count) as i32 - below
    }

    /// Whether bits were taken that the file does not have.
    pub(super) fn is_overdrawn(&self) -> bool {
        self.appended > self.count
    }

    /// Ends an interval: what is left must be less than a byte, with a marker behind it.
    ///
    /// Returns the bits that filled the last byte.
    pub(super) fn end_interval(&mut self) -> Result<Filling, Fault> {
        let left = self
            .count
            .checked_sub(self.appended)
            .ok_or(Fault("the entropy-coded data of a scan is cut off"))?;
        let marker = self.data.get(self.at) == Some(&0xff)
            && self.data.get(self.at + 1).is_some_and(|&next| next != 0);
        if left >= 8 || !marker {
            return Err(Fault("entropy-coded data behind the last block"));
        }
        let filling = Filling { bits: (self.bits >> 1 >> (63 - left)) as u8, count: left as u8 };
        (self.bits, self.count, self.appended) = (0, 0, 0);
        Ok(filling)
    }

    /// Takes the restart marker `RSTn`, and returns how many bytes were filled in before it.
    pub(super) fn restart_marker(&mut self, number: u8) -> Result<usize, Fault> {
        let rest = self.data.get(self.at..).unwrap_or_default();
        let fill = rest.iter().take_while(|&&byte| byte == 0xff).count();
        if rest.get(fill) != Some(&(0xd0 | (number & 7))) {
            return Err(Fault("another marker than the restart marker that is due"));
        }
        self.at += fill + 1;
        Ok(fill.saturating_sub(1))
    }
}

/// The bits that fill the last byte of an interval: fewer than eight, in the low bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Filling {
    pub(super) bits: u8,
    pub(super) count: u8,
}

#[inline(always)]
fn has_ff(word: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    ((!word).wrapping_sub(ONES) & word & (ONES << 7)) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(data: &[u8], counts: &[u32]) -> Vec<u32> {
        let mut reader = BitReader::new(data, 0);
        counts
            .iter()
            .map(|&count| {
                reader.refill();
                reader.number(count)
            })
            .collect()
    }

    #[test]
    fn reader_leaves_out_stuffed_zeros() {
        let data = [0x12, 0xff, 0x00, 0x34, 0xff, 0x00, 0x56, 0x78, 0x9a, 0xff, 0xd9];
        assert_eq!(read(&data, &[8, 16, 4, 4, 0, 8, 12]), [0x12, 0xff34, 0xf, 0xf, 0, 0x56, 0x789]);
    }

    #[test]
    fn reader_gives_the_same_bits_in_any_portions() {
        let data: Vec<u8> = (0..64_u8).map(|i| i.wrapping_mul(37)).chain([0xff, 0xd9]).collect();
        for portion in 1..=16 {
            let read = read(&data, &vec![portion; 512 / portion as usize]);
            for (i, &number) in read.iter().enumerate() {
                let expected = (0..portion).fold(0, |sum, b| {
                    let bit = i * portion as usize + b as usize;
                    sum << 1 | u32::from(data[bit / 8] >> (7 - bit % 8) & 1)
                });
                assert_eq!(number, expected, "portion {portion}, number {i}");
            }
        }
    }

    #[test]
    fn value_has_the_sign_of_its_first_bit() {
        let mut reader = BitReader::new(&[0b0111_0000, 0xff, 0xd9], 0);
        reader.refill();
        assert_eq!([reader.value(1), reader.value(1), reader.value(2)], [-1, 1, 3]);
        assert_eq!(reader.value(4), -15);
    }

    #[test]
    fn end_of_interval_gives_the_filling_and_refuses_whole_bytes() {
        let data = [0b1010_1111, 0xff, 0xff, 0xd3];
        let mut reader = BitReader::new(&data, 0);
        reader.refill();
        reader.take(4);
        assert_eq!(reader.end_interval(), Ok(Filling { bits: 15, count: 4 }));
        assert_eq!(reader.restart_marker(3), Ok(1));
        assert_eq!(reader.position(), data.len());
        assert!(BitReader::new(&data, 0).end_interval().is_err());
    }

    #[test]
    fn reader_notices_that_it_took_more_than_there_was() {
        let mut reader = BitReader::new(&[0x00, 0xff, 0xd9], 0);
        reader.refill();
        reader.take(8);
        assert!(!reader.is_overdrawn());
        reader.take(1);
        assert!(reader.is_overdrawn());
        assert!(reader.end_interval().is_err());
    }
}
