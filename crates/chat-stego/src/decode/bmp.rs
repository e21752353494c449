//! Windows bitmaps.

use std::io::Cursor;

use image::codecs::bmp::BmpDecoder;
use image::{ColorType, DynamicImage, ImageDecoder};

use super::Header;
use crate::limits::check_dimensions;
use crate::picture::{ColourModel, PictureError, PictureFormat};
use crate::raster::{Layout, Raster};

type Decoder<'a> = BmpDecoder<Cursor<&'a [u8]>>;

/// Reads size and kind.
pub(crate) fn header(file: &[u8]) -> Result<Header, PictureError> {
    open(file).map(|(_, header)| header)
}

/// Decodes all pixels.
pub(crate) fn pixels(file: &[u8]) -> Result<Raster, PictureError> {
    let (decoder, Header { width, height, colour, .. }) = open(file)?;
    let picture = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    let (layout, samples) = match colour {
        ColourModel::Rgba => (Layout::Rgba, picture.into_rgba8().into_raw()),
        _ => (Layout::Rgb, picture.into_rgb8().into_raw()),
    };
    Ok(Raster { width, height, layout, samples })
}

fn open(file: &[u8]) -> Result<(Decoder<'_>, Header), PictureError> {
    let (width, height) = stored_sides(file).ok_or_else(|| cut_off("the header is cut off"))?;
    check_dimensions(width, height)?;
    let decoder = Decoder::new(Cursor::new(file)).map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    check_dimensions(width, height)?;
    let colour = match decoder.color_type() {
        ColorType::Rgba8 => ColourModel::Rgba,
        _ => ColourModel::Rgb,
    };
    // Run lengths make a bitmap of any size out of a few bytes, so a short file is bounded by
    // what deflate could do, far above what any real bitmap does.
    if !crate::limits::can_inflate_to(file.len(), u64::from(width) * u64::from(height)) {
        return Err(cut_off("the file is too short for the size that its header names"));
    }
    Ok((decoder, Header { format: PictureFormat::Bmp, width, height, colour }))
}

/// The sides in the header, whichever of its versions it is. A negative height means that the
/// rows begin at the top.
fn stored_sides(file: &[u8]) -> Option<(u32, u32)> {
    const OLD_HEADER: [u8; 4] = 12_u32.to_le_bytes();
    let (version, fields) = file.get(14..)?.split_first_chunk::<4>()?;
    if *version == OLD_HEADER {
        let [w0, w1, h0, h1] = *fields.first_chunk()?;
        return Some((u16::from_le_bytes([w0, w1]).into(), u16::from_le_bytes([h0, h1]).into()));
    }
    let (width, fields) = fields.split_first_chunk()?;
    let height = fields.first_chunk()?;
    Some((i32::from_le_bytes(*width).unsigned_abs(), i32::from_le_bytes(*height).unsigned_abs()))
}

fn cut_off(what: &'static str) -> PictureError {
    PictureError::damaged(PictureFormat::Bmp, what)
}

fn damaged(error: image::ImageError) -> PictureError {
    PictureError::damaged(PictureFormat::Bmp, error)
}
