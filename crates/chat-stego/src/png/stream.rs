//! The compressed stream inside the IDAT chunks: the one place where deflate is called.

use super::damaged;
use crate::deflate;
use crate::picture::PictureError;

/// All `length` bytes that the zlib stream stands for.
///
/// # Errors
/// If the stream is damaged or stands for more or fewer.
pub(super) fn inflate(stream: &[u8], length: usize) -> Result<Vec<u8>, PictureError> {
    deflate::inflate(stream, length).map_err(|_| damaged("the compressed pixels are damaged"))
}

/// The first `length` bytes that the zlib stream stands for; the rest is not looked at.
///
/// # Errors
/// If the stream is damaged before them.
pub(super) fn inflate_prefix(stream: &[u8], length: usize) -> Result<Vec<u8>, PictureError> {
    deflate::inflate_prefix(stream, length)
        .map_err(|_| damaged("the compressed pixels are damaged"))
}

/// A zlib stream for `new`, as the writer of `stream` would have made it.
///
/// Where a compressor is known that makes exactly `stream` of `old`, it compresses `new`; otherwise
/// the symbols of `stream` are changed where `new` differs.
///
/// * `old` - what `stream` stands for; `new` has the same length
///
/// # Errors
/// If the stream cannot be changed.
pub(super) fn rewrite(stream: &[u8], old: &[u8], new: &[u8]) -> Result<Vec<u8>, PictureError> {
    if let Some(zlib) = deflate::identify(stream, old) {
        let compressed = std::thread::scope(|scope| {
            let proof = scope.spawn(|| zlib.compress(old) == stream);
            let compressed = zlib.compress(new);
            proof.join().is_ok_and(|is_exact| is_exact).then_some(compressed)
        });
        if let Some(compressed) = compressed {
            return Ok(compressed);
        }
    }
    deflate::patch(stream, old, new).map_err(|_| damaged("the compressed pixels cannot be changed"))
}
