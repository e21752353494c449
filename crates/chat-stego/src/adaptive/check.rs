//! The check: 32 bits under the probe key that say whether a picture carries something.
//!
//! The code of the size class in 32 bits, 23 of them zero, masked, as the message of a code over the
//! groups of a keyed part of the picture. A picture without a payload, and any picture
//! under another key, shows random bits there, so that one in sixteen million is mistaken; whoever
//! then reads the body finds noise.

use zeroize::Zeroizing;

use super::coding;
use super::division::{Division, Ranks};
use super::keying::{Keying, Purpose, Words};
use super::medium::{Grid, Medium};
use super::pool::Symbols;
use super::size_class::SizeClass;
use crate::stripes::fold_stripes;

/// Which cells carry the check, in order.
pub(crate) struct CheckCells(Zeroizing<Vec<bool>>);

impl CheckCells {
    /// Draws the cells of a picture.
    pub(crate) fn draw(keying: &Keying, grid: Grid) -> Self {
        let mut words = Words::default();
        let cells = grid.probe_rows * grid.columns;
        keying.stream(Purpose::CheckCells).words_at(0, cells, &mut words);
        let cells = words.iter().map(|word| word >> (32 - grid.probe_rarity) == 0);
        Self(Zeroizing::new(cells.collect()))
    }

    /// Whether the cell with this number belongs to the check.
    pub(crate) fn contains(&self, cell: usize) -> bool {
        self.0.get(cell).copied().unwrap_or(false)
    }

    /// Whether there are enough of them to carry the check unseen.
    pub(crate) fn suffice(&self) -> bool {
        self.0.iter().filter(|chosen| **chosen).count() >= FEWEST_CELLS
    }
}

/// The check of a picture that carries a body of this class.
pub(crate) fn seal(class: SizeClass, keying: &Keying) -> [u8; BYTES] {
    let mut check = u32::from(class.code()).to_be_bytes();
    keying.stream(Purpose::CheckMask).mask(&mut check);
    check
}

/// The groups of the check's elements.
pub(crate) fn divide<'a, M: Medium>(
    medium: &M,
    keying: &'a Keying,
    cells: &CheckCells,
) -> Division<'a> {
    Division::new((keying, Purpose::CheckGroups), Ranks::of_check(medium, cells), GROUPS)
}

/// Reads the check of a picture.
pub(crate) fn read<M: Medium>(medium: &M, keying: &Keying) -> Option<SizeClass> {
    let grid = medium.grid();
    let cells = CheckCells::draw(keying, grid);
    if !cells.suffice() {
        return None;
    }
    let division = divide(medium, keying, &cells);
    let add_rows = |rows: std::ops::Range<usize>| {
        let mut symbols = Symbols::new(division.groups());
        let mut groups = division.reader(1);
        for row in rows {
            groups.start_row(row);
            let start = row * grid.columns;
            for at in (start..start + grid.columns).filter(|at| cells.contains(*at)) {
                let cell = medium.cell(row, at - start);
                symbols.add(&cell, groups.next(at, cell.elements));
            }
        }
        symbols
    };
    let symbols = fold_stripes(grid.probe_rows, add_rows, |w, p| w.merge(p)).finish();
    let mut check = coding::read_ternary(&mut keying.stream(Purpose::CheckCode), &symbols, BYTES)?;
    keying.stream(Purpose::CheckMask).mask(&mut check);
    SizeClass::from_code(u32::from_be_bytes(*check.first_chunk()?))
}

/// Bytes of the check.
const BYTES: usize = 4;

/// Groups that the check's elements are pooled in: 64 a bit.
const GROUPS: usize = 64 * 8 * BYTES;

/// In fewer cells than these a few changes would stand out.
const FEWEST_CELLS: usize = 24;
