//! The keyed codecs on files: what comes back, what stays as it was, and what is refused.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test crate")]

use chat_stego::cover::{Finding, PhotoOptions, prepare_photo, split_side_information};
use chat_stego::{
    CodecId, EmbedError, EmbedOptions, ExtractError, JpegJuniward, JpegSi, PngHill, StegoCodec,
    StegoImage, StegoKey, detect,
};
use image::codecs::jpeg::JpegEncoder;
use image::{ImageFormat, RgbImage};

fn key(byte: u8) -> StegoKey {
    StegoKey::from_bytes([byte; 32])
}

fn payload(length: usize) -> Vec<u8> {
    chat_stego::measuring::random_bytes(length as u64, length)
}

/// A photograph of the repository.
fn photo() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../images/cool.jpg");
    std::fs::read(path).unwrap()
}

/// A part of it, as pixels.
fn part(width: u32, height: u32) -> RgbImage {
    let photo = image::load_from_memory(&photo()).unwrap().into_rgb8();
    let whole = image::imageops::resize(
        &photo,
        photo.width() / 2,
        photo.height() / 2,
        image::imageops::FilterType::Lanczos3,
    );
    image::imageops::crop_imm(&whole, 40, 20, width, height).to_image()
}

fn jpeg_of(pixels: &RgbImage, quality: u8) -> Vec<u8> {
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, quality).encode_image(pixels).unwrap();
    file
}

fn png_of(pixels: &RgbImage) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    pixels.write_to(&mut file, ImageFormat::Png).unwrap();
    file.into_inner()
}

/// Any cover: what is hidden here is not to withstand anybody.
fn any() -> EmbedOptions {
    EmbedOptions::default().accept_any_cover()
}

fn codecs() -> [(&'static dyn StegoCodec, Vec<u8>); 3] {
    let prepared = prepare_photo(&big_photo(), &PhotoOptions::default()).unwrap();
    [
        (&JpegJuniward, jpeg_of(&part(320, 240), 85)),
        (&JpegSi, prepared.file),
        (&PngHill, png_of(&part(320, 240))),
    ]
}

/// Large enough to be halved.
fn big_photo() -> Vec<u8> {
    let photo = image::load_from_memory(&photo()).unwrap().into_rgb8();
    let filter = image::imageops::FilterType::CatmullRom;
    jpeg_of(&image::imageops::resize(&photo, 1280, 960, filter), 92)
}

#[test]
fn every_codec_gives_back_what_it_hid_and_nothing_to_others() {
    for (codec, cover) in codecs() {
        for length in [1, 15, 200, 330] {
            let done = codec.embed(&cover, &payload(length), &key(1), &any()).unwrap();
            let id = codec.id();
            assert_eq!(*codec.extract(&done.file, &key(1)).unwrap(), payload(length), "{id}");
            let image = StegoImage::read(&done.file).unwrap();
            assert!(image.carries(key(1).probe()).unwrap(), "{id}");
            assert!(!image.carries(key(2).probe()).unwrap(), "{id}");
            assert_eq!(*image.extract(&key(1)).unwrap(), payload(length), "{id}");
            let other = StegoKey::with_probe(key(1).probe().clone(), [7; 32]);
            assert!(image.extract(&other).map_or(true, |found| *found != payload(length)));
            assert!(matches!(codec.extract(&done.file, &key(2)), Err(ExtractError::NoPayload)));
            assert!(done.changes > 0 && done.changes < done.bits, "{id}: {done:?}");
        }
    }
}

#[test]
fn embedding_is_the_same_every_time() {
    for (codec, cover) in codecs() {
        let embed = || codec.embed(&cover, &payload(99), &key(3), &any()).unwrap().file;
        assert!(embed() == embed(), "{}", codec.id());
    }
}

#[test]
fn a_clean_picture_carries_nothing() {
    for (codec, cover) in codecs() {
        let clean = split_side_information(&cover).map_or(&cover[..], |(jpeg, _)| jpeg);
        assert!(matches!(codec.extract(clean, &key(1)), Err(ExtractError::NoPayload)));
        assert!(!StegoImage::read(clean).unwrap().carries(key(1).probe()).unwrap());
    }
}

#[test]
fn a_jpeg_keeps_its_structure_and_changes_by_one_in_the_luma() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/jpeg");
    let mut tried = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "jpg") {
            continue;
        }
        let cover = std::fs::read(&path).unwrap();
        match JpegJuniward.embed(&cover, b"x", &key(1), &any()) {
            Ok(done) => {
                let found = detect::compare(&cover, &done.file).unwrap().coefficients.unwrap();
                assert_eq!(found.changed, done.changes, "{}", path.display());
                assert_eq!((found.by_more_than_one, found.dc, found.chroma), (0, 0, 0));
                assert!(found.same_tables);
                tried += 1;
            }
            // Most fixtures are tiny.
            Err(EmbedError::TooLarge { available: 0, .. }) => {}
            Err(error) => panic!("{}: {error}", path.display()),
        }
    }
    let covers = [jpeg_of(&part(320, 240), 60), jpeg_of(&part(333, 251), 95)];
    for cover in covers {
        let done = JpegJuniward.embed(&cover, &payload(150), &key(1), &any()).unwrap();
        let found = detect::compare(&cover, &done.file).unwrap().coefficients.unwrap();
        assert_eq!((found.changed, found.by_more_than_one), (done.changes, 0));
        assert_eq!((found.dc, found.chroma, found.same_tables), (0, 0, true));
        assert_eq!(markers(&cover), markers(&done.file));
        tried += 1;
    }
    assert!(tried >= 2);
}

/// The markers of a JPEG up to its first scan, with their lengths.
fn markers(file: &[u8]) -> Vec<(u8, usize)> {
    let mut found = Vec::new();
    let mut at = 2;
    while file[at + 1] != 0xda {
        let length = usize::from(u16::from_be_bytes([file[at + 2], file[at + 3]]));
        found.push((file[at + 1], length));
        at += 2 + length;
    }
    found
}

#[test]
fn a_png_keeps_its_chunks_and_changes_by_one() {
    let cover = png_of(&part(320, 240));
    let done = PngHill.embed(&cover, &payload(200), &key(1), &any()).unwrap();
    let found = detect::compare(&cover, &done.file).unwrap().samples.unwrap();
    assert_eq!((found.changed, found.by_one, found.alpha), (done.changes, done.changes, 0));
    assert_eq!(cover[..33], done.file[..33]);
}

#[test]
fn alpha_and_invisible_pixels_stay() {
    let pixels = part(200, 160);
    let mut with_alpha = image::RgbaImage::new(200, 160);
    for (x, y, pixel) in pixels.enumerate_pixels() {
        let alpha = if x < 60 { 0 } else { 200 };
        with_alpha.put_pixel(x, y, image::Rgba([pixel[0], pixel[1], pixel[2], alpha]));
    }
    let mut file = std::io::Cursor::new(Vec::new());
    with_alpha.write_to(&mut file, ImageFormat::Png).unwrap();
    let done = PngHill.embed(file.get_ref(), &payload(60), &key(1), &any()).unwrap();
    let after = image::load_from_memory(&done.file).unwrap().into_rgba8();
    for (x, y, pixel) in after.enumerate_pixels() {
        let before = with_alpha.get_pixel(x, y);
        assert_eq!(pixel[3], before[3]);
        assert!(x >= 60 || pixel == before);
    }
    assert_eq!(*PngHill.extract(&done.file, &key(1)).unwrap(), payload(60));
}

#[test]
fn side_information_never_leaves_and_makes_changes_cheaper() {
    let prepared = prepare_photo(&big_photo(), &PhotoOptions::default()).unwrap();
    let (jpeg, _) = split_side_information(&prepared.file).unwrap();
    let informed = JpegSi.embed(&prepared.file, &payload(330), &key(1), &any()).unwrap();
    let blind = JpegJuniward.embed(jpeg, &payload(330), &key(1), &any()).unwrap();
    assert!(informed.distortion < 0.7 * blind.distortion, "{informed:?} {blind:?}");
    assert!(informed.file.len() < jpeg.len() + jpeg.len() / 20);
    assert!(!informed.file.windows(22).any(|w| w == b"side information 1: ke"));
    // The cover with its trailer is as good as the one without for the other codec.
    let same = JpegJuniward.embed(&prepared.file, &payload(330), &key(1), &any()).unwrap();
    assert!(same.file == blind.file);
    assert!(matches!(
        JpegSi.embed(jpeg, &payload(1), &key(1), &any()),
        Err(EmbedError::NotPrepared)
    ));
}

#[test]
fn distortion_stays_near_the_bound() {
    let cover = jpeg_of(&part(480, 320), 80);
    let png = png_of(&part(320, 240));
    for (codec, cover) in [(CodecId::JpegJuniward, &cover), (CodecId::PngHill, &png)] {
        // A few bits more or less weigh more in a short payload.
        for (length, most) in [(40, 1.4), (200, 1.25), (400, 1.25)] {
            let done = codec.codec().embed(cover, &payload(length), &key(1), &any()).unwrap();
            let least = chat_stego::measuring::bound(codec, cover, done.bits).unwrap();
            assert!(done.distortion < most * least, "{codec}, {length}: {done:?}, {least}");
        }
    }
}

#[test]
fn a_png_takes_two_fifths_of_a_bit_a_sample_under_every_key() {
    let grey = image::DynamicImage::ImageRgb8(part(192, 160)).into_luma8();
    let mut file = std::io::Cursor::new(Vec::new());
    grey.write_to(&mut file, ImageFormat::Png).unwrap();
    let (cover, bytes) = (file.into_inner(), 192 * 160 / 20 - 1);
    let done = |seed| PngHill.embed(&cover, &payload(bytes), &key(seed), &any()).unwrap();
    let least = chat_stego::measuring::bound(CodecId::PngHill, &cover, done(0).bits).unwrap();
    for seed in 1..=20 {
        let distortion = done(seed).distortion;
        assert!(distortion < 1.16 * least, "key {seed}: {distortion}, {least}");
    }
}

#[test]
fn what_would_be_found_is_refused_unless_somebody_insists() {
    let fine = jpeg_of(&part(320, 240), 100);
    let refused = JpegJuniward.embed(&fine, b"x", &key(1), &EmbedOptions::default());
    assert!(matches!(
        refused,
        Err(EmbedError::CoverRefused { finding: Finding::TablesTooFine { .. } })
    ));
    assert!(JpegJuniward.embed(&fine, b"x", &key(1), &any()).is_ok());
}

#[test]
fn files_above_the_limit_and_payloads_above_the_room_are_refused() {
    let cover = jpeg_of(&part(320, 240), 85);
    let limited = any().max_file_bytes(cover.len() / 2);
    let refused = JpegJuniward.embed(&cover, b"x", &key(1), &limited);
    assert!(matches!(refused, Err(EmbedError::FileTooLarge { .. })));
    let refused = JpegJuniward.embed(&cover, &payload(1 << 20), &key(1), &any());
    assert!(matches!(refused, Err(EmbedError::TooLarge { needed: 1_048_576, .. })));
    let refused = JpegJuniward.embed(b"GIF89a", b"x", &key(1), &any());
    assert!(matches!(refused, Err(EmbedError::Cover(_))));
}

#[test]
fn damaged_stego_images_are_errors_and_never_panics() {
    for (codec, cover) in codecs() {
        let file = codec.embed(&cover, &payload(100), &key(1), &any()).unwrap().file;
        for step in 1..40 {
            let mut damaged = file.clone();
            let at = (file.len() / 40) * step;
            damaged[at] ^= 1 << (step % 8);
            let found = codec.extract(&damaged, &key(1));
            assert!(found.is_err() || *found.unwrap() == payload(100) || at > 0);
            drop(codec.extract(&damaged[..at], &key(1)));
            drop(codec.inspect(&damaged));
        }
    }
}

/// Pictures that an earlier version has made: they are found for ever.
#[test]
fn frozen_pictures_are_still_found() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/stego");
    let words = |length: usize| -> Vec<u8> { (0..length).map(|at| at as u8).collect() };
    for (name, length) in [("frozen.jpg", 100), ("frozen.png", 60)] {
        let path = format!("{folder}/{name}");
        if std::env::var_os("SECURECHAT_FREEZE").is_some() {
            let (codec, cover): (&dyn StegoCodec, _) = match name {
                "frozen.jpg" => (&JpegJuniward, jpeg_of(&part(176, 144), 75)),
                _ => (&PngHill, png_of(&part(120, 90))),
            };
            let done = codec.embed(&cover, &words(length), &key(0x11), &any()).unwrap();
            std::fs::write(&path, done.file).unwrap();
        }
        let file = std::fs::read(&path).unwrap();
        let image = StegoImage::read(&file).unwrap();
        assert_eq!(*image.extract(&key(0x11)).unwrap(), words(length), "{name}");
    }
}
