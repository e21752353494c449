//! Huffman tables: as files state them, for decoding, for encoding, and at their optimum.

mod decode;
mod encode;
mod optimal;
mod standard;

pub(super) use decode::{DecodeTable, Entry, Symbols};
pub(super) use encode::EncodeTable;
pub(super) use optimal::optimal;
pub(super) use standard::{STANDARD_AC, STANDARD_DC};

use super::fault::Fault;

/// A Huffman table: how many codes there are of each length, and what they stand for.
///
/// T.81, B.2.4.2 and annex C. A table that was read has no more codes than fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HuffmanTable {
    /// Codes of 1 to 16 bits.
    counts: [u8; 16],
    /// At most 256 symbols, by rising code.
    symbols: Vec<u8>,
}

impl HuffmanTable {
    /// A table from its parts as annex K lists them.
    pub(super) fn new(counts: [u8; 16], symbols: Vec<u8>) -> Self {
        Self { counts, symbols }
    }

    /// Reads a table from a segment, and returns what follows it.
    pub(super) fn read(bytes: &[u8]) -> Result<(Self, &[u8]), Fault> {
        let short = Fault("a Huffman table is cut off");
        let (counts, rest) = bytes.split_first_chunk::<16>().ok_or(short)?;
        let total = counts.iter().map(|&count| usize::from(count)).sum();
        if total > 256 {
            return Err(Fault("a Huffman table with more than 256 codes"));
        }
        let space: u32 =
            counts.iter().zip(1..).map(|(&n, length)| u32::from(n) << (16 - length)).sum();
        if space > 1 << 16 {
            return Err(Fault("a Huffman table with more codes than fit"));
        }
        let (symbols, rest) = rest.split_at_checked(total).ok_or(short)?;
        Ok((Self { counts: *counts, symbols: symbols.to_vec() }, rest))
    }

    /// Appends the table as it stands in a segment.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.counts);
        out.extend_from_slice(&self.symbols);
    }

    /// Bytes that [`write`](Self::write) appends.
    pub(super) fn written_len(&self) -> usize {
        self.counts.len() + self.symbols.len()
    }

    /// Each symbol with its code and the code's length in bits, by rising code.
    fn codes(&self) -> impl Iterator<Item = Code> {
        let mut next = 0_u32;
        let mut symbols = self.symbols.iter();
        self.counts.iter().zip(1_u32..).flat_map(move |(&count, length)| {
            let first = next;
            next = (next + u32::from(count)) << 1;
            let of_length: Vec<u8> = symbols.by_ref().take(usize::from(count)).copied().collect();
            of_length.into_iter().zip(first..).map(move |(symbol, bits)| Code {
                symbol,
                bits,
                length,
            })
        })
    }
}

/// One code of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Code {
    symbol: u8,
    /// The code, in the low bits.
    bits: u32,
    /// Its length, 1 to 16 bits.
    length: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_count_upwards_within_a_length() {
        let mut counts = [0; 16];
        (counts[0], counts[2]) = (1, 3);
        let table = HuffmanTable::new(counts, vec![9, 8, 7, 6]);
        let codes: Vec<_> = table.codes().map(|c| (c.symbol, c.bits, c.length)).collect();
        assert_eq!(codes, [(9, 0, 1), (8, 0b100, 3), (7, 0b101, 3), (6, 0b110, 3)]);
    }

    #[test]
    fn read_takes_one_table_and_leaves_the_rest() {
        let mut bytes = vec![0, 2];
        bytes.extend([0; 14]);
        bytes.extend([5, 6, 0x10]);
        let (table, rest) = HuffmanTable::read(&bytes).unwrap();
        assert_eq!((table.symbols.as_slice(), rest), ([5, 6].as_slice(), [0x10].as_slice()));
        let mut written = Vec::new();
        table.write(&mut written);
        assert_eq!(written, bytes[..18]);
    }

    #[test]
    fn read_refuses_tables_that_no_code_can_have() {
        assert!(HuffmanTable::read(&[0; 15]).is_err());
        let with = |at: usize, count: u8| {
            let mut bytes = vec![0; 16];
            bytes[at] = count;
            bytes.extend(vec![1; 300]);
            HuffmanTable::read(&bytes).map(|_| ())
        };
        assert!(with(0, 2).is_ok());
        assert_eq!(with(0, 3), Err(Fault("a Huffman table with more codes than fit")));
        assert!(with(15, 255).is_ok());
    }
}
