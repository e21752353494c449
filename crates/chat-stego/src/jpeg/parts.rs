//! What a file is made of, in the order found.

use super::huffman::HuffmanTable;
use super::scan::Scan;

/// One marker of the file with what belongs to it.
#[derive(Clone, Debug)]
pub(super) enum Part {
    /// A segment that is kept as it is.
    Segment(Segment),
    /// Huffman tables: numbers `first..end` of the file's.
    Tables { fill: usize, first: usize, end: usize },
    /// A scan header with the entropy-coded data behind it.
    Scan(Scan),
}

/// A segment that is kept as it is.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Bytes 0xff filled in before the marker.
    pub(super) fill: usize,
    /// The second byte of the marker.
    pub(crate) marker: u8,
    /// What follows the length; at most 65,533 bytes.
    pub(crate) bytes: Vec<u8>,
}

/// The length alone: segments hold places, names and thumbnails.
impl std::fmt::Debug for Segment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { fill, marker, bytes } = self;
        write!(f, "Segment {{ fill: {fill}, marker: {marker:#x}, bytes: {} }}", bytes.len())
    }
}

/// A Huffman table of the file.
#[derive(Clone, Debug)]
pub(super) struct Definition {
    /// Class (0 DC, 1 AC) and number, as in the file.
    pub(super) destination: u8,
    pub(super) table: HuffmanTable,
    /// Whether it is the optimum for what it codes, so that changes call for a new one.
    pub(super) is_optimal: bool,
}

/// The bits that fill the last byte of an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Padding {
    /// Ones, as nearly all programs write, or never needed.
    Ones,
    /// Zeros.
    Zeros,
    /// Now this, now that: it cannot be written again.
    Mixed,
}

impl Padding {
    /// What both, taken together, are.
    pub(super) fn joined(before: Option<Self>, found: Self) -> Self {
        match before {
            Some(before) if before != found => Self::Mixed,
            _ => found,
        }
    }
}
