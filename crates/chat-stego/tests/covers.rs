//! Preparing covers: sizes, orientation, metadata.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a test crate")]

use std::io::Cursor;
use std::path::Path;

use chat_stego::cover::{self, CoverId};
use chat_stego::{
    ColourModel, CoverError, EmbedError, EmbedOptions, LsbCompat, PictureFormat, StegoCodec,
    StegoKey,
};
use image::codecs::jpeg::JpegEncoder;
use image::{ImageBuffer, ImageFormat, Luma, LumaA, Rgb, RgbImage};

const PICTURES: [&str; 5] = ["blue", "cool", "smart", "smile", "think"];

fn key() -> StegoKey {
    StegoKey::from_bytes([0; 32])
}

fn picture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../images");
    std::fs::read(folder.join(name).with_extension("jpg")).unwrap()
}

fn base64_like(length: usize, seed: usize) -> Vec<u8> {
    (0..length).map(|i| b'A' + ((i * i + i * seed + seed) % 53 % 26) as u8).collect()
}

#[test]
fn the_pictures_keep_their_promises() {
    for name in PICTURES {
        let file = picture(name);
        let report = LsbCompat.inspect(&file).unwrap();
        assert_eq!((report.format, report.colour), (PictureFormat::Jpeg, ColourModel::Rgb));
        assert!((512..=1600).contains(&report.width), "{name}");
        assert!(file.len() < 400 * 1024, "{name}");
        let prepared = cover::prepare(&file, 1000, 8 << 20).unwrap();
        assert!(prepared.bytes.len() < 3 << 20, "{name}");
        assert_eq!(prepared.scaled_from, None);
        assert_eq!((prepared.width, prepared.height), (report.width, report.height));
        assert_eq!(prepared.id, CoverId::of(&file));
    }
}

#[test]
fn a_finished_picture_fits_what_its_cover_was_prepared_for() {
    for name in PICTURES {
        let file = picture(name);
        for (payload_len, max_bytes) in [(500, 600_000), (40_000, 400_000), (100, 60_000)] {
            let prepared = cover::prepare(&file, payload_len, max_bytes).unwrap();
            for seed in [1, 7] {
                let payload = base64_like(payload_len, seed);
                let options = EmbedOptions::default().max_file_bytes(max_bytes);
                let done = LsbCompat.embed(&prepared.bytes, &payload, &key(), &options).unwrap();
                assert_eq!(*LsbCompat.extract(&done.file, &key()).unwrap(), payload);
            }
            if let Some((width, height)) = prepared.scaled_from {
                assert!(prepared.width < width && prepared.height < height);
                // Not far smaller than it must be either.
                assert!(prepared.bytes.len() * 10 > max_bytes * 8, "{name} {max_bytes}");
            }
        }
    }
}

#[test]
fn a_cover_that_holds_too_little_says_how_much_it_holds() {
    let file = picture("smile");
    let available = LsbCompat.capacity(&file).unwrap().max_bytes;
    assert_eq!(available, 512 * 512 * 3 / 8 - 6);
    let found = cover::prepare(&file, available + 1, 8 << 20).unwrap_err();
    assert!(matches!(found, CoverError::TooSmall { needed, available: held }
        if needed == available + 1 && held == available));
    let found = cover::prepare(&file, 50_000, 100_000).unwrap_err();
    assert!(
        matches!(found, CoverError::CannotFit { needed: 50_000, available, max_bytes: 100_000 }
        if available < 50_000)
    );
    assert!(matches!(cover::prepare(&file, 1, 10), Err(CoverError::CannotFit { .. })));
}

#[test]
fn a_finished_file_above_the_callers_limit_is_withheld() {
    let options = EmbedOptions::default().max_file_bytes(10_000);
    let found = LsbCompat.embed(&picture("think"), b"text", &key(), &options).unwrap_err();
    assert!(matches!(found, EmbedError::FileTooLarge { limit: 10_000, .. }));
}

#[test]
fn payloads_that_old_readers_would_garble_are_refused() {
    let options = EmbedOptions::default();
    let embed = |payload: &[u8]| LsbCompat.embed(&picture("think"), payload, &key(), &options);
    assert!(matches!(embed(b""), Err(EmbedError::Empty)));
    assert!(matches!(embed(b"caf\xc3\xa9"), Err(EmbedError::NotAscii { position: 3 })));
}

#[test]
fn a_prepared_cover_is_upright_and_without_metadata() {
    let landscape = RgbImage::from_fn(64, 32, |x, _| Rgb([if x < 32 { 250 } else { 5 }, 9, 9]));
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, 95).encode_image(&landscape).unwrap();
    let rest = jpeg.split_off(2);
    jpeg.extend(exif_with_orientation_6_and_a_serial_number());
    jpeg.extend(rest);

    let prepared = cover::prepare(&jpeg, 10, 1 << 20).unwrap();
    let upright = image::load_from_memory(&prepared.bytes).unwrap().into_rgb8();
    assert_eq!((prepared.width, prepared.height), (32, 64));
    assert_eq!(upright.dimensions(), (32, 64));
    // Turned clockwise, what was left is on top.
    assert!(upright.get_pixel(16, 5)[0] > 200 && upright.get_pixel(16, 60)[0] < 50);

    let done = LsbCompat.embed(&jpeg, b"text", &key(), &EmbedOptions::default()).unwrap();
    for file in [&prepared.bytes, &done.file] {
        assert_eq!(chunk_kinds(file).as_slice(), ["IHDR", "IDAT", "IEND"]);
        assert!(!file.windows(8).any(|window| window == b"SERIAL-7"));
    }
}

#[test]
fn covers_of_every_model_become_what_the_codec_keeps() {
    use image::DynamicImage as D;
    let colourful = D::from(RgbImage::from_fn(20, 20, |x, y| Rgb([x as u8, y as u8, 200])));
    let pictures = [
        (colourful.to_luma8().into(), ColourModel::Grey, 3),
        (colourful.to_luma_alpha8().into(), ColourModel::GreyAlpha, 3),
        (colourful.to_rgb8().into(), ColourModel::Rgb, 3),
        (colourful.to_rgba8().into(), ColourModel::Rgba, 4),
        (D::from(colourful.to_rgb16()), ColourModel::Rgb, 3),
        (D::from(colourful.to_rgba16()), ColourModel::Rgba, 4),
    ];
    for (picture, model, channels) in pictures {
        let mut file = Cursor::new(Vec::new());
        picture.write_to(&mut file, ImageFormat::Png).unwrap();
        let file = file.into_inner();
        assert_eq!(LsbCompat.inspect(&file).unwrap().colour, model);
        let done = LsbCompat.embed(&file, b"text", &key(), &EmbedOptions::default()).unwrap();
        let done = image::load_from_memory(&done.file).unwrap();
        assert_eq!(done.color().channel_count(), channels);
        let expected = if channels == 4 {
            picture.to_rgba8().into_raw()
        } else {
            picture.to_rgb8().into_raw()
        };
        // Everything but the lowest bits is the cover's.
        let equal = done.as_bytes().iter().zip(&expected).all(|(a, b)| a & 0xfe == b & 0xfe);
        assert!(equal, "{model:?}");
    }
}

#[test]
fn grey_of_sixteen_bits_is_cut_off_for_the_package_and_scaled_for_people() {
    let shades = [0_u16, 1, 254, 255, 256, 511, 0x1234, 0xfedc, 0xffff];
    let grey = ImageBuffer::from_fn(9, 9, |x, _| Luma([shades[x as usize]]));
    let file = png_of(&grey.into());
    assert_eq!(LsbCompat.inspect(&file).unwrap().colour, ColourModel::DeepGrey);
    let done = LsbCompat.embed(&file, b"text", &key(), &EmbedOptions::default()).unwrap();
    assert_eq!(*LsbCompat.extract(&done.file, &key()).unwrap(), b"text");
    assert_eq!(last_row(&done.file), shades.map(|shade| shade.min(255) as u8));
    let prepared = cover::prepare(&file, 20, 8 << 20).unwrap();
    assert_eq!(last_row(&prepared.bytes), shades.map(|shade| (shade >> 8) as u8));

    let with_alpha = ImageBuffer::from_fn(9, 9, |x, _| LumaA([shades[x as usize], 0x7f00]));
    let file = png_of(&with_alpha.into());
    assert_eq!(LsbCompat.inspect(&file).unwrap().colour, ColourModel::DeepGreyAlpha);
    let done = LsbCompat.embed(&file, b"text", &key(), &EmbedOptions::default()).unwrap();
    assert_eq!(last_row(&done.file), shades.map(|shade| (shade >> 8) as u8));
    let done = image::load_from_memory(&done.file).unwrap();
    assert_eq!(done.as_rgba8().unwrap().get_pixel(0, 8)[3], 0x7f);
}

fn png_of(picture: &image::DynamicImage) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, ImageFormat::Png).unwrap();
    file.into_inner()
}

/// The red samples of the last of nine rows.
fn last_row(png: &[u8]) -> [u8; 9] {
    let picture = image::load_from_memory(png).unwrap().to_rgb8();
    std::array::from_fn(|x| picture.get_pixel(x as u32, 8)[0])
}

/// A cover is prepared for exactly what it was said to hold, in a topic of any limit.
#[test]
fn a_cover_holds_what_was_promised_once_it_is_scaled_down() {
    let noise = RgbImage::from_fn(300, 200, |x, y| {
        let mixed = x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(2_246_822_519).rotate_left(9);
        let mixed = (mixed ^ mixed >> 15).wrapping_mul(2_246_822_519);
        Rgb([(mixed >> 8) as u8, (mixed >> 16) as u8, (mixed >> 24) as u8])
    });
    let file = png_of(&noise.into());
    let raw = LsbCompat.capacity(&file).unwrap().max_bytes;
    for max_bytes in [1 << 20, 150_000, 60_000, 20_000, 2_000] {
        for wanted in [usize::MAX, raw, 9_000, 100] {
            let room = cover::room_within(&file, wanted, max_bytes).unwrap();
            assert!(room.payload_len <= wanted.min(raw));
            if room.payload_len == 0 {
                assert!(cover::prepare(&file, 1, max_bytes).is_err());
                continue;
            }
            let prepared = cover::prepare(&file, room.payload_len, max_bytes).unwrap();
            let scaled_to = prepared.scaled_from.map(|_| (prepared.width, prepared.height));
            assert_eq!(scaled_to, room.scaled_to);
            // Hardly more would have fitted.
            let more = room.payload_len + room.payload_len / 20 + 64;
            if more <= wanted.min(raw) {
                assert!(cover::prepare(&file, more, max_bytes).is_err(), "{max_bytes} {wanted}");
            }
        }
    }
    let all = cover::room_within(&file, usize::MAX, 1 << 20).unwrap();
    assert_eq!((all.payload_len, all.scaled_to), (raw, None));
}

fn chunk_kinds(png: &[u8]) -> Vec<String> {
    let (mut at, mut kinds) = (8, Vec::<String>::new());
    while let Some(length) = png.get(at..at + 4) {
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
        let kind = String::from_utf8(png[at + 4..at + 8].to_vec()).unwrap();
        if kinds.last() != Some(&kind) {
            kinds.push(kind);
        }
        at += length + 12;
    }
    kinds
}

/// A TIFF block of two entries: orientation "turn clockwise", and a camera's serial number.
fn exif_with_orientation_6_and_a_serial_number() -> Vec<u8> {
    let mut tiff = b"Exif\0\0II*\0\x08\0\0\0\x02\0".to_vec();
    tiff.extend([0x12, 0x01, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0]);
    tiff.extend([0x31, 0xa4, 2, 0, 9, 0, 0, 0, 38, 0, 0, 0]);
    tiff.extend([0, 0, 0, 0]);
    tiff.extend(b"SERIAL-7\0");
    let length = u16::try_from(tiff.len() + 2).unwrap().to_be_bytes();
    [&[0xff, 0xe1], &length[..], &tiff].concat()
}
