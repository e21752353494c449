//! Brightness of single pixels.

use crate::png::samples::Samples;

/// A picture of which only the brightness is looked at.
pub(super) struct Luma<'a> {
    samples: &'a Samples,
}

impl<'a> Luma<'a> {
    pub(super) fn of(samples: &'a Samples) -> Self {
        Self { samples }
    }

    /// Pixels in a row.
    pub(super) fn width(&self) -> usize {
        self.samples.width as usize
    }

    /// Rows.
    pub(super) fn height(&self) -> usize {
        self.samples.height as usize
    }

    /// `length` pixels from column `x` of row `y` on, 0 to 255 (ITU-R BT.601, as JFIF has it); none
    /// beyond the picture.
    pub(super) fn row(&self, y: usize, x: usize, length: usize) -> impl Iterator<Item = f32> + 'a {
        let channels = self.samples.channels();
        let pixels = self.samples.row(y).chunks_exact(channels).skip(x).take(length);
        pixels.map(|pixel| match *pixel {
            [red, green, blue] | [red, green, blue, _] => {
                0.299 * f32::from(red) + 0.587 * f32::from(green) + 0.114 * f32::from(blue)
            }
            [grey, ..] => f32::from(grey),
            [] => 0.0,
        })
    }
}
