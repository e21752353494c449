//! The grey picture that the coefficients of a component stand for.
#![expect(clippy::indexing_slicing, reason = "blocks of 64, in loops over constant bounds")]

use fearless_simd::{Level, Simd, dispatch, f32x8, prelude::*};

use super::juniward::transposed;
use crate::jpeg::{Block, Component};
use crate::stripes;

/// A grey picture, row by row, 8 bits a sample.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Pixels {
    /// Samples in a row.
    wide: usize,
    /// Rows.
    high: usize,
    /// `wide * high` samples.
    samples: Vec<u8>,
}

impl Pixels {
    /// Takes a picture of `wide` columns; a last row that is not whole is left out.
    #[cfg(test)]
    pub(crate) fn from_samples(wide: usize, mut samples: Vec<u8>) -> Self {
        let high = samples.len().checked_div(wide).unwrap_or(0);
        samples.truncate(wide * high);
        Self { wide, high, samples }
    }

    /// Decodes a component at its own resolution: `8 * wide` columns, `8 * high` rows.
    ///
    /// Rounded to the nearest, halves upwards, and clipped to 0..=255: J-UNIWARD as published
    /// reads a decoded picture. Rounding matters: where one pixel in fifty is off by 1, the costs
    /// of smooth places move by a twentieth. So this is libjpeg's accurate integer transform,
    /// done in floats: two bits of a fraction between columns and rows, factors of 13 bits. Its
    /// own pixels differ from these in one of ten thousand at most, by 1.
    pub(crate) fn decoded(component: &Component) -> Self {
        let wide = 8 * component.wide;
        let steps = component.quant.map(f32::from);
        let rows = stripes::share(component.high, stripes::threads(), |stripe| {
            let mut samples = vec![0; 64 * component.wide * stripe.len()];
            for (row, lines) in stripe.zip(samples.chunks_exact_mut(64 * component.wide)) {
                let blocks = component.row(row);
                dispatch!(Level::new(), simd => decode(simd, blocks, &steps, lines));
            }
            samples
        });
        Self { wide, high: 8 * component.high, samples: rows.concat() }
    }

    /// Samples in a row.
    pub(crate) fn wide(&self) -> usize {
        self.wide
    }

    /// Rows.
    pub(crate) fn high(&self) -> usize {
        self.high
    }

    /// Row `row`; empty beyond the last.
    pub(crate) fn row(&self, row: usize) -> &[u8] {
        self.samples.chunks_exact(self.wide.max(1)).nth(row).unwrap_or_default()
    }
}

type Vectors<S> = [f32x8<S>; 8];

/// The pixels of blocks side by side, row by row.
#[inline(always)]
fn decode<S: Simd>(simd: S, blocks: &[Block], steps: &[f32; 64], lines: &mut [u8]) {
    let wide = 8 * blocks.len();
    for (column, block) in blocks.iter().enumerate() {
        for (line, levels) in levels(simd, block, steps).into_iter().enumerate() {
            let levels: [f32; 8] = levels.into();
            let start = line * wide + 8 * column;
            for (pixel, level) in lines[start..start + 8].iter_mut().zip(levels) {
                *pixel = level.to_bits().to_le_bytes()[0];
            }
        }
    }
}

/// The pixels of a block, each in the low byte of a float.
#[inline(always)]
fn levels<S: Simd>(simd: S, block: &Block, steps: &[f32; 64]) -> Vectors<S> {
    let mut rows = [f32x8::splat(simd, 0.0); 8];
    for v in 0..8 {
        let mut values = [0.0; 8];
        for u in 0..8 {
            values[u] = f32::from(block[8 * v + u]);
        }
        let steps = f32x8::from_slice(simd, &steps[8 * v..8 * v + 8]);
        rows[v] = f32x8::simd_from(simd, values) * steps;
    }
    let mut columns = inverse_of_columns(rows);
    for row in &mut columns {
        *row = quarters(*row);
    }
    let mut levels = transposed(inverse_of_columns(transposed(columns)));
    for row in &mut levels {
        *row = level(*row);
    }
    levels
}

/// Rounds to quarters, halves of them upwards.
#[inline(always)]
fn quarters<S: Simd>(values: f32x8<S>) -> f32x8<S> {
    const NO_EIGHTHS: f32 = 3_145_728.0; // 1.5 * 2^21
    const UPWARDS: f32 = 1.0 / 16_384.0;
    (values + UPWARDS + NO_EIGHTHS) - NO_EIGHTHS
}

/// Rounds by addition: a float of this size has no bits left for a fraction, so the low byte of
/// its representation is the rounded number. That halves go upwards, as in the usual decoders,
/// the small number sees to; it is far above an error of this transform's and far below a step.
#[inline(always)]
fn level<S: Simd>(values: f32x8<S>) -> f32x8<S> {
    const WHOLE: f32 = 12_582_912.0; // 1.5 * 2^23
    const UPWARDS: f32 = 1.0 / 32_768.0;
    (values * 0.125 + (128.0 + UPWARDS)).max(0.0).min(255.0) + WHOLE
}

/// The inverse DCT of each column, times the square root of 8. Even and odd frequencies apart:
/// they are alike and opposed about the middle (ITU-T T.81, A.3.3).
///
/// The factors are `sqrt(2) * cos(i * pi / 16)` with 13 bits of a fraction, as they come out
/// where the algorithm of Loeffler, Ligtenberg and Moschytz (ICASSP 1989) is done in integers:
/// hence 9633 / 8192 for i = 3 everywhere, but 11363 and 11362 for i = 1.
#[inline(always)]
fn inverse_of_columns<S: Simd>(input: Vectors<S>) -> Vectors<S> {
    const EVEN: [[f32; 2]; 2] = fractions([[10_703, 4433], [4433, -10_704]]);
    const ODD: [[f32; 4]; 4] = fractions([
        [11_363, 9633, 6437, 2260],
        [9633, -2259, -11_362, -6436],
        [6437, -11_362, 2261, 9633],
        [2260, -6436, 9633, -11_363],
    ]);
    let [f0, f1, f2, f3, f4, f5, f6, f7] = input;
    let large = f2 * EVEN[0][0] + f6 * EVEN[0][1];
    let small = f2 * EVEN[1][0] + f6 * EVEN[1][1];
    let (sum, difference) = (f0 + f4, f0 - f4);
    let even = [sum + large, difference + small, difference - small, sum - large];
    let mut output = input;
    for y in 0..4 {
        let [one, three, five, seven] = ODD[y];
        let odd = f1 * one + f3 * three + f5 * five + f7 * seven;
        output[y] = even[y] + odd;
        output[7 - y] = even[y] - odd;
    }
    output
}

const fn fractions<const N: usize>(numerators: [[i16; N]; N]) -> [[f32; N]; N] {
    let mut fractions = [[0.0; N]; N];
    let mut at = 0;
    while at < N * N {
        fractions[at / N][at % N] = numerators[at / N][at % N] as f32 / 8192.0;
        at += 1;
    }
    fractions
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;
    use crate::cost::vectors::Vector;

    fn pixels(block: &Block, steps: &[f32; 64]) -> [[u8; 8]; 8] {
        let (mut wide, mut base) = ([0; 64], [0; 64]);
        dispatch!(Level::new(), simd => decode(simd, &[*block], steps, &mut wide));
        dispatch!(Level::baseline(), simd => decode(simd, &[*block], steps, &mut base));
        assert_eq!(wide, base, "processors differ");
        std::array::from_fn(|row| std::array::from_fn(|column| wide[8 * row + column]))
    }

    #[test]
    fn pixels_are_libjpegs() {
        for text in [
            include_str!("../../tests/vectors/juniward_32x32.txt"),
            include_str!("../../tests/vectors/juniward_40x24.txt"),
        ] {
            let vector = Vector::of(text);
            let decoded = Pixels::decoded(&vector.component());
            assert_eq!((decoded.wide, decoded.high), vector.size());
            assert_eq!(decoded.samples, vector.numbers::<u8>("pixels"));
        }
    }

    #[test]
    fn every_mode_is_the_inverse_dct() {
        let scale = |mode: usize| if mode == 0 { 8_f64.sqrt().recip() } else { 0.5 };
        let wave = |mode: usize, at: usize| {
            scale(mode) * (PI * (2 * at + 1) as f64 * mode as f64 / 16.0).cos()
        };
        for mode in 0..64 {
            let (v, u) = (mode / 8, mode % 8);
            let mut block = [0; 64];
            block[mode] = -23;
            for (y, row) in pixels(&block, &[17.0; 64]).iter().enumerate() {
                for (x, pixel) in row.iter().enumerate() {
                    let exact = 128.0 - 391.0 * wave(v, y) * wave(u, x);
                    assert!((f64::from(*pixel) - exact).abs() < 0.7, "{mode}");
                }
            }
        }
    }

    #[test]
    fn halves_go_upwards_and_what_is_too_much_is_clipped() {
        let levels = |dc: i16| {
            pixels(&std::array::from_fn(|mode| if mode == 0 { dc } else { 0 }), &[1.0; 64])[3][3]
        };
        assert_eq!([4, -4, 3, -5, 12].map(levels), [129, 128, 128, 127, 130]);
        assert_eq!([i16::MAX, i16::MIN, 1023, -1024].map(levels), [255, 0, 255, 0]);
        let wild = [i16::MIN; 64];
        assert!(
            pixels(&wild, &[65_535.0; 64]).concat().iter().all(|pixel| [0, 255].contains(pixel))
        );
    }

    #[test]
    fn a_row_beyond_the_last_is_empty() {
        let pixels = Pixels::from_samples(3, vec![1, 2, 3, 4, 5, 6, 7]);
        assert_eq!((pixels.row(1), pixels.row(2)), (&[4, 5, 6][..], &[][..]));
        assert!(Pixels::from_samples(0, vec![1]).row(0).is_empty());
    }
}
