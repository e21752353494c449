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

/// Pixels times scans of a JPEG: each scan may visit every pixel again.
pub(crate) const MAX_SCAN_PIXELS: u64 = 1 << 30;

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

/// Refuses a JPEG that asks for far more work than its size lets expect.
pub(crate) fn check_scans(scans: u64, width: u32, height: u32) -> Result<(), PictureError> {
    let pixels = u64::from(width) * u64::from(height);
    if scans > MAX_SCANS || scans.saturating_mul(pixels) > MAX_SCAN_PIXELS {
        return Err(PictureError::TooManyScans { scans });
    }
    Ok(())
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
        assert!(check_scans(10, 8192, 8192).is_ok());
        assert!(check_scans(17, 8192, 8192).is_err());
        assert!(check_scans(101, 1, 1).is_err());
    }
}
