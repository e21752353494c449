//! Scaling a picture down until the file that it becomes is short enough.

use image::imageops::{self, FilterType};
use image::{ImageBuffer, Pixel, Rgb, Rgba};

use super::CoverError;
use super::trial::finished_size;
use crate::lsb_compat::frame::longest_payload;
use crate::raster::{Layout, Raster};

/// Returns the scaled picture, or `None` if the original fits.
pub(super) fn shrink_to_fit(
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

pub(super) fn scaled_sides(original: &Raster, scale: f64) -> (u32, u32) {
    let side = |length: u32| ((f64::from(length) * scale) as u32).max(1);
    (side(original.width), side(original.height))
}

pub(super) fn resize(original: &Raster, width: u32, height: u32) -> Raster {
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
