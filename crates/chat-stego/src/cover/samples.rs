//! Pictures for tests, made by a formula.

use super::photo::jpeg_of;
use super::tables::Quality;
use crate::raster::{Layout, Raster};

/// Something like a photo: slopes and edges of several sizes, and grain.
pub(crate) fn photo(width: u32, height: u32, seed: u32) -> Raster {
    let phase = f64::from(seed) * 1.7;
    let mut state = seed.wrapping_add(1).wrapping_mul(2_654_435_761);
    let mut samples = Vec::with_capacity((width * height * 3) as usize);
    for y in 0..height {
        for x in 0..width {
            let (fx, fy) = (f64::from(x), f64::from(y));
            let slope = 40.0 * (fx / 210.0 + phase).sin() * (fy / 170.0 - phase).cos();
            let texture = 14.0 * ((fx * 0.31 + phase).sin() + (fy * 0.23 + fx * 0.11).sin());
            let edge =
                if ((fx / 97.0 + phase).sin() * (fy / 61.0).cos()) > 0.3 { 25.0 } else { 0.0 };
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Four bytes added up are grain with a bell's shape.
            let grain = state.to_be_bytes().iter().map(|&byte| f64::from(byte)).sum::<f64>();
            let grain = (grain - 510.0) / 30.0;
            let grey = 118.0 + slope + texture + edge + grain;
            samples.extend([grey + 9.0, grey, grey - 12.0].map(|value| value as u8));
        }
    }
    Raster { width, height, layout: Layout::Rgb, samples }
}

/// A picture as a JPEG with standard tables, 4:2:0.
pub(crate) fn jpeg(raster: &Raster, quality: u8) -> Vec<u8> {
    jpeg_of(raster, Quality::new(quality))
}

/// Puts a segment behind a file's first marker.
pub(crate) fn with_segment(file: &[u8], marker: u8, contents: &[u8]) -> Vec<u8> {
    let length = u16::try_from(contents.len() + 2).unwrap().to_be_bytes();
    [&file[..2], &[0xff, marker], &length, contents, &file[2..]].concat()
}
