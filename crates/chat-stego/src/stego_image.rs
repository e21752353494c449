//! Pictures that may carry something, as a reader of many meets them.

use zeroize::Zeroizing;

use crate::adaptive;
use crate::codec::ExtractError;
use crate::jpeg::Jpeg;
use crate::jpeg_juniward::Luma;
use crate::key::{ProbeKey, StegoKey};
use crate::picture::{PictureError, PictureFormat};
use crate::png_hill;

/// A picture that may carry a payload of one of the keyed codecs, whichever it is.
///
/// Asking is cheap: a JPEG is decoded to its coefficients once, of a PNG an eighth of the rows. What
/// is then extracted from it costs more, and only pictures that carry something get so far.
#[expect(missing_debug_implementations, reason = "it may hold a whole picture")]
pub struct StegoImage<'a>(Kind<'a>);

enum Kind<'a> {
    Jpeg(Box<Jpeg>),
    Png(&'a [u8]),
}

impl<'a> StegoImage<'a> {
    /// Takes the bytes of a picture file.
    ///
    /// # Errors
    /// [`ExtractError::WrongFormat`] if it is neither JPEG nor PNG, [`ExtractError::Picture`] if it
    /// cannot be read.
    pub fn read(file: &'a [u8]) -> Result<Self, ExtractError> {
        match PictureFormat::of(file) {
            Some(PictureFormat::Jpeg) => Ok(Self(Kind::Jpeg(Box::new(Jpeg::read(file)?)))),
            Some(PictureFormat::Png) => Ok(Self(Kind::Png(file))),
            found => Err(ExtractError::WrongFormat { found }),
        }
    }

    /// Whether the picture carries something for those who share a probe key. One picture in
    /// sixteen million says so by chance.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn carries(&self, key: &ProbeKey) -> Result<bool, PictureError> {
        match &self.0 {
            Kind::Jpeg(jpeg) => Ok(adaptive::probe(&Luma::of(jpeg), key).is_some()),
            Kind::Png(file) => png_hill::probe(file, key),
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
            Kind::Png(file) => png_hill::extract(file, key)?,
        };
        found.ok_or(ExtractError::NoPayload)
    }
}
