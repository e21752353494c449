//! QR codes: drawn in the terminal, read from pictures.

use std::path::Path;

use image::{GrayImage, ImageError, ImageReader, Limits};
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};

use crate::failure::{Exit, Failure};

/// Draws on stderr, so that stdout holds the data.
pub(crate) fn draw(text: &str) -> Result<(), Failure> {
    use std::io::Write;
    let code = QrCode::with_error_correction_level(text, EcLevel::L)
        .map_err(|_| Failure::usage("this is too long for a QR code"))?;
    let picture = code.render::<Dense1x2>().quiet_zone(true).build();
    drop(writeln!(std::io::stderr().lock(), "{picture}"));
    Ok(())
}

/// The text of the first QR code in a picture: JPEG, PNG or WebP.
///
/// * `otherwise` - the hint that says how to go on without it
pub(crate) fn read(path: &Path, otherwise: &str) -> Result<String, Failure> {
    let none = |why: &str| {
        Failure::new(Exit::Usage, "no_qr", format!("{}: {why}", path.display()))
            .hint("take the picture again: the whole code, sharp and straight")
            .hint(otherwise)
    };
    let grey = pixels(path).map_err(|error| match error {
        ImageError::IoError(error) => Failure::file(path, &error),
        error => none(&error.to_string()),
    })?;
    let mut picture = rqrr::PreparedImage::prepare_from_greyscale(
        grey.width() as usize,
        grey.height() as usize,
        |x, y| grey.get_pixel_checked(x as u32, y as u32).map_or(u8::MAX, |pixel| pixel.0[0]),
    );
    let texts = picture.detect_grids().into_iter().filter_map(|grid| Some(grid.decode().ok()?.1));
    texts.into_iter().next().ok_or_else(|| none("there is no QR code that can be read in it"))
}

/// The brightness of a picture, within limits that no photo of a code exceeds.
fn pixels(path: &Path) -> Result<GrayImage, ImageError> {
    let mut reader = ImageReader::open(path)?.with_guessed_format()?;
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(16_384), Some(16_384));
    limits.max_alloc = Some(512 << 20);
    reader.limits(limits);
    Ok(reader.decode()?.into_luma8())
}
