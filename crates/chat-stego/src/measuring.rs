//! What benches measure: the codec `lsb-compat` on decoded pixels, and the codes apart.

pub mod stc;

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

    /// A copy of the pixels with the payload in them.
    #[must_use]
    pub fn hide(&self, payload: &[u8]) -> Self {
        let mut raster = self.0.clone();
        bits::write(&mut raster, &frame::encode(payload));
        Self(raster)
    }

    /// The payload.
    ///
    /// # Errors
    /// When there is none.
    pub fn reveal(self) -> Result<Zeroizing<Vec<u8>>, ExtractError> {
        read(Units::of_raster(self.0))
    }
}
