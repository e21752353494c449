//! A cover and a stego image side by side.

use super::assess::{Assessment, assess_raster, luma, rendering};
use super::blocks::{BlockCompatibility, compatibility};
use super::coefficients::{CoefficientChanges, coefficient_changes};
use crate::cover::split_side_information;
use crate::decode;
use crate::jpeg::Jpeg;
use crate::picture::{PictureError, PictureFormat};
use crate::raster::Raster;

/// What the detectors say about a cover and a stego image, and what differs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Comparison {
    /// What they say about the cover.
    pub cover: Assessment,
    /// What they say about the stego image.
    pub stego: Assessment,
    /// The stego image's blocks under the table that the cover's pixels show; `None` if they show
    /// none.
    pub blocks_by_cover_table: Option<BlockCompatibility>,
    /// How the decoded pixels differ; `None` if the pictures have different sizes.
    pub samples: Option<SampleChanges>,
    /// How the coefficients differ; `None` unless both are JPEG files of the same shape.
    pub coefficients: Option<CoefficientChanges>,
}

/// How the samples of two pictures of the same size differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SampleChanges {
    /// Samples of red, green and blue in each picture.
    pub samples: usize,
    /// Samples that differ.
    pub changed: usize,
    /// Samples that differ by exactly 1.
    pub by_one: usize,
    /// Samples that differ in the lowest bit alone, as LSB replacement leaves them.
    pub flipped: usize,
    /// Samples of alpha that differ, or that one picture alone has.
    pub alpha: usize,
}

/// Compares two picture files: PNG, JPEG or BMP.
///
/// # Errors
/// [`PictureError`] if either cannot be decoded.
pub fn compare(cover: &[u8], stego: &[u8]) -> Result<Comparison, PictureError> {
    let cover = split_side_information(cover).map_or(cover, |(jpeg, _)| jpeg);
    let coefficients = match [cover, stego].map(PictureFormat::of) {
        [Some(PictureFormat::Jpeg), Some(PictureFormat::Jpeg)] => {
            coefficient_changes(Jpeg::read(cover)?.components(), Jpeg::read(stego)?.components())
        }
        _ => None,
    };
    let (cover_pixels, cover) = decoded(cover)?;
    let (stego_pixels, stego) = decoded(stego)?;
    let blocks_by_cover_table = cover.former_jpeg.and_then(|jpeg| {
        let plane = luma(&stego_pixels)?;
        Some(compatibility(&plane, jpeg.grid, jpeg.table.steps()))
    });
    let samples = sample_changes(&cover_pixels, &stego_pixels);
    Ok(Comparison { cover, stego, blocks_by_cover_table, samples, coefficients })
}

fn decoded(file: &[u8]) -> Result<(Raster, Assessment), PictureError> {
    let format = PictureFormat::of(file).ok_or(PictureError::UnknownFormat)?;
    let raster = decode::pixels(file, rendering(format))?;
    let assessment = assess_raster(&raster, format);
    Ok((raster, assessment))
}

fn sample_changes(cover: &Raster, stego: &Raster) -> Option<SampleChanges> {
    if (cover.width, cover.height) != (stego.width, stego.height) {
        return None;
    }
    let mut changes = SampleChanges::default();
    let before = cover.samples.chunks_exact(cover.layout.channels());
    let after = stego.samples.chunks_exact(stego.layout.channels());
    for (before, after) in before.zip(after) {
        for (&before, &after) in before.iter().zip(after).take(3) {
            changes.samples += 1;
            changes.changed += usize::from(before != after);
            changes.by_one += usize::from(before.abs_diff(after) == 1);
            changes.flipped += usize::from(before ^ after == 1);
        }
        changes.alpha += usize::from(before.get(3) != after.get(3));
    }
    Some(changes)
}
