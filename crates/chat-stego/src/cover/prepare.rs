//! Making a cover fit the record that will carry it.

use std::fmt;

use image::imageops::{self, FilterType};
use image::{ImageBuffer, Pixel, Rgb, Rgba};

use super::trial::finished_size;
use super::{CoverError, CoverId};
use crate::decode;
use crate::encode;
use crate::lsb_compat::frame::longest_payload;
use crate::raster::{Layout, Raster};

/// A cover that is ready to embed into.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PreparedCover {
    /// A PNG file of exactly the pixels to embed into, without metadata.
    pub bytes: Vec<u8>,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Width and height before scaling down, if it was scaled down.
    pub scaled_from: Option<(u32, u32)>,
    /// Which original this is; the same for every size made from it.
    pub id: CoverId,
}

impl fmt::Debug for PreparedCover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, width, height, scaled_from, id } = self;
        f.debug_struct("PreparedCover")
            .field("bytes", &format_args!("{} bytes", bytes.len()))
            .field("width", width)
            .field("height", height)
            .field("scaled_from", scaled_from)
            .field("id", &format_args!("{id}"))
            .finish()
    }
}

/// Makes a picture ready to carry a payload inside a file of limited size.
///
/// Decodes PNG, JPEG or BMP, turns it upright, drops all metadata, and scales it down (Lanczos)
/// if the finished PNG would be longer than allowed. The size is measured, not guessed: a payload
/// of the same length is embedded and the picture encoded, as often as needed.
///
/// * `cover` - the picture file
/// * `payload_len` - ASCII bytes that will be embedded
/// * `max_bytes` - longest finished PNG, in bytes; a small reserve is kept
///
/// # Errors
/// [`CoverError::TooSmall`] if the picture cannot hold the payload at all,
/// [`CoverError::CannotFit`] if it cannot once it is small enough, [`CoverError::Picture`] if the
/// file cannot be read.
pub fn prepare(
    cover: &[u8],
    payload_len: usize,
    max_bytes: usize,
) -> Result<PreparedCover, CoverError> {
    let header = decode::header(cover)?;
    let available = longest_payload(header.width, header.height);
    if available < payload_len {
        return Err(CoverError::TooSmall { needed: payload_len, available });
    }
    let original = decode::upright_pixels(cover)?;
    let scaled = shrink_to_fit(&original, payload_len, max_bytes)?;
    let raster = scaled.as_ref().unwrap_or(&original);
    Ok(PreparedCover {
        bytes: encode::png(raster).map_err(|_| CoverError::Encode)?,
        width: raster.width,
        height: raster.height,
        scaled_from: scaled.is_some().then_some((original.width, original.height)),
        id: CoverId::of(cover),
    })
}

/// Returns the scaled picture, or `None` if the original fits.
fn shrink_to_fit(
    original: &Raster,
    payload_len: usize,
    max_bytes: usize,
) -> Result<Option<Raster>, CoverError> {
    let mut size = finished_size(original, payload_len)?;
    if size <= max_bytes {
        return Ok(None);
    }
    let mut scale = 1.0;
    for _ in 0..MAX_TRIES {
        // A smaller copy is less smooth, so it shrinks by less than its area: aim a bit lower.
        scale *= (max_bytes as f64 / size as f64).sqrt() * AIM;
        let (width, height) = scaled_sides(original, scale);
        let available = longest_payload(width, height);
        if available < payload_len || (width, height) == (1, 1) {
            return Err(CoverError::CannotFit { needed: payload_len, available, max_bytes });
        }
        let smaller = resize(original, width, height);
        size = finished_size(&smaller, payload_len)?;
        if size <= max_bytes {
            return Ok(Some(smaller));
        }
    }
    Err(CoverError::CannotFit { needed: payload_len, available: 0, max_bytes })
}

fn scaled_sides(original: &Raster, scale: f64) -> (u32, u32) {
    let side = |length: u32| ((f64::from(length) * scale) as u32).max(1);
    (side(original.width), side(original.height))
}

fn resize(original: &Raster, width: u32, height: u32) -> Raster {
    let samples = match original.layout {
        Layout::Rgb => resize_as::<Rgb<u8>>(original, width, height),
        Layout::Rgba => resize_as::<Rgba<u8>>(original, width, height),
    };
    Raster { width, height, layout: original.layout, samples }
}

fn resize_as<P: Pixel<Subpixel = u8> + 'static>(
    original: &Raster,
    width: u32,
    height: u32,
) -> Vec<u8> {
    let Raster { width: from_width, height: from_height, samples, .. } = original;
    let view: Option<ImageBuffer<P, &[u8]>> =
        ImageBuffer::from_raw(*from_width, *from_height, samples.as_slice());
    // A raster always holds as many samples as its sides say, so there is a view.
    view.map_or_else(Vec::new, |view| {
        imageops::resize(&view, width, height, FilterType::Lanczos3).into_raw()
    })
}

/// Each try overshoots a little, so a handful of them always ends.
const MAX_TRIES: u32 = 8;
const AIM: f64 = 0.985;
