//! The 8 x 8 cosine transform of JPEG, in floating point.
#![expect(clippy::indexing_slicing, reason = "loops over arrays of fixed size")]

use std::f64::consts::PI;

/// Samples or coefficients of one block, row by row; coefficients have the horizontal frequency
/// as their column.
pub(crate) type Block = [f32; 64];

/// The transform with its table of cosines.
pub(crate) struct Dct {
    /// Row `u`: the basis function of frequency `u` at the eight places.
    basis: [[f32; 8]; 8],
    transposed: [[f32; 8]; 8],
}

impl Dct {
    /// Makes the table.
    ///
    /// # Source
    /// ITU-T T.81, A.3.3.
    pub(crate) fn new() -> Self {
        let mut basis = [[0.0; 8]; 8];
        let mut transposed = [[0.0; 8]; 8];
        for (u, row) in basis.iter_mut().enumerate() {
            let scale = if u == 0 { 0.125_f64.sqrt() } else { 0.5 };
            for (x, value) in row.iter_mut().enumerate() {
                *value = (scale * ((2 * x + 1) as f64 * u as f64 * PI / 16.0).cos()) as f32;
                transposed[x][u] = *value;
            }
        }
        Self { basis, transposed }
    }

    /// Samples (less 128) to coefficients. The transform is orthonormal.
    pub(crate) fn forward(&self, samples: &Block) -> Block {
        by_rows_and_columns(&self.basis, &self.transposed, samples)
    }

    /// Coefficients to samples (less 128).
    pub(crate) fn inverse(&self, coefficients: &Block) -> Block {
        by_rows_and_columns(&self.transposed, &self.basis, coefficients)
    }
}

/// left * block * right
fn by_rows_and_columns(left: &[[f32; 8]; 8], right: &[[f32; 8]; 8], block: &Block) -> Block {
    let mut half = [[0.0_f32; 8]; 8];
    for (row, samples) in half.iter_mut().zip(block.as_chunks::<8>().0) {
        for (sample, weights) in samples.iter().zip(right) {
            for (sum, weight) in row.iter_mut().zip(weights) {
                *sum += sample * weight;
            }
        }
    }
    let mut whole = [0.0_f32; 64];
    for (out, weights) in whole.as_chunks_mut::<8>().0.iter_mut().zip(left) {
        for (row, weight) in half.iter().zip(weights) {
            for (sum, value) in out.iter_mut().zip(row) {
                *sum += weight * value;
            }
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inverse_undoes_the_transform() {
        let dct = Dct::new();
        let block: Block = std::array::from_fn(|i| ((i * i * 37) % 251) as f32 - 128.0);
        let back = dct.inverse(&dct.forward(&block));
        assert!(block.iter().zip(back).all(|(a, b)| (a - b).abs() < 1e-3));
    }

    #[test]
    fn columns_are_horizontal_frequencies_and_dc_is_eight_times_the_mean() {
        let dct = Dct::new();
        let flat = dct.forward(&[10.0; 64]);
        assert!((flat[0] - 80.0).abs() < 1e-3);
        let ramp: Block = std::array::from_fn(|i| (i % 8) as f32);
        let coefficients = dct.forward(&ramp);
        assert!(coefficients[1].abs() > 10.0);
        assert!(coefficients[8].abs() < 1e-3);
    }
}
