//! Pictures as covers: how good they are, how much they carry, and how to make better ones.

use chat_stego::cover::{
    self, Judgement, PhotoOptions, PreparedPhoto, SafeSizes, judge, prepare_photo,
};
use chat_stego::{CodecId, LsbCompat, StegoCodec};

use crate::carrier::picture_text_len;
use crate::conversation::Conversation;
use crate::error::Error;
use crate::handle::Handle;
use crate::namespace::Namespace;
use crate::outbox::enqueue::{longest_envelope, longest_text};
use crate::picture::{Ready, max_picture};

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
/// Tried, not estimated: the cover is made as for sending.
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
    let ready = Ready::hidden(image, codec, max_picture(max_record))?;
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
    let wanted = longest_names().map_or(0, |(me, pair)| {
        longest_envelope(&me, &pair).map_or(usize::MAX, picture_text_len)
    });
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
    Ok(judge(image).map_err(cover::CoverError::from)?)
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
