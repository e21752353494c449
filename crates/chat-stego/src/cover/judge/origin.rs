//! What a PNG was before. The one place that asks.

use super::Finding;
use crate::raster::Raster;

/// Findings about the history of a lossless picture.
///
/// No test sees all former JPEG, HEIC and WebP pictures, so the best answer is "unknown". Tests
/// that find a former JPEG or an enlarged picture add their findings here.
pub(super) fn of_png(_raster: &Raster) -> Vec<Finding> {
    vec![Finding::OriginUnknown]
}
