//! Reading prefix codes: one look into a table for short codes, a canonical search for long ones.

use super::alphabet::{
    DISTANCE_BASE, DISTANCE_EXTRA, END, FIXED_DISTANCE, LENGTH_BASE, LENGTH_EXTRA, LITERALS,
    LONGEST, fixed_length,
};

/// A symbol with its meaning, packed: bits 0-3 the code's length (0 for none), bits 4-7 the number
/// of bits that follow, bits 8-9 the [`Kind`], bit 10 whether two literals stand there, bits 16-31
/// the value.
#[derive(Clone, Copy, Default)]
pub(super) struct Entry(u32);

/// What a symbol is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The value is a byte, or a code length.
    Literal,
    /// The value is the shortest length or distance of the symbol.
    Base,
    /// The block ends.
    End,
    /// The symbol has no meaning, or no code is so long.
    Invalid,
}

impl Entry {
    pub(super) fn literal_or_length(symbol: usize) -> Self {
        match symbol {
            0..END => Self(0).with(Kind::Literal, symbol as u32),
            END => Self(0).with(Kind::End, 0),
            _ => Self::base(symbol - END - 1, &LENGTH_BASE, &LENGTH_EXTRA),
        }
    }

    pub(super) fn distance(symbol: usize) -> Self {
        Self::base(symbol, &DISTANCE_BASE, &DISTANCE_EXTRA)
    }

    pub(super) fn code_length(symbol: usize) -> Self {
        Self(0).with(Kind::Literal, symbol as u32)
    }

    fn base(index: usize, bases: &[u16], extras: &[u8]) -> Self {
        match (bases.get(index), extras.get(index)) {
            (Some(&base), Some(&extra)) => {
                Self(u32::from(extra) << 4).with(Kind::Base, u32::from(base))
            }
            _ => Self(0).with(Kind::Invalid, 0),
        }
    }

    fn with(self, kind: Kind, value: u32) -> Self {
        Self(self.0 | (kind as u32) << 8 | value << 16)
    }

    fn of_length(self, bits: u8) -> Self {
        Self(self.0 | u32::from(bits))
    }

    /// Bits of the code.
    #[inline(always)]
    pub(super) fn length(self) -> u32 {
        self.0 & 15
    }

    /// Bits that follow the code.
    #[inline(always)]
    pub(super) fn extra(self) -> u32 {
        self.0 >> 4 & 15
    }

    /// Whether the value is two literals, the first one lower; they have one code together.
    #[inline(always)]
    pub(super) fn is_pair(self) -> bool {
        self.0 & PAIR != 0
    }

    /// This literal and another, if both codes fit a look.
    fn paired(self, second: Self) -> Option<Self> {
        let length = self.length() + second.length();
        let are_literals = self.kind() == Kind::Literal && second.kind() == Kind::Literal;
        let are_codes = self.length() != 0 && second.length() != 0;
        (are_literals && are_codes && length <= u32::from(LOOK)).then(|| {
            let value = self.value() | second.value() << 8;
            Self(PAIR | length).with(Kind::Literal, value as u32)
        })
    }

    #[inline(always)]
    pub(super) fn kind(self) -> Kind {
        match self.0 >> 8 & 3 {
            0 => Kind::Literal,
            1 => Kind::Base,
            2 => Kind::End,
            _ => Kind::Invalid,
        }
    }

    #[inline(always)]
    pub(super) fn value(self) -> usize {
        (self.0 >> 16) as usize
    }
}

const PAIR: u32 = 1 << 10;

/// Bits that one look decides.
const LOOK: u8 = 11;
const ENTRIES: usize = 1 << LOOK;

/// A prefix code for reading.
pub(super) struct DecodeTable {
    short: Box<[Entry; ENTRIES]>,
    mask: usize,
    /// The codes longer than a look, in order: 16 bits that begin with the code, and its symbol.
    long: Vec<(u16, Entry)>,
}

impl DecodeTable {
    pub(super) fn new() -> Self {
        Self { short: Box::new([Entry::default(); ENTRIES]), mask: 0, long: Vec::new() }
    }

    /// Takes on the code with these lengths (0 to 15 bits, at most 288 symbols).
    ///
    /// None if they make no prefix code. Incomplete codes are refused, as zlib does, except for
    /// one symbol of one bit and for no symbol at all.
    pub(super) fn set(&mut self, lengths: &[u8], entry: fn(usize) -> Entry) -> Option<()> {
        let longest = lengths.iter().copied().max().unwrap_or(0);
        let mut next = first_codes(lengths, longest)?;
        let look = longest.min(LOOK);
        self.mask = (1 << look) - 1;
        self.short.iter_mut().take(1 << look).for_each(|slot| *slot = Entry::default());
        self.long.clear();
        for (symbol, &bits) in (0..).zip(lengths).filter(|&(_, &bits)| bits != 0) {
            let Some(code) = next.get_mut(usize::from(bits)) else { continue };
            let entry = entry(symbol).of_length(bits);
            let from_the_top = *code << (16 - bits);
            *code = code.wrapping_add(1);
            if bits <= look {
                let first = usize::from(from_the_top.reverse_bits());
                let slots = self.short.iter_mut().take(1 << look);
                slots.skip(first).step_by(1 << bits).for_each(|slot| *slot = entry);
            } else {
                self.long.push((from_the_top, entry));
            }
        }
        self.long.sort_unstable_by_key(|&(code, _)| code);
        Some(())
    }

    /// Lets one look find two literals, where their codes are short. The values must be bytes.
    pub(super) fn pair_up(&mut self) {
        let single = self.short.clone();
        let look = (self.mask + 1).trailing_zeros();
        for (bits, slot) in self.short.iter_mut().take(self.mask + 1).enumerate() {
            // Bits that the look does not reach must not decide.
            let second = single.get(bits >> slot.length()).copied().unwrap_or_default();
            if let Some(pair) = slot.paired(second).filter(|pair| pair.length() <= look) {
                *slot = pair;
            }
        }
    }

    /// The symbol that the bits begin with; of length 0 if there is none.
    #[inline(always)]
    pub(super) fn look_up(&self, bits: u64) -> Entry {
        let slot = bits as usize & self.mask & (ENTRIES - 1);
        let found = self.short.get(slot).copied().unwrap_or_default();
        if found.length() != 0 { found } else { self.search(bits) }
    }

    #[inline(never)]
    fn search(&self, bits: u64) -> Entry {
        let wanted = (bits as u16).reverse_bits();
        let after = self.long.partition_point(|&(code, _)| code <= wanted);
        let found = after.checked_sub(1).and_then(|index| self.long.get(index));
        let found = found.filter(|(code, entry)| (code ^ wanted) >> (16 - entry.length()) == 0);
        found.map_or(Entry::default().with(Kind::Invalid, 0), |&(_, entry)| entry)
    }
}

/// The first code of each length; None if the lengths make no prefix code.
fn first_codes(lengths: &[u8], longest: u8) -> Option<[u16; 16]> {
    let mut counts = [0_u16; 16];
    for &bits in lengths.iter().filter(|&&bits| bits != 0) {
        *counts.get_mut(usize::from(bits))? += 1;
    }
    let symbols: u16 = counts.iter().sum();
    let mut code = 0_u32;
    let mut first = [0_u16; 16];
    for (bits, (first, count)) in (0_u8..).zip(first.iter_mut().zip(counts)) {
        code *= 2;
        *first = code as u16;
        code += u32::from(count);
        (code <= 1 << bits).then_some(())?;
    }
    let whole = code == 1 << LONGEST;
    (whole || symbols == 0 || (symbols == 1 && longest == 1)).then_some(first)
}

/// The lengths of a fixed block's codes: literals and lengths, then distances.
pub(super) fn fixed_lengths() -> (Vec<u8>, [u8; 32]) {
    ((0..LITERALS + 2).map(fixed_length).collect(), [FIXED_DISTANCE; 32])
}
