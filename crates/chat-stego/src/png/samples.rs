//! The pixels of a PNG, to be changed and written again.

use super::header::{Colour, Header};

/// Samples row by row from the top, one byte each, and how each row was filtered in the file.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Samples {
    /// Pixels in a row.
    pub(crate) width: u32,
    /// Rows that are here: all of the picture's, or only its first.
    pub(crate) height: u32,
    pub(crate) colour: Colour,
    /// `height * width * colour.channels()` samples.
    pub(crate) data: Vec<u8>,
    /// The filter type of each row, 0 to 4.
    pub(crate) filters: Vec<u8>,
    /// The one colour that a tRNS chunk makes transparent: grey thrice, or red, green and blue.
    pub(crate) transparent: Option<[u8; 3]>,
}

impl Samples {
    /// Samples of a row.
    pub(crate) fn stride(&self) -> usize {
        self.width as usize * self.colour.channels()
    }

    /// Samples of a pixel, 1 to 4; of 2 or 4 the last is alpha.
    pub(crate) fn channels(&self) -> usize {
        self.colour.channels()
    }

    /// The samples of row `row`; empty beyond the last.
    pub(crate) fn row(&self, row: usize) -> &[u8] {
        let start = row.saturating_mul(self.stride());
        self.data.get(start..).and_then(|rest| rest.get(..self.stride())).unwrap_or_default()
    }

    /// Marks in `wet` the samples of row `row` that must not be changed: alpha, all of a pixel whose
    /// alpha is 0, all of a pixel that is transparent by its colour or would be after a step of one,
    /// and samples of 0 or 255, since a change by one could leave the range.
    ///
    /// * `wet` - one mark a sample; what is beyond the shorter of both is left alone
    pub(crate) fn mark_wet(&self, row: usize, wet: &mut [bool]) {
        let row = self.row(row);
        for (wet, sample) in wet.iter_mut().zip(row) {
            *wet = matches!(*sample, 0 | u8::MAX);
        }
        match self.colour {
            Colour::GreyAlpha => mark_alpha::<2>(row, wet),
            Colour::Rgba => mark_alpha::<4>(row, wet),
            Colour::Grey | Colour::Rgb => {}
        }
        if let Some(key) = self.transparent {
            let channels = self.channels();
            for (pixel, wet) in row.chunks_exact(channels).zip(wet.chunks_exact_mut(channels)) {
                if pixel.iter().zip(key).all(|(sample, key)| sample.abs_diff(key) <= 1) {
                    wet.fill(true);
                }
            }
        }
    }

    /// Whether both are the same picture, however it was filtered.
    pub(crate) fn shows_the_same(&self, other: &Self) -> bool {
        let shape = |of: &Self| (of.width, of.height, of.colour, of.transparent);
        shape(self) == shape(other) && self.data == other.data
    }

    pub(super) fn has_shape(&self, header: &Header) -> bool {
        (self.width, self.height, self.colour) == (header.width, header.height, header.colour)
            && self.data.len() == header.stride() * header.height as usize
            && self.filters.len() == header.height as usize
    }
}

fn mark_alpha<const B: usize>(row: &[u8], wet: &mut [bool]) {
    for (pixel, wet) in row.as_chunks::<B>().0.iter().zip(wet.as_chunks_mut::<B>().0) {
        let is_invisible = pixel.last() == Some(&0);
        for wet in wet.iter_mut() {
            *wet |= is_invisible;
        }
        if let Some(alpha) = wet.last_mut() {
            *alpha = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wet(colour: Colour, transparent: Option<[u8; 3]>, data: &[u8]) -> String {
        let width = (data.len() / colour.channels()) as u32;
        let data = [&vec![9; data.len()], data].concat();
        let samples = Samples { width, height: 2, colour, data, filters: vec![0; 2], transparent };
        let mut wet = vec![true; samples.stride()];
        samples.mark_wet(1, &mut wet);
        wet.iter().map(|wet| if *wet { 'w' } else { '.' }).collect()
    }

    #[test]
    fn saturated_samples_and_alpha_are_wet() {
        assert_eq!(wet(Colour::Grey, None, &[0, 1, 254, 255]), "w..w");
        assert_eq!(wet(Colour::Rgb, None, &[0, 1, 254, 255, 7, 7]), "w..w..");
        assert_eq!(wet(Colour::GreyAlpha, None, &[7, 9, 7, 0, 0, 1]), ".wwwww");
        assert_eq!(wet(Colour::Rgba, None, &[7, 8, 9, 0, 7, 0, 9, 255]), "wwww.w.w");
    }

    #[test]
    fn pixels_near_the_transparent_colour_are_wet() {
        let key = Some([10, 20, 30]);
        assert_eq!(wet(Colour::Rgb, key, &[11, 19, 30, 12, 20, 30, 10, 20, 30]), "www...www");
        assert_eq!(wet(Colour::Grey, Some([10; 3]), &[8, 9, 10, 11, 12]), ".www.");
    }

    #[test]
    fn rows_beyond_the_last_are_empty() {
        let samples = Samples {
            width: 1,
            height: 1,
            colour: Colour::Grey,
            data: vec![5],
            filters: vec![0],
            transparent: None,
        };
        assert_eq!((samples.row(0), samples.row(1)), (&[5][..], &[][..]));
        assert_eq!(samples.row(usize::MAX), &[0; 0]);
    }
}
