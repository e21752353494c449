//! The compressed stream inside the IDAT chunks: the one place where deflate is called.

use super::damaged;
use crate::deflate::{self, Zlib};
use crate::picture::PictureError;

/// All `length` bytes that the zlib stream stands for, piece by piece.
///
/// # Errors
/// If the stream is damaged or stands for more or fewer.
pub(super) fn inflate(
    stream: &[u8],
    length: usize,
    take: &mut dyn FnMut(&[u8]),
) -> Result<(), PictureError> {
    deflate::inflate_to(stream, length, take)
        .map_err(|_| damaged("the compressed pixels are damaged"))
}

/// The first `length` bytes that the zlib stream stands for; the rest is not looked at.
///
/// # Errors
/// If the stream is damaged before them.
pub(super) fn inflate_prefix(stream: &[u8], length: usize) -> Result<Vec<u8>, PictureError> {
    deflate::inflate_prefix(stream, length)
        .map_err(|_| damaged("the compressed pixels are damaged"))
}

/// Who has made exactly `stream` of `raw`, if it is a compressor that can be imitated.
pub(super) fn maker(stream: &[u8], raw: &[u8]) -> Option<Zlib> {
    deflate::prove(stream, raw)
}

/// A zlib stream for `new`, as the writer of `stream` would have made it.
///
/// Where its maker is known, that compresses `new`; otherwise the symbols of `stream` are changed
/// where `new` differs.
///
/// * `old` - what `stream` stands for; `new` has the same length
///
/// # Errors
/// If the stream cannot be changed.
pub(super) fn rewrite(
    stream: &[u8],
    maker: Option<Zlib>,
    (old, new): (&[u8], &[u8]),
) -> Result<Vec<u8>, PictureError> {
    match maker {
        Some(zlib) => Ok(zlib.compress(new)),
        None => deflate::patch(stream, old, new)
            .map_err(|_| damaged("the compressed pixels cannot be changed")),
    }
}
