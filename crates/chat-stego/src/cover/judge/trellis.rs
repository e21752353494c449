//! Traces of an encoder that drops coefficients where they cost too much (trellis quantisation).
//!
//! mozjpeg and its kin weigh bits against error, and the dearest coefficient of a block is a
//! lone +-1 behind a run of zeros at the end. So these are counted, and compared with how many
//! there would be if the same number of coefficients fell independently into each block's places.
#![expect(clippy::indexing_slicing, reason = "kernels on 64 places in groups of constant number")]

use super::finding::Finding;
use crate::jpeg::{Block, Component};

/// A finding if lone last coefficients are too few.
///
/// Measured: none of 244 libjpeg files of qualities 75 to 95 (0.5 to 2 MP), and 39 of 72 mozjpeg
/// files of qualities 75 and 90 (0.6 MP). A second compression leaves the same trace: ask only
/// where there was none.
pub(super) fn quantisation(luma: &Component) -> Option<Finding> {
    ratio(luma).filter(|&ratio| ratio < FEW).map(|_| Finding::Trellis)
}

/// Lone last coefficients found, divided by those expected; `None` where too few are expected.
fn ratio(luma: &Component) -> Option<f64> {
    let order = zigzag();
    let mut groups = vec![Group::default(); LARGEST + 1];
    for block in (0..luma.high).flat_map(|row| luma.row(row)) {
        let places = places(block, &order);
        let group = &mut groups[(places.count_ones() as usize).min(LARGEST)];
        group.blocks += 1.0;
        for (place, count) in group.nonzero.iter_mut().enumerate() {
            *count += ((places >> place) & 1) as f64;
        }
        if let Some(last) = lone_last(places)
            && block[order[last]].unsigned_abs() == 1
        {
            group.lone += 1.0;
        }
    }
    // Alone in its block, a coefficient depends on nothing else; and full blocks are too unlike.
    let alike = groups.get(2..LARGEST).unwrap_or_default();
    let large = alike.iter().filter(|group| group.blocks >= 50.0);
    let (found, expected) =
        large.fold((0.0, 0.0), |sum, group| (sum.0 + group.lone, sum.1 + group.expected()));
    (expected >= ENOUGH).then(|| found / expected)
}

/// Blocks with the same number of AC coefficients that are not zero.
#[derive(Clone)]
struct Group {
    blocks: f64,
    /// In how many of the blocks each place is not zero.
    nonzero: [f64; 64],
    /// In how many a +-1 is alone at the end.
    lone: f64,
}

impl Default for Group {
    fn default() -> Self {
        Self { blocks: 0.0, nonzero: [0.0; 64], lone: 0.0 }
    }
}

impl Group {
    fn expected(&self) -> f64 {
        let share = self.nonzero.map(|count| count / self.blocks);
        let mut zeros_behind = 1.0;
        let mut sum = 0.0;
        for last in (FIRST..64).rev() {
            let zeros_before: f64 =
                share[last - RUN..last].iter().map(|share| 1.0 - share).product();
            sum += share[last] * zeros_behind * zeros_before;
            zeros_behind *= 1.0 - share[last];
        }
        sum * self.blocks
    }
}

/// A bit for each place in the order of a file whose coefficient is not zero; DC is left out.
fn places(block: &Block, order: &[usize; 64]) -> u64 {
    (1..64).fold(0, |places, at| places | (u64::from(block[order[at]] != 0) << at))
}

/// The last place, if it is far enough back and zeros stand before it.
fn lone_last(places: u64) -> Option<usize> {
    let last = places.checked_ilog2()? as usize;
    let run = ((1_u64 << RUN) - 1) << last.saturating_sub(RUN);
    (last >= FIRST && places & run == 0).then_some(last)
}

/// ITU-T T.81, figure A.6: diagonals, even ones upwards.
fn zigzag() -> [usize; 64] {
    let mut order: [usize; 64] = std::array::from_fn(|at| at);
    order.sort_by_key(|at| {
        let (v, u) = (at / 8, at % 8);
        (u + v, if (u + v) % 2 == 0 { u } else { v })
    });
    order
}

/// Zeros before a lone coefficient.
const RUN: usize = 3;
/// The first place that counts: before it, a run of zeros is not rare.
const FIRST: usize = 5;
/// Blocks with as many coefficients as this, or more, do not count.
const LARGEST: usize = 20;
/// Lone coefficients below which chance decides.
const ENOUGH: f64 = 200.0;
const FEW: f64 = 0.74;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cover::samples;
    use crate::jpeg::Jpeg;

    #[test]
    fn zigzag_is_the_order_of_a_file() {
        assert_eq!(zigzag()[..11], [0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32]);
        assert_eq!(zigzag()[60..], [47, 55, 62, 63]);
    }

    #[test]
    fn lone_coefficients_stand_behind_zeros() {
        assert_eq!(lone_last(0b100_0011), Some(6));
        assert_eq!(lone_last(0b100_1011), None);
        assert_eq!(lone_last(0b10_0010), Some(5));
        assert_eq!(lone_last(0b1_0000), None);
        assert_eq!(lone_last(0), None);
        assert_eq!(lone_last(1 << 63), Some(63));
    }

    #[test]
    fn dropping_lone_coefficients_is_seen() {
        let file = samples::jpeg(&samples::photo(1000, 800, 6), 80);
        let mut jpeg = Jpeg::read(&file).unwrap();
        assert_eq!(quantisation(jpeg.luma()), None);
        let order = zigzag();
        let luma = jpeg.luma_mut();
        for (at, block) in luma.blocks.iter_mut().enumerate() {
            if let Some(last) = lone_last(places(block, &order))
                && at % 4 != 0
                && block[order[last]].unsigned_abs() == 1
            {
                block[order[last]] = 0;
            }
        }
        assert_eq!(quantisation(jpeg.luma()), Some(Finding::Trellis));
    }
}
