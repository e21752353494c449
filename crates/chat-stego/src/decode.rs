//! Reading picture files: limits first, then pixels as RGB or RGBA with 8 bits a sample.

pub(crate) mod bmp;
pub(crate) mod jpeg;
pub(crate) mod jpeg_markers;
pub(crate) mod png;

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
    match PictureFormat::of(file).ok_or(PictureError::UnknownFormat)? {
        PictureFormat::Png => png::header(file),
        PictureFormat::Jpeg => jpeg::header(file),
        PictureFormat::Bmp => bmp::header(file),
    }
}

/// Decodes the pixels as they are stored.
pub(crate) fn pixels(file: &[u8]) -> Result<Raster, PictureError> {
    match PictureFormat::of(file).ok_or(PictureError::UnknownFormat)? {
        PictureFormat::Png => png::pixels(file),
        PictureFormat::Jpeg => jpeg::pixels(file, jpeg::Turn::AsStored),
        PictureFormat::Bmp => bmp::pixels(file),
    }
}

/// Decodes the pixels as a viewer shows them: a camera's orientation tag is applied.
pub(crate) fn upright_pixels(file: &[u8]) -> Result<Raster, PictureError> {
    match PictureFormat::of(file) {
        Some(PictureFormat::Jpeg) => jpeg::pixels(file, jpeg::Turn::Upright),
        _ => pixels(file),
    }
}
