//! The recommended cover: any photo, made into the JPEG that a messenger would make of it.
//!
//! Scaling down to at most half drops everything that betrays earlier compression, and the
//! rounding errors of our own compression say where a change costs least. They are kept behind
//! the picture's end, for embedding alone: **the trailer must never leave with a sent picture**.
//! [`split_side_information`] takes it off.

mod planes;
mod trailer;
mod transform;

#[cfg(test)]
mod tests;

use std::fmt;

pub(crate) use trailer::has_side_information;
pub use trailer::split_side_information;

use super::likeness::Likeness;
use super::scale::{resize, scaled_sides};
use super::tables::Quality;
use super::{CoverError, CoverId};
use crate::decode::{self, Rendering};
use crate::jpeg::{HuffmanStyle, Jpeg};
use crate::raster::{Layout, Raster};
use planes::{Plane, Planes};

/// Pixels below which a picture carries no whole chat message in comfort: 512 x 512.
pub(crate) const LEAST_PIXELS: u32 = 1 << 18;

/// How a photo is made into a cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhotoOptions {
    quality: Quality,
    max_pixels: u32,
    max_bytes: Option<usize>,
}

impl Default for PhotoOptions {
    fn default() -> Self {
        Self { quality: Quality::new(90), max_pixels: 1632 * 1224, max_bytes: None }
    }
}

impl PhotoOptions {
    /// The quality of the JPEG, 50 to 95. Default: 90.
    ///
    /// Lower values give smaller files that carry less; above 95 changes begin to show.
    #[must_use]
    pub fn quality(self, quality: u8) -> Self {
        Self { quality: Quality::new(quality.clamp(50, 95)), ..self }
    }

    /// The most pixels that the cover has, at least 512 x 512. Default: 1632 x 1224.
    ///
    /// More carry more, and stand out among what messengers send.
    #[must_use]
    pub fn max_pixels(self, pixels: u32) -> Self {
        Self { max_pixels: pixels.max(LEAST_PIXELS), ..self }
    }

    /// The most bytes that the picture may have when it is sent. Default: no limit.
    ///
    /// A fiftieth is kept free, since a payload makes a JPEG a little longer. Too small a value
    /// makes the cover small, or fails with [`CoverError::PhotoTooLong`].
    #[must_use]
    pub fn max_bytes(self, bytes: usize) -> Self {
        Self { max_bytes: Some(bytes), ..self }
    }
}

/// A photo that is ready to embed into.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PreparedPhoto {
    /// The JPEG and, behind its end, the side information. Never to be sent as it is.
    pub file: Vec<u8>,
    /// Bytes of the JPEG alone: the longest part of `file` that may be shown to anybody.
    pub jpeg_len: usize,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Width and height of the photo, turned upright.
    pub scaled_from: (u32, u32),
    /// Which photo this is.
    pub id: CoverId,
    /// What it looks like, to know it again in other sizes.
    pub likeness: Likeness,
}

impl fmt::Debug for PreparedPhoto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, jpeg_len, width, height, scaled_from, id, likeness } = self;
        f.debug_struct("PreparedPhoto")
            .field("file", &format_args!("{} bytes", file.len()))
            .field("jpeg_len", jpeg_len)
            .field("width", width)
            .field("height", height)
            .field("scaled_from", scaled_from)
            .field("id", &format_args!("{id}"))
            .field("likeness", likeness)
            .finish()
    }
}

/// Makes a photo into a cover: upright, at most half as large a side, JPEG, without metadata.
///
/// Of the photo's metadata nothing is left: no name, place or device, as after any messenger.
/// Transparent parts become white.
///
/// * `file` - JPEG, PNG, WebP or BMP
///
/// # Errors
/// [`CoverError::PhotoTooSmall`] if half its size is below 512 x 512 pixels,
/// [`CoverError::PhotoTooLong`] if so small a cover is still longer than allowed, and
/// [`CoverError::Picture`] if the file cannot be read.
pub fn prepare_photo(file: &[u8], options: &PhotoOptions) -> Result<PreparedPhoto, CoverError> {
    let header = decode::header(file)?;
    let pixels = u64::from(header.width / 2) * u64::from(header.height / 2);
    if pixels < u64::from(LEAST_PIXELS) {
        let (width, height) = (header.width, header.height);
        return Err(CoverError::PhotoTooSmall { width, height, needed: 4 * LEAST_PIXELS });
    }
    let original = opaque(decode::pixels(file, Rendering::AsViewer)?);
    let (raster, Written { mut jpeg, errors }) = fitting(&original, options)?;
    let jpeg_len = jpeg.len();
    trailer::append(&mut jpeg, &errors);
    Ok(PreparedPhoto {
        file: jpeg,
        jpeg_len,
        width: raster.width,
        height: raster.height,
        scaled_from: (original.width, original.height),
        id: CoverId::of(file),
        likeness: Likeness::of(&raster),
    })
}

/// The largest cover that is small enough, measured and not guessed.
fn fitting(original: &Raster, options: &PhotoOptions) -> Result<(Raster, Written), CoverError> {
    let pixels = f64::from(original.width) * f64::from(original.height);
    let mut scale = (f64::from(options.max_pixels) / pixels).sqrt().min(0.5);
    let limit = options.max_bytes.unwrap_or(usize::MAX);
    let mut shortest = usize::MAX;
    for _ in 0..MAX_TRIES {
        let (width, height) = scaled_sides(original, scale);
        if width * height < LEAST_PIXELS {
            break;
        }
        let raster = resize(original, width, height);
        let written = Written::of(&raster, options.quality)?;
        shortest = written.jpeg.len() + written.jpeg.len() / 50;
        if shortest <= limit {
            return Ok((raster, written));
        }
        // A smaller copy has more detail a pixel, so it shrinks by less than its area.
        let aim = (limit as f64 / shortest as f64).sqrt() * AIM;
        // The smallest useful size is tried before giving up.
        let least = (f64::from(LEAST_PIXELS) / pixels).sqrt() * LEAST_MARGIN;
        scale = if scale > least { (scale * aim).max(least) } else { scale * aim };
    }
    Err(CoverError::PhotoTooLong { size: shortest, limit })
}

/// Puts behind a JPEG what rounding took away when it was made of these pixels; for evaluations, whose
/// covers others have made. Blocks that other arithmetic has rounded otherwise count as exact.
pub(crate) fn with_side_information(
    file: &[u8],
    precover: &[u8],
) -> Result<Vec<u8>, crate::picture::PictureError> {
    let jpeg = Jpeg::read(file)?;
    let luma = jpeg.luma();
    let plane = Planes::of(&opaque(decode::pixels(precover, Rendering::AsViewer)?)).y;
    let mut blocks = (0..luma.high).flat_map(|row| luma.row(row));
    let mut errors = Vec::with_capacity(64 * luma.wide * luma.high);
    // The planes of 4:2:0 pictures are padded to whole units, the luma's shown blocks are not.
    let (wide, mut at) = (plane.wide / 8, 0);
    transform::quantise(&plane, &luma.quant, |block, rounding| {
        let is_shown = at % wide < luma.wide && at / wide < luma.high;
        at += 1;
        if is_shown && let Some(found) = blocks.next() {
            let same = block.iter().zip(found).map(|(block, found)| block == found);
            let kept = same.zip(rounding).map(|(same, error)| if same { error } else { 0 });
            errors.extend(kept);
        }
    });
    let mut with = file.to_vec();
    trailer::append(&mut with, &errors);
    Ok(with)
}

/// A JPEG and what its luma was rounded by.
struct Written {
    jpeg: Vec<u8>,
    errors: Vec<i8>,
}

impl Written {
    fn of(raster: &Raster, quality: Quality) -> Result<Self, CoverError> {
        let side = |length: u32| u16::try_from(length).map_err(|_| CoverError::Encode);
        let size = (side(raster.width)?, side(raster.height)?);
        let mut components = Jpeg::layout(size, (2, 2), 3).map_err(|_| CoverError::Encode)?;
        let Planes { y, cb, cr } = Planes::of(raster);
        let tables = [quality.luma(), quality.chroma(), quality.chroma()];
        let mut errors = Vec::with_capacity(y.samples.len());
        for ((component, plane), steps) in components.iter_mut().zip([y, cb, cr]).zip(tables) {
            component.quant = steps;
            let is_luma = errors.is_empty();
            let Plane { wide, .. } = plane;
            let mut at = 0;
            transform::quantise(&plane, &steps, |block, rounding| {
                let row = component.row_mut(at * 8 / wide);
                if let Some(target) = row.get_mut(at % (wide / 8)) {
                    *target = block;
                }
                if is_luma {
                    errors.extend_from_slice(&rounding);
                }
                at += 1;
            });
        }
        let jpeg = Jpeg::baseline(size, components, HuffmanStyle::Optimal)
            .and_then(|jpeg| jpeg.write())
            .map_err(|_| CoverError::Encode)?;
        Ok(Self { jpeg, errors })
    }
}

/// Puts a picture with alpha on white, as JPEG has none.
fn opaque(raster: Raster) -> Raster {
    if raster.layout == Layout::Rgb {
        return raster;
    }
    let (pixels, _) = raster.samples.as_chunks::<4>();
    let over_white = |colour: u8, alpha: u8| {
        let sum = u32::from(colour) * u32::from(alpha) + 255 * (255 - u32::from(alpha));
        u8::try_from((sum + 127) / 255).unwrap_or(u8::MAX)
    };
    let samples =
        pixels.iter().flat_map(|&[r, g, b, alpha]| [r, g, b].map(|c| over_white(c, alpha)));
    Raster { samples: samples.collect(), layout: Layout::Rgb, ..raster }
}

/// Each try aims below the limit, so a few of them always end.
const MAX_TRIES: u32 = 6;
const AIM: f64 = 0.97;
/// Keeps sides that are cut down to whole pixels above the least size.
const LEAST_MARGIN: f64 = 1.01;

/// A picture as a JPEG of this quality, for tests.
#[cfg(test)]
pub(crate) fn jpeg_of(raster: &Raster, quality: Quality) -> Vec<u8> {
    Written::of(raster, quality).unwrap().jpeg
}
