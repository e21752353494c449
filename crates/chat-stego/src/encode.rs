//! Writing PNG files: pixels only, no metadata of any kind.

use crate::raster::{Layout, Raster};

/// Encodes a picture as 8-bit PNG, RGB or RGBA, not interlaced.
pub(crate) fn png(raster: &Raster) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::with_capacity(raster.samples.len() / 2);
    let mut encoder = png::Encoder::new(&mut file, raster.width, raster.height);
    encoder.set_color(match raster.layout {
        Layout::Rgb => png::ColorType::Rgb,
        Layout::Rgba => png::ColorType::Rgba,
    });
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&raster.samples)?;
    writer.finish()?;
    Ok(file)
}
