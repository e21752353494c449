//! What a cover carries beside the picture: further pictures, films and signed histories.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test crate")]

use std::path::Path;

use chat_stego::cover::{Finding, PhotoOptions, judge, prepare_photo};
use chat_stego::{
    CodecId, CoverError, EmbedError, EmbedOptions, Embedded, JpegJuniward, PngHill, StegoCodec,
    StegoKey,
};

fn photo(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../images").join(name)).unwrap()
}

/// The file with segments put behind its start-of-image marker.
fn with_segments(file: &[u8], segments: &[(u8, &[u8])]) -> Vec<u8> {
    let segment = |(marker, bytes): &(u8, &[u8])| {
        let length = u16::try_from(bytes.len() + 2).unwrap().to_be_bytes();
        [&[0xff, *marker], &length[..], bytes].concat()
    };
    let segments: Vec<Vec<u8>> = segments.iter().map(segment).collect();
    [&file[..2], &segments.concat(), &file[2..]].concat()
}

fn key() -> StegoKey {
    StegoKey::from_bytes([5; 32])
}

/// A watcher's knowledge of these pictures is not the question here.
fn any() -> EmbedOptions {
    EmbedOptions::default().accept_any_cover()
}

fn hidden(cover: &[u8], options: &EmbedOptions) -> Result<Embedded, EmbedError> {
    let done = JpegJuniward.embed(cover, b"something", &key(), options)?;
    assert_eq!(*JpegJuniward.extract(&done.file, &key()).unwrap(), b"something");
    Ok(done)
}

/// An index of two pictures (CIPA DC-007), big-endian, whose second lies behind the first.
fn index(primary: usize, further: (usize, usize)) -> Vec<u8> {
    let mut bytes =
        b"MPF\0MM\0*\0\0\0\x08\0\x01\xb0\x02\0\x07\0\0\0\x20\0\0\0\x1a\0\0\0\0".to_vec();
    for (size, offset) in [(primary, 0), further] {
        for number in [0x0003_0000, size, offset, 0] {
            bytes.extend((number as u32).to_be_bytes());
        }
    }
    bytes
}

const FURTHER: &[u8] = b"\xff\xd8 a gain map of some bytes \xff\xd9";
const XMP: &[u8] =
    b"http://ns.adobe.com/xap/1.0/\0<d xmlns:hdrgm=\"http://ns.adobe.com/hdr-gain-map/1.0/\"/>";

fn phone() -> Vec<u8> {
    let plain = photo("think.jpg");
    let structure = 2 + 4 + 4;
    let end = plain.len() + 2 * 4 + index(0, (0, 0)).len() + XMP.len();
    let index = index(end, (FURTHER.len(), end - structure));
    let mut file = with_segments(&plain, &[(0xe2, &index), (0xe1, XMP)]);
    assert_eq!(file.len(), end);
    file.extend(FURTHER);
    file
}

#[test]
fn a_phones_file_keeps_what_it_holds_if_asked() {
    let cover = phone();
    let done = hidden(&cover, &any().keep_extras()).unwrap().file;
    assert!(done.len() != cover.len(), "the test must change the length");
    let number = |at: usize| u32::from_be_bytes(done[at..at + 4].try_into().unwrap()) as usize;
    let (structure, list) = (10, 10 + 0x1a);
    assert_eq!(number(list + 4), done.len() - FURTHER.len());
    let start = structure + number(list + 16 + 8);
    assert_eq!(&done[start..start + number(list + 16 + 4)], FURTHER);
    assert!(done.windows(XMP.len()).any(|window| window == XMP));
    let compared = chat_stego::detect::compare(&cover, &done).unwrap();
    assert_eq!(compared.writing.differences, []);
    let alone = hidden(&cover, &any()).unwrap().file;
    let compared = chat_stego::detect::compare(&cover, &alone).unwrap();
    assert!(compared.writing.differences.iter().all(|found| found.is_usual()));
    assert_eq!(compared.writing.differences.len(), 2, "the segments and what follows");
}

#[test]
fn the_primary_picture_alone_is_the_rule() {
    let plain = photo("think.jpg");
    let done = hidden(&phone(), &any()).unwrap();
    // The same picture without extras hides the same way: the head is no part of the salt.
    assert!(done.file == hidden(&plain, &any()).unwrap().file);
}

#[test]
fn a_damaged_index_is_named_and_can_be_left_out() {
    let mut cover = phone();
    cover[2 + 4 + 4] = b'X';
    let refused = hidden(&cover, &any().keep_extras());
    assert!(
        matches!(refused, Err(EmbedError::Cover(CoverError::ExtrasNotKept { .. }))),
        "{refused:?}"
    );
    assert!(hidden(&cover, &any()).is_ok());
}

#[test]
fn signed_histories_are_refused_unless_they_may_go() {
    let mut manifest = b"JP\0\x01\0\0\0\x01\0\0\x01\0jumb\0\0\0\x20jumd".to_vec();
    manifest.extend(b"c2pa\x00\x11\x00\x10\x80\x00\x00\xaa\x00\x38\x9b\x71\x03c2pa\0");
    let cover = with_segments(&photo("think.jpg"), &[(0xeb, &manifest)]);
    for options in [EmbedOptions::default(), any(), any().keep_extras()] {
        let refused = hidden(&cover, &options).unwrap_err();
        let EmbedError::CoverRefused { finding: Finding::Manifest } = refused else {
            panic!("{refused}")
        };
        assert!(refused.to_string().contains("--strip-provenance"));
    }
    let done = hidden(&cover, &any().strip_provenance()).unwrap().file;
    assert!(done == hidden(&photo("think.jpg"), &any()).unwrap().file);
}

#[test]
fn a_prepared_photo_has_nothing_beside_the_picture() {
    let large = image::load_from_memory(&photo("blue.jpg")).unwrap();
    let large = large.resize(1300, 1300, image::imageops::FilterType::Triangle);
    let mut file = std::io::Cursor::new(Vec::new());
    large.write_to(&mut file, image::ImageFormat::Jpeg).unwrap();
    let manifest = b"JP\0\x01\0\0\0\x01\0\0\x01\0jumb what cannot be read".as_slice();
    let exif = b"Exif\0\0MM\0*\0\0\0\x08\0\0".as_slice();
    let mut photo =
        with_segments(&file.into_inner(), &[(0xeb, manifest), (0xe1, exif), (0xe1, XMP)]);
    photo.extend(FURTHER);
    let signed = judge(&photo).unwrap();
    assert!(signed.findings.contains(&Finding::Manifest), "{signed:?}");
    let prepared = prepare_photo(&photo, &PhotoOptions::default()).unwrap();
    let judged = judge(&prepared.file).unwrap();
    let names: Vec<_> = judged.findings.iter().map(Finding::name).collect();
    for name in ["manifest", "metadata", "more-pictures"] {
        assert!(!names.contains(&name), "{names:?}");
    }
    assert!(names.contains(&"prepared"), "{names:?}");
    let options = EmbedOptions::default().strip_provenance();
    assert!(*options.trim(&prepared.file).unwrap() == prepared.file);
}

#[test]
fn a_signed_png_loses_its_chunk_if_it_may() {
    let picture = image::load_from_memory(&photo("think.jpg")).unwrap();
    let picture = picture.resize(300, 300, image::imageops::FilterType::Triangle);
    let mut plain = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut plain, image::ImageFormat::Png).unwrap();
    let plain = plain.into_inner();
    let mut chunk = b"\0\0\0\x04caBXjumb".to_vec();
    chunk.extend(crc32fast::hash(&chunk[4..]).to_be_bytes());
    // Behind the header, which takes 25 bytes after the signature.
    let signed = [&plain[..33], &chunk, &plain[33..]].concat();
    let hide = |cover: &[u8], options| PngHill.embed(cover, b"something", &key(), &options);
    let refused = hide(&signed, any());
    assert!(matches!(refused, Err(EmbedError::CoverRefused { finding: Finding::Manifest })));
    let done = hide(&signed, any().strip_provenance()).unwrap();
    assert!(done.file == hide(&plain, any()).unwrap().file);
}

#[test]
fn trimming_gives_what_is_embedded_into() {
    let (cover, plain) = (phone(), photo("think.jpg"));
    assert!(*EmbedOptions::default().trim(&cover).unwrap() == plain);
    assert!(*EmbedOptions::default().keep_extras().trim(&cover).unwrap() == cover);
    assert!(*EmbedOptions::default().trim(b"GIF89a").unwrap() == *b"GIF89a");
    assert!(EmbedOptions::default().trim(&plain[..900]).is_err());
    assert_eq!(JpegJuniward.id(), CodecId::JpegJuniward);
}
