//! A PNG's samples as the embedder sees them.

use sha2::{Digest, Sha256};

use crate::adaptive::keying::{Stream, below};
use crate::adaptive::medium::{Cell, Element, Grid, Medium, SLOTS, Step, rarity};
use crate::png::Samples;

/// Colour samples: sixteen pixels of a row are a cell, alpha is no element.
pub(crate) struct PngPixels {
    /// All rows, or the first ones for a probe.
    samples: Samples,
    /// Rows of the whole picture.
    height: u32,
}

impl PngPixels {
    pub(crate) fn new(samples: Samples, height: u32) -> Self {
        Self { samples, height }
    }

    pub(crate) fn samples(&self) -> &Samples {
        &self.samples
    }

    /// Applies changes that were found for these samples.
    pub(crate) fn apply(&mut self, changes: &[(Element, Step)]) {
        let (columns, stride) = (self.grid().columns.max(1), self.samples.stride());
        let per_cell = PIXELS * self.samples.channels();
        for &(Element(element), step) in changes {
            let (cell, slot) = (element as usize / SLOTS, element as usize % SLOTS);
            let index = (cell / columns) * stride + (cell % columns) * per_cell + slot;
            if let Some(sample) = self.samples.data.get_mut(index) {
                *sample = match step {
                    Step::Up => sample.saturating_add(1),
                    Step::Down => sample.saturating_sub(1),
                };
            }
        }
    }

    /// Row and column of the pixels that make the salt of the first `rows` rows. Some may be named
    /// more than once.
    pub(crate) fn salt_places(
        &self,
        rows: usize,
        places: &mut Stream,
    ) -> impl Iterator<Item = (usize, usize)> {
        let wide = (self.samples.width as usize).max(1);
        let pixels = rows * wide;
        let count = (pixels / 256).clamp(1024, 4096).min(pixels / 8);
        (0..count).map(move |_| below(places.word(), pixels)).map(move |at| (at / wide, at % wide))
    }

    /// Rows of the whole picture.
    pub(crate) fn rows(&self) -> usize {
        self.height as usize
    }

    /// Rows in which the check lies.
    pub(crate) fn probe_rows(&self) -> usize {
        probe_rows(self.height) as usize
    }

    fn salt(&self, label: &[u8], rows: usize, places: &mut Stream) -> [u8; 32] {
        let mut hash = Sha256::new_with_prefix(label);
        let channels = self.samples.channels();
        hash.update(self.samples.width.to_be_bytes());
        hash.update(self.height.to_be_bytes());
        hash.update([channels as u8]);
        for (row, column) in self.salt_places(rows, places) {
            let pixel = self.samples.row(row).get(column * channels..(column + 1) * channels);
            hash.update(pixel.unwrap_or_default());
        }
        hash.finalize().into()
    }
}

impl Medium for PngPixels {
    fn grid(&self) -> Grid {
        let Samples { width, colour, .. } = self.samples;
        let colours = colour.channels() - usize::from(colour.has_alpha());
        let columns = (width as usize).div_ceil(PIXELS);
        Grid {
            rows: self.rows(),
            columns,
            elements: width as usize * self.rows() * colours,
            probe_rows: self.probe_rows(),
            // An eighth of the rows.
            probe_rarity: rarity(self.rows() * columns) - 3,
        }
    }

    fn elements(&self, column: usize) -> u64 {
        let channels = self.samples.channels();
        let wide = (self.samples.width as usize).saturating_sub(column * PIXELS).min(PIXELS);
        let present = u64::MAX.checked_shr(SLOTS as u32 - (wide * channels) as u32);
        present.unwrap_or_default() & colours(&self.samples)
    }

    fn cell(&self, row: usize, column: usize) -> Cell {
        let per_cell = PIXELS * self.samples.channels();
        let row = self.samples.row(row);
        let here = row.get(column * per_cell..).unwrap_or_default();
        let here = here.get(..per_cell).unwrap_or(here);
        let mut values = [0; SLOTS];
        values.iter_mut().zip(here).for_each(|(value, sample)| *value = sample & 3);
        let present = if here.len() < SLOTS { (1 << here.len()) - 1 } else { u64::MAX };
        Cell { values, elements: present & colours(&self.samples) }
    }

    fn probe_salt(&self, places: &mut Stream) -> [u8; 32] {
        self.salt(b"chat-stego/v1/png-probe-salt", self.probe_rows(), places)
    }

    fn body_salt(&self, places: &mut Stream) -> [u8; 32] {
        self.salt(b"chat-stego/v1/png-salt", self.rows(), places)
    }
}

/// Rows of a picture of `height` rows in which the check lies: an eighth.
pub(crate) fn probe_rows(height: u32) -> u32 {
    height.div_ceil(8)
}

/// The slots of a cell that are no alpha.
fn colours(samples: &Samples) -> u64 {
    match (samples.channels(), samples.colour.has_alpha()) {
        (2, true) => 0x5555_5555_5555_5555,
        (4, true) => 0x7777_7777_7777_7777,
        _ => u64::MAX,
    }
}

/// Pixels of a cell.
pub(crate) const PIXELS: usize = 16;
