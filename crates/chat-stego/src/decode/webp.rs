//! WebP: a source of covers only; nothing is ever embedded in or extracted from one.

use std::io::Cursor;

use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder};

use super::{Header, Rendering};
use crate::limits::{can_inflate_to, check_dimensions};
use crate::picture::{ColourModel, PictureError, PictureFormat, Unsupported};
use crate::raster::{Layout, Raster};

/// Reads size and kind, and checks that no chunk names more than the file has.
pub(crate) fn header(file: &[u8]) -> Result<Header, PictureError> {
    let Frame { width, height, alpha } = Frame::read(file)?;
    check_dimensions(width, height)?;
    if !can_inflate_to(file.len(), u64::from(width) * u64::from(height)) {
        return Err(damaged("the file is too short for the size that its header names"));
    }
    let colour = if alpha { ColourModel::Rgba } else { ColourModel::Rgb };
    Ok(Header { format: PictureFormat::WebP, width, height, colour })
}

/// Decodes all pixels.
pub(crate) fn pixels(file: &[u8], rendering: Rendering) -> Result<Raster, PictureError> {
    let Header { width, height, .. } = header(file)?;
    let mut decoder = WebPDecoder::new(Cursor::new(file)).map_err(from_image)?;
    if decoder.dimensions() != (width, height) {
        return Err(damaged("two sizes in one file"));
    }
    let orientation = match rendering {
        Rendering::AsStegano => Orientation::NoTransforms,
        Rendering::AsViewer => decoder.orientation().unwrap_or(Orientation::NoTransforms),
    };
    let mut picture = DynamicImage::from_decoder(decoder).map_err(from_image)?;
    picture.apply_orientation(orientation);
    let (width, height) = (picture.width(), picture.height());
    let (layout, samples) = if picture.color().has_alpha() {
        (Layout::Rgba, picture.into_rgba8().into_raw())
    } else {
        (Layout::Rgb, picture.into_rgb8().into_raw())
    };
    Ok(Raster { width, height, layout, samples })
}

/// What the chunks say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Frame {
    width: u32,
    height: u32,
    alpha: bool,
}

impl Frame {
    /// Walks over all chunks. The decoder allocates what chunks and frames say, so each is held
    /// against the file and the canvas first.
    ///
    /// Source: RFC 9649, section 2.
    fn read(file: &[u8]) -> Result<Self, PictureError> {
        let mut canvas = None;
        let mut picture = None;
        let mut rest = file.get(12..).unwrap_or_default();
        while let Some((chunk, after)) = Chunk::split(rest)? {
            rest = after;
            match &chunk.name {
                b"VP8X" if canvas.is_none() && picture.is_none() => {
                    canvas = Some(extended(chunk.body)?);
                }
                b"VP8 " if picture.is_none() => picture = Some(lossy(chunk.body)?),
                b"VP8L" if picture.is_none() => picture = Some(lossless(chunk.body)?),
                b"VP8X" | b"VP8 " | b"VP8L" => return Err(damaged("two pictures in one file")),
                _ => {}
            }
            // A simple file ends with its only chunk; what follows is not the picture's.
            if canvas.is_none() && picture.is_some() {
                break;
            }
        }
        match (canvas, picture.ok_or_else(|| damaged("no picture in the file"))?) {
            (None, picture) => Ok(picture),
            (Some(canvas), Self { width, height, .. })
                if (width, height) == (canvas.width, canvas.height) =>
            {
                Ok(canvas)
            }
            _ => Err(damaged("two sizes in one file")),
        }
    }
}

/// A chunk whose whole body lies in the file.
struct Chunk<'a> {
    name: [u8; 4],
    body: &'a [u8],
}

impl<'a> Chunk<'a> {
    /// Splits off the next chunk; `None` where no more than some stray bytes are left.
    fn split(rest: &'a [u8]) -> Result<Option<(Self, &'a [u8])>, PictureError> {
        let Some((name, length)) = rest.split_first_chunk::<4>() else { return Ok(None) };
        let Some((length, rest)) = length.split_first_chunk::<4>() else { return Ok(None) };
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let (body, rest) =
            rest.split_at_checked(length).ok_or_else(|| damaged("the file is cut off"))?;
        // Odd chunks are padded; the last one's padding is often forgotten.
        let rest = rest.get(length % 2..).unwrap_or_default();
        Ok(Some((Self { name: *name, body }, rest)))
    }
}

/// RFC 9649, 2.7: flags, three reserved bytes, width and height less one in 24 bits each.
fn extended(body: &[u8]) -> Result<Frame, PictureError> {
    let &[flags, _, _, _, w0, w1, w2, h0, h1, h2, ..] = body else {
        return Err(damaged("a short header"));
    };
    if flags & 0x02 != 0 {
        return Err(PictureError::Unsupported { what: Unsupported::AnimatedWebP });
    }
    let side = |low, middle, high| u32::from_le_bytes([low, middle, high, 0]) + 1;
    Ok(Frame { width: side(w0, w1, w2), height: side(h0, h1, h2), alpha: flags & 0x10 != 0 })
}

/// RFC 6386, 9.1: a frame tag, a start code, and sides of 14 bits.
fn lossy(body: &[u8]) -> Result<Frame, PictureError> {
    let &[tag, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1, ..] = body else {
        return Err(damaged("a short frame header"));
    };
    if tag & 1 != 0 {
        return Err(damaged("the frame builds on another"));
    }
    let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
    Ok(Frame { width: side(w0, w1), height: side(h0, h1), alpha: false })
}

/// RFC 9649, 3.4: a signature, sides less one in 14 bits each, a bit for alpha.
fn lossless(body: &[u8]) -> Result<Frame, PictureError> {
    let &[0x2f, b0, b1, b2, b3, ..] = body else {
        return Err(damaged("a short frame header"));
    };
    let bits = u32::from_le_bytes([b0, b1, b2, b3]);
    let side = |shift: u32| ((bits >> shift) & 0x3fff) + 1;
    Ok(Frame { width: side(0), height: side(14), alpha: (bits >> 28) & 1 == 1 })
}

fn damaged(what: &'static str) -> PictureError {
    PictureError::damaged(PictureFormat::WebP, what)
}

fn from_image(error: image::ImageError) -> PictureError {
    PictureError::damaged(PictureFormat::WebP, error)
}

#[cfg(test)]
mod tests;
