//! A dynamic block's codes and the header that describes them: RFC 1951 section 3.2.7.

use super::super::alphabet::{
    DISTANCE_EXTRA, DISTANCES, LENGTH_EXTRA, LENGTH_ORDER, LENGTHS, LITERALS, LONGEST,
    LONGEST_OF_LENGTHS, MANY_ZEROS, REPEAT, ZEROS,
};
use super::{bit_writer::BitWriter, lengths::Lengths};

/// How often each symbol stands in a block.
pub(super) struct Counts {
    pub(super) literals: [u32; LITERALS],
    pub(super) distances: [u32; DISTANCES],
}

/// The codes of a dynamic block.
pub(super) struct DynamicCode {
    pub(super) literals: Lengths<LITERALS>,
    pub(super) distances: Lengths<DISTANCES>,
    /// Both lists of lengths, run-length coded: symbol and the value that follows it.
    runs: Vec<(u8, u8)>,
    of_lengths: Lengths<LENGTHS>,
    /// How many lengths of the third code are written.
    given: usize,
    /// Bits of the block without the three of its header's beginning.
    pub(super) cost: usize,
}

impl DynamicCode {
    /// The best codes for a block.
    pub(super) fn of(counts: &Counts) -> Self {
        let literals = Lengths::of(&counts.literals, LONGEST);
        let distances = Lengths::of(&counts.distances, LONGEST);
        let mut runs = Vec::with_capacity(LITERALS + DISTANCES);
        add_runs(&literals.bits[..literals.used], &mut runs);
        add_runs(&distances.bits[..distances.used], &mut runs);
        let mut of_runs = [0; LENGTHS];
        for &(symbol, _) in &runs {
            of_runs[usize::from(symbol)] += 1;
        }
        let of_lengths = Lengths::of(&of_runs, LONGEST_OF_LENGTHS);
        let in_use = |&symbol: &u8| of_lengths.bits[usize::from(symbol)] != 0;
        let given = LENGTH_ORDER.iter().rposition(in_use).unwrap_or(0).max(3) + 1;
        let cost = 5
            + 5
            + 4
            + 3 * given
            + of_lengths.cost(&of_runs, |symbol| extra_of_run(symbol as u8) as u8)
            + literals.cost(&counts.literals, extra_of_literal)
            + distances.cost(&counts.distances, |symbol| DISTANCE_EXTRA[symbol]);
        Self { literals, distances, runs, of_lengths, given, cost }
    }

    /// Writes the description of the codes.
    pub(super) fn write(&self, bits: &mut BitWriter) {
        bits.put((self.literals.used - 257) as u32, 5);
        bits.put((self.distances.used - 1) as u32, 5);
        bits.put((self.given - 4) as u32, 4);
        for &symbol in &LENGTH_ORDER[..self.given] {
            bits.put(u32::from(self.of_lengths.bits[usize::from(symbol)]), 3);
        }
        let codes = codes(&self.of_lengths.bits);
        for &(symbol, value) in &self.runs {
            let at = usize::from(symbol);
            bits.put(u32::from(codes[at]), u32::from(self.of_lengths.bits[at]));
            bits.put(u32::from(value), extra_of_run(symbol));
        }
    }
}

/// The bits that follow a symbol for literals and lengths.
pub(super) fn extra_of_literal(symbol: usize) -> u8 {
    symbol.checked_sub(257).map_or(0, |length| LENGTH_EXTRA[length])
}

fn extra_of_run(symbol: u8) -> u32 {
    match symbol {
        REPEAT => 2,
        ZEROS => 3,
        MANY_ZEROS => 7,
        _ => 0,
    }
}

/// Run-length codes a list of code lengths; the runs of one list do not reach into the next.
fn add_runs(lengths: &[u8], runs: &mut Vec<(u8, u8)>) {
    for run in lengths.chunk_by(|a, b| a == b) {
        let Some(&length) = run.first() else { continue };
        let mut left = run.len();
        if length == 0 {
            while left >= 3 {
                let count = left.min(138);
                left -= count;
                runs.push(match count {
                    3..=10 => (ZEROS, (count - 3) as u8),
                    _ => (MANY_ZEROS, (count - 11) as u8),
                });
            }
        } else {
            runs.push((length, 0));
            left -= 1;
            while left >= 3 {
                let count = left.min(6);
                left -= count;
                runs.push((REPEAT, (count - 3) as u8));
            }
        }
        runs.extend(std::iter::repeat_n((length, 0), left));
    }
}

/// The canonical code of each symbol, in the order of its bits in the stream.
pub(super) fn codes<const N: usize>(lengths: &[u8; N]) -> [u16; N] {
    let mut next = [0_u16; 17];
    for &bits in lengths.iter().filter(|&&bits| bits != 0) {
        next[usize::from(bits) + 1] += 1;
    }
    for bits in 1..15 {
        next[bits + 1] = (next[bits + 1] + next[bits]) << 1;
    }
    let mut codes = [0; N];
    for (code, &bits) in codes.iter_mut().zip(lengths).filter(|&(_, &bits)| bits != 0) {
        let next = &mut next[usize::from(bits)];
        *code = next.reverse_bits() >> (16 - bits);
        *next = next.wrapping_add(1);
    }
    codes
}
