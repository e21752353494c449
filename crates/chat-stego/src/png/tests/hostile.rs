//! Damaged and unusual files: an answer by name, never a panic.

use proptest::prelude::*;

use super::{COLOURS, changed, encoded};
use crate::picture::{PictureError, Unsupported};
use crate::png::{PngFile, chunk};

/// Type and data of a chunk.
type Parts = (&'static [u8; 4], &'static [u8]);

/// A file of chunks, with right CRCs.
fn file_of(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut file = chunk::SIGNATURE.to_vec();
    for (kind, data) in chunks {
        chunk::append(&mut file, **kind, data).unwrap();
    }
    file
}

/// A grey picture of 2 x 1 pixels.
const IHDR: [u8; 13] = [0, 0, 0, 2, 0, 0, 0, 1, 8, 0, 0, 0, 0];

/// One row, type 0, samples 7 and 9: a stored block.
const IDAT: [u8; 14] = [0x78, 1, 1, 3, 0, 0xfc, 0xff, 0, 7, 9, 0, 0x1a, 0, 0x11];

fn refusal(file: &[u8]) -> String {
    use std::error::Error;
    let error = PngFile::read(file).and_then(|png| png.samples().map(drop)).unwrap_err();
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

#[test]
fn chunks_out_of_order_are_refused_by_name() {
    const HEAD: Parts = (b"IHDR", &IHDR);
    const DATA: Parts = (b"IDAT", &IDAT);
    const END: Parts = (b"IEND", &[]);
    assert_eq!(
        PngFile::read(&file_of(&[HEAD, DATA, END])).unwrap().samples().unwrap().data,
        [7, 9]
    );
    let cases: [(&[Parts], &str); 14] = [
        (&[DATA, END], "the first chunk is not IHDR"),
        (&[HEAD, END], "there is no IDAT chunk"),
        (&[HEAD, HEAD, DATA, END], "there are two IHDR chunks"),
        (&[HEAD, DATA], "the file ends inside a chunk"),
        (&[HEAD, DATA, (b"teXt", b""), DATA, END], "the IDAT chunks do not follow one another"),
        (&[HEAD, DATA, (b"PLTE", b"abc"), END], "PLTE or tRNS follows IDAT"),
        (&[HEAD, (b"PLTE", b"abc"), DATA, END], "the PLTE chunk is not as the format wants it"),
        (&[HEAD, (b"tRNS", b"abc"), DATA, END], "the tRNS chunk is not as the format wants it"),
        (&[HEAD, (b"tRNS", b"ab"), (b"tRNS", b"ab"), DATA, END], "there are two tRNS chunks"),
        (&[HEAD, DATA, (b"IEND", b"x")], "the IEND chunk is not empty"),
        (&[HEAD, (b"acTL", b""), DATA, END], "an animated PNG cannot be used"),
        (
            &[HEAD, (b"ABCD", b""), DATA, END],
            "a PNG with the unknown critical chunk ABCD cannot be used",
        ),
        (&[(b"CgBI", b""), HEAD], "a PNG with the unknown critical chunk CgBI cannot be used"),
        (&[HEAD, (b"IDAT", b""), END], "the file is too short for the size that its header names"),
    ];
    for (chunks, expected) in cases {
        assert_eq!(refusal(&file_of(chunks)), expected);
    }
    assert_eq!(refusal(b"GIF89a"), "the file is no PNG, JPEG, WebP or BMP picture");
}

#[test]
fn kinds_that_are_not_taken_are_refused_by_name() {
    let with = |at: usize, value: u8| {
        let mut header = IHDR;
        header[at] = value;
        file_of(&[(b"IHDR", &header), (b"IDAT", &IDAT), (b"IEND", &[])])
    };
    let unsupported = |file: &[u8]| match PngFile::read(file).err() {
        Some(PictureError::Unsupported { what }) => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(unsupported(&with(9, 3)), Unsupported::PalettePng);
    assert_eq!(unsupported(&with(8, 16)), Unsupported::DeepPng);
    assert_eq!(unsupported(&with(8, 4)), Unsupported::ShallowPng);
    assert_eq!(unsupported(&with(12, 1)), Unsupported::InterlacedPng);
    for (at, value) in [(8, 7), (9, 1), (10, 1), (11, 1), (12, 2)] {
        assert!(matches!(PngFile::read(&with(at, value)), Err(PictureError::Damaged { .. })));
    }
    for at in [0, 3, 4] {
        let value = if at == 3 { 0 } else { 0x7f };
        assert!(matches!(PngFile::read(&with(at, value)), Err(PictureError::Dimensions { .. })));
    }
    // Eight thousand rows from a few bytes.
    assert_eq!(refusal(&with(6, 0x1f)), "the file is too short for the size that its header names");
}

#[test]
fn what_is_not_pixels_is_kept_in_place() {
    let mut file = file_of(&[
        (b"IHDR", &IHDR),
        (b"gAMA", &[0, 0, 0xb1, 0x8f]),
        (b"tRNS", &[0, 9]),
        (b"vpAg", b"private"),
        (b"IDAT", &IDAT[..5]),
        (b"IDAT", &[]),
        (b"IDAT", &IDAT[5..]),
        (b"tEXt", b"Comment\0behind"),
        (b"caBX", b"manifest"),
        (b"IEND", b""),
    ]);
    file.extend_from_slice(b"something behind the end");
    let png = PngFile::read(&file).unwrap();
    assert!(png.is_signed());
    let samples = png.samples().unwrap();
    assert_eq!((samples.data.as_slice(), samples.transparent), (&[7, 9][..], Some([9; 3])));
    assert!(png.write(&samples).unwrap() == file);
    let written = png.write(&changed(&samples)).unwrap();
    assert!(written.ends_with(b"something behind the end"));
    assert_eq!(PngFile::read(&written).unwrap().samples().unwrap().data, [8, 9]);
}

/// Reads, and writes what can be read; that it returns is what is tested.
fn visit(file: &[u8]) {
    let Ok(png) = PngFile::read(file) else { return };
    let _ = png.first_rows(2);
    let Ok(samples) = png.samples() else { return };
    assert!(png.write(&samples).unwrap() == file);
    let written = png.write(&changed(&samples)).unwrap();
    assert_eq!(PngFile::read(&written).unwrap().samples().unwrap().data, changed(&samples).data);
}

/// Makes the CRCs right as far as the lengths lead, so that damage gets past them.
fn with_right_crcs(file: &[u8]) -> Vec<u8> {
    let mut repaired = file.to_vec();
    let mut at = 8;
    while let Some(length) = repaired.get(at..at + 4) {
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
        let Some(covered) = repaired.get(at + 4..at + 8 + length) else { break };
        let crc = crc32fast::hash(covered).to_be_bytes();
        let Some(place) = repaired.get_mut(at + 8 + length..at + 12 + length) else { break };
        place.copy_from_slice(&crc);
        at += 12 + length;
    }
    repaired
}

#[test]
fn every_truncation_and_every_flipped_byte_is_answered() {
    for colour in COLOURS {
        let file = encoded(colour, (13, 11), |encoder| {
            encoder.add_text_chunk("Comment".into(), "a".into()).unwrap();
        });
        for at in 0..file.len() {
            assert!(PngFile::read(&file[..at]).is_err());
            for mask in [1, 0x40, 0xff] {
                let mut damaged = file.clone();
                damaged[at] ^= mask;
                assert!(PngFile::read(&damaged).is_err(), "{at}");
                visit(&with_right_crcs(&damaged));
            }
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        colour in 0..4_usize,
        size in (1..40_u32, 1..40_u32),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut file = encoded(COLOURS[colour], size, |_| {});
        for (at, value) in damage {
            let at = at.index(file.len());
            file[at] = value;
        }
        if let Some(cut) = cut {
            file.truncate(cut.index(file.len()));
        }
        visit(&file);
        visit(&with_right_crcs(&file));
    }
}
