//! PNG files down to their samples: read, changed, and written again byte for byte.
//!
//! Everything that is not pixels is kept as found. The pixels are filtered and compressed as the
//! writer of the file did it, as far as that can be told from the file.
mod choice;
mod chunk;
mod container;
mod filter;
mod handwriting;
mod header;
mod heuristic;
mod idat;
mod origin;
mod samples;
mod stream;
mod unfilter;
mod workers;

use std::sync::OnceLock;

pub use handwriting::RowFilters;
pub(crate) use handwriting::{ChunkMark, Handwriting, chunks};
#[cfg(test)]
pub(crate) use header::Colour;
pub(crate) use header::Header;
pub(crate) use origin::Origin;
pub(crate) use samples::Samples;

use crate::limits::can_inflate_to;
use crate::picture::{DecodeFault, PictureError, PictureFormat};
use choice::Filtering;
use container::Container;

/// A PNG file whose structure has been checked; its pixels have not been looked at.
///
/// Taken are 8 bits a sample, grey or RGB, with or without alpha, not interlaced, one picture.
pub(crate) struct PngFile<'a> {
    container: Container<'a>,
    /// The filtered rows, once they have been needed.
    raw: OnceLock<Vec<u8>>,
    filtering: OnceLock<Filtering>,
}

/// Why a changed picture could not be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    /// The samples are not of this file's picture: size, colour or number of rows differ.
    #[error("the samples do not have the shape of the file's picture")]
    Shape,
    /// The file's own pixels cannot be read, or its stream cannot be changed.
    #[error(transparent)]
    Picture(#[from] PictureError),
}

impl<'a> PngFile<'a> {
    /// Takes a file apart: chunks, their CRCs and order, and the header.
    ///
    /// Borrows `file`, and copies the compressed pixels where they are in several chunks.
    ///
    /// # Errors
    /// [`PictureError::Unsupported`] names palettes, other depths than 8, interlacing, animation and
    /// unknown critical chunks; [`PictureError::Dimensions`] comes before anything is allocated.
    pub(crate) fn read(file: &'a [u8]) -> Result<Self, PictureError> {
        let container = Container::read(file)?;
        if !can_inflate_to(container.stream.len(), container.header.raw_length() as u64) {
            return Err(damaged("the file is too short for the size that its header names"));
        }
        Ok(Self { container, raw: OnceLock::new(), filtering: OnceLock::new() })
    }

    pub(crate) fn header(&self) -> Header {
        self.container.header
    }

    /// Whether the file has texts, Exif data or a time.
    pub(crate) fn has_metadata(&self) -> bool {
        self.container.ancillary.has_metadata
    }

    /// Whether the file has a C2PA manifest, which a change of pixels makes void.
    pub(crate) fn is_signed(&self) -> bool {
        self.container.ancillary.is_signed
    }

    /// All samples.
    ///
    /// # Errors
    /// [`PictureError::Damaged`] if the compressed pixels are.
    pub(crate) fn samples(&self) -> Result<Samples, PictureError> {
        self.unfiltered(self.raw()?)
    }

    /// The samples of the first `rows` rows, or of all if there are fewer; no more is decompressed.
    ///
    /// # Errors
    /// As [`samples`](Self::samples).
    pub(crate) fn first_rows(&self, rows: u32) -> Result<Samples, PictureError> {
        let header = self.header();
        let length = (header.stride() + 1) * rows.min(header.height) as usize;
        self.unfiltered(&stream::inflate_prefix(&self.container.stream, length)?)
    }

    /// Finds out how the file was written, while somebody else looks at its samples; otherwise
    /// [`write`](Self::write) does, which has to unfilter the file once more for it.
    ///
    /// * `samples` - what [`samples`](Self::samples) gave, unchanged
    pub(crate) fn survey(&self, samples: &Samples) {
        self.filtering.get_or_init(|| Filtering::of(samples));
    }

    /// The file with other samples.
    ///
    /// Samples that have not been changed give the file itself, byte for byte. `samples.filters` must
    /// be those that [`samples`](Self::samples) gave.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub(crate) fn write(&self, samples: &Samples) -> Result<Vec<u8>, WriteError> {
        if !samples.has_shape(&self.header()) {
            return Err(WriteError::Shape);
        }
        let old = self.raw()?;
        let new = self.filtering(old)?.apply(samples);
        let stream = &self.container.stream;
        if new == *old {
            return Ok(self.container.with_stream(stream)?);
        }
        Ok(self.container.with_stream(&stream::rewrite(stream, old, &new)?)?)
    }

    fn raw(&self) -> Result<&Vec<u8>, PictureError> {
        if let Some(raw) = self.raw.get() {
            return Ok(raw);
        }
        let raw = stream::inflate(&self.container.stream, self.header().raw_length())?;
        Ok(self.raw.get_or_init(|| raw))
    }

    fn filtering(&self, raw: &[u8]) -> Result<Filtering, PictureError> {
        if let Some(filtering) = self.filtering.get() {
            return Ok(*filtering);
        }
        let filtering = Filtering::of(&self.unfiltered(raw)?);
        Ok(*self.filtering.get_or_init(|| filtering))
    }

    fn unfiltered(&self, raw: &[u8]) -> Result<Samples, PictureError> {
        let Header { width, colour, .. } = self.header();
        let (data, filters) = unfilter::unfilter(&self.header(), raw).map_err(damaged)?;
        let height =
            u32::try_from(filters.len()).map_err(|_| damaged("there are too many rows"))?;
        let transparent = self.container.ancillary.transparent;
        Ok(Samples { width, height, colour, data, filters, transparent })
    }
}

fn damaged(fault: impl Into<DecodeFault>) -> PictureError {
    PictureError::damaged(PictureFormat::Png, fault)
}

#[cfg(test)]
mod tests;
