//! A picture that is drawn on.
#![expect(clippy::indexing_slicing, reason = "places are checked against the sides first")]

use std::ops::Range;

/// Red, green, blue.
pub(crate) type Rgb = [u8; 3];

/// Rows of RGB from the top.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<Rgb>,
}

impl Canvas {
    /// A canvas of one colour, of at least one pixel and at most [`MAX_SIDE`] a side.
    pub(crate) fn new(width: usize, height: usize, colour: Rgb) -> Self {
        let (width, height) = (width.clamp(1, MAX_SIDE), height.clamp(1, MAX_SIDE));
        Self { width, height, pixels: vec![colour; width * height] }
    }

    /// A canvas whose pixels are `colour(x, y)`.
    pub(crate) fn from_fn(
        width: usize,
        height: usize,
        colour: impl Fn(usize, usize) -> Rgb,
    ) -> Self {
        let mut canvas = Self::new(width, height, [0; 3]);
        for (y, row) in canvas.pixels.chunks_exact_mut(canvas.width).enumerate() {
            for (x, pixel) in row.iter_mut().enumerate() {
                *pixel = colour(x, y);
            }
        }
        canvas
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn height(&self) -> usize {
        self.height
    }

    /// Colours one pixel; what lies outside is left out.
    pub(crate) fn put(&mut self, x: usize, y: usize, colour: Rgb) {
        if x < self.width && y < self.height {
            self.pixels[y * self.width + x] = colour;
        }
    }

    /// Mixes a colour into one pixel: `share` of 0 leaves it, 1 replaces it.
    pub(crate) fn blend(&mut self, x: usize, y: usize, colour: Rgb, share: f32) {
        if x < self.width && y < self.height {
            let pixel = &mut self.pixels[y * self.width + x];
            *pixel = mix(*pixel, colour, share);
        }
    }

    /// Fills a rectangle, as far as it lies inside.
    pub(crate) fn fill(&mut self, columns: Range<usize>, rows: Range<usize>, colour: Rgb) {
        for y in rows.start..rows.end.min(self.height) {
            for x in columns.start..columns.end.min(self.width) {
                self.put(x, y, colour);
            }
        }
    }

    /// Draws another canvas with its top left corner at (x, y).
    pub(crate) fn paste(&mut self, x: usize, y: usize, other: &Self) {
        for (row, pixels) in other.pixels.chunks_exact(other.width).enumerate() {
            for (column, &pixel) in pixels.iter().enumerate() {
                self.put(x + column, y + row, pixel);
            }
        }
    }

    /// The canvas as an 8-bit RGB PNG file.
    ///
    /// # Errors
    /// None is known; the encoder's are passed on.
    pub(crate) fn png(&self) -> Result<Vec<u8>, png::EncodingError> {
        let mut file = Vec::new();
        let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
        let mut encoder = png::Encoder::new(&mut file, side(self.width), side(self.height));
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Balanced);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(self.pixels.as_flattened())?;
        writer.finish()?;
        Ok(file)
    }
}

/// `share` of `to`, the rest of `from`.
pub(crate) fn mix(from: Rgb, to: Rgb, share: f32) -> Rgb {
    let share = share.clamp(0.0, 1.0);
    let one = |from: u8, to: u8| f32::from(from) * (1.0 - share) + f32::from(to) * share;
    let [r, g, b] = from;
    let [to_r, to_g, to_b] = to;
    [one(r, to_r), one(g, to_g), one(b, to_b)].map(|value| value.round() as u8)
}

/// More is never drawn.
const MAX_SIDE: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_outside_is_left_out() {
        let mut canvas = Canvas::new(2, 2, [9; 3]);
        canvas.put(2, 0, [1; 3]);
        canvas.fill(1..5, 1..9, [7; 3]);
        canvas.blend(0, 0, [19; 3], 0.5);
        assert_eq!(canvas.pixels, [[14; 3], [9; 3], [9; 3], [7; 3]]);
    }

    #[test]
    fn the_png_holds_the_pixels() {
        let canvas = Canvas::from_fn(5, 3, |x, y| [x as u8, y as u8, 200]);
        let decoded = image::load_from_memory(&canvas.png().unwrap()).unwrap().into_rgb8();
        assert_eq!(decoded.dimensions(), (5, 3));
        assert_eq!(decoded.into_raw(), canvas.pixels.as_flattened());
    }
}
