//! What a picture may cost: checked on its header, before anything is allocated for its pixels.

use crate::picture::PictureError;

/// The most pixels that a picture may have: 64 Mi, so that phones' "64 megapixels" still fit.
pub const MAX_PIXELS: u64 = 1 << 26;

/// The most pixels that a row or a column may have.
pub const MAX_SIDE: u32 = 16_384;

/// Memory that the PNG decoder may take for chunks other than pixels, in bytes.
pub(crate) const MAX_CHUNK_BYTES: usize = 8 << 20;

/// Scans that a JPEG may have. Usual progressive files have about ten.
pub(crate) const MAX_SCANS: u64 = 100;

/// The most pixels that a picture from strangers may have, who could send any number of them: 16 Mi.
///
/// Reading so many takes a tenth of a second and, without subsampling, 100 MB.
pub const MAX_PIXELS_FROM_STRANGERS: u64 = 1 << 24;

/// What a JPEG may cost to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct JpegLimits {
    pixels: u64,
    /// Pixels times scans: each scan may visit every pixel again.
    scan_pixels: u64,
}

impl JpegLimits {
    /// For files that somebody has chosen.
    pub(crate) const CHOSEN: Self = Self { pixels: MAX_PIXELS, scan_pixels: 1 << 30 };
    /// For files that come from strangers, unasked.
    pub(crate) const STRANGE: Self =
        Self { pixels: MAX_PIXELS_FROM_STRANGERS, scan_pixels: 1 << 28 };

    /// Refuses a JPEG that asks for far more work than its size lets expect.
    pub(crate) fn check(self, scans: u64, width: u32, height: u32) -> Result<(), PictureError> {
        let pixels = u64::from(width) * u64::from(height);
        check_area(width, height, self.pixels)?;
        if scans > MAX_SCANS || scans.saturating_mul(pixels) > self.scan_pixels {
            return Err(PictureError::TooManyScans { scans });
        }
        Ok(())
    }
}

/// One byte of deflate can stand for at most this many bytes.
const MAX_DEFLATE_RATIO: u64 = 1032;

/// Refuses sides of zero, long sides and large areas.
pub(crate) fn check_dimensions(width: u32, height: u32) -> Result<(), PictureError> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 || pixels > MAX_PIXELS || width.max(height) > MAX_SIDE {
        return Err(PictureError::Dimensions { width, height });
    }
    Ok(())
}

/// Whether `inflated` bytes can come out of a deflate stream inside a file of `file` bytes.
pub(crate) fn can_inflate_to(file: usize, inflated: u64) -> bool {
    u64::try_from(file).unwrap_or(u64::MAX).saturating_mul(MAX_DEFLATE_RATIO) >= inflated
}

/// Refuses a picture of more than `limit` pixels.
pub(crate) fn check_area(width: u32, height: u32, limit: u64) -> Result<(), PictureError> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels > limit { Err(PictureError::ManyPixels { pixels, limit }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_accept_64_megapixels_and_refuse_more() {
        assert!(check_dimensions(8192, 8192).is_ok());
        assert!(check_dimensions(9248, 6936).is_ok());
        assert!(check_dimensions(8192, 8193).is_err());
        assert!(check_dimensions(16_385, 1).is_err());
        assert!(check_dimensions(1, 0).is_err());
        assert!(check_dimensions(u32::MAX, u32::MAX).is_err());
    }

    #[test]
    fn limits_bound_the_work_of_progressive_files() {
        let check = |scans, side| JpegLimits::CHOSEN.check(scans, side, side);
        assert!(check(10, 8192).is_ok());
        assert!(check(17, 8192).is_err());
        assert!(check(101, 1).is_err());
    }

    #[test]
    fn limits_for_strangers_take_what_phones_send() {
        assert!(check_area(4608, 3456, MAX_PIXELS_FROM_STRANGERS).is_ok());
        assert!(check_area(4096, 4097, MAX_PIXELS_FROM_STRANGERS).is_err());
        assert!(JpegLimits::STRANGE.check(16, 4096, 4096).is_ok());
        assert!(JpegLimits::STRANGE.check(17, 4096, 4096).is_err());
        assert!(JpegLimits::STRANGE.check(1, 4096, 4097).is_err());
    }
}
