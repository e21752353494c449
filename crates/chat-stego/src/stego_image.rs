//! Pictures that may carry something, as a reader of many meets them.

use zeroize::Zeroizing;

use crate::adaptive;
use crate::codec::ExtractError;
use crate::jpeg::Jpeg;
use crate::jpeg_juniward::Luma;
use crate::key::{ProbeKey, StegoKey};
use crate::limits::{JpegLimits, MAX_PIXELS_FROM_STRANGERS, check_area};
use crate::picture::{PictureError, PictureFormat};
use crate::png_hill::PngReading;

/// A picture that may carry a payload of one of the keyed codecs, whichever it is.
///
/// Asking is cheap: a JPEG is decoded to its coefficients once, of a PNG an eighth of the rows. What
/// is then extracted from it costs more, and only pictures that carry something get so far.
///
/// Anybody may send such pictures, so they must be smaller than covers: at most
/// [`MAX_PIXELS_FROM_STRANGERS`](crate::MAX_PIXELS_FROM_STRANGERS). Whoever sends a larger one finds
/// no reader but [`StegoCodec::extract`](crate::StegoCodec::extract).
#[expect(missing_debug_implementations, reason = "it may hold a whole picture")]
pub struct StegoImage<'a>(Kind<'a>);

enum Kind<'a> {
    Jpeg(Box<Jpeg>),
    Png(Box<PngReading<'a>>),
}

impl<'a> StegoImage<'a> {
    /// Takes the bytes of a picture file.
    ///
    /// # Errors
    /// [`ExtractError::WrongFormat`] if it is neither JPEG nor PNG, [`ExtractError::Picture`] if it
    /// cannot be read or is too large.
    pub fn read(file: &'a [u8]) -> Result<Self, ExtractError> {
        let kind = match PictureFormat::of(file) {
            Some(PictureFormat::Jpeg) => {
                Kind::Jpeg(Box::new(Jpeg::read_within(file, JpegLimits::STRANGE)?))
            }
            Some(PictureFormat::Png) => {
                let reading = PngReading::of(file)?;
                let (width, height) = reading.size();
                check_area(width, height, MAX_PIXELS_FROM_STRANGERS)?;
                Kind::Png(Box::new(reading))
            }
            found => return Err(ExtractError::WrongFormat { found }),
        };
        Ok(Self(kind))
    }

    /// Whether the picture carries something for those who share a probe key. One picture in
    /// sixteen million says so by chance.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn carries(&self, key: &ProbeKey) -> Result<bool, PictureError> {
        match &self.0 {
            Kind::Jpeg(jpeg) => Ok(adaptive::probe(&Luma::of(jpeg), key).is_some()),
            Kind::Png(file) => file.carries(key),
        }
    }

    /// The payload for the holder of this key.
    ///
    /// # Errors
    /// [`ExtractError::NoPayload`] if there is none, as far as can be told; a clean picture and
    /// another key look the same. [`ExtractError::Picture`] if it cannot be read.
    pub fn extract(&self, key: &StegoKey) -> Result<Zeroizing<Vec<u8>>, ExtractError> {
        let found = match &self.0 {
            Kind::Jpeg(jpeg) => adaptive::extract(&Luma::of(jpeg), key),
            Kind::Png(file) => file.extract(key)?,
        };
        found.ok_or(ExtractError::NoPayload)
    }
}
