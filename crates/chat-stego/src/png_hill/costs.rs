//! What changes of a PNG's samples cost, with what is forbidden.

use std::ops::Range;

use super::pixels::{PIXELS, PngPixels};
use crate::adaptive::keying::{Keying, Purpose};
use crate::adaptive::medium::{Costs, RowCosts, SLOTS, Ways};
use crate::cost::WET;
use crate::cost::hill::{Channel, Hill};
use crate::key::StegoKey;
use crate::png::Samples;

/// HILL of each colour channel.
pub(crate) struct PngCosts<'a> {
    samples: &'a Samples,
    /// Row and column of pixels that make the salts, in order.
    salt: Vec<(usize, usize)>,
}

impl<'a> PngCosts<'a> {
    pub(crate) fn of(pixels: &'a PngPixels, key: &StegoKey) -> Self {
        let places = |key: &[u8; 32]| Keying::new(key, &[]).stream(Purpose::Places);
        let mut probe = places(key.probe().as_bytes());
        let mut body = places(key.body_bytes());
        let probe = pixels.salt_places(pixels.probe_rows(), &mut probe);
        let mut salt: Vec<_> = probe.chain(pixels.salt_places(pixels.rows(), &mut body)).collect();
        salt.sort_unstable();
        Self { samples: pixels.samples(), salt }
    }

    /// Forbids alpha, saturated samples, invisible pixels and those of the salts.
    fn forbid(&self, row: usize, wet: &mut [bool]) {
        self.samples.mark_wet(row, wet);
        let channels = self.samples.channels();
        let start = self.salt.partition_point(|place| place.0 < row);
        let places = self.salt.iter().skip(start).take_while(|place| place.0 == row);
        for (_, column) in places {
            let pixel = wet.get_mut(column * channels..(column + 1) * channels);
            pixel.unwrap_or_default().fill(true);
        }
    }
}

impl Costs for PngCosts<'_> {
    fn ways(&self) -> Ways {
        Ways::Same
    }

    fn rows(&self, rows: Range<usize>, visit: &mut dyn FnMut(usize, RowCosts<'_>)) {
        let (wide, channels) = (self.samples.width as usize, self.samples.channels());
        let mut costs = vec![[WET; SLOTS]; wide.div_ceil(PIXELS)];
        let mut wet = vec![false; self.samples.stride()];
        // Channels are made in turns, a batch of rows each, so that no plane of costs is kept.
        for first in rows.clone().step_by(BATCH) {
            let batch = first..(first + BATCH).min(rows.end);
            let mut planes = vec![Vec::with_capacity(wide * batch.len()); channels];
            for (channel, plane) in planes.iter_mut().enumerate() {
                let channel = Channel::of(&self.samples.data, wide, channels, channel);
                Hill::of(channel).rows(batch.clone(), |_, row| plane.extend_from_slice(row));
            }
            for (index, row) in batch.enumerate() {
                self.forbid(row, &mut wet);
                for (channel, plane) in planes.iter().enumerate() {
                    let plane = plane.get(index * wide..(index + 1) * wide).unwrap_or_default();
                    let cells = plane.chunks(PIXELS).zip(wet.chunks(PIXELS * channels));
                    for (slots, (plane, wet)) in costs.iter_mut().zip(cells) {
                        lay_in(slots, (channel, channels), plane, wet);
                    }
                }
                visit(row, RowCosts { up: &costs, down: &costs });
            }
        }
    }
}

/// Lays the costs of one of several channels into the slots of a cell.
///
/// * `plane`, `wet` - the costs of each pixel, and the marks of each sample
fn lay_in(
    slots: &mut [f32; SLOTS],
    (channel, channels): (usize, usize),
    plane: &[f32],
    wet: &[bool],
) {
    let pixels = slots.chunks_exact_mut(channels).zip(wet.chunks_exact(channels));
    for ((slots, wet), cost) in pixels.zip(plane) {
        if let (Some(slot), Some(wet)) = (slots.get_mut(channel), wet.get(channel)) {
            *slot = if *wet { WET } else { *cost };
        }
    }
}

/// Rows that are made at once; each batch costs 14 rows more than it has.
const BATCH: usize = 128;
