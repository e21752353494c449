use std::io::Cursor;
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat};

use super::*;
use crate::codec::{EmbedOptions, StegoCodec};
use crate::detect::{Assessment, assess, compare};
use crate::{LsbCompat, StegoKey};

const PICTURES: [&str; 5] = ["blue", "cool", "smart", "smile", "think"];

fn file(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../images");
    std::fs::read(folder.join(name).with_extension("jpg")).unwrap()
}

/// A photograph scaled down to half its sides, so that nothing of its JPEG is left.
fn halved(name: &str) -> DynamicImage {
    let picture = image::load_from_memory(&file(name)).unwrap();
    picture.resize_exact(picture.width() / 2, picture.height() / 2, FilterType::Triangle)
}

fn plane(picture: &DynamicImage) -> GreyPlane {
    let grey = picture.to_luma8();
    GreyPlane::new(grey.width() as usize, grey.height() as usize, grey.into_raw()).unwrap()
}

fn png(picture: &DynamicImage) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, ImageFormat::Png).unwrap();
    file.into_inner()
}

fn jpeg(picture: &DynamicImage, quality: u8) -> Vec<u8> {
    let mut file = Vec::new();
    picture.write_with_encoder(JpegEncoder::new_with_quality(&mut file, quality)).unwrap();
    file
}

fn grey_through_jpeg(name: &str, quality: u8) -> GreyPlane {
    let grey = DynamicImage::ImageLuma8(halved(name).to_luma8());
    plane(&image::load_from_memory(&jpeg(&grey, quality)).unwrap())
}

/// `lsb-compat`: decodes any cover and writes a PNG.
fn hide(cover: &[u8], payload: &[u8]) -> Vec<u8> {
    let key = StegoKey::from_bytes([0; 32]);
    LsbCompat.embed(cover, payload, &key, &EmbedOptions::default()).unwrap().file
}

fn impossible(found: &Assessment) -> usize {
    found.former_jpeg.unwrap().blocks.impossible
}

#[test]
fn ten_bytes_in_a_decoded_grey_jpeg_are_seen_and_a_clean_one_is_not() {
    for name in PICTURES {
        for quality in [75, 90].into_iter().filter(|q| *q == 75 || name == "cool") {
            let cover = DynamicImage::ImageLuma8(halved(name).to_luma8());
            let found =
                compare(&jpeg(&cover, quality), &hide(&jpeg(&cover, quality), b"ten bytes!"));
            let found = found.unwrap();
            assert!(impossible(&found.cover) <= 1, "{name} {quality}");
            assert!(impossible(&found.stego) >= 2, "{name} {quality}");
            assert!(found.blocks_by_cover_table.unwrap().impossible >= 2, "{name} {quality}");
        }
    }
}

#[test]
fn ten_bytes_in_a_decoded_colour_jpeg_are_seen_by_blocks_and_by_colours() {
    for name in PICTURES {
        let cover = file(name);
        let found = compare(&cover, &hide(&cover, b"ten bytes!")).unwrap();
        assert!(impossible(&found.cover) <= 2, "{name}");
        assert_eq!(found.cover.colours.unwrap().impossible, 0, "{name}");
        // The first row of the deep field is black: saturated, where neither test looks.
        if name != "blue" {
            assert!(impossible(&found.stego) > impossible(&found.cover), "{name}");
            assert!(found.stego.colours.unwrap().impossible >= 3, "{name}");
        }
        let samples = found.samples.unwrap();
        assert!(samples.changed > 20 && samples.changed == samples.flipped, "{name}");
    }
}

#[test]
fn photographs_that_were_scaled_are_no_former_jpegs() {
    for name in PICTURES {
        let found = assess(&png(&halved(name))).unwrap();
        assert_eq!((found.former_jpeg, found.colours), (None, None), "{name}");
        assert_eq!(found.channels.len(), 3);
    }
}

#[test]
fn the_grid_of_a_cropped_picture_and_its_table_are_found() {
    let whole = grey_through_jpeg("cool", 75);
    let rows = whole.samples().chunks_exact(whole.width()).skip(3);
    let samples: Vec<u8> = rows.flat_map(|row| row[6..].to_vec()).collect();
    let cropped = GreyPlane::new(whole.width() - 6, whole.height() - 3, samples).unwrap();
    let found = former_jpeg(&cropped).unwrap();
    assert_eq!(found.grid, GridOffset { x: 2, y: 5 });
    assert_eq!(found.blocks.impossible, 0);
    assert!(found.is_conclusive());
    // The standard's table K.1 at quality 75, first row.
    assert_eq!(&found.table.steps()[..8], [8, 6, 5, 8, 12, 20, 26, 31]);
}

#[test]
fn fine_tables_are_inconclusive_and_the_finest_unseen() {
    assert!(!former_jpeg(&grey_through_jpeg("cool", 95)).unwrap().is_conclusive());
    assert_eq!(former_jpeg(&grey_through_jpeg("cool", 100)), None);
}

#[test]
fn a_known_table_is_tested_from_the_first_pixel() {
    let cover = grey_through_jpeg("think", 75);
    let table = *former_jpeg(&cover).unwrap().table.steps();
    let clean = compatibility_with(&cover, &table);
    assert_eq!(clean.impossible, 0);
    let mut samples = cover.samples().to_vec();
    let place = (0..samples.len()).find(|&i| (100..150).contains(&samples[i])).unwrap();
    samples[place] += 1;
    let touched = GreyPlane::new(cover.width(), cover.height(), samples).unwrap();
    assert_eq!(compatibility_with(&touched, &table).impossible, 1);
}
