//! The symbols of deflate: RFC 1951 section 3.2.5 to 3.2.7.

/// Symbols for literals, the end of a block and lengths; 286 and 287 have codes in fixed blocks
/// only, and no meaning.
pub(super) const LITERALS: usize = 286;
/// Symbols for distances.
pub(super) const DISTANCES: usize = 30;
/// Symbols for code lengths: a length 0 to 15, a repetition, and two kinds of runs of zeros.
pub(super) const LENGTHS: usize = 19;

/// Ends a block.
pub(super) const END: usize = 256;
/// Repeats the code length before it, 3 to 6 times.
pub(super) const REPEAT: u8 = 16;
/// Stands for 3 to 10 zeros.
pub(super) const ZEROS: u8 = 17;
/// Stands for 11 to 138 zeros.
pub(super) const MANY_ZEROS: u8 = 18;

/// The longest code of literals and distances, in bits.
pub(super) const LONGEST: u8 = 15;
/// The longest code of code lengths, in bits.
pub(super) const LONGEST_OF_LENGTHS: u8 = 7;

/// The shortest match, in bytes.
pub(super) const SHORTEST_MATCH: usize = 3;
/// The longest match, in bytes.
pub(super) const LONGEST_MATCH: usize = 258;

/// The shortest match that a length symbol (257 + index) stands for.
pub(super) const LENGTH_BASE: [u16; 29] = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
    163, 195, 227, 258,
];
/// The number of bits that follow a length symbol.
pub(super) const LENGTH_EXTRA: [u8; 29] =
    [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
/// The shortest distance that a distance symbol stands for.
pub(super) const DISTANCE_BASE: [u16; DISTANCES] = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537,
    2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577,
];
/// The number of bits that follow a distance symbol.
pub(super) const DISTANCE_EXTRA: [u8; DISTANCES] = [
    0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13,
    13,
];
/// The order in which the lengths of the code for code lengths are written.
pub(super) const LENGTH_ORDER: [u8; LENGTHS] =
    [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// The code length that a fixed block gives to a literal or length symbol 0 to 287.
pub(super) const fn fixed_length(symbol: usize) -> u8 {
    match symbol {
        0..144 => 8,
        144..256 => 9,
        256..280 => 7,
        _ => 8,
    }
}

/// The code length of every distance in a fixed block.
pub(super) const FIXED_DISTANCE: u8 = 5;
