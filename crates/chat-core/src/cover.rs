//! Pictures as covers: how good they are, how much they carry, and how to make better ones.

pub(crate) mod explained;

use std::path::{Path, PathBuf};

use chat_crypto::Envelope;
use chat_stego::cover::{
    self, CoverError, Finding, Judgement, PhotoOptions, PreparedPhoto, SafeSizes, Severity, judge,
    prepare_photo,
};
use chat_stego::detect::{Comparison, compare};
use chat_stego::report::{
    CapacityBands, map_changes, map_costs, map_lowest_bits, with_capacity_bar,
};
use chat_stego::{
    CodecId, EmbedOptions, LsbCompat, MAX_PIXELS_FROM_STRANGERS, StegoCodec, StegoKey,
};

use crate::carrier::picture_text_len;
use crate::content::Content;
use crate::conversation::Conversation;
use crate::error::{Error, SendError};
use crate::handle::Handle;
use crate::namespace::Namespace;
use crate::outbox::enqueue::{longest_envelope, longest_text};
use crate::picture::{Ready, embed, list, max_picture, read_cover};
use crate::random;

/// What fits into an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CoverCapacity {
    /// How it would be hidden.
    pub codec: CodecId,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// The longest message texts, in bytes, whatever the names of the two who talk: what is left for them under
    /// envelope and padding. 0 where no message fits. `lsb-compat`, which any detector finds, has but a `max`.
    pub text: SafeSizes,
    /// Width and height that the image is scaled down to, if it is.
    pub scaled_to: Option<(u32, u32)>,
}

/// Tells what fits into an image: JPEG, PNG, WebP or BMP.
///
/// * `max_record` - bytes that a record may have, as [`Network::max_record`] says;
///   [`MAX_RECORD`] is the default of a new network
/// * `codec` - `None`: the best that the image allows
///
/// The cover is made as for sending, and refused where sending would refuse it; the lengths follow from the
/// square-root law.
///
/// # Errors
/// When the file is no such image, too large to be looked at, or no cover for this codec.
///
/// [`Network::max_record`]: crate::Network::max_record
/// [`MAX_RECORD`]: crate::MAX_RECORD
pub fn cover_capacity(
    image: &[u8],
    max_record: u32,
    codec: Option<CodecId>,
) -> Result<CoverCapacity, Error> {
    if codec == Some(CodecId::LsbCompat) {
        return lsb_capacity(image, max_record);
    }
    let ready = Ready::hidden(image, codec, &EmbedOptions::default(), max_picture(max_record))?;
    // Too small for a message is an answer here, and no refusal.
    let mut grave = ready.findings(Severity::Refuse);
    if let Some(finding) = grave.find(|finding| !matches!(finding, Finding::Small { .. })) {
        return Err(SendError::CoverRefused { path: None, finding }.into());
    }
    let sizes = ready.elements().map(|(kind, count)| SafeSizes::of(kind, count));
    let sizes = sizes.unwrap_or_default();
    let text = |bytes| longest_for_anybody(|envelope| envelope <= bytes);
    Ok(CoverCapacity {
        codec: ready.codec.id(),
        width: ready.size.0,
        height: ready.size.1,
        text: SafeSizes {
            comfort: text(sizes.comfort),
            caution: text(sizes.caution),
            max: text(sizes.max),
        },
        scaled_to: ready.scaled_from.map(|_| ready.size),
    })
}

fn lsb_capacity(image: &[u8], max_record: u32) -> Result<CoverCapacity, Error> {
    let report = LsbCompat.inspect(image)?;
    let wanted = longest_names()
        .map_or(0, |(me, pair)| longest_envelope(&me, &pair).map_or(usize::MAX, picture_text_len));
    let room = cover::room_within(image, wanted, max_picture(max_record))?;
    let max = longest_for_anybody(|envelope| picture_text_len(envelope) <= room.payload_len);
    Ok(CoverCapacity {
        codec: CodecId::LsbCompat,
        width: report.width,
        height: report.height,
        text: SafeSizes { comfort: 0, caution: 0, max },
        scaled_to: room.scaled_to,
    })
}

/// Tells how good a picture is as a cover, and why.
///
/// # Errors
/// When the file is no picture, or too large to be looked at.
pub fn judge_cover(image: &[u8]) -> Result<Judgement, Error> {
    Ok(judge(image).map_err(CoverError::from)?)
}

/// Makes a photo into the best cover that there is: see [`prepare_photo`].
///
/// * `max_bytes` - the most bytes that the picture may have when it is sent
///
/// # Errors
/// When the file is no such image, or too small.
pub fn prepare_cover(photo: &[u8], max_bytes: usize) -> Result<PreparedPhoto, Error> {
    Ok(prepare_photo(photo, &PhotoOptions::default().max_bytes(max_bytes))?)
}

/// What the detectors say of a cover and of the picture that was made from it.
///
/// # Errors
/// When one of them cannot be read.
pub fn compare_pictures(cover: &[u8], stego: &[u8]) -> Result<Comparison, Error> {
    Ok(compare(cover, stego).map_err(CoverError::from)?)
}

/// What [`map_cover`] draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CoverMap {
    /// The places that a short message changes.
    Changes,
    /// How dear a change would be, everywhere.
    Costs,
    /// The lowest bits of the red samples, before and after.
    LowestBits,
}

/// Draws where a message of 200 bytes would be hidden in a picture; returns a PNG file. Below changes
/// and costs stands how much the picture may carry.
///
/// # Errors
/// When the file is no picture that can carry one.
pub fn map_cover(image: &[u8], what: CoverMap) -> Result<Vec<u8>, Error> {
    let unread = |error: chat_stego::PictureError| Error::from(CoverError::from(error));
    // What is left out when it is sent has no place on the map.
    let trimmed = EmbedOptions::default().strip_provenance().trim(image)?;
    let image = &*trimmed;
    let drawn = match what {
        CoverMap::Costs => map_costs(image).map_err(unread)?,
        CoverMap::Changes => map_changes(image, &with_a_message(image)?).map_err(unread)?,
        CoverMap::LowestBits => {
            let drawn = map_lowest_bits(image, &with_a_message(image)?).map_err(unread)?;
            return Ok(drawn.ok_or(CoverError::Encode)?);
        }
    };
    let SafeSizes { comfort, caution, max } = judge_cover(image)?.sizes();
    let bands = CapacityBands {
        comfort: comfort as u64,
        caution: caution as u64,
        hard_limit: max as u64,
        payload: example_envelope().map(|length| length as u64),
    };
    let with_bar = drawn.and_then(|map| with_capacity_bar(&map, &bands));
    Ok(with_bar.ok_or(CoverError::Encode)?)
}

/// Bytes of an envelope with a text of 200 bytes.
fn example_envelope() -> Option<usize> {
    let (me, pair) = longest_names()?;
    Envelope::sealed_len(Content::text_len(&me, &pair, 200) + 1)
}

/// The picture with a message of 200 bytes that nobody can read.
fn with_a_message(image: &[u8]) -> Result<Vec<u8>, Error> {
    let rng = &mut rand::rng();
    let noise = random::some(rng, example_envelope().unwrap_or_default());
    let codec = Ready::natural_codec(image);
    Ok(embed(codec, &noise, image, &StegoKey::from_bytes(random::bytes(rng)))?.file)
}

/// The picture of a folder that a text disturbs least.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ChosenCover {
    /// Its file.
    pub path: PathBuf,
    /// How the text would be hidden in it.
    pub codec: CodecId,
    /// How much that disturbs it, by the codec's measure.
    pub distortion: f64,
    /// Files that could have been taken.
    pub looked_at: usize,
}

/// Finds the picture of a folder that a text of `text_len` bytes disturbs least, JPEG before PNG.
///
/// Each picture is tried as it is. Pictures of which nothing good can be said are left out, and
/// whether one was used before is not asked.
///
/// # Errors
/// When the folder cannot be read, or no picture in it carries the text.
pub fn choose_cover(folder: &Path, text_len: usize) -> Result<ChosenCover, Error> {
    let envelope = longest_names()
        .and_then(|(me, pair)| Envelope::sealed_len(Content::text_len(&me, &pair, text_len) + 1));
    let envelope =
        envelope.ok_or(SendError::TextTooLong { len: text_len, max: Content::MAX_TEXT })?;
    let mut tried = Vec::new();
    let mut unfit = 0;
    for path in list(folder)? {
        match read_cover(&path).ok().and_then(|bytes| disturbed(&bytes, envelope)) {
            Some((codec, distortion)) => tried.push((path, codec, distortion)),
            None => unfit += 1,
        }
    }
    let looked_at = tried.len();
    let is_png = |codec: CodecId| codec == CodecId::PngHill;
    let best = tried.into_iter().min_by(|(_, one, less), (_, other, more)| {
        is_png(*one).cmp(&is_png(*other)).then(less.total_cmp(more))
    });
    let none = || SendError::NoCoverLeft { folder: folder.to_owned(), used: 0, unfit };
    let (path, codec, distortion) = best.ok_or_else(none)?;
    Ok(ChosenCover { path, codec, distortion, looked_at })
}

/// What an envelope of this length does to a picture; `None` if it is no cover for one.
fn disturbed(image: &[u8], envelope: usize) -> Option<(CodecId, f64)> {
    let judged = judge(image).ok()?;
    if judged.is_refused() || envelope > judged.sizes().caution {
        return None;
    }
    let rng = &mut rand::rng();
    let codec = Ready::natural_codec(image).id();
    let (noise, key) = (random::some(rng, envelope), StegoKey::from_bytes(random::bytes(rng)));
    let options = EmbedOptions::default().accept_any_cover().max_pixels(MAX_PIXELS_FROM_STRANGERS);
    let embedded = codec.codec().embed(image, &noise, &key, &options).ok()?;
    Some((codec, embedded.distortion))
}

/// The longest text, whatever the names, whose envelope fits.
fn longest_for_anybody(fits: impl Fn(usize) -> bool) -> usize {
    longest_names().map_or(0, |(me, pair)| longest_text(&me, &pair, fits))
}

/// Names of the greatest length, so that the answer holds for everybody.
fn longest_names() -> Option<(Handle, Conversation)> {
    let name =
        |first: &str| -> Option<Handle> { format!("{first}{}", "x".repeat(63)).parse().ok() };
    let namespace: Namespace = "x".repeat(64).parse().ok()?;
    let (one, other) = (name("a")?, name("b")?);
    let pair = Conversation::pair(&namespace, &one, &other)?;
    Some((one, pair))
}
