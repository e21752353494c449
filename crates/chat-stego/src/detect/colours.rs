//! Colours that no JPEG decoder makes: three quarters of all that there are.

use crate::raster::Raster;

/// What the colours of a picture say about a JPEG that it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ColourCompatibility {
    /// Pixels that were tested: coloured ones, with no channel at 0 or 255.
    pub tested: usize,
    /// Pixels among them that no whole luma and chroma give when converted as JFIF says.
    pub impossible: usize,
}

/// Counts the pixels that cannot come from whole luma and chroma, if the others show that the
/// picture was converted from them.
///
/// A decoder converts integer Y, Cb, Cr to integer R, G, B, and only about 24 % of the triples
/// can come out, however the JPEG was quantised and its chroma sampled, and wherever the picture
/// was cropped. A pixel that was changed afterwards falls beside them three times out of four.
///
/// `None` if fewer than three quarters of the tested pixels are possible (the picture never was
/// a colour JPEG, or was worked on since) or fewer than 1,024 are tested. O(pixels).
///
/// # Source
/// Our own; the conversion is ITU-T T.871, section 7.
pub(crate) fn colour_compatibility(raster: &Raster) -> Option<ColourCompatibility> {
    let mut found = ColourCompatibility { tested: 0, impossible: 0 };
    for pixel in raster.samples.chunks_exact(raster.layout.channels()) {
        let &[r, g, b, ..] = pixel else { continue };
        let is_cut_off = [r, g, b].iter().any(|&sample| sample == 0 || sample == 255);
        if (r == g && g == b) || is_cut_off {
            continue;
        }
        found.tested += 1;
        found.impossible += usize::from(!is_possible([r, g, b].map(f32::from)));
    }
    let was_converted = found.tested >= MIN_TESTED && 4 * found.impossible <= found.tested;
    was_converted.then_some(found)
}

/// Whether whole luma and chroma give the colour. They must be the nearest to what it converts
/// back to: each luma and chroma that would be rounded to this colour lies within half a step.
fn is_possible([r, g, b]: [f32; 3]) -> bool {
    let y = (0.299 * r + 0.587 * g + 0.114 * b).round();
    let cr = ((r - y) / 1.402).round();
    let cb = ((b - y) / 1.772).round();
    let rounds_to = |exact: f32, sample: f32| (exact - sample).abs() <= 0.5 + DECODERS_DIFFER;
    rounds_to(y + 1.402 * cr, r)
        && rounds_to(y + 1.772 * cb, b)
        && rounds_to(y - 0.344_136 * cb - 0.714_136 * cr, g)
}

/// Decoders convert in fixed point with 14 to 16 bits.
const DECODERS_DIFFER: f32 = 0.02;
const MIN_TESTED: usize = 1024;
