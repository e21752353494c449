//! What a codec says about a file as a cover.

use super::{Element, SafeSizes, judge};
use crate::codec::Capacity;
use crate::decode;
use crate::lsb_compat;
use crate::picture::{ColourModel, PictureError, PictureFormat};

/// A description of a file as a cover.
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
    /// Brightness AC coefficients that are not zero; of a JPEG that a codec takes as it is.
    pub nonzero_ac: Option<u64>,
}

impl CoverReport {
    /// Reads the header of `file`, as `lsb-compat` sees it.
    pub(crate) fn for_lsb(file: &[u8]) -> Result<Self, PictureError> {
        let decode::Header { format, width, height, colour } = decode::header(file)?;
        let max_bytes = lsb_compat::frame::longest_payload(width, height);
        let capacity = Capacity { comfort_bytes: 0, caution_bytes: 0, max_bytes };
        Ok(Self { format, colour, width, height, capacity, nonzero_ac: None })
    }

    /// Reads all of `file`, as the codecs see it that hide in its format.
    ///
    /// * `format` - the format that the codec takes
    pub(crate) fn judged(file: &[u8], format: PictureFormat) -> Result<Self, PictureError> {
        let decode::Header { colour, .. } = decode::header(file)?;
        let judged = judge(file)?;
        let SafeSizes { comfort, caution, max } = judged.sizes();
        let takes = judged.format == format;
        let capacity = Capacity { comfort_bytes: comfort, caution_bytes: caution, max_bytes: max };
        Ok(Self {
            format: judged.format,
            colour,
            width: judged.width,
            height: judged.height,
            capacity: if takes { capacity } else { Capacity::NONE },
            nonzero_ac: (judged.element == Element::NonzeroAc).then_some(judged.elements),
        })
    }
}
