//! How hard zlib looks for matches: the settings of its levels.

/// Which walk a level takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Parsing {
    /// The first match is taken.
    Greedy,
    /// A match is taken if the next place has no longer one.
    Lazy,
}

/// The settings of a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Effort {
    pub(in super::super) parsing: Parsing,
    /// With a match of this length in hand a quarter of the chain is searched.
    pub(super) good: usize,
    /// Lazy: with a match of this length in hand nothing is searched. Greedy: the places within
    /// longer matches are not remembered.
    pub(super) lazy: usize,
    /// A match of this length ends a search.
    pub(super) nice: usize,
    /// The most places that are compared.
    pub(super) chain: u32,
    /// Matches up to this length are not worth it (strategy "filtered"); 0 for none.
    pub(super) poor: usize,
}

impl Effort {
    /// * `level` - 1 to 9; others are taken for the nearest
    /// * `filtered` - whether matches of five bytes and fewer are dropped, at the lazy levels
    pub(in super::super) fn of(level: u8, filtered: bool) -> Self {
        use Parsing::{Greedy, Lazy};
        let (parsing, good, lazy, nice, chain) = match level {
            0 | 1 => (Greedy, 4, 4, 8, 4),
            2 => (Greedy, 4, 5, 16, 8),
            3 => (Greedy, 4, 6, 32, 32),
            4 => (Lazy, 4, 4, 16, 16),
            5 => (Lazy, 8, 16, 32, 32),
            6 => (Lazy, 8, 16, 128, 128),
            7 => (Lazy, 8, 32, 128, 256),
            8 => (Lazy, 32, 128, 258, 1024),
            _ => (Lazy, 32, 258, 258, 4096),
        };
        Self { parsing, good, lazy, nice, chain, poor: if filtered { 5 } else { 0 } }
    }
}
