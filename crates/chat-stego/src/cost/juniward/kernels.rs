//! The arithmetic of J-UNIWARD, on tiles of eight by eight places.
//!
//! Eight numbers side by side at a time, in registers as wide as the processor has them. A product
//! is rounded before it is added, so that costs are the same on all processors.
#![expect(clippy::indexing_slicing, reason = "arrays of constant size, in constant bounds")]

use fearless_simd::{Simd, f32x8, prelude::*};

use crate::cost::wavelet::{self, HIGH, LOW, REACH, STEEP, TAPS};

/// Eight by eight places, by rows or by columns.
pub(super) type Tile = [[f32; 8]; 8];

/// The same in registers.
pub(super) type Vectors<S> = [f32x8<S>; 8];

/// The stabilising constant of UNIWARD.
const SIGMA: f32 = 1.0 / 64.0;

const LOW_LAID: [f32; TAPS] = laid(&LOW);
const HIGH_LAID: [f32; TAPS] = laid(&HIGH);
const STEEP_LAID: [f32; TAPS - 1] = laid(&STEEP);

/// `filter` as it is laid over samples that are read forwards.
const fn laid<const N: usize>(filter: &[f64; N]) -> [f32; N] {
    let mut laid = [0.0; N];
    let mut tap = 0;
    while tap < N {
        laid[tap] = filter[N - 1 - tap] as f32;
        tap += 1;
    }
    laid
}

/// Filters nine columns of 25 rows downwards.
///
/// Returns eight rows of the low-pass of the differences to the right, and of the high-pass of the
/// samples. The first is of rows 2 to 17 (low) and of row 1 as well (high).
///
/// Differences are whole numbers. Filtering these instead of samples keeps rounding errors far
/// below [`SIGMA`], and where the picture is flat the outcome is exactly 0.
#[inline(always)]
pub(super) fn filtered_down<S: Simd>(simd: S, samples: &[&[f32; 9]; 25]) -> [Vectors<S>; 2] {
    let zero = f32x8::splat(simd, 0.0);
    let (mut across, mut down) = ([zero; 24], [zero; 24]);
    let mut above = f32x8::from_slice(simd, &samples[0][..8]);
    for row in 0..24 {
        let here = f32x8::from_slice(simd, &samples[row + 1][..8]);
        across[row] = f32x8::from_slice(simd, &samples[row + 1][1..]) - here;
        down[row] = here - above;
        above = here;
    }
    let mut vectors = [[zero; 8]; 2];
    for row in 0..8 {
        for tap in 0..TAPS {
            vectors[0][row] += across[row + tap + 1] * LOW_LAID[tap];
        }
        for tap in 0..TAPS - 1 {
            vectors[1][row] += down[row + tap + 2] * STEEP_LAID[tap];
        }
    }
    vectors
}

/// What eight places of the three subbands weigh, 1 / (|W| + sigma).
///
/// * `low` - what is low-pass downwards, 24 differences
/// * `high` - what is high-pass downwards, 24 values, the first one column to the left of `low`'s
#[inline(always)]
pub(super) fn weights<S: Simd>(simd: S, low: &[f32; 24], high: &[f32; 24]) -> [f32x8<S>; 3] {
    let mut subbands = [
        along(simd, &STEEP_LAID, low),
        along(simd, &LOW_LAID, high),
        along(simd, &HIGH_LAID, high),
    ];
    for value in &mut subbands {
        *value = f32x8::splat(simd, 1.0) / (value.abs() + SIGMA);
    }
    subbands
}

/// Eight places of a filter along a row.
#[inline(always)]
fn along<S: Simd, const N: usize>(simd: S, filter: &[f32; N], row: &[f32; 24]) -> f32x8<S> {
    let mut sums = f32x8::splat(simd, 0.0);
    for tap in 0..N {
        sums += f32x8::from_slice(simd, &row[tap..tap + 8]) * filter[tap];
    }
    sums
}

/// The impulses of the eight modes through one filter, by place.
pub(super) struct Impulses([[f32; 8]; REACH]);

impl Impulses {
    pub(super) fn low() -> Self {
        Self::through(&LOW)
    }

    pub(super) fn high() -> Self {
        Self::through(&HIGH)
    }

    fn through(filter: &[f64; TAPS]) -> Self {
        let modes = [0, 1, 2, 3, 4, 5, 6, 7].map(|mode| wavelet::impulse(mode, filter));
        Self(std::array::from_fn(|place| modes.map(|mode| mode[place] as f32)))
    }

    /// Adds to each row of `sums`, a mode each, the first 23 of 24 rows, weighed with the mode's
    /// impulse.
    #[inline(always)]
    pub(super) fn add_sums<S: Simd>(&self, simd: S, rows: [&Tile; 3], sums: &mut Vectors<S>) {
        let mut totals = [f32x8::splat(simd, 0.0); 8];
        for place in 0..REACH {
            let row = f32x8::simd_from(simd, rows[place / 8][place % 8]);
            for (total, impulse) in totals.iter_mut().zip(&self.0[place]) {
                *total += row * *impulse;
            }
        }
        for mode in 0..8 {
            sums[mode] += totals[mode];
        }
    }
}

/// Rows become columns: three perfect shuffles.
#[inline(always)]
pub(in crate::cost) fn transposed<S: Simd>(mut rows: Vectors<S>) -> Vectors<S> {
    for _ in 0..3 {
        let [a, b, c, d, e, f, g, h] = rows;
        let (ae, bf, cg, dh) = (a.interleave(e), b.interleave(f), c.interleave(g), d.interleave(h));
        rows = [ae.0, ae.1, bf.0, bf.1, cg.0, cg.1, dh.0, dh.1];
    }
    rows
}
