//! From a zlib stream to its bytes.

use simd_adler32::Adler32;

use super::{
    alphabet::LONGEST_MATCH,
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
#[cfg(test)]
pub(crate) fn inflate(stream: &[u8], expected_len: usize) -> Result<Vec<u8>, InflateError> {
    let mut bytes = Vec::new();
    inflate_to(stream, expected_len, &mut |piece| bytes.extend_from_slice(piece))?;
    Ok(bytes)
}

/// Inflates a zlib stream that must hold `expected_len` bytes and nothing after its Adler-32, and
/// hands the bytes to `take` piece by piece. Holds a quarter of a megabyte of them at most.
///
/// # Errors
/// Everything that is wrong with the stream, with the place; pieces before that have been taken.
pub(crate) fn inflate_to(
    stream: &[u8],
    expected_len: usize,
    take: Take<'_>,
) -> Result<(), InflateError> {
    let mut blocks = Blocks::new(stream)?;
    let mut sum = Adler32::new();
    let mut summed = |piece: &[u8]| {
        sum.write(piece);
        take(piece);
    };
    let mut output = Output::in_pieces(expected_len, &mut summed);
    while blocks.next(&mut output)?.is_some() {}
    let got = output.base + output.written;
    output.hand_over();
    if got != expected_len {
        return Err(InflateError::TooShort { expected: expected_len, got });
    }
    let (expected, computed) = (blocks.checksum()?, sum.finish());
    if expected != computed {
        return Err(InflateError::Checksum { expected, computed });
    }
    Ok(())
}

/// Inflates the first `wanted` bytes of a zlib stream and reads no further: no checksum, no end.
///
/// Takes no more memory than the lesser of `wanted` and 1,032 times the stream's length.
///
/// # Errors
/// Everything that is wrong with the stream up to there; [`InflateError::TooShort`] if it ends.
pub(crate) fn inflate_prefix(stream: &[u8], wanted: usize) -> Result<Vec<u8>, InflateError> {
    let mut blocks = Blocks::new(stream)?;
    let mut output = Output::whole(stream, wanted);
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

/// How far back a match can reach.
const REACH: usize = 32_768;
/// Bytes of a piece.
const PIECE: usize = 1 << 18;
/// Room that a match needs, with what is written beyond its end.
const MATCH_ROOM: usize = LONGEST_MATCH + 16;

/// Who takes the bytes.
type Take<'a> = &'a mut dyn FnMut(&[u8]);

/// Where bytes go to.
struct Output<'a> {
    /// What was written last, and room for more.
    bytes: Vec<u8>,
    written: usize,
    /// Bytes before these.
    base: usize,
    /// How many of these have been handed over.
    handed: usize,
    limit: usize,
    take: Option<Take<'a>>,
}

impl<'a> Output<'a> {
    /// Keeps all bytes.
    fn whole(stream: &[u8], limit: usize) -> Self {
        let most = limit.min(stream.len().saturating_mul(MOST_PER_BYTE));
        Self { bytes: vec![0; most], written: 0, base: 0, handed: 0, limit, take: None }
    }

    /// Hands bytes over as they come.
    fn in_pieces(limit: usize, take: Take<'a>) -> Self {
        let room = limit.min(REACH + PIECE);
        Self { bytes: vec![0; room], written: 0, base: 0, handed: 0, limit, take: Some(take) }
    }

    fn hand_over(&mut self) {
        if let Some(take) = &mut self.take {
            take(self.bytes.get(self.handed..self.written).unwrap_or_default());
        }
        self.handed = self.written;
    }

    /// Makes room for a match, unless there is none up to the limit.
    #[cold]
    fn make_room(&mut self) {
        if self.take.is_none() || self.written <= REACH {
            return;
        }
        self.hand_over();
        let old = self.written - REACH;
        self.bytes.copy_within(old..self.written, 0);
        self.base += old;
        self.bytes.resize((self.limit - self.base).min(REACH + PIECE), 0);
        (self.written, self.handed) = (REACH, REACH);
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

impl Sink for Output<'_> {
    #[inline(always)]
    fn literal(&mut self, byte: u8) -> Result<(), Refused> {
        if self.written == self.bytes.len() {
            self.make_room();
        }
        let slot = self.bytes.get_mut(self.written).ok_or(Refused::Full { limit: self.limit })?;
        *slot = byte;
        self.written += 1;
        Ok(())
    }

    #[inline(always)]
    fn pair(&mut self, bytes: [u8; 2]) -> Result<(), Refused> {
        let room = self.bytes.get_mut(self.written..).and_then(<[u8]>::first_chunk_mut);
        let Some(slot) = room else { return self.literal(bytes[0]).and(self.literal(bytes[1])) };
        *slot = bytes;
        self.written += 2;
        Ok(())
    }

    #[inline(always)]
    fn copy(&mut self, length: usize, distance: usize) -> Result<(), Refused> {
        if distance > self.written {
            return Err(Refused::Distance { distance, written: self.written });
        }
        if self.written + MATCH_ROOM > self.bytes.len() {
            self.make_room();
        }
        if distance >= 16 && self.copy_chunks(length, distance).is_some() {
            return Ok(());
        }
        self.copy_bytes(length, distance)
    }

    fn stored(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        if self.written + bytes.len() > self.bytes.len() {
            self.make_room();
        }
        let room = self.bytes.get_mut(self.written..).unwrap_or_default();
        let count = room.len().min(bytes.len());
        room.iter_mut().zip(bytes).for_each(|(slot, &byte)| *slot = byte);
        self.written += count;
        if count < bytes.len() { Err(Refused::Full { limit: self.limit }) } else { Ok(()) }
    }
}
