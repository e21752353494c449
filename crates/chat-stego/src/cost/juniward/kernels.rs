//! The arithmetic of J-UNIWARD, on tiles of eight by eight places.
//!
//! All loops run over constant bounds and end in four numbers side by side, which is what every
//! processor of this kind adds and multiplies at once.
#![expect(clippy::indexing_slicing, reason = "arrays of constant size, in constant bounds")]

use crate::cost::wavelet::{self, HIGH, LOW, REACH, STEEP, TAPS};

/// Eight by eight places, by rows or by columns.
pub(super) type Tile = [[f32; 8]; 8];

/// Eight numbers side by side.
type Eight = [f32; 8];

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
#[inline]
pub(super) fn filtered_down(samples: &[&[f32; 9]; 25]) -> [Tile; 2] {
    let mut across = [[0.0; 8]; 24];
    let mut down = [[0.0; 8]; 24];
    for row in 0..24 {
        for lane in 0..8 {
            across[row][lane] = samples[row + 1][lane + 1] - samples[row + 1][lane];
            down[row][lane] = samples[row + 1][lane] - samples[row][lane];
        }
    }
    let mut tiles = [[[0.0; 8]; 8]; 2];
    for row in 0..8 {
        for tap in 0..TAPS {
            for lane in 0..8 {
                tiles[0][row][lane] += LOW_LAID[tap] * across[row + tap + 1][lane];
            }
        }
        for tap in 0..TAPS - 1 {
            for lane in 0..8 {
                tiles[1][row][lane] += STEEP_LAID[tap] * down[row + tap + 2][lane];
            }
        }
    }
    tiles
}

/// What eight places of the three subbands weigh, 1 / (|W| + sigma).
///
/// * `low` - what is low-pass downwards, 24 differences
/// * `high` - what is high-pass downwards, 24 values, the first one column to the left of `low`'s
#[inline]
pub(super) fn weights(low: &[f32; 24], high: &[f32; 24]) -> [[f32; 8]; 3] {
    let subbands = [along(&STEEP_LAID, low), along(&LOW_LAID, high), along(&HIGH_LAID, high)];
    subbands.map(|subband| subband.map(|value| 1.0 / (value.abs() + SIGMA)))
}

/// Eight places of a filter along a row.
#[inline]
fn along<const N: usize>(filter: &[f32; N], row: &[f32; 24]) -> [f32; 8] {
    let mut sums = [0.0; 8];
    for tap in 0..N {
        for lane in 0..8 {
            sums[lane] += filter[tap] * row[tap + lane];
        }
    }
    sums
}

/// The impulses of the eight modes through one filter: four modes and four modes, by place.
pub(super) struct Impulses([[[Eight; 4]; REACH]; 2]);

impl Impulses {
    pub(super) fn low() -> Self {
        Self::through(&LOW)
    }

    pub(super) fn high() -> Self {
        Self::through(&HIGH)
    }

    fn through(filter: &[f64; TAPS]) -> Self {
        Self([[0, 1, 2, 3], [4, 5, 6, 7]].map(|modes| {
            let modes = modes.map(|mode| wavelet::impulse(mode, filter));
            std::array::from_fn(|place| modes.map(|mode| [mode[place] as f32; 8]))
        }))
    }

    /// Adds to each row of `sums`, a mode each, the first 23 of 24 rows, weighed with the mode's
    /// impulse.
    #[inline]
    pub(super) fn add_sums(&self, rows: [&Tile; 3], sums: &mut Tile) {
        let [first, last] = &self.0;
        add_four(first, rows, &mut sums[..4]);
        add_four(last, rows, &mut sums[4..]);
    }
}

/// Does so for four modes.
#[inline]
fn add_four(impulses: &[[Eight; 4]; REACH], rows: [&Tile; 3], sums: &mut [Eight]) {
    let mut totals = [[0.0; 8]; 4];
    for (rows, impulses) in rows.into_iter().zip(impulses.chunks(8)) {
        for (row, modes) in rows.iter().zip(impulses) {
            for mode in 0..4 {
                for lane in 0..8 {
                    totals[mode][lane] += modes[mode][lane] * row[lane];
                }
            }
        }
    }
    for (sums, totals) in sums.iter_mut().zip(&totals) {
        for lane in 0..8 {
            sums[lane] += totals[lane];
        }
    }
}

/// Rows become columns.
#[inline]
pub(super) fn transposed(tile: &Tile) -> Tile {
    let mut columns = [[0.0; 8]; 8];
    for (y, column) in columns.iter_mut().enumerate() {
        for (x, value) in column.iter_mut().enumerate() {
            *value = tile[x][y];
        }
    }
    columns
}
