//! What changes of a PNG's samples cost, with what is forbidden.

use std::collections::HashSet;
use std::ops::Range;

use super::pixels::{PIXELS, PngPixels};
use crate::adaptive::keying::{Keying, Purpose};
use crate::adaptive::medium::{Costs, RowCosts, SLOTS};
use crate::cost::WET;
use crate::cost::hill::{Channel, Hill};
use crate::key::StegoKey;
use crate::png::Samples;

/// HILL of each colour channel.
pub(crate) struct PngCosts<'a> {
    samples: &'a Samples,
    /// Row and column of pixels that make the salts.
    salt: HashSet<(usize, usize)>,
}

impl<'a> PngCosts<'a> {
    pub(crate) fn of(pixels: &'a PngPixels, key: &StegoKey) -> Self {
        let places = |key: &[u8; 32]| Keying::new(key, &[]).stream(Purpose::Places);
        let mut probe = places(key.probe().as_bytes());
        let mut body = places(key.body_bytes());
        let probe = pixels.salt_places(pixels.probe_rows(), &mut probe);
        let salt = probe.chain(pixels.salt_places(pixels.rows(), &mut body)).collect();
        Self { samples: pixels.samples(), salt }
    }

    /// Forbids alpha, saturated samples, invisible pixels and those of the salts.
    fn forbid(&self, row: usize, wet: &mut [bool]) {
        self.samples.mark_wet(row, wet);
        let channels = self.samples.channels();
        for (column, pixel) in wet.chunks_exact_mut(channels).enumerate() {
            if self.salt.contains(&(row, column)) {
                pixel.fill(true);
            }
        }
    }
}

impl Costs for PngCosts<'_> {
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
                    let wet = wet.iter().skip(channel).step_by(channels);
                    let slots = costs.iter_mut().flat_map(|cell| {
                        cell.iter_mut().take(PIXELS * channels).skip(channel).step_by(channels)
                    });
                    for ((slot, cost), wet) in slots.zip(plane).zip(wet) {
                        *slot = if *wet { WET } else { *cost };
                    }
                }
                visit(row, RowCosts { up: &costs, down: &costs });
            }
        }
    }
}

/// Rows that are made at once; each batch costs 14 rows more than it has.
const BATCH: usize = 128;
