//! JPEG covers. A payload in pixels does not survive JPEG, so nothing is ever extracted from one.

use std::io::Cursor;

use image::codecs::jpeg::JpegDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder};

use super::{Header, Rendering, jpeg_markers};
use crate::limits::can_inflate_to;
use crate::picture::{ColourModel, PictureError, PictureFormat};
use crate::raster::{Layout, Raster};

/// Reads size and kind, and checks that the file is whole.
pub(crate) fn header(file: &[u8]) -> Result<Header, PictureError> {
    let frame = jpeg_markers::read(file)?;
    // A block of 64 pixels takes two bits at least, which is even more than deflate needs.
    if !can_inflate_to(file.len(), u64::from(frame.width) * u64::from(frame.height)) {
        let fault = "the file is too short for the size that its header names";
        return Err(PictureError::damaged(PictureFormat::Jpeg, fault));
    }
    let colour = match frame.components {
        1 => ColourModel::Grey,
        4 => ColourModel::Cmyk,
        _ => ColourModel::Rgb,
    };
    Ok(Header { format: PictureFormat::Jpeg, width: frame.width, height: frame.height, colour })
}

/// Decodes all pixels.
pub(crate) fn pixels(file: &[u8], rendering: Rendering) -> Result<Raster, PictureError> {
    header(file)?;
    let mut decoder = JpegDecoder::new(Cursor::new(file)).map_err(damaged)?;
    let orientation = match rendering {
        Rendering::AsStegano => Orientation::NoTransforms,
        // A broken tag is no reason to refuse the picture.
        Rendering::AsViewer => decoder.orientation().unwrap_or(Orientation::NoTransforms),
    };
    let mut picture = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    picture.apply_orientation(orientation);
    let rgb = picture.into_rgb8();
    Ok(Raster {
        width: rgb.width(),
        height: rgb.height(),
        layout: Layout::Rgb,
        samples: rgb.into_raw(),
    })
}

fn damaged(error: image::ImageError) -> PictureError {
    PictureError::damaged(PictureFormat::Jpeg, error)
}
