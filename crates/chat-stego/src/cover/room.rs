//! How much a cover carries once its file is small enough.

use super::CoverError;
use super::scale::shrink_to_fit;
use crate::decode::{self, Rendering};
use crate::lsb_compat::frame::longest_payload;

/// What a cover carries inside a file of limited size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CoverRoom {
    /// ASCII bytes that [`prepare`](super::prepare) makes the cover ready for; 0 if none.
    pub payload_len: usize,
    /// Width and height that the cover is scaled down to for them, if it is.
    pub scaled_to: Option<(u32, u32)>,
}

/// Tells how much of `wanted` a cover carries if the finished PNG has at most `max_bytes` bytes.
///
/// * `cover` - the picture file: PNG, JPEG, WebP or BMP
/// * `wanted` - ASCII bytes, the most that the caller would embed
/// * `max_bytes` - longest finished PNG, in bytes
///
/// Tried, not estimated: [`prepare`](super::prepare) takes the cover for exactly what is returned.
/// A few bytes more might fit too, since a picture with less in it shrinks less. A picture that
/// fits as it is costs one trial, which decodes and encodes it once.
///
/// # Errors
/// [`CoverError::Picture`] if the file cannot be read.
pub fn room_within(cover: &[u8], wanted: usize, max_bytes: usize) -> Result<CoverRoom, CoverError> {
    let header = decode::header(cover)?;
    let mut payload_len = wanted.min(longest_payload(header.width, header.height));
    let original = decode::pixels(cover, Rendering::AsViewer)?;
    while payload_len > 0 {
        match shrink_to_fit(&original, payload_len, max_bytes) {
            Ok(scaled) => {
                let scaled_to = scaled.map(|smaller| (smaller.width, smaller.height));
                return Ok(CoverRoom { payload_len, scaled_to });
            }
            // What the first size that was too small holds is less, and shrinks less.
            Err(CoverError::CannotFit { available, .. }) => {
                payload_len = if available > 0 { available } else { payload_len / 2 };
            }
            Err(error) => return Err(error),
        }
    }
    Ok(CoverRoom { payload_len: 0, scaled_to: None })
}
