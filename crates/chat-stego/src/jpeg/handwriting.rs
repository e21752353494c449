//! Which program wrote a file, as far as its structure shows it.

use std::collections::BTreeSet;

use super::parts::Definition;
use super::{Jpeg, TableStyle};

/// What is known of a file's writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handwriting {
    pub(crate) is_progressive: bool,
    pub(crate) scans: usize,
    pub(crate) huffman: TableStyle,
}

/// In what two files differ beside their coefficients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    /// Kind, order or headers of the scans.
    Scans,
    /// How the Huffman tables were chosen; or which, where they are not made for the picture.
    Huffman,
    /// Segments that only one of the files has, or their order.
    Segments {
        /// Those of the first alone.
        dropped: usize,
        /// Those of the second alone.
        added: usize,
    },
    /// The bits that fill up the last byte of an interval.
    Filling,
    /// What follows the picture.
    Trailing,
}

impl Jpeg {
    /// Finds out how the file was written; to be asked while the coefficients are as found.
    pub(crate) fn handwriting(&mut self) -> Handwriting {
        Handwriting {
            is_progressive: self.is_progressive(),
            scans: self.scans().count(),
            huffman: self.table_style(),
        }
    }

    /// In what another file differs, coefficients and quantisation tables aside. Both must have been
    /// asked for their [`handwriting`](Self::handwriting).
    pub(crate) fn differences(&self, other: &Self) -> Vec<Difference> {
        let scans = |jpeg: &Self| -> Vec<(usize, Vec<u8>)> {
            jpeg.scans().map(|scan| (scan.fill, scan.header.clone())).collect()
        };
        let is_progressive = (self.is_progressive(), other.is_progressive());
        let found = [
            (
                is_progressive.0 != is_progressive.1 || scans(self) != scans(other),
                Difference::Scans,
            ),
            (!same_tables(&self.definitions, &other.definitions), Difference::Huffman),
            (self.padding != other.padding, Difference::Filling),
            (self.trailing != other.trailing, Difference::Trailing),
        ];
        let differences = found.into_iter().filter(|(differs, _)| *differs).map(|(_, what)| what);
        differences.chain(self.segment_difference(other)).collect()
    }

    fn segment_difference(&self, other: &Self) -> Option<Difference> {
        let marks = |jpeg: &Self| jpeg.segments().map(mark).collect::<Vec<_>>();
        let (ours, theirs) = (marks(self), marks(other));
        if ours == theirs {
            return None;
        }
        let (ours, theirs) = (BTreeSet::from_iter(ours), BTreeSet::from_iter(theirs));
        let dropped = ours.difference(&theirs).count();
        Some(Difference::Segments { dropped, added: theirs.difference(&ours).count() })
    }
}

/// A segment; of an index of further pictures the length alone, since its numbers follow the picture's.
fn mark((marker, bytes): (u8, &[u8])) -> (u8, Vec<u8>) {
    let is_index = marker == 0xe2 && bytes.starts_with(b"MPF\0");
    (marker, if is_index { bytes.len().to_be_bytes().to_vec() } else { bytes.to_vec() })
}

/// Tables that are the optimum for what they code may differ.
fn same_tables(ours: &[Definition], theirs: &[Definition]) -> bool {
    let same = |(one, other): (&Definition, &Definition)| {
        one.destination == other.destination
            && one.is_optimal == other.is_optimal
            && (one.is_optimal || one.table == other.table)
    };
    ours.len() == theirs.len() && ours.iter().zip(theirs).all(same)
}
