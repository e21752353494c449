//! The compressed stream inside the IDAT chunks: the one place where deflate is called.

use crate::picture::PictureError;

use super::damaged;

#[cfg(not(test))]
use absent as deflate;
#[cfg(test)]
use stand_in as deflate;

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

/// Until the crate's own deflate is there: refuses everything.
#[cfg(not(test))]
mod absent {
    pub(super) struct Zlib;

    impl Zlib {
        pub(super) fn compress(&self, _raw: &[u8]) -> Vec<u8> {
            Vec::new()
        }
    }

    pub(super) fn inflate(_stream: &[u8], _length: usize) -> Result<Vec<u8>, ()> {
        Err(())
    }

    pub(super) fn inflate_prefix(_stream: &[u8], _length: usize) -> Result<Vec<u8>, ()> {
        Err(())
    }

    pub(super) fn identify(_stream: &[u8], _raw: &[u8]) -> Option<Zlib> {
        None
    }

    pub(super) fn patch(_stream: &[u8], _old: &[u8], _new: &[u8]) -> Result<Vec<u8>, ()> {
        Err(())
    }
}

/// Until the crate's own deflate is there: that of flate2, which tests have.
#[cfg(test)]
mod stand_in {
    use std::io::{Read, Write};

    use flate2::Compression;
    use flate2::read::ZlibDecoder;
    use flate2::write::ZlibEncoder;

    pub(super) struct Zlib(u32);

    impl Zlib {
        pub(super) fn compress(&self, raw: &[u8]) -> Vec<u8> {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(self.0));
            encoder.write_all(raw).unwrap();
            encoder.finish().unwrap()
        }
    }

    pub(super) fn of_level(level: u32) -> Zlib {
        Zlib(level)
    }

    pub(super) fn inflate(stream: &[u8], length: usize) -> Result<Vec<u8>, ()> {
        let mut raw = Vec::new();
        ZlibDecoder::new(stream).take(length as u64 + 1).read_to_end(&mut raw).map_err(|_| ())?;
        if raw.len() == length { Ok(raw) } else { Err(()) }
    }

    pub(super) fn inflate_prefix(stream: &[u8], length: usize) -> Result<Vec<u8>, ()> {
        let mut raw = Vec::new();
        ZlibDecoder::new(stream).take(length as u64).read_to_end(&mut raw).map_err(|_| ())?;
        if raw.len() == length { Ok(raw) } else { Err(()) }
    }

    pub(super) fn identify(stream: &[u8], raw: &[u8]) -> Option<Zlib> {
        Some(Zlib(6)).filter(|zlib| zlib.compress(raw) == stream)
    }

    /// A stream of stored blocks: it is valid, which is all that a test asks of a stand-in.
    pub(super) fn patch(_stream: &[u8], _old: &[u8], new: &[u8]) -> Result<Vec<u8>, ()> {
        Ok(Zlib(0).compress(new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_compressor_is_used_again() {
        let zlib = stand_in::of_level(6);
        let (old, new) = ([7; 999], [8; 999]);
        assert_eq!(rewrite(&zlib.compress(&old), &old, &new).unwrap(), zlib.compress(&new));
    }

    #[test]
    fn other_streams_are_patched() {
        let (old, new) = ([7; 999], [8; 999]);
        let stream = rewrite(&stand_in::of_level(1).compress(&old), &old, &new).unwrap();
        assert_eq!(inflate(&stream, 999).unwrap(), new);
        assert_eq!(inflate_prefix(&stream, 10).unwrap(), new[..10]);
    }
}
