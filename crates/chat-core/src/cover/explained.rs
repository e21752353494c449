//! A page that explains to a beginner what was hidden where.

use chat_stego::cover::{CoverError, judge};
use chat_stego::detect::{Assessment, assess, compare};
use chat_stego::report::{
    CapacityBands, Hidden, Report, map_changes, map_costs, map_lowest_bits, report,
};
use chat_stego::{
    CodecId, EmbedOptions, LsbCompat, PictureError, PictureFormat, StegoCodec, StegoKey,
};

use crate::carrier::picture_text;
use crate::error::{Error, SendError};
use crate::random;

/// Pictures and a page about a cover and what was hidden in it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explained {
    /// The page: HTML that needs no script, no network and no other file.
    pub page: String,
    /// Where the cover was changed, as PNG.
    pub changes: Vec<u8>,
    /// What a change would have cost, everywhere, as PNG.
    pub costs: Vec<u8>,
    /// The lowest bits of the cover and of one half full by `lsb-compat`, as PNG.
    pub lowest_bits: Vec<u8>,
}

/// Explains what was hidden in a cover, beside the same payload by `lsb-compat`.
///
/// * `cover` - the cover, JPEG or PNG, and what it is called
/// * `stego` - the picture that was made from it by one of the keyed codecs
/// * `payload` - bytes that it hides
///
/// # Errors
/// When one of the two cannot be read, or they do not belong together.
pub fn explain(cover: (&[u8], &str), stego: &[u8], payload: usize) -> Result<Explained, Error> {
    let (cover, cover_name) = cover;
    let lsb = with_lsb(cover, payload)?;
    let drawn = |map: Result<Option<Vec<u8>>, PictureError>| {
        map.and_then(|map| map.ok_or(PictureError::UnknownFormat)).map_err(CoverError::from)
    };
    let changes = drawn(map_changes(cover, stego))?;
    let costs = drawn(map_costs(cover))?;
    let room = LsbCompat.capacity(cover)?.max_bytes;
    let half_full = with_lsb(cover, room * 3 / 8)?;
    let lowest_bits = drawn(map_lowest_bits(cover, &half_full.file))?;
    let lsb_changes = drawn(map_changes(cover, &lsb.file))?;
    let seen = |file| -> Result<Assessment, CoverError> { Ok(assess(file)?) };
    let (cover_seen, lsb_seen, stego_seen) = (seen(cover)?, seen(&lsb.file)?, seen(stego)?);
    let sizes = judge(cover).map_err(CoverError::from)?.sizes();
    let payload_bytes = payload as u64;
    let hidden = |codec: CodecId, changes: usize, seen, heat_map| Hidden {
        codec: codec.as_str(),
        payload: payload_bytes,
        changes: changes as u64,
        seen,
        heat_map: Some(heat_map),
    };
    let page = report(&Report {
        cover_name,
        cover: &cover_seen,
        lsb: Some(hidden(CodecId::LsbCompat, lsb.changes, &lsb_seen, &lsb_changes)),
        lsb_planes: Some(&lowest_bits),
        adaptive: Some(hidden(codec_of(stego), changes_of(cover, stego)?, &stego_seen, &changes)),
        cost_map: Some(&costs),
        bands: Some(CapacityBands {
            comfort: sizes.comfort as u64,
            caution: sizes.caution as u64,
            hard_limit: sizes.max as u64,
            payload: Some(payload_bytes),
        }),
    });
    Ok(Explained { page, changes, costs, lowest_bits })
}

fn with_lsb(cover: &[u8], payload: usize) -> Result<chat_stego::Embedded, Error> {
    let text = picture_text(&random::some(&mut rand::rng(), payload));
    let key = StegoKey::from_bytes([0; 32]);
    let made = LsbCompat.embed(cover, text.as_bytes(), &key, &EmbedOptions::default());
    Ok(made.map_err(|source| SendError::Embed { path: None, source })?)
}

fn codec_of(stego: &[u8]) -> CodecId {
    match PictureFormat::of(stego) {
        Some(PictureFormat::Png) => CodecId::PngHill,
        _ => CodecId::JpegJuniward,
    }
}

fn changes_of(cover: &[u8], stego: &[u8]) -> Result<usize, Error> {
    let compared = compare(cover, stego).map_err(CoverError::from)?;
    let coefficients = compared.coefficients.map(|found| found.changed);
    Ok(coefficients.or(compared.samples.map(|found| found.changed)).unwrap_or_default())
}
