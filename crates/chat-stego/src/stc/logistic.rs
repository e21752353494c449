//! Exponentials and logarithms, the same on all processors.
//!
//! Those of the standard library differ in the last bit from one processor to the next, and what a
//! payload changes is to depend on the picture and the key alone. Written so that the compiler turns
//! loops over them into vector instructions.

/// `exp(-x)` for x >= 0, nearly: to 3e-6 of it. From 87 on, and for what is no number, as for 87.
#[inline(always)]
pub(super) fn exp_minus(x: f32) -> f32 {
    use std::f32::consts::{LN_2, LOG2_E};
    // Adding it leaves no bits for a fraction, and the whole number in the lowest bits.
    const WHOLE: f32 = 12_582_912.0; // 1.5 * 2^23
    let power = x.min(87.0) * -LOG2_E;
    let whole = power + WHOLE;
    let rest = (power - (whole - WHOLE)) * LN_2;
    let series = 1.0 / 24.0 + rest * (1.0 / 120.0);
    let series = 1.0 + rest * (1.0 + rest * (0.5 + rest * (1.0 / 6.0 + rest * series)));
    f32::from_bits((whole.to_bits() << 23).wrapping_add(127 << 23)) * series
}

/// `ln(1 + y)` for y of 0 to 2, nearly: to 3e-5.
#[inline(always)]
pub(super) fn ln_1p(y: f32) -> f32 {
    // 2 artanh(z) = ln((1 + z) / (1 - z))
    let z = y / (2.0 + y);
    let square = z * z;
    let series = 1.0 / 7.0 + square * (1.0 / 9.0 + square * (1.0 / 11.0));
    2.0 * z * (1.0 + square * (1.0 / 3.0 + square * (1.0 / 5.0 + square * series)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_what_they_say_nearly() {
        for step in 0..8_700 {
            let x = f32::from(step as u16) / 100.0;
            let exact = (-f64::from(x)).exp();
            assert!((f64::from(exp_minus(x)) / exact - 1.0).abs() < 6e-6 + 1e-7 * f64::from(x));
        }
        for step in 0..2_000 {
            let y = f32::from(step as u16) / 1_000.0;
            assert!((f64::from(ln_1p(y)) - f64::from(y).ln_1p()).abs() < 3e-5, "{y}");
        }
        let beyond = [f32::INFINITY, f32::NAN, 88.0, 1e30].map(exp_minus);
        assert_eq!(beyond, [exp_minus(87.0); 4]);
        assert!(exp_minus(87.0) < 1e-37 && exp_minus(0.0) == 1.0 && ln_1p(0.0) == 0.0);
    }
}
