//! What hiding in a cover costs, everywhere and at the least.

use crate::adaptive::medium::{Costs, Medium, RowCosts, SLOTS};
use crate::codec::CodecId;
use crate::cover::{self, split_side_information};
use crate::jpeg::Jpeg;
use crate::jpeg_juniward::{JpegCosts, Luma};
use crate::key::StegoKey;
use crate::picture::PictureError;
use crate::png::PngFile;
use crate::png_hill::{PngCosts, PngPixels};
use crate::stc::bound;

/// What one up costs in every element of a cover, 64 values a cell, row by row; infinite where it is
/// forbidden or there is no element. Empty for `lsb-compat`.
///
/// # Errors
/// When the cover cannot be read.
pub fn costs(codec: CodecId, cover: &[u8]) -> Result<Vec<f32>, PictureError> {
    Ok(both_costs(codec, cover)?.0)
}

/// The least distortion at which `bits` bits can be hidden in a cover, by the codec's measure: the
/// payload-limited sender at the bound, over all elements.
///
/// # Errors
/// When the cover cannot be read.
pub fn bound(codec: CodecId, cover: &[u8], bits: usize) -> Result<f64, PictureError> {
    let (up, down) = both_costs(codec, cover)?;
    Ok(bound::ternary(&up, &down, bits).distortion)
}

fn both_costs(codec: CodecId, cover: &[u8]) -> Result<(Vec<f32>, Vec<f32>), PictureError> {
    match codec {
        CodecId::LsbCompat => Ok((Vec::new(), Vec::new())),
        CodecId::PngHill => {
            let file = PngFile::read(cover)?;
            let pixels = PngPixels::new(file.samples()?, file.header().height);
            Ok(all_rows(&pixels, &PngCosts::of(&pixels, &StegoKey::from_bytes([0; 32]))))
        }
        CodecId::JpegJuniward | CodecId::JpegSi => {
            let split = split_side_information(cover);
            let (jpeg, errors) = split.map_or((cover, None), |(jpeg, errors)| (jpeg, Some(errors)));
            let errors = errors.filter(|_| codec == CodecId::JpegSi);
            let jpeg = Jpeg::read(jpeg)?;
            let costs = JpegCosts::of(jpeg.luma(), errors.as_deref());
            Ok(all_rows(&Luma::of(&jpeg), &costs))
        }
    }
}

fn all_rows<M: Medium, C: Costs>(medium: &M, costs: &C) -> (Vec<f32>, Vec<f32>) {
    let rows = medium.grid().rows;
    let (mut up, mut down) = (Vec::new(), Vec::new());
    costs.rows(0..rows, &mut |row, RowCosts { up: ups, down: downs }| {
        for (column, (one, other)) in ups.iter().zip(downs).enumerate() {
            let elements = medium.cell(row, column).elements;
            let priced = |costs: &[f32; SLOTS]| {
                let mut slot = 0;
                costs.map(|cost| {
                    let is_element = elements >> slot & 1 == 1;
                    slot += 1;
                    if is_element { cost } else { f32::INFINITY }
                })
            };
            up.extend(priced(one));
            down.extend(priced(other));
        }
    });
    (up, down)
}

/// A JPEG that somebody else has made of these pixels, as `jpeg-si` takes it.
///
/// # Errors
/// When one of the two cannot be read.
pub fn with_side_information(jpeg: &[u8], precover: &[u8]) -> Result<Vec<u8>, PictureError> {
    cover::with_side_information(jpeg, precover)
}

/// The same bytes for the same seed on every machine, as good as random to a detector.
#[must_use]
pub fn random_bytes(seed: u64, count: usize) -> Vec<u8> {
    // SplitMix64: Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators".
    let mut state = seed;
    let words = std::iter::repeat_with(|| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    });
    words.flat_map(u64::to_le_bytes).take(count).collect()
}
