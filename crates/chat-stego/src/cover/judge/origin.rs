//! What a PNG was before. The one place that asks.

use super::Finding;
use crate::picture::PictureError;
use crate::png::{Origin, PngFile};

/// Findings about the history of a lossless picture.
///
/// No test sees all former JPEG, HEIC and WebP pictures, so the best answer is "unknown".
pub(super) fn of_png(file: &PngFile<'_>) -> Result<Vec<Finding>, PictureError> {
    let Origin { jpeg, upscaling } = Origin::of(&file.samples()?);
    let found = [(jpeg, Finding::FormerJpeg), (upscaling, Finding::ScaledUp)];
    let mut findings: Vec<Finding> =
        found.into_iter().filter(|(trace, _)| trace.is_present()).map(|(_, found)| found).collect();
    if findings.is_empty() {
        findings.push(Finding::OriginUnknown);
    }
    Ok(findings)
}
