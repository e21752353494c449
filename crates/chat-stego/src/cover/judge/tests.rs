use proptest::prelude::*;

use super::*;
use crate::cover::photo::{PhotoOptions, prepare_photo};
use crate::cover::samples;
use crate::encode;
use crate::raster::Raster;

fn names(file: &[u8]) -> Vec<&'static str> {
    judge(file).unwrap().findings.iter().map(Finding::name).collect()
}

fn jpeg(quality: u8) -> Vec<u8> {
    samples::jpeg(&samples::photo(640, 480, 2), quality)
}

fn png_file(colour: ::png::ColorType, depth: ::png::BitDepth, frames: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut file, 32, 32);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    if frames > 1 {
        encoder.set_animated(frames, 0).unwrap();
    }
    let bytes = 32 * 32 * colour.samples() * if depth == ::png::BitDepth::Sixteen { 2 } else { 1 };
    let mut writer = encoder.write_header().unwrap();
    for _ in 0..frames {
        writer.write_image_data(&vec![99; bytes]).unwrap();
    }
    writer.finish().unwrap();
    file
}

#[test]
fn a_good_jpeg_has_no_findings() {
    let judgement = judge(&jpeg(90)).unwrap();
    assert_eq!(judgement.findings, []);
    assert_eq!((judgement.width, judgement.height), (640, 480));
    assert_eq!((judgement.element, judgement.worst()), (Element::NonzeroAc, None));
    assert!(judgement.elements > 60_000 && judgement.sizes().comfort > 330);
}

#[test]
fn fine_tables_are_a_warning_and_finer_ones_a_refusal() {
    assert_eq!(names(&jpeg(96)), Vec::<&str>::new());
    assert_eq!(names(&jpeg(97)), ["tables-fine"]);
    assert_eq!(names(&jpeg(98)), ["tables-fine"]);
    assert_eq!(names(&jpeg(99)), ["tables-too-fine"]);
    assert!(judge(&jpeg(100)).unwrap().is_refused());
}

#[test]
fn unusual_tables_are_a_note() {
    let mut file = jpeg(90);
    let table = file.windows(2).position(|marker| marker == [0xff, 0xdb]).unwrap();
    file[table + 5] += 1;
    assert_eq!(names(&file), ["camera-tables"]);
}

#[test]
fn manifests_are_refused_and_further_pictures_noted() {
    let file = jpeg(90);
    let manifest = b"JP\0\x01\0\0\0\x01\0\0\x01\0jumb what cannot be read";
    assert_eq!(names(&samples::with_segment(&file, 0xeb, manifest)), ["manifest"]);
    assert_eq!(names(&samples::with_segment(&file, 0xe2, b"MPF\0MM\0*")), ["more-pictures"]);
    let judgement = judge(&[file.as_slice(), b"ftypmp42"].concat()).unwrap();
    assert_eq!(judgement.findings, [Finding::MorePictures { trailing: 8 }]);
    assert_eq!(judgement.worst(), Some(Severity::Note));
}

#[test]
fn prepared_photos_are_known_with_and_without_damage() {
    let photo = encode::png(&samples::photo(1300, 1100, 3)).unwrap();
    let mut file = prepare_photo(&photo, &PhotoOptions::default()).unwrap().file;
    assert_eq!(names(&file), ["prepared"]);
    let last = file.len() - 1;
    file[last] ^= 1;
    assert_eq!(names(&file), ["damaged-side-information", "more-pictures"]);
}

#[test]
fn flat_and_saturated_pictures_are_refused() {
    let flat = Raster { samples: vec![200; 640 * 480 * 3], ..samples::photo(640, 480, 1) };
    assert_eq!(names(&samples::jpeg(&flat, 90)), ["flat", "small"]);
    assert_eq!(names(&encode::png(&flat).unwrap()), ["flat", "origin-unknown"]);
    let mut bright = samples::photo(640, 480, 1);
    bright.samples[..640 * 480].fill(255);
    assert_eq!(names(&samples::jpeg(&bright, 90))[0], "saturated");
    let judgement = judge(&encode::png(&bright).unwrap()).unwrap();
    assert!(judgement.is_refused(), "{judgement:?}");
}

#[test]
fn a_png_of_unknown_origin_is_a_warning() {
    let judgement = judge(&encode::png(&samples::photo(640, 480, 1)).unwrap()).unwrap();
    assert_eq!(judgement.findings, [Finding::OriginUnknown]);
    assert_eq!((judgement.element, judgement.elements), (Element::Pixel, 640 * 480));
}

#[test]
fn kinds_of_png_are_refused_by_name() {
    use ::png::{BitDepth, ColorType};
    let fixture = |name| std::fs::read(format!("tests/fixtures/{name}")).unwrap();
    assert_eq!(names(&fixture("cover-palette.png"))[0], "palette");
    assert_eq!(names(&fixture("cover-interlaced.png"))[0], "interlaced");
    for colour in [ColorType::Rgb, ColorType::Rgba, ColorType::Grayscale] {
        assert_eq!(names(&png_file(colour, BitDepth::Sixteen, 1))[0], "deep-samples");
    }
    assert_eq!(names(&png_file(ColorType::Rgb, BitDepth::Eight, 2))[0], "animated");
}

#[test]
fn other_formats_are_refused_with_what_to_do() {
    let webp = include_bytes!("../../../tests/fixtures/photo-lossy.webp");
    let judgement = judge(webp).unwrap();
    assert!(judgement.is_refused());
    assert_eq!(names(webp)[0], "not-sent");
    assert!(matches!(judge(b"\0\0\0\x18ftypheic"), Err(PictureError::Foreign { .. })));
}

/// Every finding there is.
fn all() -> Vec<Finding> {
    vec![
        Finding::TablesTooFine { ones: 42, mean: 1.34 },
        Finding::TablesFine { mean: 3.45 },
        Finding::Manifest,
        Finding::Metadata,
        Finding::MorePictures { trailing: 99 },
        Finding::Irregular,
        Finding::Inks,
        Finding::CompressedTwice { sure: Sureness::Likely, former: None },
        Finding::CompressedTwice { sure: Sureness::Certain, former: Some(75) },
        Finding::Trellis,
        Finding::CameraTables,
        Finding::Prepared,
        Finding::DamagedSideInformation,
        Finding::Palette,
        Finding::DeepSamples,
        Finding::Interlaced,
        Finding::Animated,
        Finding::OriginUnknown,
        Finding::FormerJpeg,
        Finding::ScaledUp,
        Finding::Flat { share: 0.5, limits: pixels::FLAT },
        Finding::Saturated { share: 0.3 },
        Finding::Small { comfort: 12, caution: 24 },
        Finding::NotSent { format: PictureFormat::WebP },
    ]
}

#[test]
fn findings_are_sentences_with_a_stable_name() {
    let lines: Vec<String> = all()
        .iter()
        .map(|finding| format!("{:?} {}: {finding}", finding.severity(), finding.name()))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn hostile_bytes_never_panic(
        at in 2_usize..4000,
        bytes in proptest::collection::vec(any::<u8>(), 1..40),
        cut in any::<bool>(),
    ) {
        let small = samples::photo(64, 48, 5);
        for file in [samples::jpeg(&small, 90), encode::png(&small).unwrap()] {
            let at = at % file.len();
            let rest = if cut { &[] } else { file.get(at + bytes.len()..).unwrap_or_default() };
            drop(judge(&[&file[..at], &bytes, rest].concat()));
        }
    }
}
