//! Shares of pixels that carry nothing.
//!
//! Measured on 92 photos and 62 drawings, textures and test charts, scaled down to 2 MP: as PNG
//! no photo is flat to more than 0.59, 8 are to more than 0.3; of the drawings 22 and 37 are. The
//! often used "more than 35 % of neighbours are equal" refuses 19 of the 92 photos.

use super::finding::{Finding, Limits, SATURATED};
use crate::raster::Raster;

/// Of a lossless picture.
pub(super) const FLAT: Limits = Limits { warn: 0.3, refuse: 0.6 };

/// Shares of a picture's pixels, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shares {
    /// Pixels equal to the next one and to the one below, in all colours.
    pub(super) flat: f32,
    /// Pixels all of whose colours are 0, or all 255.
    pub(super) saturated: f32,
}

impl Shares {
    /// Counts. Alpha is ignored.
    pub(super) fn of(raster: &Raster) -> Self {
        let channels = raster.layout.channels();
        let colours =
            |pixel: &[u8]| -> [u8; 3] { pixel.first_chunk().copied().unwrap_or_default() };
        let rows: Vec<&[u8]> = raster.samples.chunks_exact(raster.stride().max(1)).collect();
        let mut saturated = 0_u64;
        for pixel in raster.samples.chunks_exact(channels) {
            saturated += u64::from(matches!(colours(pixel), [0, 0, 0] | [255, 255, 255]));
        }
        let (mut flat, mut pairs) = (0_u64, 0_u64);
        for (row, below) in rows.iter().zip(rows.iter().skip(1)) {
            let nexts = row.chunks_exact(channels).skip(1);
            let belows = below.chunks_exact(channels);
            for ((pixel, next), below) in row.chunks_exact(channels).zip(nexts).zip(belows) {
                let colour = colours(pixel);
                flat += u64::from(colour == colours(next) && colour == colours(below));
                pairs += 1;
            }
        }
        let pixels = u64::from(raster.width) * u64::from(raster.height);
        Self { flat: share(flat, pairs), saturated: share(saturated, pixels) }
    }

    /// A finding if too many pixels are saturated.
    pub(super) fn saturation(self) -> Option<Finding> {
        let share = self.saturated;
        SATURATED.severity(share).map(|_| Finding::Saturated { share })
    }
}

/// A finding if too much is flat.
pub(super) fn flatness(share: f32, limits: Limits) -> Option<Finding> {
    limits.severity(share).map(|_| Finding::Flat { share, limits })
}

/// A part of a whole; none of nothing.
pub(super) fn share(part: u64, whole: u64) -> f32 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64) as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raster::Layout;

    fn shares(width: u32, samples: Vec<u8>) -> Shares {
        let height = samples.len() as u32 / width / 3;
        Shares::of(&Raster { width, height, layout: Layout::Rgb, samples })
    }

    #[test]
    fn flat_pictures_are_flat() {
        let found = shares(10, vec![7; 300]);
        assert_eq!(found, Shares { flat: 1.0, saturated: 0.0 });
        assert!(matches!(flatness(1.0, FLAT), Some(Finding::Flat { .. })));
        assert_eq!(shares(1, vec![9; 3]).flat, 0.0);
    }

    #[test]
    fn white_and_black_are_saturated_and_pure_colours_are_not() {
        let found = shares(4, [[0, 0, 0], [255, 255, 255], [255, 0, 0], [1, 1, 1]].concat());
        assert_eq!(found.saturated, 0.5);
    }

    #[test]
    fn equality_counts_in_both_directions() {
        let rows = [[[1; 3], [1; 3], [1; 3]], [[1; 3], [2; 3], [1; 3]]];
        let found = shares(3, rows.concat().concat());
        assert_eq!(found.flat, 0.5);
    }
}
