//! Pictures that the Python package stegano wrote: `fixtures/README.md` says how.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test crate")]

use std::path::Path;

use chat_stego::{EmbedOptions, ExtractError, LsbCompat, StegoCodec, StegoKey, message_text};

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    std::fs::read(folder.join(name)).unwrap()
}

fn key() -> StegoKey {
    StegoKey::from_bytes([0; 32])
}

#[test]
fn extract_reads_what_stegano_wrote() {
    let full = "x".repeat(220);
    for (name, message) in [
        ("v3-rgb.png", "securechat 3"),
        ("v3-rgba.png", "securechat 3"),
        ("v3-palette.png", "securechat 3"),
        ("v3-full.png", full.as_str()),
        ("v3-utf8.png", "caf\u{e9} \u{20ac}"),
        ("v2-rgba.png", "securechat 2"),
        ("v2-latin1.png", "caf\u{e9}"),
    ] {
        let found = LsbCompat.extract(&fixture(name), &key()).unwrap();
        assert_eq!(*message_text(&found), message, "{name}");
        let peek = LsbCompat.peek(&fixture(name), 76).unwrap();
        assert_eq!(peek.declared_len, found.len(), "{name}");
        assert!(found.starts_with(&peek.head), "{name}");
    }
}

#[test]
fn embed_writes_the_pixels_that_stegano_writes() {
    let full = "x".repeat(220);
    for (cover, expected, message) in [
        ("cover-rgb.png", "v3-rgb.png", "securechat 3"),
        ("cover-rgba.png", "v3-rgba.png", "securechat 3"),
        ("cover-palette.png", "v3-palette.png", "securechat 3"),
        ("cover-rgb.png", "v3-full.png", full.as_str()),
        ("cover-rgba.png", "v2-rgba.png", "securechat 2"),
    ] {
        let options = EmbedOptions::default();
        let ours = LsbCompat.embed(&fixture(cover), message.as_bytes(), &key(), &options).unwrap();
        let [ours, theirs] =
            [&ours.file, &fixture(expected)].map(|file| image::load_from_memory(file).unwrap());
        assert_eq!(ours, theirs, "{expected}");
    }
}

#[test]
fn interlaced_pictures_are_read_whole() {
    let options = EmbedOptions::default();
    let cover = fixture("cover-interlaced.png");
    let ours = LsbCompat.embed(&cover, b"securechat 3", &key(), &options).unwrap();
    let [ours, theirs] =
        [&ours.file, &fixture("v3-rgb.png")].map(|file| image::load_from_memory(file).unwrap());
    assert_eq!(ours, theirs);

    let carrying = fixture("v3-interlaced.png");
    assert_eq!(**LsbCompat.extract(&carrying, &key()).unwrap(), *b"securechat 3");
    // A look does not decode a whole picture, and no writer of this format interlaces.
    assert!(matches!(LsbCompat.peek(&carrying, 76), Err(ExtractError::NoPayload)));
}

#[test]
fn capacity_is_what_stegano_takes() {
    assert_eq!(LsbCompat.capacity(&fixture("cover-rgb.png")).unwrap().max_bytes, 220);
}
