//! Everything of a PNG file that is not pixels: kept as found, around the compressed stream.

use std::borrow::Cow;

use crate::picture::{PictureError, Unsupported};

use super::chunk::{self, Chunk, SIGNATURE};
use super::damaged;
use super::header::{Colour, Header};
use super::idat;

/// A PNG file, taken apart at its IDAT chunks. All CRCs are right and the order is the format's.
pub(crate) struct Container<'a> {
    pub(crate) header: Header,
    pub(crate) ancillary: Ancillary,
    /// The zlib stream: the data of all IDAT chunks.
    pub(crate) stream: Cow<'a, [u8]>,
    /// Signature and chunks before the first IDAT.
    before: &'a [u8],
    /// The data of each IDAT chunk; at least one.
    idat: Vec<&'a [u8]>,
    /// Chunks behind the last IDAT, and what follows IEND.
    after: &'a [u8],
}

impl<'a> Container<'a> {
    /// Takes `file` apart, in one pass.
    ///
    /// # Errors
    /// [`PictureError::UnknownFormat`] without the signature, else as [`Header::parse`];
    /// [`PictureError::Unsupported`] for an animation or an unknown critical chunk;
    /// [`PictureError::Damaged`] for a chunk that is cut off, changed, missing or out of order.
    pub(crate) fn read(file: &'a [u8]) -> Result<Self, PictureError> {
        let rest = file.strip_prefix(&SIGNATURE).ok_or(PictureError::UnknownFormat)?;
        let (first, rest) = chunk::split_first(rest).map_err(damaged)?;
        if first.kind != *b"IHDR" {
            check_critical(&first)?;
            return Err(damaged("the first chunk is not IHDR"));
        }
        let header = Header::parse(first.data)?;
        let mut ancillary = Ancillary::default();
        let image = ancillary.read_until_idat(rest, header.colour)?;
        let (before, _) = file.split_at(file.len() - image.len());
        let (idat, after) = read_idat(image)?;
        ancillary.read_until_end(after)?;
        let stream = joined(&idat);
        Ok(Self { header, ancillary, stream, before, idat, after })
    }

    /// The file with another zlib stream; with the same one it is the file that was read.
    ///
    /// # Errors
    /// If a chunk would become longer than the format allows.
    pub(crate) fn with_stream(&self, stream: &[u8]) -> Result<Vec<u8>, PictureError> {
        let lengths: Vec<usize> = self.idat.iter().map(|data| data.len()).collect();
        let pieces = idat::split(stream, &lengths);
        let size = self.before.len() + stream.len() + 12 * pieces.len() + self.after.len();
        let mut file = Vec::with_capacity(size);
        file.extend_from_slice(self.before);
        for piece in pieces {
            chunk::append(&mut file, *b"IDAT", piece).map_err(damaged)?;
        }
        file.extend_from_slice(self.after);
        Ok(file)
    }

    /// What is kept as it is: the bytes before and behind the IDAT chunks.
    #[cfg(test)]
    pub(crate) fn around(&self) -> (&[u8], &[u8]) {
        (self.before, self.after)
    }
}

/// What the chunks that are not pixels say about the pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ancillary {
    /// The one colour that a tRNS chunk makes transparent: grey thrice, or red, green and blue.
    pub(crate) transparent: Option<[u8; 3]>,
    /// Whether there is a C2PA manifest (chunk caBX), which signs the pixels.
    pub(crate) is_signed: bool,
    /// Whether there are texts, Exif data or a time.
    pub(crate) has_metadata: bool,
    has_palette: bool,
}

impl Ancillary {
    /// Reads the chunks before the first IDAT; answers the rest, which begins with it.
    fn read_until_idat<'a>(
        &mut self,
        mut rest: &'a [u8],
        colour: Colour,
    ) -> Result<&'a [u8], PictureError> {
        loop {
            let (chunk, behind) = chunk::split_first(rest).map_err(damaged)?;
            match &chunk.kind {
                b"IDAT" => return Ok(rest),
                b"IEND" => return Err(damaged("there is no IDAT chunk")),
                b"PLTE" => self.take_palette(&chunk, colour)?,
                b"tRNS" => self.take_transparency(chunk.data, colour)?,
                _ => self.take(&chunk)?,
            }
            rest = behind;
        }
    }

    /// Reads the chunks behind the last IDAT, to IEND.
    fn read_until_end(&mut self, mut rest: &[u8]) -> Result<(), PictureError> {
        loop {
            let (chunk, behind) = chunk::split_first(rest).map_err(damaged)?;
            match &chunk.kind {
                b"IEND" if chunk.data.is_empty() => return Ok(()),
                b"IEND" => return Err(damaged("the IEND chunk is not empty")),
                b"IDAT" => return Err(damaged("the IDAT chunks do not follow one another")),
                b"PLTE" | b"tRNS" => return Err(damaged("PLTE or tRNS follows IDAT")),
                _ => self.take(&chunk)?,
            }
            rest = behind;
        }
    }

    fn take(&mut self, chunk: &Chunk<'_>) -> Result<(), PictureError> {
        match &chunk.kind {
            b"IHDR" => return Err(damaged("there are two IHDR chunks")),
            b"acTL" | b"fcTL" | b"fdAT" => {
                return Err(PictureError::Unsupported { what: Unsupported::AnimatedPng });
            }
            b"caBX" => self.is_signed = true,
            b"tEXt" | b"zTXt" | b"iTXt" | b"eXIf" | b"tIME" => self.has_metadata = true,
            _ => {}
        }
        check_critical(chunk)
    }

    /// A palette is only a hint where pixels are colours, and an error where they are grey.
    fn take_palette(&mut self, chunk: &Chunk<'_>, colour: Colour) -> Result<(), PictureError> {
        let entries = chunk.data.len() / 3;
        let fits = chunk.data.len().is_multiple_of(3) && (1..=256).contains(&entries);
        if self.has_palette || !fits || !matches!(colour, Colour::Rgb | Colour::Rgba) {
            return Err(damaged("the PLTE chunk is not as the format wants it"));
        }
        self.has_palette = true;
        Ok(())
    }

    /// Two bytes a sample, of which the second counts at a depth of 8 (PNG specification, 11.3.1).
    fn take_transparency(&mut self, data: &[u8], colour: Colour) -> Result<(), PictureError> {
        let key = match (colour, data) {
            (Colour::Grey, &[_, grey]) => [grey; 3],
            (Colour::Rgb, &[_, red, _, green, _, blue]) => [red, green, blue],
            _ => return Err(damaged("the tRNS chunk is not as the format wants it")),
        };
        if self.transparent.replace(key).is_some() {
            return Err(damaged("there are two tRNS chunks"));
        }
        Ok(())
    }
}

/// The data of the IDAT chunks that `rest` begins with, and what follows them.
fn read_idat(mut rest: &[u8]) -> Result<(Vec<&[u8]>, &[u8]), PictureError> {
    let mut idat = Vec::new();
    loop {
        let (chunk, behind) = chunk::split_first(rest).map_err(damaged)?;
        if chunk.kind != *b"IDAT" {
            return Ok((idat, rest));
        }
        idat.push(chunk.data);
        rest = behind;
    }
}

fn joined<'a>(pieces: &[&'a [u8]]) -> Cow<'a, [u8]> {
    match pieces {
        &[only] => Cow::Borrowed(only),
        pieces => Cow::Owned(pieces.concat()),
    }
}

fn check_critical(chunk: &Chunk<'_>) -> Result<(), PictureError> {
    let known = [*b"IHDR", *b"PLTE", *b"IDAT", *b"IEND"].contains(&chunk.kind);
    if chunk.is_critical() && !known {
        return Err(PictureError::Unsupported { what: Unsupported::PngChunk(chunk.kind) });
    }
    Ok(())
}
