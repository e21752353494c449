//! Files that were made to do harm, for those who read and write the keyed codecs: each is refused
//! with an error, or read with as little work as any picture of its size.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test crate")]
#![allow(missing_docs)]

#[path = "hostile_keyed/cases.rs"]
mod cases;

use chat_stego::cover::judge;
use chat_stego::{
    CodecId, EmbedError, EmbedOptions, ExtractError, LsbCompat, MAX_PIXELS_FROM_STRANGERS,
    PictureError, StegoImage, StegoKey,
};

fn key() -> StegoKey {
    StegoKey::from_bytes([0; 32])
}

/// What somebody who reads a topic does with a picture.
fn is_carrier(file: &[u8]) -> bool {
    let _ = LsbCompat.peek(file, 76);
    StegoImage::read(file).is_ok_and(|image| image.carries(key().probe()).unwrap_or(false))
}

#[test]
fn there_are_more_than_a_hundred_and_none_carries_anything() {
    let cases = cases::cases();
    assert!(cases.len() > 100, "{}", cases.len());
    for case in cases {
        assert!(!is_carrier(&case.file), "{}", case.name);
    }
}

#[test]
fn what_is_damaged_is_no_cover() {
    let options = EmbedOptions::default().accept_any_cover().max_pixels(MAX_PIXELS_FROM_STRANGERS);
    let mut taken = Vec::new();
    for case in cases::cases().into_iter().filter(|case| case.is_refused) {
        for id in [CodecId::JpegJuniward, CodecId::PngHill] {
            let found = id.codec().embed(&case.file, b"x", &key(), &options);
            if !matches!(found, Err(EmbedError::Cover(_))) {
                taken.push(format!("{} {id}: {found:?}", case.name));
            }
        }
        if case.file.len() < 1 << 20 {
            let _ = judge(&case.file);
        }
    }
    assert!(taken.is_empty(), "{taken:#?}");
}

#[test]
fn bombs_beside_the_pixels_are_not_opened() {
    for case in cases::cases().into_iter().filter(|case| case.name.contains("a bomb in")) {
        let options = EmbedOptions::default().accept_any_cover();
        let done = CodecId::PngHill.codec().embed(&case.file, b"x", &key(), &options).unwrap();
        assert!(done.file.len().abs_diff(case.file.len()) < 5000, "{}", case.name);
    }
}

#[test]
fn large_pictures_are_read_where_they_were_chosen_and_not_from_strangers() {
    let cases = cases::cases();
    let large = cases.iter().find(|case| case.name == "valid JPEG of 8192 x 8192").unwrap();
    let strange = StegoImage::read(&large.file).map(drop);
    let Err(ExtractError::Picture(PictureError::ManyPixels { pixels, limit })) = strange else {
        panic!("{strange:?}");
    };
    assert_eq!((pixels, limit), (1 << 26, MAX_PIXELS_FROM_STRANGERS));
    let chosen = CodecId::JpegJuniward.codec().extract(&large.file, &key());
    assert!(matches!(chosen, Err(ExtractError::NoPayload)));
}
