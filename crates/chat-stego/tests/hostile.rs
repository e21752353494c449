//! Damaged files and bombs: an error by name, no panic, no large allocation.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test crate")]
#![allow(missing_docs)]

use std::io::Cursor;

use chat_stego::{
    CoverError, EmbedOptions, ExtractError, LsbCompat, PictureError, StegoCodec, StegoKey,
    Unsupported, cover,
};
use image::codecs::jpeg::JpegEncoder;
use image::{ImageFormat, Rgb, RgbImage};

fn key() -> StegoKey {
    StegoKey::from_bytes([0; 32])
}

fn photo() -> RgbImage {
    RgbImage::from_fn(48, 37, |x, y| Rgb([(x * 5) as u8, (y * 6) as u8, (x * y) as u8]))
}

fn corpus() -> Vec<Vec<u8>> {
    let mut files: Vec<Vec<u8>> = [ImageFormat::Png, ImageFormat::Bmp]
        .into_iter()
        .map(|format| {
            let mut file = Cursor::new(Vec::new());
            photo().write_to(&mut file, format).unwrap();
            file.into_inner()
        })
        .collect();
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, 80).encode_image(&photo()).unwrap();
    files.push(jpeg);
    let carrying = LsbCompat.embed(&files[0], b"some payload", &key(), &EmbedOptions::default());
    files.push(carrying.unwrap().file);
    files
}

/// Runs everything; what it answers is the caller's business, that it answers is ours.
fn visit(file: &[u8]) -> bool {
    let _ = LsbCompat.inspect(file);
    let _ = LsbCompat.peek(file, 76);
    let _ = LsbCompat.extract(file, &key());
    let _ = cover::prepare(file, 10, 2000);
    LsbCompat.embed(file, b"x", &key(), &EmbedOptions::default()).is_ok()
}

#[test]
fn every_truncation_is_answered() {
    for file in corpus() {
        assert!(visit(&file));
        let embeddable = (0..file.len()).filter(|&length| visit(&file[..length])).count();
        // Only the end marker of a PNG, and the fill behind a bitmap's rows, may be missed.
        assert!(embeddable < 40, "{embeddable} of {}", file.len());
    }
}

#[test]
fn every_flipped_byte_is_answered() {
    for file in corpus() {
        // All of the headers, and a sample of the pixels.
        for at in (0..file.len()).filter(|at| *at < 700 || at % 11 == 0) {
            for mask in [0x01, 0x80, 0xff] {
                let mut damaged = file.clone();
                damaged[at] ^= mask;
                // Where a size byte grew, the limits and the short file must still bound the work.
                visit(&damaged);
            }
        }
    }
}

#[test]
fn header_bombs_are_refused_by_their_size() {
    for bomb in [png_header(100_000, 100_000), bmp_header(100_000, 100_000), jpeg_header(65_535)] {
        for found in [LsbCompat.inspect(&bomb).err(), cover::prepare(&bomb, 1, 1000).err()] {
            let found = found.unwrap();
            assert!(
                matches!(found, CoverError::Picture(PictureError::Dimensions { .. })),
                "{found:?}"
            );
        }
    }
    let found = LsbCompat.peek(&png_header(100_000, 100_000), 76);
    assert!(matches!(found, Err(ExtractError::Picture(PictureError::Dimensions { .. }))));
}

#[test]
fn short_files_with_allowed_but_large_sizes_are_refused() {
    for bomb in [png_header(8192, 8192), bmp_header(8192, 8192), jpeg_header(8192)] {
        let found = cover::prepare(&bomb, 1, 1000).unwrap_err();
        assert!(matches!(found, CoverError::Picture(PictureError::Damaged { .. })), "{found:?}");
    }
}

#[test]
fn compressed_side_chunks_are_not_inflated() {
    // What follows the two text keywords and the profile name is no zlib stream, so whoever
    // inflates it fails.
    let mut file = corpus().swap_remove(0);
    let rest = file.split_off(33);
    for (kind, data) in [
        (b"zTXt", &b"Comment\0\0not zlib"[..]),
        (b"iCCP", b"profile\0\0not zlib"),
        (b"iTXt", b"Comment\0\x01\0\0\0not zlib"),
    ] {
        file.extend(chunk(kind, data));
    }
    file.extend(rest);
    assert!(visit(&file));
}

#[test]
fn animated_pictures_are_refused_by_name() {
    let mut animated = corpus().swap_remove(0);
    let rest = animated.split_off(33);
    animated.extend(chunk(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]));
    animated.extend(rest);
    let found = LsbCompat.extract(&animated, &key()).unwrap_err();
    let expected = Unsupported::AnimatedPng;
    assert!(
        matches!(found, ExtractError::Picture(PictureError::Unsupported { what }) if what == expected)
    );
}

#[test]
fn a_look_needs_only_the_first_rows() {
    let cover = RgbImage::from_fn(1000, 800, |x, y| {
        let mixed = x.wrapping_mul(2_654_435_761).wrapping_add(y.wrapping_mul(40_503)) ^ (x * y);
        Rgb([(mixed >> 8) as u8, (mixed >> 12) as u8, (mixed >> 4) as u8])
    });
    let mut file = Cursor::new(Vec::new());
    cover.write_to(&mut file, ImageFormat::Png).unwrap();
    let payload = [b'p'; 100_000];
    let options = EmbedOptions::default();
    let whole = LsbCompat.embed(&file.into_inner(), &payload, &key(), &options).unwrap().file;
    // The first row begins behind the header; a tenth of the file holds far more than one row.
    let start = &whole[..whole.len() / 10];
    let peek = LsbCompat.peek(start, 76).unwrap();
    assert_eq!((peek.declared_len, peek.head), (payload.len(), vec![b'p'; 76]));
    assert!(LsbCompat.extract(start, &key()).is_err());
}

#[test]
fn files_that_carry_nothing_are_told_by_their_format() {
    for file in [&b""[..], b"GIF89a", b"\x89PN", &corpus()[2]] {
        assert!(matches!(LsbCompat.extract(file, &key()), Err(ExtractError::WrongFormat { .. })));
        assert!(matches!(LsbCompat.peek(file, 76), Err(ExtractError::WrongFormat { .. })));
    }
}

#[test]
fn a_length_beyond_the_picture_is_no_payload() {
    for prefix in ["9999999999:", "667:", "99999999999:", "0:", "01:", "-1:", ":", "12"] {
        let mut picture = photo();
        let bits = prefix.bytes().flat_map(|byte| (0..8).rev().map(move |place| byte >> place & 1));
        for (sample, bit) in picture.iter_mut().zip(bits) {
            *sample = *sample & !1 | bit;
        }
        let mut file = Cursor::new(Vec::new());
        picture.write_to(&mut file, ImageFormat::Png).unwrap();
        let file = file.into_inner();
        assert!(matches!(LsbCompat.peek(&file, 76), Err(ExtractError::NoPayload)), "{prefix}");
        assert!(matches!(LsbCompat.extract(&file, &key()), Err(ExtractError::NoPayload)));
    }
}

fn png_header(width: u32, height: u32) -> Vec<u8> {
    let sides = [width.to_be_bytes(), height.to_be_bytes()].concat();
    let header = [&sides[..], &[8, 2, 0, 0, 0]].concat();
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(b"IHDR", &header), chunk(b"IDAT", &[0x78, 1])].concat()
}

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let body = [kind, data].concat();
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    [&length[..], &body, &crc32(&body).to_be_bytes()].concat()
}

/// ISO 3309, as the PNG specification's annex D gives it.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    })
}

fn bmp_header(width: u32, height: u32) -> Vec<u8> {
    let mut file = b"BM".to_vec();
    for field in [54, 0, 54, 40, width, height, 24 << 16 | 1, 0, 0, 0, 0, 0, 0] {
        file.extend(u32::to_le_bytes(field));
    }
    file
}

/// A grey square with an empty scan.
fn jpeg_header(side: u16) -> Vec<u8> {
    let [high, low] = side.to_be_bytes();
    let frame = [0xff, 0xc0, 0, 11, 8, high, low, high, low, 1, 1, 0x11, 0];
    let scan = [0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0];
    [&[0xff, 0xd8], &frame[..], &scan, &[0xff, 0xd9]].concat()
}
