//! A picture in 32 x 32 shades of grey, and its frequencies.
#![expect(clippy::indexing_slicing, reason = "kernels on grids whose sides are constants")]

use crate::raster::Raster;

/// Pixels of a side.
pub(super) const SIDE: usize = 32;

/// Frequencies of a side that are kept.
const KEPT: usize = 16;

/// Brightness, row by row: each pixel is the mean of the area that it covers.
pub(super) struct Thumbnail([[f64; SIDE]; SIDE]);

impl Thumbnail {
    /// Scales a picture down, or up, whatever its sides. Alpha is ignored.
    pub(super) fn of(raster: &Raster) -> Self {
        let across = shares(raster.width as usize);
        let down = shares(raster.height as usize);
        let channels = raster.layout.channels();
        let mut grid = [[0.0; SIDE]; SIDE];
        for (row, weights) in raster.samples.chunks_exact(raster.stride().max(1)).zip(&down) {
            let mut line = [0.0; SIDE];
            for (pixel, share) in row.chunks_exact(channels).zip(&across) {
                let sum: u32 =
                    pixel.iter().zip(LUMA).map(|(&s, weight)| u32::from(s) * weight).sum();
                share.spread(f64::from(sum), &mut line);
            }
            for (target, weight) in weights.cells() {
                for (cell, value) in grid[target].iter_mut().zip(line) {
                    *cell += weight * value;
                }
            }
        }
        Self(grid)
    }

    /// The lowest frequencies, row by row, of a cosine transform without scaling.
    pub(super) fn frequencies(&self) -> [f64; KEPT * KEPT] {
        let basis: [[f64; SIDE]; KEPT] = std::array::from_fn(|u| {
            std::array::from_fn(|x| {
                let angle = (2 * x + 1) as f64 * u as f64 * std::f64::consts::PI;
                (angle / (2 * SIDE) as f64).cos()
            })
        });
        let along = |line: &[f64; SIDE], u: usize| -> f64 {
            line.iter().zip(&basis[u]).map(|(value, weight)| value * weight).sum()
        };
        let rows: [[f64; KEPT]; SIDE] =
            std::array::from_fn(|y| std::array::from_fn(|u| along(&self.0[y], u)));
        std::array::from_fn(|at| {
            let (v, u) = (at / KEPT, at % KEPT);
            let column: [f64; SIDE] = std::array::from_fn(|y| rows[y][u]);
            along(&column, v)
        })
    }
}

/// How a pixel's side lies over the cells of a thumbnail's side.
struct Share {
    first: usize,
    /// What each cell from `first` on takes of the pixel; zeros beyond the last.
    weights: Vec<f64>,
}

impl Share {
    fn cells(&self) -> impl Iterator<Item = (usize, f64)> {
        self.weights.iter().enumerate().map(|(at, &weight)| (self.first + at, weight))
    }

    fn spread(&self, value: f64, line: &mut [f64; SIDE]) {
        for (cell, weight) in line[self.first..].iter_mut().zip(&self.weights) {
            *cell += weight * value;
        }
    }
}

/// The shares of `length` pixels; those of each cell add up to 1.
fn shares(length: usize) -> Vec<Share> {
    (0..length)
        .map(|pixel| {
            // In units of which a cell has `length` and a pixel `SIDE`: all edges are whole.
            let (start, end) = (pixel * SIDE, (pixel + 1) * SIDE);
            let (first, last) = (start / length, (end - 1) / length);
            let weights = (first..=last).map(|cell| {
                let overlap = end.min((cell + 1) * length) - start.max(cell * length);
                overlap as f64 / length as f64
            });
            Share { first, weights: weights.collect() }
        })
        .collect()
}

/// ITU-R BT.601, in 256ths.
const LUMA: [u32; 3] = [77, 150, 29];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raster::Layout;

    #[test]
    fn each_cell_is_a_mean() {
        for (width, height) in [(1, 1), (32, 32), (33, 64), (5, 400)] {
            let samples = vec![10; width * height * 3];
            let (width, height) = (width as u32, height as u32);
            let thumbnail = Thumbnail::of(&Raster { width, height, layout: Layout::Rgb, samples });
            let cells = thumbnail.0.iter().flatten();
            assert!(cells.into_iter().all(|cell| (cell - 2560.0).abs() < 1e-6), "{width}x{height}");
        }
    }

    #[test]
    fn pixels_keep_their_places() {
        let mut samples = vec![0; 64 * 64 * 4];
        samples[(2 * 64 + 63) * 4] = 255;
        let thumbnail =
            Thumbnail::of(&Raster { width: 64, height: 64, layout: Layout::Rgba, samples });
        assert!((thumbnail.0[1][31] - 77.0 * 255.0 / 4.0).abs() < 1e-9);
        assert!(thumbnail.0[0][0].abs() < 1e-9);
    }
}
