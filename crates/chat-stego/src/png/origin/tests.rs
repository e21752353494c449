use std::collections::BTreeMap;
use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{GrayImage, Luma as Grey, Rgb, RgbImage};

use super::*;
use crate::png::{Colour, PngFile};

/// Waves of all lengths, weaker the shorter, with noise and an edge: statistics like a photograph's.
fn scene(width: u32, height: u32, seed: u32) -> RgbImage {
    let mut state = seed | 1;
    let mut noise = move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 16) as f32 / 65_536.0 - 0.5
    };
    let waves: Vec<[f32; 4]> = (0..48)
        .map(|_| {
            let pace = 0.01 * 1.12_f32.powf(40.0 * (noise() + 0.5));
            let turn = 6.3 * noise();
            [pace * turn.cos(), pace * turn.sin(), 6.3 * noise(), 0.5 / (pace + 0.02)]
        })
        .collect();
    RgbImage::from_fn(width, height, |x, y| {
        let (x, y) = (x as f32, y as f32);
        let sum: f32 = waves.iter().map(|[a, b, c, size]| size * (a * x + b * y + c).sin()).sum();
        let value = 120.0 + 0.35 * sum + if x > 1.3 * y { 20.0 } else { 0.0 };
        Rgb([0.0, 10.0, -12.0].map(|tint| (value + tint + 14.0 * noise()).clamp(1.0, 254.0) as u8))
    })
}

fn colour(picture: &RgbImage) -> Samples {
    of(Colour::Rgb, picture.dimensions(), picture.as_raw())
}

fn grey(picture: &RgbImage) -> Samples {
    let picture = imageops::grayscale(picture);
    of(Colour::Grey, picture.dimensions(), picture.as_raw())
}

fn of(colour: Colour, (width, height): (u32, u32), data: &[u8]) -> Samples {
    let filters = vec![0; height as usize];
    Samples { width, height, colour, data: data.to_vec(), filters, transparent: None }
}

/// A JPEG of the picture, decoded, without its first rows and columns.
fn through_jpeg(picture: &RgbImage, quality: u8, shift: u32) -> RgbImage {
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, quality).encode_image(picture).unwrap();
    let decoded = image::load(Cursor::new(file), image::ImageFormat::Jpeg).unwrap().to_rgb8();
    let (width, height) = (decoded.width() - shift, decoded.height() - shift);
    imageops::crop_imm(&decoded, shift, shift, width, height).to_image()
}

fn scaled(picture: &RgbImage, factor: f32, filter: FilterType) -> RgbImage {
    let size = |side: u32| (side as f32 * factor).round() as u32;
    imageops::resize(picture, size(picture.width()), size(picture.height()), filter)
}

#[test]
fn pictures_that_were_scaled_down_are_clean() {
    for seed in [3, 4] {
        let large = scene(1200, 1000, seed);
        for source in [large.clone(), through_jpeg(&large, 80, 0)] {
            for factor in [0.5, 0.37] {
                let picture = scaled(&source, factor, FilterType::Lanczos3);
                for samples in [colour(&picture), grey(&picture)] {
                    let origin = Origin::of(&samples);
                    let is_clean = matches!(origin.jpeg, Trace::Absent { .. })
                        && matches!(origin.upscaling, Trace::Absent { .. });
                    assert!(is_clean, "{factor}: {origin:?}");
                }
            }
        }
    }
}

#[test]
fn former_jpegs_are_recognised_wherever_their_grid_lies() {
    let picture = scaled(&scene(1200, 1000, 5), 0.5, FilterType::Lanczos3);
    for (quality, shift) in [(75, 0), (85, 3), (90, 7), (95, 4)] {
        let picture = through_jpeg(&picture, quality, shift);
        for samples in [colour(&picture), grey(&picture)] {
            let origin = Origin::of(&samples);
            assert!(origin.jpeg.is_present(), "quality {quality}: {origin:?}");
        }
    }
}

#[test]
fn enlarged_pictures_are_recognised() {
    let picture = scaled(&scene(800, 700, 6), 0.5, FilterType::Lanczos3);
    for filter in [FilterType::Triangle, FilterType::CatmullRom, FilterType::Lanczos3] {
        for factor in [1.2, 1.5, 2.0, 3.0] {
            let origin = Origin::of(&colour(&scaled(&picture, factor, filter)));
            assert!(origin.upscaling.is_present(), "{filter:?} {factor}: {origin:?}");
        }
    }
}

#[test]
fn small_flat_and_saturated_pictures_are_unclear() {
    for picture in [
        GrayImage::from_fn(60, 60, |x, y| Grey([(x * y % 251) as u8])),
        GrayImage::from_pixel(600, 600, Grey([9])),
        GrayImage::from_pixel(600, 600, Grey([255])),
    ] {
        let samples = of(Colour::Grey, picture.dimensions(), picture.as_raw());
        assert_eq!(
            Origin::of(&samples),
            Origin { jpeg: Trace::Unclear, upscaling: Trace::Unclear }
        );
    }
    let first = PngFile::read(include_bytes!("../../../tests/fixtures/png/pillow-grey.png"));
    assert_eq!(Origin::of(&first.unwrap().first_rows(1).unwrap()).jpeg, Trace::Unclear);
}

/// The share of files that each verdict is given for, by the part of the name before the first `_`.
#[test]
#[ignore = "a measurement on the folder of scripts/origin-corpus in SECURECHAT_TEST_ORIGINS"]
fn rates_on_photographs() {
    let folder = std::env::var_os("SECURECHAT_TEST_ORIGINS").unwrap();
    let mut classes: BTreeMap<String, Vec<Origin>> = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Ok(png) = PngFile::read(&std::fs::read(&path).unwrap()).and_then(|p| p.samples())
        else {
            println!("left out: {name}");
            continue;
        };
        let class = name.split('_').next().unwrap().to_owned();
        classes.entry(class).or_default().push(Origin::of(&png));
    }
    for (class, origins) in classes {
        let share = |is: &dyn Fn(&&Origin) -> bool| {
            100.0 * origins.iter().filter(is).count() as f32 / origins.len() as f32
        };
        println!(
            "{class}: {} files; JPEG {:.2} %, unclear {:.2} %; upscaled {:.2} %, unclear {:.2} %; \
             either {:.2} %",
            origins.len(),
            share(&|o| o.jpeg.is_present()),
            share(&|o| o.jpeg == Trace::Unclear),
            share(&|o| o.upscaling.is_present()),
            share(&|o| o.upscaling == Trace::Unclear),
            share(&|o| o.jpeg.is_present() || o.upscaling.is_present()),
        );
    }
}
