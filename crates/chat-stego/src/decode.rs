//! Reading picture files: limits first, then pixels as RGB or RGBA with 8 bits a sample.

pub(crate) mod bmp;
pub(crate) mod jpeg;
pub(crate) mod jpeg_markers;
pub(crate) mod png;
pub(crate) mod webp;

use crate::picture::{ColourModel, PictureError, PictureFormat};
use crate::raster::Raster;

/// What a file's header says, within the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) format: PictureFormat,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) colour: ColourModel,
}

/// Reads the header and refuses what the limits forbid. No pixel is decoded.
pub(crate) fn header(file: &[u8]) -> Result<Header, PictureError> {
    match PictureFormat::of(file).ok_or_else(|| PictureError::not_read(file))? {
        PictureFormat::Png => png::header(file),
        PictureFormat::Jpeg => jpeg::header(file),
        PictureFormat::Bmp => bmp::header(file),
        PictureFormat::WebP => webp::header(file),
    }
}

/// Whom to follow where readers differ about the pixels of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rendering {
    /// The Python package: rows as they lie in the file; grey of 16 bits is cut off at 255 of
    /// 65,535, which turns most pictures white.
    AsStegano,
    /// A viewer: a camera's orientation tag is applied, and grey of 16 bits keeps its shades.
    AsViewer,
}

/// Decodes all pixels.
pub(crate) fn pixels(file: &[u8], rendering: Rendering) -> Result<Raster, PictureError> {
    match PictureFormat::of(file).ok_or_else(|| PictureError::not_read(file))? {
        PictureFormat::Png => png::pixels(file, rendering),
        PictureFormat::Jpeg => jpeg::pixels(file, rendering),
        PictureFormat::Bmp => bmp::pixels(file),
        PictureFormat::WebP => webp::pixels(file, rendering),
    }
}
