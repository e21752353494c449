//! PNG as a cover.

use super::pixels::{self, FLAT, Shares};
use super::{Element, Finding, Judgement, origin};
use crate::decode::png::PngRows;
use crate::decode::{self, Rendering};
use crate::picture::{ColourModel, PictureError, PictureFormat, Unsupported};
use crate::png::PngFile;

/// Judges a PNG. What no codec takes is named, and looked at no further.
pub(super) fn judge(file: &[u8]) -> Result<Judgement, PictureError> {
    let decode::Header { width, height, colour, .. } = decode::header(file)?;
    let mut findings: Vec<Finding> = kind(file, colour)?.into_iter().collect();
    if findings.is_empty() {
        let png = PngFile::read(file)?;
        findings.extend(png.is_signed().then_some(Finding::Manifest));
        findings.extend(png.has_metadata().then_some(Finding::Metadata));
        let raster = decode::pixels(file, Rendering::AsViewer)?;
        let shares = Shares::of(&raster);
        findings.extend(pixels::flatness(shares.flat, FLAT));
        findings.extend(shares.saturation());
        findings.extend(origin::of_png(&png)?);
    }
    Ok(Judgement {
        format: PictureFormat::Png,
        width,
        height,
        element: Element::Pixel,
        elements: u64::from(width) * u64::from(height),
        findings,
    })
}

/// The kind that refuses a PNG, if there is one.
fn kind(file: &[u8], colour: ColourModel) -> Result<Option<Finding>, PictureError> {
    let is_interlaced = match PngRows::open(file, Rendering::AsViewer) {
        Ok(rows) => rows.is_interlaced(),
        Err(PictureError::Unsupported { what: Unsupported::AnimatedPng }) => {
            return Ok(Some(Finding::Animated));
        }
        Err(error) => return Err(error),
    };
    Ok(match colour {
        ColourModel::Palette => Some(Finding::Palette),
        ColourModel::DeepGrey | ColourModel::DeepGreyAlpha => Some(Finding::DeepSamples),
        _ if is_deep(file) => Some(Finding::DeepSamples),
        _ => is_interlaced.then_some(Finding::Interlaced),
    })
}

/// Whether a sample has 16 bits: the ninth byte of the header chunk (PNG, section 11.2.2).
fn is_deep(file: &[u8]) -> bool {
    file.get(24) == Some(&16)
}
