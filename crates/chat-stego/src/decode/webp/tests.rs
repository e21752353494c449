//! Files written by Pillow (libwebp), 5 x 3 pixels; and what a hostile one could say.

use proptest::prelude::*;

use super::*;

const LOSSLESS: &[u8] = include_bytes!("../../../tests/fixtures/photo-lossless.webp");
const LOSSY: &[u8] = include_bytes!("../../../tests/fixtures/photo-lossy.webp");
const TURNED: &[u8] = include_bytes!("../../../tests/fixtures/photo-turned-alpha.webp");
const ANIMATED: &[u8] = include_bytes!("../../../tests/fixtures/photo-animated.webp");

#[test]
fn lossless_pixels_are_those_that_were_written() {
    let raster = pixels(LOSSLESS, Rendering::AsViewer).unwrap();
    assert_eq!((raster.width, raster.height, raster.layout), (5, 3, Layout::Rgb));
    let written: Vec<u8> =
        (0..15_u8).flat_map(|i| [i.wrapping_mul(16), 255 - i * 9, i.wrapping_mul(i)]).collect();
    assert_eq!(raster.samples, written);
}

#[test]
fn lossy_files_are_read() {
    let raster = pixels(LOSSY, Rendering::AsViewer).unwrap();
    assert_eq!((raster.width, raster.height, raster.samples.len()), (5, 3, 45));
}

#[test]
fn orientation_is_applied_for_a_viewer() {
    let raster = pixels(TURNED, Rendering::AsViewer).unwrap();
    assert_eq!((raster.width, raster.height, raster.layout), (3, 5, Layout::Rgba));
    assert!(raster.samples.chunks_exact(4).all(|pixel| pixel[3] == 100));
}

#[test]
fn animations_are_refused_by_name() {
    let error = header(ANIMATED).unwrap_err();
    assert!(matches!(error, PictureError::Unsupported { what: Unsupported::AnimatedWebP }));
}

#[test]
fn chunks_beyond_the_file_are_refused_before_any_allocation() {
    let mut file = TURNED.to_vec();
    let exif = file.windows(4).position(|name| name == b"EXIF").unwrap();
    file[exif + 4..exif + 8].copy_from_slice(&0xf000_0000_u32.to_le_bytes());
    assert!(matches!(pixels(&file, Rendering::AsViewer), Err(PictureError::Damaged { .. })));
}

#[test]
fn a_frame_larger_than_its_canvas_is_refused() {
    let mut file = TURNED.to_vec();
    let frame = file.windows(4).position(|name| name == b"VP8L").unwrap();
    file[frame + 9] = 0xff;
    assert!(matches!(header(&file), Err(PictureError::Damaged { .. })));
}

#[test]
fn large_pictures_in_tiny_files_are_refused() {
    let mut file = LOSSLESS.to_vec();
    let frame = file.windows(4).position(|name| name == b"VP8L").unwrap();
    file[frame + 9..frame + 13].copy_from_slice(&0x07ff_dfff_u32.to_le_bytes());
    assert!(matches!(header(&file), Err(PictureError::Damaged { .. })));
}

proptest! {
    #[test]
    fn hostile_bytes_never_panic(at in 12_usize..132, bytes in proptest::collection::vec(any::<u8>(), 1..8)) {
        for original in [LOSSLESS, LOSSY, TURNED] {
            let mut file = original.to_vec();
            for (old, new) in file.iter_mut().skip(at).zip(&bytes) {
                *old = *new;
            }
            drop(pixels(&file, Rendering::AsViewer));
            drop(pixels(file.get(..at).unwrap_or(&file), Rendering::AsViewer));
        }
    }
}
