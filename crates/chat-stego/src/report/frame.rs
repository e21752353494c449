//! How a large plane becomes a picture for a screen.
#![expect(clippy::indexing_slicing, reason = "places are below the sides of our own arrays")]

use std::ops::Range;

/// The widest picture that is drawn, in pixels.
pub(crate) const WIDEST: usize = 1_000;

/// Maps a plane onto a picture at most [`WIDEST`] pixels a side: a whole number of pixels each
/// way, so that no pixel is drawn larger than another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    from: (usize, usize),
    /// Pixels of the plane that share one of the picture, a side.
    shrink: usize,
    /// Pixels of the picture for one of the plane, a side.
    grow: usize,
}

impl Frame {
    /// For a plane of `width` times `height`, drawn at most `widest` pixels wide or high.
    pub(crate) fn new(width: usize, height: usize, widest: usize) -> Self {
        let longest = width.max(height).max(1);
        let shrink = longest.div_ceil(widest).max(1);
        let grow = (widest / longest).clamp(1, MOST_GROWN);
        Self { from: (width, height), shrink, grow }
    }

    /// Pixels of the picture in a row.
    pub(crate) fn width(self) -> usize {
        self.from.0.div_ceil(self.shrink) * self.grow
    }

    /// Rows of the picture.
    pub(crate) fn height(self) -> usize {
        self.from.1.div_ceil(self.shrink) * self.grow
    }

    /// Pixels of the picture for one of the plane, a side; 1 if the plane is scaled down.
    pub(crate) fn grow(self) -> usize {
        self.grow
    }

    /// Where a place of the plane lies in the picture: its top left corner.
    pub(crate) fn place(self, x: usize, y: usize) -> (usize, usize) {
        (x / self.shrink * self.grow, y / self.shrink * self.grow)
    }

    /// The place of the plane whose sample stands for a place of the picture.
    pub(crate) fn origin(self, x: usize, y: usize) -> (usize, usize) {
        (x / self.grow * self.shrink, y / self.grow * self.shrink)
    }

    /// The places of the plane that share the picture's place (x, y): columns and rows.
    pub(crate) fn cell(self, x: usize, y: usize) -> (Range<usize>, Range<usize>) {
        let (left, top) = self.origin(x, y);
        let (width, height) = self.from;
        (left..(left + self.shrink).min(width), top..(top + self.shrink).min(height))
    }

    /// The mean of the plane's samples in each place of the picture, row by row.
    pub(crate) fn means<T: Copy + Into<f32>>(self, samples: &[T]) -> Vec<f32> {
        let mut means = Vec::with_capacity(self.width() * self.height());
        for y in 0..self.height() {
            for x in 0..self.width() {
                let (columns, rows) = self.cell(x, y);
                let count = (columns.len() * rows.len()) as f32;
                let row = |row: usize| {
                    let start = row * self.from.0;
                    samples[start + columns.start..start + columns.end].iter()
                };
                let sum: f32 = rows.flat_map(row).map(|&sample| sample.into()).sum();
                means.push(sum / count);
            }
        }
        means
    }
}

/// Small pictures are enlarged at most so often: a thumbnail need not fill the screen.
const MOST_GROWN: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_planes_shrink_and_small_ones_grow_by_whole_numbers() {
        let large = Frame::new(4000, 3000, 1000);
        assert_eq!((large.width(), large.height(), large.grow()), (1000, 750, 1));
        let odd = Frame::new(2001, 3, 1000);
        assert_eq!((odd.width(), odd.height()), (667, 1));
        assert_eq!(odd.cell(666, 0), (1998..2001, 0..3));
        let small = Frame::new(300, 200, 1000);
        assert_eq!((small.width(), small.height()), (900, 600));
        assert_eq!((small.place(2, 1), small.origin(8, 5)), ((6, 3), (2, 1)));
        assert_eq!(Frame::new(10, 10, 1000).width(), 40);
    }

    #[test]
    fn means_are_taken_over_whole_cells() {
        let frame = Frame::new(3, 2, 2);
        assert_eq!(frame.means(&[0_u8, 2, 8, 4, 6, 10]), [3.0, 9.0]);
    }
}
