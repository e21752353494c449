//! From a zlib stream to its bytes.

use super::{
    blocks::{Blocks, Refused, Sink},
    error::InflateError,
};

/// The most bytes that a byte of a stream stands for: a match of 258 takes two bits.
const MOST_PER_BYTE: usize = 1032;

/// Inflates a zlib stream that must hold `expected_len` bytes and nothing after its Adler-32.
///
/// Takes no more memory than the lesser of `expected_len` and 1,032 times the stream's length;
/// the caller bounds `expected_len` (a PNG's size, from its header).
///
/// # Errors
/// Everything that is wrong with the stream, with the place.
pub(crate) fn inflate(stream: &[u8], expected_len: usize) -> Result<Vec<u8>, InflateError> {
    let mut blocks = Blocks::new(stream)?;
    let mut output = Output::new(stream, expected_len);
    while blocks.next(&mut output)?.is_some() {}
    let bytes = output.finish();
    if bytes.len() != expected_len {
        return Err(InflateError::TooShort { expected: expected_len, got: bytes.len() });
    }
    let expected = blocks.checksum()?;
    let computed = simd_adler32::adler32(&bytes.as_slice());
    if expected != computed {
        return Err(InflateError::Checksum { expected, computed });
    }
    Ok(bytes)
}

/// Inflates the first `wanted` bytes of a zlib stream and reads no further: no checksum, no end.
///
/// # Errors
/// Everything that is wrong with the stream up to there; [`InflateError::TooShort`] if it ends.
pub(crate) fn inflate_prefix(stream: &[u8], wanted: usize) -> Result<Vec<u8>, InflateError> {
    let mut blocks = Blocks::new(stream)?;
    let mut output = Output::new(stream, wanted);
    while output.written < wanted {
        match blocks.next(&mut output) {
            Ok(Some(_)) => {}
            Err(InflateError::TooLong { .. }) => break,
            Ok(None) => {
                return Err(InflateError::TooShort { expected: wanted, got: output.written });
            }
            Err(error) => return Err(error),
        }
    }
    Ok(output.finish())
}

/// Where bytes go to.
struct Output {
    bytes: Vec<u8>,
    written: usize,
    limit: usize,
}

impl Output {
    fn new(stream: &[u8], limit: usize) -> Self {
        let most = limit.min(stream.len().saturating_mul(MOST_PER_BYTE));
        Self { bytes: vec![0; most], written: 0, limit }
    }

    fn finish(mut self) -> Vec<u8> {
        self.bytes.truncate(self.written);
        self.bytes
    }

    /// Copies a byte at a time, up to the limit: near the end, and where the copy closely overlaps
    /// itself.
    fn copy_bytes(&mut self, length: usize, distance: usize) -> Result<(), Refused> {
        let end = self.bytes.len().min(self.written + length);
        let start = self.written - distance;
        let region = self.bytes.get_mut(start..end).unwrap_or_default();
        if let ([byte], run) = region.split_at_mut(distance.min(region.len())) {
            run.fill(*byte);
        } else {
            for at in distance..region.len() {
                let byte = region.get(at - distance).copied().unwrap_or_default();
                region.get_mut(at).into_iter().for_each(|slot| *slot = byte);
            }
        }
        let full = end - self.written < length;
        self.written = end;
        if full { Err(Refused::Full { limit: self.limit }) } else { Ok(()) }
    }

    /// Copies 16 bytes at a time, past the match's end; None if there is no room for that.
    #[inline(always)]
    fn copy_chunks(&mut self, length: usize, distance: usize) -> Option<()> {
        let end = self.written + length;
        let region = self.bytes.get_mut(self.written - distance..end + 16)?;
        let mut at = 0;
        while at < length {
            let chunk: [u8; 16] = *region.get(at..)?.first_chunk()?;
            *region.get_mut(at + distance..)?.first_chunk_mut()? = chunk;
            at += 16;
        }
        self.written = end;
        Some(())
    }
}

impl Sink for Output {
    #[inline(always)]
    fn literal(&mut self, byte: u8) -> Result<(), Refused> {
        let slot = self.bytes.get_mut(self.written).ok_or(Refused::Full { limit: self.limit })?;
        *slot = byte;
        self.written += 1;
        Ok(())
    }

    #[inline(always)]
    fn copy(&mut self, length: usize, distance: usize) -> Result<(), Refused> {
        if distance > self.written {
            return Err(Refused::Distance { distance, written: self.written });
        }
        if distance >= 16 && self.copy_chunks(length, distance).is_some() {
            return Ok(());
        }
        self.copy_bytes(length, distance)
    }

    fn stored(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        let room = self.bytes.get_mut(self.written..).unwrap_or_default();
        let count = room.len().min(bytes.len());
        room.iter_mut().zip(bytes).for_each(|(slot, &byte)| *slot = byte);
        self.written += count;
        if count < bytes.len() { Err(Refused::Full { limit: self.limit }) } else { Ok(()) }
    }
}
