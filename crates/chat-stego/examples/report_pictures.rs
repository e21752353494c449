//! Draws every picture of `chat_stego::report` for a cover: `report_pictures COVER FOLDER`. The adaptive payload is a
//! stand-in: changes of 1 at random among the places where neighbours differ most.

use std::error::Error;
use std::fs;
use std::path::Path;

use chat_stego::detect::{self, GreyPlane};
use chat_stego::report::{self, CapacityBands, Changes, Hidden, Report};
use chat_stego::{EmbedOptions, LsbCompat, StegoCodec, StegoKey};
use image::{DynamicImage, ImageFormat, RgbImage};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, cover, folder] = arguments.as_slice() else {
        return Err("usage: report_pictures COVER FOLDER".into());
    };
    let folder = Path::new(folder);
    fs::create_dir_all(folder)?;
    let file = fs::read(cover)?;
    let pixels = image::load_from_memory(&file)?.into_rgb8();
    let text: Vec<u8> = (0..TEXT as u32).map(|i| b'A' + (i.wrapping_mul(i) % 23) as u8).collect();
    let key = StegoKey::from_bytes([0; 32]);
    let lsb = LsbCompat.embed(&file, &text, &key, &EmbedOptions::default())?;
    let lsb_pixels = image::load_from_memory(&lsb.png)?.into_rgb8();

    let costs = costs(&grey(&pixels)?);
    let adaptive_pixels = change_cheapest(&pixels, &costs);
    let mut adaptive = std::io::Cursor::new(Vec::new());
    DynamicImage::from(adaptive_pixels.clone()).write_to(&mut adaptive, ImageFormat::Png)?;

    let planes = report::lsb_planes(&red(&pixels)?, &red(&lsb_pixels)?).ok_or("no planes")?;
    let (width, height) = (pixels.width() as usize, pixels.height() as usize);
    let cost_map = report::cost_map(width, height, &costs).ok_or("no cost map")?;
    let (lsb_changes, changes) = (differ(&pixels, &lsb_pixels), differ(&pixels, &adaptive_pixels));
    let heat = |changes: &[u8]| report::heat_map(&grey(&pixels).ok()?, Changes::Pixels(changes));
    let lsb_heat = heat(&lsb_changes).ok_or("no heat map")?;
    let adaptive_heat = heat(&changes).ok_or("no heat map")?;
    let blocks = blocks(&changes, width, height);
    let block_heat =
        report::heat_map(&grey(&pixels)?, Changes::Blocks(&blocks)).ok_or("no heat map")?;
    let comfort = (25.6 * (width as f64 * height as f64).sqrt() / 8.0) as u64;
    let bands = CapacityBands {
        comfort,
        caution: 2 * comfort,
        hard_limit: 8 * comfort,
        payload: Some(TEXT as u64),
    };
    for (name, png) in [
        ("lsb-planes", &planes),
        ("cost-map", &cost_map),
        ("heat-lsb", &lsb_heat),
        ("heat-adaptive", &adaptive_heat),
        ("heat-blocks", &block_heat),
        ("capacity", &report::capacity_bar(&bands).ok_or("no bar")?),
    ] {
        fs::write(folder.join(name).with_extension("png"), png)?;
    }
    let count = |changes: &[u8]| changes.iter().map(|&count| u64::from(count)).sum();
    let page = report::report(&Report {
        cover_name: "the example's cover",
        cover: &detect::assess(&file)?,
        lsb: Some(Hidden {
            codec: "lsb-compat",
            payload: TEXT as u64,
            changes: lsb.changes as u64,
            seen: &detect::assess(&lsb.png)?,
            heat_map: Some(&lsb_heat),
        }),
        lsb_planes: Some(&planes),
        adaptive: Some(Hidden {
            codec: "a stand-in for an adaptive codec",
            payload: TEXT as u64,
            changes: count(&changes),
            seen: &detect::assess(&adaptive.into_inner())?,
            heat_map: Some(&adaptive_heat),
        }),
        cost_map: Some(&cost_map),
        bands: Some(bands),
    });
    fs::write(folder.join("report.html"), page)?;
    Ok(())
}

fn grey(pixels: &RgbImage) -> Result<GreyPlane, Box<dyn Error>> {
    let grey = DynamicImage::from(pixels.clone()).into_luma8();
    plane(pixels, grey.into_raw())
}

fn red(pixels: &RgbImage) -> Result<GreyPlane, Box<dyn Error>> {
    plane(pixels, pixels.pixels().map(|pixel| pixel.0[0]).collect())
}

fn plane(pixels: &RgbImage, samples: Vec<u8>) -> Result<GreyPlane, Box<dyn Error>> {
    let (width, height) = pixels.dimensions();
    Ok(GreyPlane::new(width as usize, height as usize, samples).ok_or("no plane")?)
}

/// High where the 3 x 3 neighbours are alike.
fn costs(plane: &GreyPlane) -> Vec<f32> {
    let (width, height) = (plane.width(), plane.height());
    let at = |x: usize, y: usize| {
        let index = y.min(height - 1) * width + x.min(width - 1);
        f32::from(plane.samples().get(index).copied().unwrap_or_default())
    };
    let cost = |index: usize| {
        let (x, y) = (index % width, index / width);
        if at(x, y) == 0.0 || at(x, y) == 255.0 {
            return f32::INFINITY;
        }
        let near = (0..9).map(|k| {
            (at((x + k % 3).saturating_sub(1), (y + k / 3).saturating_sub(1)) - at(x, y)).abs()
        });
        1.0 / (0.3 + near.sum::<f32>()).powi(2)
    };
    (0..width * height).map(cost).collect()
}

/// Changes about one sample for two bits.
fn change_cheapest(pixels: &RgbImage, costs: &[f32]) -> RgbImage {
    let mut changed = pixels.clone();
    let mut cheap: Vec<usize> = (0..costs.len()).collect();
    cheap.sort_by(|a, b| {
        costs.get(*a).partial_cmp(&costs.get(*b)).unwrap_or(std::cmp::Ordering::Equal)
    });
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..TEXT * 4 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        // The cube prefers the cheap end.
        let share = (state >> 11) as f64 / (1_u64 << 53) as f64;
        let index =
            cheap.get((share.powi(3) * costs.len() as f64 / 3.0) as usize).copied().unwrap_or(0)
                as u32;
        let pixel = changed.get_pixel_mut(index % pixels.width(), index / pixels.width());
        let channel = (state % 3) as usize;
        if let Some(sample) = pixel.0.get_mut(channel) {
            *sample =
                if state & 8 == 0 { sample.saturating_add(1) } else { sample.saturating_sub(1) };
        }
    }
    changed
}

fn differ(cover: &RgbImage, stego: &RgbImage) -> Vec<u8> {
    let count = |(a, b): (&image::Rgb<u8>, &image::Rgb<u8>)| {
        a.0.iter().zip(b.0).map(|(a, b)| u8::from(*a != b)).sum()
    };
    cover.pixels().zip(stego.pixels()).map(count).collect()
}

fn blocks(changes: &[u8], width: usize, height: usize) -> Vec<u8> {
    let wide = width.div_ceil(8);
    let mut blocks = vec![0_u8; wide * height.div_ceil(8)];
    for (index, &count) in changes.iter().enumerate() {
        if let Some(block) = blocks.get_mut(index / width / 8 * wide + index % width / 8) {
            *block = block.saturating_add(count);
        }
    }
    blocks
}

const TEXT: usize = 2_000;
