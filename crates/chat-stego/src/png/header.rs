//! The first chunk, IHDR: size and kind of the picture.

use crate::limits::check_dimensions;
use crate::picture::{PictureError, Unsupported};

use super::damaged;

/// What a pixel consists of: 1 to 4 samples of a byte each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Colour {
    Grey,
    GreyAlpha,
    Rgb,
    Rgba,
}

impl Colour {
    /// Samples of a pixel, which are also its bytes: 1 to 4.
    pub(crate) fn channels(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::GreyAlpha => 2,
            Self::Rgb => 3,
            Self::Rgba => 4,
        }
    }

    /// Whether the last sample of a pixel is its alpha.
    pub(crate) fn has_alpha(self) -> bool {
        matches!(self, Self::GreyAlpha | Self::Rgba)
    }
}

/// Size and kind of a picture that is taken: 8 bits a sample, not interlaced, no palette.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Pixels in a row, at least 1.
    pub(crate) width: u32,
    /// Rows, at least 1.
    pub(crate) height: u32,
    pub(crate) colour: Colour,
}

impl Header {
    /// Reads the data of IHDR.
    ///
    /// # Errors
    /// [`PictureError::Dimensions`], [`PictureError::Unsupported`] for the kinds that are known and
    /// refused, [`PictureError::Damaged`] for what the format does not allow.
    pub(crate) fn parse(data: &[u8]) -> Result<Self, PictureError> {
        let Ok([w0, w1, w2, w3, h0, h1, h2, h3, depth, kind, method, filter, interlace]) =
            <[u8; 13]>::try_from(data)
        else {
            return Err(damaged("the IHDR chunk is not 13 bytes long"));
        };
        let (width, height) =
            (u32::from_be_bytes([w0, w1, w2, w3]), u32::from_be_bytes([h0, h1, h2, h3]));
        check_dimensions(width, height)?;
        if (method, filter) != (0, 0) {
            return Err(damaged("the compression or filter method is unknown"));
        }
        let colour = colour(kind, depth)?;
        match interlace {
            0 => Ok(Self { width, height, colour }),
            1 => Err(PictureError::Unsupported { what: Unsupported::InterlacedPng }),
            _ => Err(damaged("the interlace method is unknown")),
        }
    }

    /// Bytes of a row without its filter type.
    pub(crate) fn stride(&self) -> usize {
        self.width as usize * self.colour.channels()
    }

    /// Bytes that the filtered rows have in all; at most 4 * 64 Mi and a byte for each row.
    pub(crate) fn raw_length(&self) -> usize {
        (self.stride() + 1) * self.height as usize
    }
}

/// PNG specification, table 11.1.
fn colour(kind: u8, depth: u8) -> Result<Colour, PictureError> {
    let refused = |what| Err(PictureError::Unsupported { what });
    match (kind, depth) {
        (0, 8) => Ok(Colour::Grey),
        (2, 8) => Ok(Colour::Rgb),
        (4, 8) => Ok(Colour::GreyAlpha),
        (6, 8) => Ok(Colour::Rgba),
        (3, 1 | 2 | 4 | 8) => refused(Unsupported::PalettePng),
        (0, 1 | 2 | 4) => refused(Unsupported::ShallowPng),
        (0 | 2 | 4 | 6, 16) => refused(Unsupported::DeepPng),
        _ => Err(damaged("there is no such colour type and depth")),
    }
}
