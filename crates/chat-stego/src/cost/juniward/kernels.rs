//! The arithmetic of J-UNIWARD, eight numbers at a time.
#![expect(clippy::indexing_slicing, reason = "arrays of constant size, in constant bounds")]

use crate::cost::BlockCosts;
use crate::cost::wavelet::{self, HIGH, LOW, REACH, STEEP, TAPS};

pub(super) type Lanes = [f32; 8];

/// Rows of differences that eight filtered rows are made of.
const SEEN: usize = 8 + TAPS - 1;

/// Rows of filtered samples kept: what a block reaches, and one.
const KEPT: usize = 24;

/// The stabilising constant of UNIWARD.
const SIGMA: f32 = 1.0 / 64.0;

/// `filter` as it is laid over a row that is read forwards.
const fn laid<const N: usize>(filter: &[f64; N]) -> [f32; N] {
    let mut laid = [0.0; N];
    let mut tap = 0;
    while tap < N {
        laid[tap] = filter[N - 1 - tap] as f32;
        tap += 1;
    }
    laid
}

const LOW_LAID: [f32; TAPS] = laid(&LOW);
const HIGH_LAID: [f32; TAPS] = laid(&HIGH);
const STEEP_LAID: [f32; TAPS - 1] = laid(&STEEP);

/// Differences of 23 rows to their neighbours, in eight columns.
///
/// Differences are whole numbers. Filtering these instead of samples keeps rounding errors far
/// below [`SIGMA`], and a flat place is exactly 0.
#[derive(Clone)]
pub(super) struct Columns {
    /// To the column on the left.
    across: [Lanes; SEEN],
    /// To the row above.
    down: [Lanes; SEEN],
}

impl Columns {
    pub(super) fn new() -> Self {
        Self { across: [[0.0; 8]; SEEN], down: [[0.0; 8]; SEEN] }
    }

    /// Moves up by eight rows and takes in the differences of `lines`, the first of which is the
    /// line before. Group `group` begins at column `8 * group` of the lines.
    #[inline]
    pub(super) fn advance(&mut self, lines: &[Vec<f32>; 9], group: usize) {
        self.across.copy_within(8.., 0);
        self.down.copy_within(8.., 0);
        let nothing = [0.0; 9];
        let seen = lines
            .each_ref()
            .map(|line| line.get(8 * group..).and_then(<[f32]>::first_chunk).unwrap_or(&nothing));
        for row in 0..8 {
            for lane in 0..8 {
                let here = seen[row + 1];
                self.across[SEEN - 8 + row][lane] = here[lane + 1] - here[lane];
                self.down[SEEN - 8 + row][lane] = here[lane] - seen[row][lane];
            }
        }
    }

    /// Row `row` of 0 to 7, filtered along the columns: low-pass of the differences across, and
    /// high-pass of the samples.
    #[inline]
    pub(super) fn filtered(&self, row: usize) -> (Lanes, Lanes) {
        let mut low = [0.0; 8];
        let mut high = [0.0; 8];
        for tap in 0..TAPS {
            for lane in 0..8 {
                low[lane] += LOW_LAID[tap] * self.across[row + tap][lane];
            }
        }
        for tap in 0..TAPS - 1 {
            for lane in 0..8 {
                high[lane] += STEEP_LAID[tap] * self.down[row + tap + 1][lane];
            }
        }
        (low, high)
    }
}

/// A row, filtered along the columns.
pub(super) struct Filtered {
    /// Low-pass of the differences across; the first is of columns -14 and -15.
    low: Vec<f32>,
    /// High-pass; the first is of column -15.
    high: Vec<f32>,
}

impl Filtered {
    pub(super) fn of_groups(groups: usize) -> Self {
        Self { low: vec![0.0; 8 * groups], high: vec![0.0; 8 * groups] }
    }

    #[inline]
    pub(super) fn put(&mut self, group: usize, (low, high): (Lanes, Lanes)) {
        let place = 8 * group..8 * group + 8;
        self.low[place.clone()].copy_from_slice(&low);
        self.high[place].copy_from_slice(&high);
    }

    /// What each place of eight columns of the three subbands weighs: 1 / (|W| + sigma).
    #[inline]
    fn weights(&self, chunk: usize) -> Option<[Lanes; 3]> {
        let low: &[f32; 24] = self.low.get(8 * chunk..)?.first_chunk()?;
        let high: &[f32; 24] = self.high.get(8 * chunk..)?.first_chunk()?;
        let subbands = [along(&STEEP_LAID, low), along(&LOW_LAID, high), along(&HIGH_LAID, high)];
        Some(subbands.map(|subband| subband.map(|value| 1.0 / (value.abs() + SIGMA))))
    }
}

/// Eight places of a filter along a row.
#[inline]
fn along<const N: usize>(filter: &[f32; N], row: &[f32; 24]) -> Lanes {
    let mut sums = [0.0; 8];
    for tap in 0..N {
        for lane in 0..8 {
            sums[lane] += filter[tap] * row[tap + lane];
        }
    }
    sums
}

/// Weighted sums along 24 rows that a block reaches, for each horizontal frequency.
#[derive(Clone)]
pub(super) struct Sums {
    /// Of the subband that is low-pass by columns.
    low: [Lanes; KEPT],
    /// Of the two that are high-pass by columns.
    high: [Lanes; KEPT],
}

impl Sums {
    pub(super) fn new() -> Self {
        Self { low: [[0.0; 8]; KEPT], high: [[0.0; 8]; KEPT] }
    }

    /// Moves up by eight rows.
    pub(super) fn advance(&mut self) {
        self.low.copy_within(8.., 0);
        self.high.copy_within(8.., 0);
    }
}

/// The impulses of all modes through both filters.
pub(super) struct Impulses {
    /// By place, then by mode: eight lanes along a row.
    low_of_place: [Lanes; REACH],
    high_of_place: [Lanes; REACH],
    /// By place, then by mode, each in four lanes: for columns.
    low_of_mode: [[[f32; 4]; 8]; REACH],
    high_of_mode: [[[f32; 4]; 8]; REACH],
}

impl Impulses {
    pub(super) fn new() -> Self {
        let (low, high) = (by_place(&LOW), by_place(&HIGH));
        Self {
            low_of_place: low,
            high_of_place: high,
            low_of_mode: low.map(|modes| modes.map(|weight| [weight; 4])),
            high_of_mode: high.map(|modes| modes.map(|weight| [weight; 4])),
        }
    }

    /// Takes the sums along filtered row `row` of the last eight for all blocks it crosses.
    pub(super) fn sum_along(&self, filtered: &Filtered, sums: &mut [Sums], row: usize) {
        let mut reached = [[0.0; 24]; 3];
        let mut take = |chunk| {
            let weights = filtered.weights(chunk).unwrap_or_default();
            for (reached, weights) in reached.iter_mut().zip(weights) {
                reached.copy_within(8.., 0);
                reached[16..].copy_from_slice(&weights);
            }
            reached
        };
        take(0);
        take(1);
        for (block, sums) in sums.iter_mut().enumerate() {
            let reached = take(block + 2);
            let (mut low, mut high) = ([0.0; 8], [0.0; 8]);
            for place in 0..REACH {
                for mode in 0..8 {
                    low[mode] += self.high_of_place[place][mode] * reached[0][place];
                    high[mode] += self.low_of_place[place][mode] * reached[1][place]
                        + self.high_of_place[place][mode] * reached[2][place];
                }
            }
            sums.low[KEPT - 8 + row] = low;
            sums.high[KEPT - 8 + row] = high;
        }
    }

    /// The costs of a block: the weighted sums of its sums, times the quantisation steps.
    pub(super) fn costs(&self, sums: &Sums, quant: &[f32; 64]) -> BlockCosts {
        let mut costs = [0.0; 64];
        for half in 0..2 {
            let mut totals = [[0.0; 4]; 8];
            for place in 0..REACH {
                let low: [f32; 4] = std::array::from_fn(|lane| sums.low[place][4 * half + lane]);
                let high: [f32; 4] = std::array::from_fn(|lane| sums.high[place][4 * half + lane]);
                for mode in 0..8 {
                    for lane in 0..4 {
                        totals[mode][lane] += self.low_of_mode[place][mode][lane] * low[lane]
                            + self.high_of_mode[place][mode][lane] * high[lane];
                    }
                }
            }
            for mode in 0..8 {
                for lane in 0..4 {
                    let place = 8 * mode + 4 * half + lane;
                    costs[place] = totals[mode][lane] * quant[place];
                }
            }
        }
        costs
    }
}

fn by_place(filter: &[f64; TAPS]) -> [Lanes; REACH] {
    let modes = [0, 1, 2, 3, 4, 5, 6, 7].map(|mode| wavelet::impulse(mode, filter));
    std::array::from_fn(|place| modes.map(|mode| mode[place] as f32))
}
