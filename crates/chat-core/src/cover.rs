//! Whether a picture can carry a message.

use chat_stego::{LsbCompat, StegoCodec};

use crate::conversation::Conversation;
use crate::error::Error;
use crate::handle::Handle;
use crate::namespace::Namespace;
use crate::outbox::enqueue::longest_text;

/// What fits into an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CoverCapacity {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Bytes that the codec can hide.
    pub raw_bytes: usize,
    /// The longest message text, in bytes, whatever the names of the two who talk: what is left
    /// for it under envelope, padding and base64. 0 if no message fits.
    pub text_bytes: usize,
}

/// Tells what fits into an image: PNG, JPEG or BMP.
///
/// # Errors
/// When the file is no such image, or too large to be looked at.
pub fn cover_capacity(image: &[u8]) -> Result<CoverCapacity, Error> {
    let report = LsbCompat.inspect(image)?;
    let raw_bytes = LsbCompat.capacity(image)?.max_bytes;
    Ok(CoverCapacity {
        width: report.width,
        height: report.height,
        raw_bytes,
        text_bytes: text_bytes(raw_bytes),
    })
}

/// Uses the longest names, so that the answer holds for everybody.
fn text_bytes(raw_bytes: usize) -> usize {
    let name =
        |first: &str| -> Option<Handle> { format!("{first}{}", "x".repeat(63)).parse().ok() };
    let namespace: Option<Namespace> = "x".repeat(64).parse().ok();
    let (Some(one), Some(other), Some(namespace)) = (name("a"), name("b"), namespace) else {
        return 0;
    };
    Conversation::pair(&namespace, &one, &other)
        .map_or(0, |pair| longest_text(&one, &pair, raw_bytes))
}
