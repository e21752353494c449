//! Pixels as a JPEG sees them: one plane of brightness, two of colour at half the resolution.
#![expect(clippy::indexing_slicing, reason = "kernels on planes whose sides are made here")]

use crate::raster::Raster;

/// Samples of 0 to 255, row by row; both sides are multiples of a block's eight.
pub(super) struct Plane {
    /// Samples in a row.
    pub(super) wide: usize,
    /// `wide` times the number of rows.
    pub(super) samples: Vec<u8>,
}

/// A picture in the colours of JFIF, 4:2:0.
pub(super) struct Planes {
    pub(super) y: Plane,
    pub(super) cb: Plane,
    pub(super) cr: Plane,
}

impl Planes {
    /// Transforms the colours, halves those of `cb` and `cr`, and fills the last blocks.
    ///
    /// As libjpeg does it: beyond the right edge the last pixel of a row is repeated before
    /// halving; below the bottom edge the last row, of the picture and again of the halved plane.
    pub(super) fn of(raster: &Raster) -> Self {
        let (width, height) = (raster.width as usize, raster.height as usize);
        let half_wide = padded(width.div_ceil(2));
        let mut y = Plane::empty(padded(width), padded(height));
        let mut cb = Plane::empty(half_wide, padded(height.div_ceil(2)));
        let mut cr = Plane::empty(half_wide, padded(height.div_ceil(2)));
        let mut lines = [Line::new(2 * half_wide), Line::new(2 * half_wide)];
        for pair in 0..height.div_ceil(2) {
            for (odd, line) in lines.iter_mut().enumerate() {
                let row = 2 * pair + odd;
                line.transform(raster, row.min(height - 1));
                if row < height {
                    y.append(&line.y);
                }
            }
            let [upper, lower] = &lines;
            cb.append_halved(&upper.cb, &lower.cb);
            cr.append_halved(&upper.cr, &lower.cr);
        }
        for plane in [&mut y, &mut cb, &mut cr] {
            plane.fill();
        }
        Self { y, cb, cr }
    }
}

impl Plane {
    fn empty(wide: usize, high: usize) -> Self {
        Self { wide, samples: Vec::with_capacity(wide * high) }
    }

    /// Appends a row, cut off at the plane's width.
    fn append(&mut self, row: &[u8]) {
        self.samples.extend_from_slice(&row[..self.wide]);
    }

    /// Appends a row of means of 2 x 2; halves are rounded down and up in turns, as libjpeg does,
    /// so that the mean of all does not drift.
    fn append_halved(&mut self, upper: &[u8], lower: &[u8]) {
        let (upper, lower) = (upper.as_chunks::<2>().0, lower.as_chunks::<2>().0);
        let means = upper.iter().zip(lower).enumerate().map(|(column, (&[a, b], &[c, d]))| {
            let sum = u16::from(a) + u16::from(b) + u16::from(c) + u16::from(d);
            ((sum + if column % 2 == 0 { 1 } else { 2 }) >> 2) as u8
        });
        self.samples.extend(means);
    }

    /// Repeats the last row until whole blocks are full.
    fn fill(&mut self) {
        let rows = self.samples.len() / self.wide;
        for _ in rows..padded(rows) {
            self.samples.extend_from_within(self.samples.len() - self.wide..);
        }
    }
}

/// A row in the colours of JFIF, at full resolution.
struct Line {
    y: Vec<u8>,
    cb: Vec<u8>,
    cr: Vec<u8>,
}

impl Line {
    fn new(wide: usize) -> Self {
        Self { y: vec![0; wide], cb: vec![0; wide], cr: vec![0; wide] }
    }

    /// JFIF 1.02, "Conversion to and from RGB", in 16 fractional bits.
    fn transform(&mut self, raster: &Raster, row: usize) {
        let channels = raster.layout.channels();
        let start = row * raster.stride();
        let pixels = raster.samples[start..start + raster.stride()].chunks_exact(channels);
        let width = pixels.len();
        for (column, pixel) in pixels.enumerate() {
            let [r, g, b] = [0, 1, 2].map(|channel| i32::from(pixel[channel]));
            self.y[column] = fixed(19_595 * r + 38_470 * g + 7_471 * b, HALF);
            self.cb[column] = fixed(32_768 * b - 11_059 * r - 21_709 * g, CENTRE);
            self.cr[column] = fixed(32_768 * r - 27_439 * g - 5_329 * b, CENTRE);
        }
        for samples in [&mut self.y, &mut self.cb, &mut self.cr] {
            let last = samples[width - 1];
            samples[width..].fill(last);
        }
    }
}

fn fixed(scaled: i32, offset: i32) -> u8 {
    ((scaled + offset) >> 16).clamp(0, 255) as u8
}

/// The next multiple of a block's side.
fn padded(length: usize) -> usize {
    length.next_multiple_of(8)
}

const HALF: i32 = 1 << 15;
/// 128, and a rounding that keeps the largest value, 255.5, from becoming 256.
const CENTRE: i32 = (128 << 16) + HALF - 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raster::Layout;

    fn raster(width: u32, height: u32, samples: Vec<u8>) -> Raster {
        Raster { width, height, layout: Layout::Rgb, samples }
    }

    #[test]
    fn colours_are_those_of_jfif() {
        let colours = [[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]];
        let expected =
            [[0, 128, 128], [255, 128, 128], [76, 85, 255], [150, 44, 21], [29, 255, 107]];
        for (rgb, [y, cb, cr]) in colours.into_iter().zip(expected) {
            let planes = Planes::of(&raster(2, 2, rgb.repeat(4)));
            assert_eq!(
                (planes.y.samples[0], planes.cb.samples[0], planes.cr.samples[0]),
                (y, cb, cr)
            );
        }
    }

    #[test]
    fn edges_are_repeated_to_whole_blocks() {
        let grey = |value: u8| [value; 3];
        let samples = (0..9 * 3).flat_map(|i| grey(i * 9)).collect();
        let planes = Planes::of(&raster(9, 3, samples));
        assert_eq!((planes.y.wide, planes.y.samples.len()), (16, 16 * 8));
        assert_eq!((planes.cb.wide, planes.cb.samples.len()), (8, 64));
        assert!(planes.y.samples[8..16].iter().all(|&sample| sample == 8 * 9));
        assert_eq!(planes.y.samples[16 * 2..16 * 3], planes.y.samples[16 * 7..]);
        assert!(planes.cb.samples.iter().all(|&sample| sample == 128));
    }

    #[test]
    fn halving_rounds_down_and_up_in_turns() {
        let mut plane = Plane::empty(8, 1);
        plane.append_halved(&[0, 1, 0, 1], &[0, 1, 0, 1]);
        plane.append_halved(&[0, 1, 0, 1], &[0, 0, 0, 0]);
        assert_eq!(plane.samples, [0, 1, 0, 0]);
    }
}
