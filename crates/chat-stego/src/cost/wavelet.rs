//! The wavelet whose coefficients UNIWARD counts in, and what a DCT mode does to them.
#![expect(clippy::indexing_slicing, reason = "tables of constant size")]

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// Taps of a filter.
pub(super) const TAPS: usize = 16;

/// Samples that a change of 8 neighbours reaches through the filter.
pub(super) const REACH: usize = 8 + TAPS - 1;

/// The scaling filter of Daubechies' wavelet with 8 vanishing moments, in the ten digits that
/// UNIWARD was published with.
pub(super) const LOW: [f64; TAPS] = [
    0.054_415_842_2,
    0.312_871_590_9,
    0.675_630_736_3,
    0.585_354_683_7,
    -0.015_829_105_3,
    -0.284_015_543_0,
    0.000_472_484_6,
    0.128_747_426_6,
    -0.017_369_301_0,
    -0.044_088_253_9,
    0.013_981_027_9,
    0.008_746_094_0,
    -0.004_870_353_0,
    -0.000_391_740_4,
    0.000_675_449_4,
    -0.000_117_476_8,
];

/// The wavelet filter: the scaling filter backwards, every other sign changed.
pub(super) const HIGH: [f64; TAPS] = {
    let mut high = [0.0; TAPS];
    let mut tap = 0;
    while tap < TAPS {
        let sign = if tap.is_multiple_of(2) { 1.0 } else { -1.0 };
        high[tap] = sign * LOW[TAPS - 1 - tap];
        tap += 1;
    }
    high
};

/// The wavelet filter for differences of neighbours: with these `s`,
/// `HIGH[n] = s[n] - s[n - 1]`. One tap less, for the taps of `HIGH` cancel out.
pub(super) const STEEP: [f64; TAPS - 1] = {
    let mut steep = [0.0; TAPS - 1];
    let mut sum = 0.0;
    let mut tap = 0;
    while tap < TAPS - 1 {
        sum += HIGH[tap];
        steep[tap] = sum;
        tap += 1;
    }
    steep
};

/// Basis function `mode` (0 to 7) of the orthonormal DCT of 8 samples.
pub(super) fn basis(mode: u8) -> [f64; 8] {
    let scale = if mode == 0 { 0.5 * FRAC_1_SQRT_2 } else { 0.5 };
    let samples = [1.0, 3.0, 5.0, 7.0, 9.0, 11.0, 13.0, 15.0];
    samples.map(|sample| scale * (PI * sample * f64::from(mode) / 16.0).cos())
}

/// By how much a unit of a DCT mode changes each of the 23 filtered samples it reaches.
///
/// The convolution of [`basis`] and `filter`, signs dropped.
pub(super) fn impulse(mode: u8, filter: &[f64; TAPS]) -> [f64; REACH] {
    let mut impulse = [0.0; REACH];
    for (sample, weight) in basis(mode).into_iter().enumerate() {
        for (tap, factor) in filter.iter().enumerate() {
            impulse[sample + tap] += weight * factor;
        }
    }
    impulse.map(f64::abs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(filter: &[f64], order: u32) -> f64 {
        let powers = (0_i32..).map(|tap| f64::from(tap - 8).powi(order.cast_signed()));
        filter.iter().zip(powers).map(|(tap, power)| tap * power).sum()
    }

    #[test]
    fn the_filters_are_daubechies_eighth() {
        let energy = |filter: [f64; TAPS]| filter.iter().map(|tap| tap * tap).sum::<f64>();
        assert!((energy(LOW) - 1.0).abs() < 1e-9);
        assert!((LOW.iter().sum::<f64>() - 2.0_f64.sqrt()).abs() < 1e-9);
        let product: f64 = LOW.iter().zip(HIGH).map(|(low, high)| low * high).sum();
        assert!(product.abs() < 1e-12);
        for order in 0..8 {
            assert!(moment(&HIGH, order).abs() < 2e-9 * 8_f64.powi(order.cast_signed()), "{order}");
        }
        assert!(moment(&HIGH, 8).abs() > 1.0);
    }

    #[test]
    fn steep_of_differences_is_high() {
        for tap in 0..TAPS {
            let before = if tap > 0 { STEEP[tap - 1] } else { 0.0 };
            let here = STEEP.get(tap).copied().unwrap_or(0.0);
            assert!((here - before - HIGH[tap]).abs() < 1e-9, "{tap}");
        }
    }
}
