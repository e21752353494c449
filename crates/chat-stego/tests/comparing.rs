//! What detectors say of a cover and its stego image, and who wrote the two.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test crate")]

use std::io::Cursor;
use std::path::Path;

use chat_stego::detect::{
    Comparison, Compressor, Giveaway, RowFilters, TableStyle, Writing, WritingDifference, compare,
};
use chat_stego::{CodecId, EmbedOptions, StegoKey};
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat};

fn photo() -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../images");
    std::fs::read(folder.join("think.jpg")).unwrap()
}

/// The photo at half its size, so that nothing of its JPEG is left.
fn halved() -> DynamicImage {
    let photo = image::load_from_memory(&photo()).unwrap();
    photo.resize(photo.width() / 2, photo.height() / 2, FilterType::Triangle)
}

fn png_crate(picture: &DynamicImage) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, ImageFormat::Png).unwrap();
    file.into_inner()
}

fn hide(codec: CodecId, cover: &[u8], payload: &[u8]) -> Vec<u8> {
    let options = EmbedOptions::default().accept_any_cover();
    let key = StegoKey::from_bytes([3; 32]);
    codec.codec().embed(cover, payload, &key, &options).unwrap().file
}

fn differences(compared: &Comparison) -> &[WritingDifference] {
    &compared.writing.differences
}

#[test]
fn a_picture_and_itself_do_not_differ() {
    for file in [photo(), png_crate(&halved())] {
        let compared = compare(&file, &file).unwrap();
        assert_eq!(differences(&compared), []);
        assert_eq!(compared.giveaways(), []);
        assert_eq!(compared.samples.unwrap().changed, 0);
    }
}

#[test]
fn keyed_codecs_leave_the_writing_as_it_was() {
    let covers = [(CodecId::JpegJuniward, photo()), (CodecId::PngHill, png_crate(&halved()))];
    for (codec, cover) in covers {
        let compared = compare(&cover, &hide(codec, &cover, &[7; 330])).unwrap();
        assert!(compared.samples.unwrap().changed > 0);
        assert_eq!(differences(&compared), [], "{codec}");
        assert_eq!(compared.giveaways(), [], "{codec}");
        assert_eq!(compared.writing.cover, compared.writing.stego);
    }
}

#[test]
fn ten_bytes_in_the_pixels_of_a_jpeg_are_caught() {
    let compared = compare(&photo(), &hide(CodecId::LsbCompat, &photo(), b"ten bytes!")).unwrap();
    let found = compared.giveaways();
    assert!(found.contains(&Giveaway::ImpossibleBlocks), "{found:?}");
    assert!(found.contains(&Giveaway::Writing), "{found:?}");
    assert_eq!(differences(&compared), [WritingDifference::Format]);
}

#[test]
fn lowest_bits_that_are_full_are_caught_by_every_estimate() {
    let cover = png_crate(&halved());
    let room = CodecId::LsbCompat.codec().capacity(&cover).unwrap().max_bytes;
    let text: Vec<u8> = (0..room).map(|at| b'A' + (at * at % 53) as u8).collect();
    let compared = compare(&cover, &hide(CodecId::LsbCompat, &cover, &text)).unwrap();
    let found = compared.giveaways();
    for detector in [Giveaway::SamplePairs, Giveaway::RegularSingular, Giveaway::WeightedStego] {
        assert!(found.contains(&detector), "{found:?}");
    }
}

/// A PNG of grey rows that C zlib has compressed, or nearly.
fn deflated(rows: &DynamicImage, level: u32) -> Vec<u8> {
    let grey = rows.to_luma8();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, grey.width(), grey.height());
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_filter(png::Filter::Up);
    encoder.set_deflate_compression(png::DeflateCompression::Level(level as u8));
    encoder.write_header().unwrap().write_image_data(grey.as_raw()).unwrap();
    file
}

#[test]
fn another_level_of_the_compressor_is_seen() {
    let picture = halved();
    let (one, other) = (deflated(&picture, 1), deflated(&picture, 9));
    let compared = compare(&one, &other).unwrap();
    assert_eq!(compared.samples.unwrap().changed, 0);
    let Writing::Png { filters, .. } = compared.writing.cover else { unreachable!() };
    assert_eq!(filters, RowFilters::Single(2));
}

/// Pillow uses C zlib: level 6, memLevel 9, filtered. So small a file is the same with memLevel 8.
#[test]
fn c_zlib_is_known_by_its_settings_and_a_new_compressor_is_caught() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let cover = std::fs::read(fixtures.join("cover-rgb.png")).unwrap();
    let again = png_crate(&image::load_from_memory(&cover).unwrap());
    let compared = compare(&cover, &again).unwrap();
    let Writing::Png { compressor, .. } = compared.writing.cover else { unreachable!() };
    assert_eq!(compressor, Compressor::Zlib { level: 6, mem_level: 8, filtered: true });
    assert!(differences(&compared).contains(&WritingDifference::Compressor));
    // The pixels are the same, so nothing is hidden; but whoever hides like this is seen.
    let mut changed = image::load_from_memory(&cover).unwrap().into_rgb8();
    changed.get_pixel_mut(3, 3).0[1] ^= 1;
    let compared = compare(&cover, &png_crate(&changed.into())).unwrap();
    assert!(compared.giveaways().contains(&Giveaway::Writing));
}

#[test]
fn another_jpeg_encoder_is_seen() {
    let picture = image::load_from_memory(&photo()).unwrap();
    let mut again = Vec::new();
    picture.write_with_encoder(JpegEncoder::new_with_quality(&mut again, 60)).unwrap();
    let compared = compare(&photo(), &again).unwrap();
    assert!(differences(&compared).contains(&WritingDifference::QuantisationTables));
    assert!(compared.giveaways().contains(&Giveaway::Writing));
    let Writing::Jpeg { huffman, .. } = compared.writing.stego else { unreachable!() };
    assert_eq!(huffman, TableStyle::Standard);
}

#[test]
fn pictures_that_do_not_belong_together_give_nothing_away() {
    let compared = compare(&photo(), &png_crate(&halved())).unwrap();
    assert_eq!(compared.samples, None);
    assert_eq!(compared.giveaways(), []);
    assert!(compare(&photo(), b"\0\0\0\x18ftypheic\0\0\0\0mif1heic").is_err());
}
