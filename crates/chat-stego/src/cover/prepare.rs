//! Making a cover fit the record that will carry it.

use std::fmt;

use super::scale::shrink_to_fit;
use super::{CoverError, CoverId};
use crate::decode::{self, Rendering};
use crate::encode;
use crate::lsb_compat::frame::longest_payload;

/// A cover that is ready to embed into.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PreparedCover {
    /// A PNG file of exactly the pixels to embed into, without metadata.
    pub bytes: Vec<u8>,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Width and height before scaling down, if it was scaled down.
    pub scaled_from: Option<(u32, u32)>,
    /// Which original this is; the same for every size made from it.
    pub id: CoverId,
}

impl fmt::Debug for PreparedCover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, width, height, scaled_from, id } = self;
        f.debug_struct("PreparedCover")
            .field("bytes", &format_args!("{} bytes", bytes.len()))
            .field("width", width)
            .field("height", height)
            .field("scaled_from", scaled_from)
            .field("id", &format_args!("{id}"))
            .finish()
    }
}

/// Makes a picture ready to carry a payload inside a file of limited size.
///
/// Decodes PNG, JPEG, WebP or BMP, turns it upright, drops all metadata, and scales it down (Lanczos)
/// if the finished PNG would be longer than allowed. The size is measured, not guessed: a payload
/// of the same length is embedded and the picture encoded, as often as needed.
///
/// * `cover` - the picture file
/// * `payload_len` - ASCII bytes that will be embedded
/// * `max_bytes` - longest finished PNG, in bytes; a small reserve is kept
///
/// # Errors
/// [`CoverError::TooSmall`] if the picture cannot hold the payload at all,
/// [`CoverError::CannotFit`] if it cannot once it is small enough, [`CoverError::Picture`] if the
/// file cannot be read.
pub fn prepare(
    cover: &[u8],
    payload_len: usize,
    max_bytes: usize,
) -> Result<PreparedCover, CoverError> {
    let header = decode::header(cover)?;
    let available = longest_payload(header.width, header.height);
    if available < payload_len {
        return Err(CoverError::TooSmall { needed: payload_len, available });
    }
    let original = decode::pixels(cover, Rendering::AsViewer)?;
    let scaled = shrink_to_fit(&original, payload_len, max_bytes)?;
    let raster = scaled.as_ref().unwrap_or(&original);
    Ok(PreparedCover {
        bytes: encode::png(raster).map_err(|_| CoverError::Encode)?,
        width: raster.width,
        height: raster.height,
        scaled_from: scaled.is_some().then_some((original.width, original.height)),
        id: CoverId::of(cover),
    })
}
