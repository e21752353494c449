//! From samples to quantised coefficients, and what quantising has rounded off.
#![expect(clippy::indexing_slicing, reason = "kernels on blocks of 64")]

use super::planes::Plane;
use crate::jpeg::Block;

/// Rounding errors of a block, in the order of a [`Block`]: 254ths, so that +-127 is +-1/2.
pub(super) type Errors = [i8; 64];

/// Quantises the blocks of a plane, from left to right and down.
///
/// * `visit` - takes each block and, in steps, coefficient less rounded coefficient
///
/// # Source
/// ITU-T T.81, A.3.3 and A.3.4.
pub(super) fn quantise(plane: &Plane, steps: &[u16; 64], mut visit: impl FnMut(Block, Errors)) {
    let basis = basis();
    let inverse = steps.map(|step| 1.0 / f64::from(step));
    for rows in plane.samples.chunks_exact(plane.wide * 8) {
        for left in (0..plane.wide).step_by(8) {
            let samples = std::array::from_fn(|at| {
                f64::from(rows[at / 8 * plane.wide + left + at % 8]) - 128.0
            });
            let coefficients = forward(&samples, &basis);
            let (mut block, mut errors) = ([0; 64], [0; 64]);
            for at in 0..64 {
                let exact = coefficients[at] * inverse[at];
                let rounded = exact.round();
                // At most 8 * 128, and a step is at least 1.
                block[at] = rounded as i16;
                errors[at] = ((exact - rounded) * 254.0).round() as i8;
            }
            visit(block, errors);
        }
    }
}

/// The two-dimensional cosine transform: rows, then columns.
fn forward(samples: &[f64; 64], basis: &[[f64; 8]; 8]) -> [f64; 64] {
    let mut rows = [0.0; 64];
    for y in 0..8 {
        for u in 0..8 {
            rows[8 * y + u] = (0..8).map(|x| samples[8 * y + x] * basis[x][u]).sum();
        }
    }
    let mut both = [0.0; 64];
    for v in 0..8 {
        for y in 0..8 {
            let weight = basis[y][v];
            for u in 0..8 {
                both[8 * v + u] += weight * rows[8 * y + u];
            }
        }
    }
    both
}

/// `basis[x][u]` is the cosine of frequency `u` at sample `x`, of length 1.
fn basis() -> [[f64; 8]; 8] {
    std::array::from_fn(|x| {
        std::array::from_fn(|u| {
            let length = if u == 0 { 8.0_f64.sqrt().recip() } else { 0.5 };
            length * ((2 * x + 1) as f64 * u as f64 * std::f64::consts::PI / 16.0).cos()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transformed(samples: Vec<u8>, step: u16) -> (Block, Errors) {
        let mut found = Vec::new();
        quantise(&Plane { wide: 8, samples }, &[step; 64], |block, errors| {
            found.push((block, errors));
        });
        assert_eq!(found.len(), 1);
        found[0]
    }

    #[test]
    fn a_flat_block_is_all_dc() {
        let (block, errors) = transformed(vec![129; 64], 3);
        assert_eq!(block[0], 3);
        assert_eq!(errors[0], -85);
        assert!(block[1..].iter().all(|&value| value == 0));
    }

    #[test]
    fn the_first_frequencies_lie_where_a_block_has_them() {
        let across: Vec<u8> = (0..64).map(|at| (at % 8) * 30).collect();
        let (block, _) = transformed(across, 1);
        assert!(block[1] < -300 && block[8] == 0, "{block:?}");
        let down: Vec<u8> = (0..64).map(|at| (at / 8) * 30).collect();
        let (block, _) = transformed(down, 1);
        assert!(block[8] < -300 && block[1] == 0, "{block:?}");
    }

    #[test]
    fn block_and_errors_together_are_the_samples() {
        let mut state = 1_u32;
        let samples: Vec<u8> = (0..64)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        let (block, errors) = transformed(samples.clone(), 10);
        let basis = basis();
        for y in 0..8 {
            for x in 0..8 {
                let mut sample = 128.0;
                for v in 0..8 {
                    for u in 0..8 {
                        let at = 8 * v + u;
                        let exact = f64::from(block[at]) + f64::from(errors[at]) / 254.0;
                        sample += 10.0 * exact * basis[x][u] * basis[y][v];
                    }
                }
                assert!((sample - f64::from(samples[8 * y + x])).abs() < 0.2);
            }
        }
    }
}
