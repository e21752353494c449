//! What a picture is to the embedder: cells of elements whose values may change by one.

use std::ops::Range;

/// The most elements that a cell has.
pub(crate) const SLOTS: usize = 64;

/// The grid of cells of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    /// Rows of cells.
    pub(crate) rows: usize,
    /// Cells in a row.
    pub(crate) columns: usize,
    /// Elements of all cells together.
    pub(crate) elements: usize,
    /// The first rows, in which the check lies.
    pub(crate) probe_rows: usize,
    /// One in `2^probe_rarity` cells of those rows belongs to the check.
    pub(crate) probe_rarity: u32,
}

impl Grid {
    /// The longest body, in bytes: half a bit an element, more than is ever prudent.
    pub(crate) fn longest_body(self) -> usize {
        self.elements / 16
    }
}

/// Of `cells` cells one in 16 carries the check, of larger pictures one in 32: the logarithm.
///
/// What the check takes is lost to the body, and 32 bits need the less of a picture the larger it
/// is, for bodies grow with it.
pub(crate) fn rarity(cells: usize) -> u32 {
    if cells < 4096 { 4 } else { 5 }
}

/// A cell's elements.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    /// Values modulo 4; 0 where there is no element.
    pub(crate) values: [u8; SLOTS],
    /// Bit `s` is set where slot `s` is an element.
    pub(crate) elements: u64,
}

/// An element of a picture: `SLOTS * (row * columns + column) + slot`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Element(pub(crate) u32);

/// One up or one down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Up,
    Down,
}

/// A picture as the embedder sees it.
pub(crate) trait Medium: Sync {
    /// Its grid. The product of rows, columns and [`SLOTS`] is below `2^32`.
    fn grid(&self) -> Grid;

    /// Which slots of the cells of this column are elements: bit `s` is set for slot `s`.
    fn elements(&self, column: usize) -> u64;

    /// The cell at a place inside the grid.
    fn cell(&self, row: usize, column: usize) -> Cell;

    /// A hash of what embedding never changes, as far as it lies in the rows of the check.
    fn probe_salt(&self, places: &mut super::keying::Stream) -> [u8; 32];

    /// A hash of what embedding never changes in the whole picture.
    fn body_salt(&self, places: &mut super::keying::Stream) -> [u8; 32];
}

/// What the changes in a row of cells cost. Infinity forbids a change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowCosts<'a> {
    /// Of one up, for each slot of each cell.
    pub(crate) up: &'a [[f32; SLOTS]],
    /// Of one down.
    pub(crate) down: &'a [[f32; SLOTS]],
}

/// Whether one up and one down of an element cost the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ways {
    Same,
    Different,
}

/// The costs of a picture's changes, made row by row where they are needed.
pub(crate) trait Costs: Sync {
    /// Whether up and down cost the same everywhere.
    fn ways(&self) -> Ways;

    /// Calls `visit` with each row in `rows`, in order, and its costs, which do not depend on how
    /// rows are asked for.
    fn rows(&self, rows: Range<usize>, visit: &mut dyn FnMut(usize, RowCosts<'_>));
}
