use proptest::prelude::*;

use super::*;
use crate::cover::samples;
use crate::encode;

fn photo() -> Vec<u8> {
    encode::png(&samples::photo(1301, 1103, 1)).unwrap()
}

fn psnr(a: &Raster, b: &Raster) -> f64 {
    assert_eq!((a.width, a.height), (b.width, b.height));
    let squares =
        a.samples.iter().zip(&b.samples).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2));
    let mean = squares.sum::<f64>() / a.samples.len() as f64;
    10.0 * (255.0 * 255.0 / mean).log10()
}

#[test]
fn a_photo_becomes_a_jpeg_of_half_its_size() {
    let file = photo();
    let prepared = prepare_photo(&file, &PhotoOptions::default()).unwrap();
    assert_eq!((prepared.width, prepared.height), (650, 551));
    assert_eq!((prepared.scaled_from, prepared.id), ((1301, 1103), CoverId::of(&file)));
    let decoded = decode::pixels(&prepared.file[..prepared.jpeg_len], Rendering::AsViewer).unwrap();
    let scaled = resize(&samples::photo(1301, 1103, 1), 650, 551);
    let fidelity = psnr(&decoded, &scaled);
    assert!(fidelity > 36.0, "{fidelity}");
    assert!(Likeness::of(&decoded).is_same_picture(&prepared.likeness));
}

#[test]
fn the_trailer_splits_off_and_fits_the_jpeg() {
    let prepared = prepare_photo(&photo(), &PhotoOptions::default()).unwrap();
    assert!(has_side_information(&prepared.file));
    let (jpeg, errors) = split_side_information(&prepared.file).unwrap();
    assert_eq!(jpeg, &prepared.file[..prepared.jpeg_len]);
    let parsed = Jpeg::read(jpeg).unwrap();
    let luma = parsed.luma();
    assert_eq!(errors.len(), luma.wide * luma.high * 64);
    assert_eq!(parsed.trailing_len(), 0);
}

/// Coefficients and errors together are the brightness before it was a JPEG.
#[test]
fn side_information_is_exact() {
    let prepared = prepare_photo(&photo(), &PhotoOptions::default()).unwrap();
    let (jpeg, errors) = split_side_information(&prepared.file).unwrap();
    let parsed = Jpeg::read(jpeg).unwrap();
    let luma = parsed.luma();
    let planes = Planes::of(&resize(&samples::photo(1301, 1103, 1), 650, 551));
    let mut worst = 0.0_f64;
    let mut blocks = errors.as_chunks::<64>().0.iter();
    let exact_steps = [1_u16; 64];
    let mut exact = Vec::new();
    // With steps of 1 the errors are small against any step of quality 90.
    transform::quantise(&planes.y, &exact_steps, |block, rounding| exact.push((block, rounding)));
    let mut exact = exact.into_iter();
    for block in (0..luma.high).flat_map(|row| luma.row(row)) {
        let (errors, (fine, rounding)) = (blocks.next().unwrap(), exact.next().unwrap());
        for at in 0..64 {
            let step = f64::from(luma.quant[at]);
            let ours = (f64::from(block[at]) + f64::from(errors[at]) / 254.0) * step;
            let theirs = f64::from(fine[at]) + f64::from(rounding[at]) / 254.0;
            worst = worst.max((ours - theirs).abs() / step);
        }
    }
    assert!(worst < 0.005, "{worst}");
}

#[test]
fn nothing_but_a_jfif_header_is_left() {
    let prepared = prepare_photo(&photo(), &PhotoOptions::default()).unwrap();
    let parsed = Jpeg::read(&prepared.file[..prepared.jpeg_len]).unwrap();
    let extras: Vec<u8> =
        parsed.segments().map(|(marker, _)| marker).filter(|marker| *marker >= 0xe0).collect();
    assert_eq!(extras, [0xe0]);
    assert!(prepared.file[2..].starts_with(&[0xff, 0xe0, 0, 16, b'J', b'F', b'I', b'F', 0]));
}

#[test]
fn a_photo_is_turned_upright_and_forgets_its_camera() {
    // An EXIF block whose one entry is orientation 6: turn to the right.
    let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06".to_vec();
    exif.extend([0; 6]);
    let raster = samples::photo(1300, 1100, 4);
    let file = samples::with_segment(&samples::jpeg(&raster, 95), 0xe1, &exif);
    let prepared = prepare_photo(&file, &PhotoOptions::default()).unwrap();
    assert_eq!((prepared.width, prepared.height), (550, 650));
    assert_eq!(prepared.scaled_from, (1100, 1300));
    assert!(!prepared.file.windows(4).any(|bytes| bytes == b"Exif"));
}

#[test]
fn a_file_limit_makes_the_cover_smaller() {
    let file = photo();
    let free = prepare_photo(&file, &PhotoOptions::default()).unwrap();
    let limit = free.jpeg_len * 9 / 10;
    let tight = prepare_photo(&file, &PhotoOptions::default().max_bytes(limit)).unwrap();
    assert!(tight.jpeg_len + tight.jpeg_len / 50 <= limit && tight.width < free.width);
    let error = prepare_photo(&file, &PhotoOptions::default().max_bytes(20_000)).unwrap_err();
    assert!(matches!(error, CoverError::PhotoTooLong { limit: 20_000, .. }));
}

#[test]
fn quality_and_pixels_are_options() {
    let options = PhotoOptions::default().quality(75).max_pixels(300_000);
    let prepared = prepare_photo(&photo(), &options).unwrap();
    let pixels = prepared.width * prepared.height;
    assert!(pixels <= 300_000 && pixels > 297_000, "{pixels}");
    let parsed = Jpeg::read(&prepared.file[..prepared.jpeg_len]).unwrap();
    assert_eq!(Quality::of_luma(parsed.luma()), Some(Quality::new(75)));
}

#[test]
fn small_photos_are_refused_with_the_size_that_is_needed() {
    let file = encode::png(&samples::photo(1023, 1024, 1)).unwrap();
    let error = prepare_photo(&file, &PhotoOptions::default()).unwrap_err();
    assert!(matches!(error, CoverError::PhotoTooSmall { needed: 1_048_576, .. }));
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic";
    let error = prepare_photo(heic, &PhotoOptions::default()).unwrap_err();
    insta::assert_snapshot!(
        error,
        @"HEIC files are not read: export the picture as JPEG, full size, and use that"
    );
}

#[test]
fn transparent_parts_become_white() {
    let samples = [[10, 20, 30, 255], [10, 20, 30, 0], [0, 255, 100, 128]].concat();
    let raster = opaque(Raster { width: 3, height: 1, layout: Layout::Rgba, samples });
    assert_eq!(raster.layout, Layout::Rgb);
    assert_eq!(raster.samples, [[10, 20, 30], [255, 255, 255], [127, 255, 177]].concat());
}

proptest! {
    #[test]
    fn hostile_bytes_never_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        magic in 0_usize..5,
    ) {
        let magics: [&[u8]; 5] =
            [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM", b"RIFF\xff\xff\0\0WEBPVP8X", b""];
        let file = [magics[magic], &bytes].concat();
        prop_assert!(prepare_photo(&file, &PhotoOptions::default()).is_err());
    }
}
