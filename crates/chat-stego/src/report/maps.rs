//! Maps of whole files.

use super::cost_map::cost_map;
use super::heat_map::{Changes, heat_map};
use super::lsb_planes::lsb_planes;
use crate::codec::CodecId;
use crate::cover::split_side_information;
use crate::decode::{self, Rendering};
use crate::detect::GreyPlane;
use crate::jpeg::Jpeg;
use crate::measuring;
use crate::picture::{PictureError, PictureFormat};
use crate::png::PngFile;
use crate::raster::Raster;

/// Draws where a stego image differs from its cover, over the cover.
///
/// * `cover`, `stego` - files of one size; two JPEGs are compared by their coefficients
///
/// Returns a PNG file, or `None` if the two do not belong together.
///
/// # Errors
/// When one of them cannot be read.
pub fn map_changes(cover: &[u8], stego: &[u8]) -> Result<Option<Vec<u8>>, PictureError> {
    let cover = jpeg_alone(cover);
    let pixels = decode::pixels(cover, Rendering::AsStegano)?;
    let Some(plane) = luma(&pixels) else { return Ok(None) };
    if [cover, stego].map(PictureFormat::of) == [Some(PictureFormat::Jpeg); 2] {
        let counts = changed_blocks(&Jpeg::read(cover)?, &Jpeg::read(stego)?);
        return Ok(counts.and_then(|counts| heat_map(&plane, Changes::Blocks(&counts))));
    }
    let other = decode::pixels(stego, Rendering::AsStegano)?;
    let counts = changed_pixels(&pixels, &other);
    Ok(counts.and_then(|counts| heat_map(&plane, Changes::Pixels(&counts))))
}

/// Draws what a change would cost, everywhere in a cover: for a JPEG the cheapest coefficient of
/// each block, for a PNG the cheapest sample of each pixel.
///
/// Returns a PNG file, or `None` for a file that is neither.
///
/// # Errors
/// When it cannot be read.
pub fn map_costs(cover: &[u8]) -> Result<Option<Vec<u8>>, PictureError> {
    let cover = jpeg_alone(cover);
    match PictureFormat::of(cover) {
        Some(PictureFormat::Jpeg) => {
            let jpeg = Jpeg::read(cover)?;
            let costs = measuring::costs(CodecId::JpegJuniward, cover)?;
            let (wide, high) = (jpeg.luma().wide, jpeg.luma().high);
            let blocks: Vec<f32> = costs.chunks_exact(64).map(cheapest).collect();
            Ok(cost_map(wide, high, &blocks))
        }
        Some(PictureFormat::Png) => {
            let header = PngFile::read(cover)?.header();
            let (wide, channels) = (header.width as usize, header.colour.channels());
            let costs = measuring::costs(CodecId::PngHill, cover)?;
            let row = costs.chunks_exact(64 * wide.div_ceil(16));
            let pixels: Vec<f32> = row
                .flat_map(|row| {
                    let cells = row.chunks_exact(64);
                    let pixels = cells.flat_map(|cell| cell.chunks_exact(channels).take(16));
                    pixels.take(wide).map(cheapest)
                })
                .collect();
            Ok(cost_map(wide, header.height as usize, &pixels))
        }
        _ => Ok(None),
    }
}

/// Draws the lowest bits of two pictures side by side, as [`lsb_planes`] does.
///
/// # Errors
/// When one of them cannot be read.
pub fn map_lowest_bits(cover: &[u8], stego: &[u8]) -> Result<Option<Vec<u8>>, PictureError> {
    let plane = |file| -> Result<Option<GreyPlane>, PictureError> {
        let Raster { width, height, layout, samples } = decode::pixels(file, Rendering::AsStegano)?;
        let red = samples.iter().step_by(layout.channels()).copied().collect();
        Ok(GreyPlane::new(width as usize, height as usize, red))
    };
    let planes = plane(jpeg_alone(cover))?.zip(plane(stego)?);
    Ok(planes.and_then(|(cover, stego)| lsb_planes(&cover, &stego)))
}

/// The brightness of each pixel, as people see it.
fn luma(raster: &Raster) -> Option<GreyPlane> {
    let grey = |pixel: &[u8]| match *pixel {
        [r, g, b, ..] => {
            // ITU-T T.871, section 7, in thousandths.
            let luma = 299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b);
            u8::try_from(luma / 1000).unwrap_or(u8::MAX)
        }
        _ => 0,
    };
    let samples = raster.samples.chunks_exact(raster.layout.channels()).map(grey).collect();
    GreyPlane::new(raster.width as usize, raster.height as usize, samples)
}

/// The part of a prepared photo that is shown.
fn jpeg_alone(cover: &[u8]) -> &[u8] {
    split_side_information(cover).map_or(cover, |(jpeg, _)| jpeg)
}

fn cheapest(costs: &[f32]) -> f32 {
    costs.iter().copied().fold(f32::INFINITY, f32::min)
}

fn changed_blocks(cover: &Jpeg, stego: &Jpeg) -> Option<Vec<u8>> {
    let (cover, stego) = (cover.luma(), stego.luma());
    if (cover.wide, cover.high) != (stego.wide, stego.high) {
        return None;
    }
    let rows = (0..cover.high).map(|row| cover.row(row).iter().zip(stego.row(row)));
    let count = |(before, after): (&[i16; 64], &[i16; 64])| {
        let changed = before.iter().zip(after).filter(|(before, after)| before != after).count();
        u8::try_from(changed).unwrap_or(u8::MAX)
    };
    Some(rows.flatten().map(count).collect())
}

fn changed_pixels(cover: &Raster, stego: &Raster) -> Option<Vec<u8>> {
    if (cover.width, cover.height) != (stego.width, stego.height) {
        return None;
    }
    let before = cover.samples.chunks_exact(cover.layout.channels());
    let after = stego.samples.chunks_exact(stego.layout.channels());
    let count = |(before, after): (&[u8], &[u8])| {
        let changed = before.iter().zip(after).take(3).filter(|(before, after)| before != after);
        u8::try_from(changed.count()).unwrap_or(u8::MAX)
    };
    Some(before.zip(after).map(count).collect())
}
