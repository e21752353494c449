//! A window that slides down the picture, eight rows at a time.

use super::Juniward;
use super::kernels::{Columns, Filtered, Sums};
use crate::cost::BlockCosts;
use crate::cost::mirror::place;

/// Samples by which a line is continued to the left: a filter reaches back over so many.
const MARGIN: usize = 15;

/// What is kept of the rows above: enough to make the next eight.
///
/// Filtered row `y` is the convolution's: place `x` of it is made of the samples `x - 15..=x` of
/// rows `y - 15..=y`, so that block `(i, j)` reaches rows `8i..8i + 23` and columns `8j..8j + 23`.
pub(super) struct Stripe<'a> {
    of: &'a Juniward,
    /// The next row of the picture to be read; those outside are mirrored.
    next: isize,
    /// The last line read and the eight after it, continued to both sides.
    lines: [Vec<f32>; 9],
    /// Groups of eight columns, the first begins at column -15.
    columns: Vec<Columns>,
    /// The eight last rows, filtered.
    filtered: [Filtered; 8],
    /// For each block in a row.
    sums: Vec<Sums>,
}

impl<'a> Stripe<'a> {
    /// Ready to make the costs of row of blocks `row` and of those below it.
    pub(super) fn above(of: &'a Juniward, row: usize) -> Self {
        let groups = of.wide() + 4;
        let mut stripe = Self {
            of,
            next: (8 * row).cast_signed() - 16,
            lines: std::array::from_fn(|_| vec![0.0; 8 * groups + 1]),
            columns: vec![Columns::new(); groups],
            filtered: std::array::from_fn(|_| Filtered::of_groups(groups)),
            sums: vec![Sums::new(); of.wide()],
        };
        stripe.read();
        stripe.read();
        stripe.advance();
        stripe.advance();
        stripe
    }

    /// Makes the costs of the next row of blocks.
    pub(super) fn next(&mut self, costs: &mut [BlockCosts]) {
        self.advance();
        for (costs, sums) in costs.iter_mut().zip(&self.sums) {
            *costs = self.of.impulses.costs(sums, &self.of.quant);
        }
    }

    /// Reads and filters eight rows more.
    fn advance(&mut self) {
        self.read();
        for (group, columns) in self.columns.iter().enumerate() {
            for (row, filtered) in self.filtered.iter_mut().enumerate() {
                filtered.put(group, columns.filtered(row));
            }
        }
        self.sums.iter_mut().for_each(Sums::advance);
        for (row, filtered) in self.filtered.iter().enumerate() {
            self.of.impulses.sum_along(filtered, &mut self.sums, row);
        }
    }

    /// Reads eight rows and takes the differences to their neighbours.
    fn read(&mut self) {
        self.lines.swap(0, 8);
        for line in self.lines.iter_mut().skip(1) {
            let row = place(self.next, self.of.pixels.high());
            extend(self.of.pixels.row(row), line);
            self.next += 1;
        }
        for (group, columns) in self.columns.iter_mut().enumerate() {
            columns.advance(&self.lines, group);
        }
    }
}

/// Lays a row into a line, [`MARGIN`] from the left, and mirrors it to both sides.
fn extend(row: &[u8], line: &mut [f32]) {
    let mirrored = |at: usize| {
        let place = place(at.cast_signed() - MARGIN.cast_signed(), row.len());
        f32::from(row.get(place).copied().unwrap_or_default())
    };
    let inside = MARGIN..MARGIN + row.len();
    for (at, sample) in line.iter_mut().enumerate().take(MARGIN) {
        *sample = mirrored(at);
    }
    for (sample, level) in line.iter_mut().skip(inside.start).zip(row) {
        *sample = f32::from(*level);
    }
    for (at, sample) in line.iter_mut().enumerate().skip(inside.end) {
        *sample = mirrored(at);
    }
}
