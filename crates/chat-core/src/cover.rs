//! Whether a picture can carry a message.

use chat_stego::{LsbCompat, StegoCodec, cover};

use crate::conversation::Conversation;
use crate::error::Error;
use crate::handle::Handle;
use crate::namespace::Namespace;
use crate::outbox::enqueue::{longest_picture_text, longest_text};
use crate::outbox::picture::max_picture;

/// What fits into an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CoverCapacity {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Bytes that the codec can hide in the image as it is.
    pub raw_bytes: usize,
    /// The longest message text, in bytes, whatever the names of the two who talk: what is left
    /// for it under envelope, padding and base64, once the image is small enough for the record.
    /// 0 if no message fits.
    pub text_bytes: usize,
    /// Width and height that the image is scaled down to for so long a text, if it is.
    pub scaled_to: Option<(u32, u32)>,
}

/// Tells what fits into an image: PNG, JPEG or BMP.
///
/// * `max_record` - bytes that a record may have, as [`Network::max_record`] says;
///   [`MAX_RECORD`] is the default of a new network
///
/// An image whose PNG would not fit is scaled down before anything is hidden in it, and holds
/// less then; this tries it out, which takes as long as sending such a picture.
///
/// # Errors
/// When the file is no such image, or too large to be looked at.
///
/// [`Network::max_record`]: crate::Network::max_record
/// [`MAX_RECORD`]: crate::MAX_RECORD
pub fn cover_capacity(image: &[u8], max_record: u32) -> Result<CoverCapacity, Error> {
    let report = LsbCompat.inspect(image)?;
    let raw_bytes = LsbCompat.capacity(image)?.max_bytes;
    let names = longest_names();
    let wanted = names.as_ref().map_or(0, |(me, pair)| longest_picture_text(me, pair));
    let room = cover::room_within(image, wanted, max_picture(max_record))?;
    Ok(CoverCapacity {
        width: report.width,
        height: report.height,
        raw_bytes,
        text_bytes: names.map_or(0, |(me, pair)| longest_text(&me, &pair, room.payload_len)),
        scaled_to: room.scaled_to,
    })
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
