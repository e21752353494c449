//! Laws that hold for every picture and payload.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a test crate")]

use std::io::Cursor;

use chat_stego::{EmbedError, EmbedOptions, ExtractError, LsbCompat, StegoCodec, StegoKey, cover};
use image::{DynamicImage, ImageFormat, RgbImage, RgbaImage};
use proptest::prelude::*;

fn key() -> StegoKey {
    StegoKey::from_bytes([7; 32])
}

fn file(picture: DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, format).unwrap();
    file.into_inner()
}

fn picture() -> impl Strategy<Value = DynamicImage> {
    (1..40_u32, 1..40_u32, any::<bool>()).prop_flat_map(|(width, height, alpha)| {
        let channels = if alpha { 4 } else { 3 };
        let length = (width * height) as usize * channels;
        prop::collection::vec(any::<u8>(), length).prop_map(move |samples| {
            if alpha {
                RgbaImage::from_raw(width, height, samples).unwrap().into()
            } else {
                RgbImage::from_raw(width, height, samples).unwrap().into()
            }
        })
    })
}

fn lossless() -> impl Strategy<Value = Vec<u8>> {
    (picture(), prop::sample::select(vec![ImageFormat::Png, ImageFormat::Bmp]))
        .prop_map(|(picture, format)| file(picture, format))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_fits_comes_back(cover in lossless(), fill in 0.0..1.0_f64, seed in any::<u8>()) {
        let longest = LsbCompat.capacity(&cover).unwrap().max_bytes;
        prop_assume!(longest > 0);
        let length = 1 + ((longest - 1) as f64 * fill).round() as usize;
        let payload: Vec<u8> = (0..length).map(|i| (i as u8).wrapping_mul(seed) & 0x7f).collect();
        let embedded = LsbCompat.embed(&cover, &payload, &key(), &EmbedOptions::default()).unwrap();
        prop_assert_eq!(&*LsbCompat.extract(&embedded.file, &key()).unwrap(), &payload);
        prop_assert!(embedded.changes <= embedded.bits);
        prop_assert!(embedded.bits <= embedded.elements);
        for asked in [0, 1, length / 2, length, length + 1] {
            let peek = LsbCompat.peek(&embedded.file, asked).unwrap();
            prop_assert_eq!(peek.declared_len, length);
            prop_assert_eq!(&peek.head, &payload[..asked.min(length)]);
        }
    }

    #[test]
    fn one_byte_more_than_the_capacity_is_refused(cover in lossless()) {
        let longest = LsbCompat.capacity(&cover).unwrap().max_bytes;
        if longest > 0 {
            let payload = vec![b'x'; longest];
            prop_assert!(LsbCompat.embed(&cover, &payload, &key(), &EmbedOptions::default()).is_ok());
        }
        let refused =
            LsbCompat.embed(&cover, &vec![b'x'; longest + 1], &key(), &EmbedOptions::default());
        let is_too_large = matches!(
            refused,
            Err(EmbedError::TooLarge { needed, available })
                if needed == longest + 1 && available == longest
        );
        prop_assert!(is_too_large);
    }

    #[test]
    fn only_lowest_bits_of_colours_change(picture in picture(), length in 1..50_usize) {
        let cover = file(picture.clone(), ImageFormat::Png);
        prop_assume!(LsbCompat.capacity(&cover).unwrap().max_bytes >= length);
        let payload = vec![b'U'; length];
        let options = EmbedOptions::default();
        let embedded = LsbCompat.embed(&cover, &payload, &key(), &options).unwrap();
        let after = image::load_from_memory(&embedded.file).unwrap();
        let channels = usize::from(picture.color().channel_count());
        prop_assert_eq!(picture.color(), after.color());
        let pairs = picture.as_bytes().iter().zip(after.as_bytes());
        let differing: Vec<usize> =
            pairs.enumerate().filter(|(_, (a, b))| a != b).map(|(index, _)| index).collect();
        prop_assert_eq!(differing.len(), embedded.changes);
        for index in differing {
            prop_assert!(index % channels < 3);
            prop_assert_eq!(picture.as_bytes()[index] ^ after.as_bytes()[index], 1);
        }
    }

    #[test]
    fn a_picture_without_payload_says_so(picture in picture()) {
        // A zero byte where the first digit belongs.
        let mut samples = picture.to_rgb8();
        samples.iter_mut().take(8).for_each(|sample| *sample &= !1);
        let clean = file(samples.into(), ImageFormat::Png);
        prop_assert!(matches!(LsbCompat.extract(&clean, &key()), Err(ExtractError::NoPayload)));
        prop_assert!(matches!(LsbCompat.peek(&clean, 76), Err(ExtractError::NoPayload)));
    }

    #[test]
    fn any_bytes_are_answered(start in 0..5_usize, bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let magic: &[u8] =
            [&b""[..], b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\xff\xd8\xff", b"BM", b"\xff\xd8\xff\xc0"][start];
        let bytes = [magic, &bytes].concat();
        let _ = LsbCompat.inspect(&bytes);
        let _ = LsbCompat.peek(&bytes, 76);
        let _ = LsbCompat.extract(&bytes, &key());
        let _ = cover::prepare(&bytes, 1, 1000);
        prop_assert!(LsbCompat.embed(&bytes, &[], &key(), &EmbedOptions::default()).is_err());
    }
}
