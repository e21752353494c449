//! Lowest bits of samples: the inner loops.

use crate::raster::{Layout, Raster};

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// Samples whose value is another now.
    pub(crate) changes: usize,
    /// Samples that were visited.
    pub(crate) samples: usize,
}

/// Writes `units` from the upper left on, and zero bits up to the next whole pixel.
///
/// What does not fit is left out: callers check the capacity first.
pub(crate) fn write(raster: &mut Raster, units: &[u8]) -> Written {
    let padding = (3 - units.len() * 8 % 3) % 3;
    let samples = units.len() * 8 + padding;
    let changes = match raster.layout {
        Layout::Rgb => write_rgb(&mut raster.samples, units, padding),
        Layout::Rgba => write_rgba(&mut raster.samples, units, padding),
    };
    Written { changes, samples }
}

fn write_rgb(samples: &mut [u8], units: &[u8], padding: usize) -> usize {
    let (eights, rest) = samples.as_chunks_mut::<8>();
    let mut changes = 0;
    for (eight, unit) in eights.iter_mut().zip(units) {
        changes += write_unit(eight, *unit);
    }
    let tail = eights.get_mut(units.len()..).unwrap_or_default().as_flattened_mut();
    changes + tail.iter_mut().chain(rest).take(padding).map(|s| write_bit(s, 0)).sum::<usize>()
}

/// Bit by bit: alpha lies between the colours.
fn write_rgba(samples: &mut [u8], units: &[u8], padding: usize) -> usize {
    let bits = units.iter().flat_map(|unit| (0..8).rev().map(move |place| (unit >> place) & 1));
    let bits = bits.chain(std::iter::repeat_n(0, padding));
    let (pixels, _) = samples.as_chunks_mut::<4>();
    let colours = pixels.iter_mut().flat_map(|[red, green, blue, _]| [red, green, blue]);
    colours.zip(bits).map(|(sample, bit)| write_bit(sample, bit)).sum()
}

/// Branch-free over a fixed array, so that the compiler turns it into vector instructions.
fn write_unit(eight: &mut [u8; 8], unit: u8) -> usize {
    let mut changes = 0;
    for (place, sample) in eight.iter_mut().enumerate() {
        let bit = (unit >> (7 - place)) & 1;
        changes += (*sample ^ bit) & 1;
        *sample = (*sample & !1) | bit;
    }
    usize::from(changes)
}

fn write_bit(sample: &mut u8, bit: u8) -> usize {
    let change = (*sample ^ bit) & 1;
    *sample ^= change;
    usize::from(change)
}

/// Collects lowest bits into bytes, most significant first, across rows.
#[derive(Default)]
pub(super) struct Gatherer {
    /// Bits of the byte that is being filled.
    partial: u8,
    /// How many bits of it there are, 0 to 7.
    filled: u32,
}

impl Gatherer {
    /// Appends the bytes that `samples` complete; `samples` are colours only.
    pub(super) fn gather(&mut self, samples: &[u8], units: &mut Vec<u8>) {
        let lead = if self.filled == 0 { 0 } else { 8 - self.filled as usize };
        let (lead, rest) = samples.split_at_checked(lead).unwrap_or((samples, &[]));
        self.gather_slowly(lead, units);
        let (eights, tail) = rest.as_chunks::<8>();
        units.extend(eights.iter().map(|eight| lowest_bits(*eight)));
        self.gather_slowly(tail, units);
    }

    fn gather_slowly(&mut self, samples: &[u8], units: &mut Vec<u8>) {
        for sample in samples {
            self.partial = (self.partial << 1) | (sample & 1);
            self.filled += 1;
            if self.filled == 8 {
                units.push(self.partial);
                *self = Self::default();
            }
        }
    }
}

/// The lowest bits of eight bytes as one byte, first byte on top.
///
/// The product adds the eight bits at distinct places, so that no carry arises, and the wanted
/// ones come to lie in the uppermost byte.
fn lowest_bits(eight: [u8; 8]) -> u8 {
    let bits = u64::from_be_bytes(eight) & 0x0101_0101_0101_0101;
    let [top, ..] = bits.wrapping_mul(0x0102_0408_1020_4080).to_be_bytes();
    top
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raster(layout: Layout) -> Raster {
        let samples = (0..30 * layout.channels()).map(|i| (i * 37 % 256) as u8).collect();
        Raster { width: 30, height: 1, layout, samples }
    }

    #[test]
    fn lowest_bits_keeps_the_order() {
        for value in 0..=255_u8 {
            let mut eight = [0xfe; 8];
            write_unit(&mut eight, value);
            assert_eq!(lowest_bits(eight), value);
        }
    }

    #[test]
    fn write_touches_only_lowest_bits_of_colours_and_counts() {
        for layout in [Layout::Rgb, Layout::Rgba] {
            for length in 1..=11 {
                let before = raster(layout);
                let mut after = before.clone();
                let written = write(&mut after, &vec![0b1010_0110; length]);
                let pairs = before.samples.iter().zip(&after.samples).enumerate();
                let mut changes = 0;
                for (index, (old, new)) in pairs {
                    assert_eq!(old & 0xfe, new & 0xfe);
                    let pixel = index / layout.channels();
                    let visited = index % layout.channels() < 3 && pixel * 3 < written.samples;
                    assert!(visited || old == new);
                    changes += usize::from(old != new);
                }
                assert_eq!(written.changes, changes);
                assert_eq!(written.samples, (length * 8).next_multiple_of(3));
            }
        }
    }

    #[test]
    fn both_layouts_write_the_same_bits_and_the_padding_is_zero() {
        let mut rgb = raster(Layout::Rgb);
        let mut rgba = raster(Layout::Rgba);
        write(&mut rgb, b"ab");
        write(&mut rgba, b"ab");
        let colours: Vec<u8> =
            rgba.samples.as_chunks::<4>().0.iter().flat_map(|p| [p[0], p[1], p[2]]).collect();
        let low = |samples: &[u8]| samples[..18].iter().map(|s| s & 1).collect::<Vec<_>>();
        assert_eq!(low(&rgb.samples), low(&colours));
        assert_eq!(low(&rgb.samples)[16..], [0, 0]);
    }

    #[test]
    fn gather_joins_rows_of_any_length() {
        let samples: Vec<u8> = (0..240_u32).map(|i| (i * i % 251) as u8).collect();
        let mut whole = Vec::new();
        Gatherer::default().gather(&samples, &mut whole);
        for row in 1..40 {
            let (mut gatherer, mut units) = (Gatherer::default(), Vec::new());
            samples.chunks(row).for_each(|r| gatherer.gather(r, &mut units));
            assert_eq!(units, whole, "{row}");
        }
    }
}
