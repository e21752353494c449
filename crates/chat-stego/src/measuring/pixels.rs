//! The codec `lsb-compat` on decoded pixels.

use zeroize::Zeroizing;

use crate::codec::ExtractError;
use crate::decode::{self, Rendering};
use crate::lsb_compat::units::Units;
use crate::lsb_compat::{bits, frame, read};
use crate::picture::PictureError;
use crate::raster::Raster;

/// The pixels of a picture.
#[expect(missing_debug_implementations, reason = "it lives for one measurement")]
pub struct Pixels(Raster);

impl Pixels {
    /// Decodes a picture.
    ///
    /// # Errors
    /// When it is none, or too large.
    pub fn of(file: &[u8]) -> Result<Self, PictureError> {
        decode::pixels(file, Rendering::AsStegano).map(Self)
    }

    /// Writes the payload into the pixels, as the codec does between decoding and encoding.
    pub fn hide(&mut self, payload: &[u8]) {
        bits::write(&mut self.0, &frame::encode(payload));
    }

    /// The payload.
    ///
    /// # Errors
    /// When there is none.
    pub fn reveal(self) -> Result<Zeroizing<Vec<u8>>, ExtractError> {
        read(Units::of_raster(self.0))
    }
}
