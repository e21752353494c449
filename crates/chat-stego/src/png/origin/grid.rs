//! The grid of 8 x 8 blocks that a JPEG leaves.
//!
//! Quantisation makes most high frequencies of a block exactly zero. After decoding and rounding
//! they are small still, but only in the blocks of that one grid of 64: any other has parts of
//! several blocks in it. So the count of small coefficients tells the grid apart.
//!
//! # Source
//! The idea of counting zeros: Nikoukhah, Anger, Colom, Morel, Grompone von Gioi 2021, ZERO, IPOL 11.
#![expect(clippy::indexing_slicing, reason = "loops over arrays of a fixed size of our own")]

use super::Trace;
use super::luma::Luma;

/// By how many standard deviations of a window's counts the best grid is above the next, on average.
///
/// Measured on crops of 512 x 512: 1,696 of photographs scaled down to a half or less, at most 0.14;
/// 1,695 of the same as JPEG of quality 75 to 95, grey and colour, with and without subsampling, at
/// least 0.23.
const THRESHOLD: f32 = 0.2;

/// Windows that are looked at.
const WINDOWS: u32 = 768;

/// Fewer useful windows leave too much to chance.
const ENOUGH: u32 = 256;

/// Pixels on a side of a window: all blocks that begin in its first 8 x 8 pixels.
const SIDE: usize = 15;

/// A coefficient below this counts as zero; rounding moves one by 0.29 on average.
const ZERO: f32 = 0.5;

/// Blocks with more zeros than this at each place are too flat to tell anything.
const FLAT: u8 = 60;

type Window = [[f32; SIDE]; SIDE];

/// Counts zeros in windows spread over the picture.
pub(super) fn trace(luma: &Luma<'_>) -> Trace {
    let (wide, high) = (places(luma.width()), places(luma.height()));
    if wide * high < ENOUGH as usize {
        return Trace::Unclear;
    }
    let transform = transform();
    let mut tally = Tally::default();
    let mut draw = Draw(1);
    for _ in 0..WINDOWS {
        let (x, y) = (8 * draw.below(wide), 8 * draw.below(high));
        if let Some(window) = window(luma, x, y) {
            tally.add(&zeros(&window, &transform));
        }
    }
    tally.score().map_or(Trace::Unclear, |score| Trace::new(score, THRESHOLD))
}

/// Windows that fit into a side of `pixels`, one each eight.
fn places(pixels: usize) -> usize {
    (pixels + 8).saturating_sub(SIDE) / 8
}

/// `None` where the picture is saturated: clipping is not undone by a transform.
fn window(luma: &Luma<'_>, x: usize, y: usize) -> Option<Window> {
    let mut window = [[0.0; SIDE]; SIDE];
    for (row, y) in window.iter_mut().zip(y..) {
        for (to, from) in row.iter_mut().zip(luma.row(y, x, SIDE)) {
            if !(0.5..=254.5).contains(&from) {
                return None;
            }
            *to = from;
        }
    }
    Some(window)
}

/// How many coefficients are zero in the block at each of the 64 places, row by row.
fn zeros(window: &Window, transform: &[[f32; 8]; 8]) -> [u8; 64] {
    // Each row's eight overlapping pieces are transformed once for all blocks that share them.
    let mut rows = [[[0.0; 8]; 8]; SIDE];
    for (pieces, row) in rows.iter_mut().zip(window) {
        for (left, piece) in pieces.iter_mut().enumerate() {
            for (x, basis) in transform.iter().enumerate() {
                for (sum, factor) in piece.iter_mut().zip(basis) {
                    *sum += row[left + x] * factor;
                }
            }
        }
    }
    std::array::from_fn(|place| {
        let (top, left) = (place / 8, place % 8);
        let mut count = 0;
        for frequency in 0..8 {
            let mut sums = [0.0_f32; 8];
            for (y, basis) in transform.iter().enumerate() {
                for (sum, value) in sums.iter_mut().zip(rows[top + y][left]) {
                    *sum += basis[frequency] * value;
                }
            }
            count += sums.iter().map(|sum| u8::from(sum.abs() < ZERO)).sum::<u8>();
        }
        count
    })
}

/// The orthonormal DCT-II of eight values; `[x][u]` is what value `x` adds to frequency `u`.
fn transform() -> [[f32; 8]; 8] {
    std::array::from_fn(|x| {
        std::array::from_fn(|u| {
            let scale = if u == 0 { 0.125_f32.sqrt() } else { 0.5 };
            let turns = (2 * x + 1) as f32 * u as f32 / 16.0;
            scale * (turns * std::f32::consts::PI).cos()
        })
    })
}

/// Counts of all windows, each relative to its own mean.
struct Tally {
    windows: u32,
    /// 64 times the sum, so that the mean is whole.
    sums: [i64; 64],
    squares: i64,
}

impl Default for Tally {
    fn default() -> Self {
        Self { windows: 0, sums: [0; 64], squares: 0 }
    }
}

impl Tally {
    fn add(&mut self, zeros: &[u8; 64]) {
        if zeros.iter().all(|count| *count >= FLAT) {
            return;
        }
        self.windows += 1;
        let total: i64 = zeros.iter().map(|count| i64::from(*count)).sum();
        for (sum, count) in self.sums.iter_mut().zip(zeros) {
            let excess = 64 * i64::from(*count) - total;
            *sum += excess;
            self.squares += excess * excess;
        }
    }

    fn score(&self) -> Option<f32> {
        if self.windows < ENOUGH || self.squares == 0 {
            return None;
        }
        let mut sums = self.sums;
        sums.sort_unstable();
        let lead = (sums[63] - sums[62]) as f64 / f64::from(self.windows);
        let spread = (self.squares as f64 / 64.0 / f64::from(self.windows)).sqrt();
        Some((lead / spread.max(64.0 * 0.05)) as f32)
    }
}

/// Numbers that look random and are the same each time (xorshift64*, Vigna 2016).
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        (high as usize * bound) >> 32
    }
}
