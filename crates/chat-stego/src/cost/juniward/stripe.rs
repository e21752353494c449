//! A window that slides down the picture, eight rows at a time.
#![expect(clippy::indexing_slicing, reason = "arrays of constant size, in constant bounds")]

use fearless_simd::{Level, Simd, dispatch, f32x8, prelude::*};

use super::Juniward;
use super::kernels::{Tile, Vectors, filtered_down, transposed, weights};
use crate::cost::BlockCosts;
use crate::cost::mirror::place;

/// Samples by which a line is continued to the left: a filter reaches back over so many.
const MARGIN: usize = 15;

const EMPTY: Tile = [[0.0; 8]; 8];

/// What is kept of the rows above: enough to make the next eight.
///
/// Place `(x, y)` of a subband is the convolution's: made of the samples `x - 15..=x` of rows
/// `y - 15..=y`, so that block `(i, j)` reaches rows `8i..8i + 23` and columns `8j..8j + 23`.
pub(super) struct Stripe<'a> {
    of: &'a Juniward,
    /// The next row of the picture to be read; those outside are mirrored.
    next: isize,
    /// The last 25 rows, continued to both sides.
    lines: [Vec<f32>; 25],
    /// The weights of the last 24 rows, in tiles from left to right.
    weights: Vec<[Subbands; 3]>,
    /// Which of the three is the latest.
    latest: usize,
}

/// Weights of the subbands that are low-high (down, across), high-low and high-high.
type Subbands = [Tile; 3];

impl<'a> Stripe<'a> {
    /// Ready to make the costs of row of blocks `row` and of those below it.
    pub(super) fn above(of: &'a Juniward, row: usize) -> Self {
        let mut stripe = Self {
            of,
            next: (8 * row).cast_signed() - 17,
            lines: std::array::from_fn(|_| vec![0.0; 8 * (of.wide() + 4) + 1]),
            weights: vec![[[EMPTY; 3]; 3]; of.wide() + 2],
            latest: 0,
        };
        stripe.read(17);
        stripe.filter();
        stripe.filter();
        stripe
    }

    /// Makes the costs of the next row of blocks.
    pub(super) fn next(&mut self, costs: &mut [BlockCosts]) {
        self.filter();
        dispatch!(Level::new(), simd => self.sum_up(simd, costs));
    }

    #[inline(always)]
    fn sum_up<S: Simd>(&self, simd: S, costs: &mut [BlockCosts]) {
        let (low, high) = (&self.of.low, &self.of.high);
        let [oldest, middle, latest] = in_order(self.latest);
        let zero = [f32x8::splat(simd, 0.0); 8];
        let mut sums = [[EMPTY; 2]; 3];
        for (tile, weights) in self.weights.iter().enumerate() {
            let [oldest, middle, latest] = [&weights[oldest], &weights[middle], &weights[latest]];
            let (mut for_high, mut for_low) = (zero, zero);
            low.add_sums(simd, [&oldest[0], &middle[0], &latest[0]], &mut for_high);
            high.add_sums(simd, [&oldest[2], &middle[2], &latest[2]], &mut for_high);
            high.add_sums(simd, [&oldest[1], &middle[1], &latest[1]], &mut for_low);
            sums[tile % 3] = [stored(transposed(for_high)), stored(transposed(for_low))];
            let Some(block) = tile.checked_sub(2) else { continue };
            let [first, second, third] = in_order(tile % 3);
            let [first, second, third] = [&sums[first], &sums[second], &sums[third]];
            let mut total = zero;
            high.add_sums(simd, [&first[0], &second[0], &third[0]], &mut total);
            low.add_sums(simd, [&first[1], &second[1], &third[1]], &mut total);
            scaled(simd, transposed(total), &self.of.quant, &mut costs[block]);
        }
    }

    /// Reads and filters eight rows more.
    fn filter(&mut self) {
        self.read(8);
        self.latest = (self.latest + 1) % 3;
        dispatch!(Level::new(), simd => self.weigh(simd));
    }

    /// Makes the weights of the latest eight rows.
    #[inline(always)]
    fn weigh<S: Simd>(&mut self, simd: S) {
        let mut seen = [[[0.0; 24]; 8]; 2];
        for group in 0..self.weights.len() + 2 {
            let mut samples = [&[0.0; 9]; 25];
            for (samples, line) in samples.iter_mut().zip(&self.lines) {
                *samples = nine(line, group);
            }
            let tiles = filtered_down(simd, &samples);
            for filter in 0..2 {
                for row in 0..8 {
                    let seen = &mut seen[filter][row];
                    seen.copy_within(8.., 0);
                    tiles[filter][row].store_slice(&mut seen[16..]);
                }
            }
            let Some(tile) = group.checked_sub(2) else { continue };
            let subbands = &mut self.weights[tile][self.latest];
            for row in 0..8 {
                let weights = weights(simd, &seen[0][row], &seen[1][row]);
                for subband in 0..3 {
                    subbands[subband][row] = weights[subband].into();
                }
            }
        }
    }

    /// Reads rows.
    fn read(&mut self, rows: usize) {
        self.lines.rotate_left(rows);
        for line in self.lines.iter_mut().skip(25 - rows) {
            let row = place(self.next, self.of.pixels.high());
            extend(self.of.pixels.row(row), line);
            self.next += 1;
        }
    }
}

/// The places of three that take turns, the oldest first.
fn in_order(latest: usize) -> [usize; 3] {
    [(latest + 1) % 3, (latest + 2) % 3, latest]
}

fn nine(line: &[f32], group: usize) -> &[f32; 9] {
    line[8 * group..].first_chunk().unwrap_or(&[0.0; 9])
}

#[inline(always)]
fn stored<S: Simd>(vectors: Vectors<S>) -> Tile {
    let mut tile = EMPTY;
    for row in 0..8 {
        tile[row] = vectors[row].into();
    }
    tile
}

#[inline(always)]
fn scaled<S: Simd>(simd: S, sums: Vectors<S>, quant: &[f32; 64], costs: &mut BlockCosts) {
    for (row, sums) in sums.into_iter().enumerate() {
        let modes = 8 * row..8 * row + 8;
        let steps = f32x8::from_slice(simd, &quant[modes.clone()]);
        (sums * steps).store_slice(&mut costs[modes]);
    }
}

/// Lays a row into a line, [`MARGIN`] from the left, and mirrors it to both sides.
fn extend(row: &[u8], line: &mut [f32]) {
    let end = MARGIN + row.len();
    for (sample, level) in line[MARGIN..end].iter_mut().zip(row) {
        *sample = f32::from(*level);
    }
    for at in (0..MARGIN).chain(end..line.len()) {
        line[at] = line[MARGIN + place(at.cast_signed() - MARGIN.cast_signed(), row.len())];
    }
}
