//! From bits to symbols, and where it fits to values, with one look at a table.

use super::HuffmanTable;
use crate::jpeg::decode::BitReader;
use crate::jpeg::fault::Fault;

/// Bits that are looked up at once: 4 KiB a table.
const LOOK: u32 = 10;

/// What the symbols of a table mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::jpeg) enum Symbols {
    /// The size of a difference of DC values.
    Dc,
    /// A run of zeros and the size of the value behind it, in a sequential scan.
    Ac,
    /// The same in a progressive scan, where a size of 0 with a run below 15 ends blocks.
    ProgressiveAc,
}

/// What a code stands for, with the value behind it if the look-up reached that far.
///
/// Bits 0-4: bits to take; 5-8: further bits that hold the value, if it is not known yet; 9-16:
/// coefficients to pass over; 17-31 and sign: the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::jpeg) struct Entry(u32);

impl Entry {
    /// A run at or above this one ends the block.
    pub(in crate::jpeg) const END: u32 = 0x80;
    /// The run of symbols that mean nothing: it ends between 64 and 128, as no block does.
    const NONE: u32 = 0x40;

    fn new(length: u32, size: u32, run: u32, value: i32) -> Self {
        Self(length | size << 5 | run << 9 | (value as u32) << 17)
    }

    /// Bits to take; 0 if the code is longer than the look-up.
    #[inline(always)]
    fn length(self) -> u32 {
        self.0 & 31
    }

    #[inline(always)]
    fn size(self) -> u32 {
        (self.0 >> 5) & 15
    }

    /// Coefficients to pass over before the value.
    #[inline(always)]
    pub(in crate::jpeg) fn run(self) -> u32 {
        (self.0 >> 9) & 0xff
    }

    /// The known value; for [`END`](Self::END) in a progressive scan the bits of the run.
    #[inline(always)]
    pub(in crate::jpeg) fn value(self) -> i32 {
        self.0 as i32 >> 17
    }

    fn of_symbol(symbol: u8, symbols: Symbols, length: u32) -> Self {
        let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
        match (symbols, run, size) {
            (Symbols::Ac, 0, 0) => Self::new(length, 0, Self::END, 0),
            (Symbols::Ac, 1..=14, 0) => Self::new(length, 0, Self::NONE, 0),
            (Symbols::ProgressiveAc, 0..=14, 0) => Self::new(length, 0, Self::END, run as i32),
            _ => Self::new(length, size, run, 0),
        }
    }
}

/// A table for decoding.
pub(in crate::jpeg) struct DecodeTable {
    look: Box<[Entry; 1 << LOOK]>,
    /// For each length: the first 16-bit word that is no code of this length or a shorter one.
    limits: [u32; 17],
    /// For each length: what is added to a code to find its place in `entries`.
    offsets: [i32; 17],
    entries: Vec<Entry>,
}

impl DecodeTable {
    /// Prepares `table` for decoding.
    pub(in crate::jpeg) fn new(table: &HuffmanTable, symbols: Symbols) -> Result<Self, Fault> {
        if symbols == Symbols::Dc && table.symbols.iter().any(|&symbol| symbol > 15) {
            return Err(Fault("a Huffman table of AC values used for DC"));
        }
        let mut new = Self {
            look: Box::new([Entry(0); 1 << LOOK]),
            limits: [0; 17],
            offsets: [0; 17],
            entries: Vec::with_capacity(table.symbols.len()),
        };
        for code in table.codes() {
            let entry = Entry::of_symbol(code.symbol, symbols, code.length);
            let place = new.entries.len();
            new.entries.push(entry);
            let length = code.length as usize;
            if let (Some(limit), Some(offset)) =
                (new.limits.get_mut(length), new.offsets.get_mut(length))
            {
                *limit = (code.bits + 1) << (16 - code.length);
                *offset = place as i32 - code.bits as i32;
            }
            if let Some(spare) = LOOK.checked_sub(code.length) {
                let first = (code.bits << spare) as usize;
                let places = new.look.get_mut(first..first + (1 << spare)).unwrap_or_default();
                for (place, behind) in places.iter_mut().zip(0..) {
                    *place = with_value(entry, behind, spare);
                }
            }
        }
        Ok(new)
    }

    /// Takes a code and the value behind it. Needs 32 bits in the reader.
    #[inline(always)]
    pub(in crate::jpeg) fn next(&self, bits: &mut BitReader<'_>) -> Result<(Entry, i32), Fault> {
        let place = (bits.ahead() >> (64 - LOOK)) as usize;
        let mut entry = self.look.get(place).copied().unwrap_or(Entry(0));
        if entry.length() == 0 {
            entry = self.long(bits.ahead())?;
        }
        bits.take(entry.length());
        let size = entry.size();
        let value = if size == 0 { entry.value() } else { bits.value(size) };
        Ok((entry, value))
    }

    /// A code longer than the look-up.
    #[cold]
    #[inline(never)]
    fn long(&self, ahead: u64) -> Result<Entry, Fault> {
        let word = (ahead >> 48) as u32;
        let lengths = self.limits.iter().zip(&self.offsets).zip(0_u32..).skip(LOOK as usize + 1);
        for ((&limit, &offset), length) in lengths {
            if word < limit {
                let place = (word >> (16 - length)) as i32 + offset;
                return self.entries.get(place as usize).copied().ok_or(UNKNOWN);
            }
        }
        Err(UNKNOWN)
    }
}

const UNKNOWN: Fault = Fault("bits that are no code of the Huffman table");

/// The entry with its value, if the `spare` bits `behind` the code hold it.
fn with_value(entry: Entry, behind: u32, spare: u32) -> Entry {
    let size = entry.size();
    if size == 0 || size > spare {
        return entry;
    }
    let bits = (behind >> (spare - size)) as i32;
    let below = if bits >> (size - 1) == 0 { (1 << size) - 1 } else { 0 };
    Entry::new(entry.length() + size, 0, entry.run(), bits - below)
}

#[cfg(test)]
mod tests {
    use super::super::STANDARD_AC;
    use super::*;

    #[test]
    fn every_code_of_a_table_is_found_with_its_value() {
        let table = &STANDARD_AC[0];
        let decode = DecodeTable::new(&table.to_table(), Symbols::Ac).unwrap();
        for code in table.to_table().codes() {
            let (run, size) = (code.symbol >> 4, u32::from(code.symbol & 15));
            for value in [1_u64 << size >> 1, (1 << size >> 1) - u64::from(size > 0)] {
                let word = (u64::from(code.bits) << size | value) << (64 - code.length - size);
                let bytes: Vec<u8> = word
                    .to_be_bytes()
                    .iter()
                    .flat_map(|&b| [b, 0].into_iter().take(1 + usize::from(b == 255)))
                    .collect();
                let mut bits = BitReader::new(&bytes, 0);
                bits.refill();
                let (entry, found) = decode.next(&mut bits).unwrap();
                if size > 0 {
                    assert_eq!(entry.run(), u32::from(run));
                    let below = if value >> (size - 1) == 0 { (1 << size) - 1 } else { 0 };
                    assert_eq!(i64::from(found), value as i64 - below);
                } else {
                    assert_eq!(entry.run(), if run == 15 { 15 } else { Entry::END });
                }
            }
        }
    }

    #[test]
    fn bits_that_are_no_code_are_a_fault() {
        let decode = DecodeTable::new(&STANDARD_AC[0].to_table(), Symbols::Ac).unwrap();
        let mut bits = BitReader::new(&[0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0], 0);
        bits.refill();
        assert_eq!(decode.next(&mut bits).map(|_| ()), Err(UNKNOWN));
    }

    #[test]
    fn tables_of_ac_symbols_are_not_taken_for_dc() {
        assert!(DecodeTable::new(&STANDARD_AC[0].to_table(), Symbols::Dc).is_err());
    }
}
