//! Blocks into bits: stored, with the fixed code, with a code of their own, or the shortest.

use super::super::{
    alphabet::{
        DISTANCE_EXTRA, DISTANCES, END, FIXED_DISTANCE, LENGTH_BASE, LENGTH_EXTRA, LITERALS,
        LONGEST_MATCH, SHORTEST_MATCH, fixed_length,
    },
    token::Token,
};
use super::{
    bit_writer::BitWriter,
    code::{Counts, DynamicCode, codes, extra_of_literal},
};

const STORED: u32 = 0;
const FIXED: u32 = 1;
const DYNAMIC: u32 = 2;

/// The most bytes of a stored block.
const MOST_STORED: usize = 65_535;

/// Writes blocks.
pub(in super::super) struct BlockWriter {
    pub(in super::super) bits: BitWriter,
}

impl BlockWriter {
    /// Writes a block in the shortest way, as zlib chooses: fixed before dynamic, stored before
    /// both where they come out equal.
    ///
    /// * `bytes` - what the tokens stand for, if it may be stored
    pub(in super::super) fn shortest(
        &mut self,
        tokens: &[Token],
        bytes: Option<&[u8]>,
        last: bool,
    ) {
        let counts = Counts::of(tokens);
        let dynamic = DynamicCode::of(&counts);
        let in_bytes = |bits: usize| (bits + 3).div_ceil(8);
        let fixed = in_bytes(counts.fixed_cost());
        let shorter = fixed.min(in_bytes(dynamic.cost));
        match bytes {
            Some(bytes) if bytes.len() + 4 <= shorter && bytes.len() <= MOST_STORED => {
                self.stored(bytes, last);
            }
            _ if fixed == shorter => self.fixed(tokens, last),
            _ => self.with_code(&dynamic, tokens, last),
        }
    }

    /// Writes a block with the code that is best for it.
    pub(in super::super) fn dynamic(&mut self, tokens: &[Token], last: bool) {
        self.with_code(&DynamicCode::of(&Counts::of(tokens)), tokens, last);
    }

    /// Writes a block with the fixed code.
    pub(in super::super) fn fixed(&mut self, tokens: &[Token], last: bool) {
        let mut literals = [0; LITERALS + 2];
        literals.iter_mut().enumerate().for_each(|(symbol, bits)| *bits = fixed_length(symbol));
        self.head(FIXED, last);
        Emission::of(&literals, &[FIXED_DISTANCE; DISTANCES]).write(tokens, &mut self.bits);
    }

    /// Writes at most 65,535 bytes as they are.
    pub(in super::super) fn stored(&mut self, bytes: &[u8], last: bool) {
        self.head(STORED, last);
        self.bits.align();
        let length = bytes.len() as u16;
        self.bits.bytes(&length.to_le_bytes());
        self.bits.bytes(&(!length).to_le_bytes());
        self.bits.bytes(bytes);
    }

    fn with_code(&mut self, code: &DynamicCode, tokens: &[Token], last: bool) {
        self.head(DYNAMIC, last);
        code.write(&mut self.bits);
        Emission::of(&code.literals.bits, &code.distances.bits).write(tokens, &mut self.bits);
    }

    fn head(&mut self, kind: u32, last: bool) {
        self.bits.put(u32::from(last) | kind << 1, 3);
    }
}

impl Counts {
    fn of(tokens: &[Token]) -> Self {
        let mut counts = Self { literals: [0; LITERALS], distances: [0; DISTANCES] };
        for token in tokens {
            if token.distance() == 0 {
                counts.literals[token.value() & 0xFF] += 1;
            } else {
                let symbol = usize::from(LENGTH_SYMBOL[token.value() - SHORTEST_MATCH]);
                counts.literals[END + 1 + symbol] += 1;
                counts.distances[distance_symbol(token.distance()).0] += 1;
            }
        }
        counts.literals[END] = 1;
        counts
    }

    /// Bits of a block with the fixed code, without the three of its header.
    fn fixed_cost(&self) -> usize {
        let of_literal = |symbol| usize::from(fixed_length(symbol) + extra_of_literal(symbol));
        let of_distance = |symbol: usize| usize::from(FIXED_DISTANCE + DISTANCE_EXTRA[symbol]);
        let literals =
            (0..).zip(&self.literals).map(|(at, &count)| count as usize * of_literal(at));
        let distances =
            (0..).zip(&self.distances).map(|(at, &count)| count as usize * of_distance(at));
        literals.sum::<usize>() + distances.sum::<usize>()
    }
}

/// A block's codes, ready to be written: bits and, in the lowest byte, how many.
struct Emission {
    literals: [u32; 256],
    /// With the bits that follow, by the match's length less 3.
    lengths: [u32; MATCHES],
    distances: [u32; DISTANCES],
    end: u32,
}

const MATCHES: usize = LONGEST_MATCH - SHORTEST_MATCH + 1;

impl Emission {
    fn of<const N: usize>(literal_bits: &[u8; N], distance_bits: &[u8; DISTANCES]) -> Self {
        let codes_of_literals = codes(literal_bits);
        let packed = |symbol: usize| {
            u32::from(codes_of_literals[symbol]) << 8 | u32::from(literal_bits[symbol])
        };
        let mut literals = [0; 256];
        literals.iter_mut().enumerate().for_each(|(byte, slot)| *slot = packed(byte));
        let mut lengths = [0; MATCHES];
        for (index, slot) in lengths.iter_mut().enumerate() {
            let symbol = usize::from(LENGTH_SYMBOL[index]);
            let code = packed(END + 1 + symbol);
            let follows = (index + SHORTEST_MATCH) as u32 - u32::from(LENGTH_BASE[symbol]);
            *slot = (code + u32::from(LENGTH_EXTRA[symbol])) | follows << (8 + (code & 0xFF));
        }
        let mut distances = [0; DISTANCES];
        let codes_of_distances = codes(distance_bits);
        for (slot, (code, bits)) in
            distances.iter_mut().zip(codes_of_distances.iter().zip(distance_bits))
        {
            *slot = u32::from(*code) << 8 | u32::from(*bits);
        }
        Self { literals, lengths, distances, end: packed(END) }
    }

    fn write(&self, tokens: &[Token], bits: &mut BitWriter) {
        for token in tokens {
            if token.distance() == 0 {
                let code = self.literals[token.value() & 0xFF];
                bits.put(code >> 8, code & 0xFF);
            } else {
                let code = self.lengths[token.value() - SHORTEST_MATCH];
                bits.put(code >> 8, code & 0xFF);
                let (symbol, extra, follows) = distance_symbol(token.distance());
                let code = self.distances[symbol];
                bits.put(code >> 8 | follows << (code & 0xFF), (code & 0xFF) + extra);
            }
        }
        bits.put(self.end >> 8, self.end & 0xFF);
    }
}

/// The symbol of a distance, how many bits follow it, and these.
#[inline(always)]
fn distance_symbol(distance: usize) -> (usize, u32, u32) {
    let less_one = distance as u32 - 1;
    let top = (less_one | 1).ilog2();
    if top < 2 {
        return (less_one as usize, 0, 0);
    }
    let extra = top - 1;
    let symbol = 2 * top + (less_one >> extra & 1);
    (symbol as usize, extra, less_one & ((1 << extra) - 1))
}

/// The length symbol, less 257, by the match's length less 3.
const LENGTH_SYMBOL: [u8; MATCHES] = {
    let mut table = [0; MATCHES];
    let mut symbol = 0;
    let mut index = 0;
    while index < MATCHES {
        if symbol + 1 < LENGTH_BASE.len()
            && index + SHORTEST_MATCH >= LENGTH_BASE[symbol + 1] as usize
        {
            symbol += 1;
        }
        table[index] = symbol as u8;
        index += 1;
    }
    table
};
