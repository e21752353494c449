//! What a file's header says about it as a cover.

use crate::codec::Capacity;
use crate::decode;
use crate::lsb_compat;
use crate::picture::{ColourModel, PictureError, PictureFormat};

/// A description of a file as a cover, made from its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CoverReport {
    /// The file's format.
    pub format: PictureFormat,
    /// How its pixels are stored. Other models than RGB and RGBA are converted to RGB.
    pub colour: ColourModel,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// How much it can carry.
    pub capacity: Capacity,
}

impl CoverReport {
    /// Reads the header of `file`, as `lsb-compat` sees it.
    pub(crate) fn for_lsb(file: &[u8]) -> Result<Self, PictureError> {
        let decode::Header { format, width, height, colour } = decode::header(file)?;
        let max_bytes = lsb_compat::frame::longest_payload(width, height);
        Ok(Self { format, colour, width, height, capacity: Capacity { max_bytes } })
    }
}
