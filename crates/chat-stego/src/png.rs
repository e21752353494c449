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

use std::panic::resume_unwind;
use std::sync::OnceLock;
use std::sync::mpsc::sync_channel;

pub use handwriting::RowFilters;
pub(crate) use handwriting::{ChunkMark, Handwriting, chunks};
#[cfg(test)]
pub(crate) use header::Colour;
pub(crate) use header::Header;
pub(crate) use origin::Origin;
pub(crate) use samples::Samples;

use crate::deflate::Zlib;
use crate::limits::can_inflate_to;
use crate::picture::{DecodeFault, PictureError, PictureFormat};
use choice::Filtering;
use container::Container;
use unfilter::Unfilter;

/// A PNG file whose structure has been checked; its pixels have not been looked at.
///
/// Taken are 8 bits a sample, grey or RGB, with or without alpha, not interlaced, one picture.
pub(crate) struct PngFile<'a> {
    container: Container<'a>,
    /// The filtered rows, once they have been needed.
    raw: OnceLock<Vec<u8>>,
    filtering: OnceLock<Filtering>,
    /// Who compressed the rows, once that has been asked; `None` if nobody known did.
    maker: OnceLock<Option<Zlib>>,
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
        Ok(Self {
            container,
            raw: OnceLock::new(),
            filtering: OnceLock::new(),
            maker: OnceLock::new(),
        })
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
        if let Some(raw) = self.raw.get() {
            return self.unfiltered(raw);
        }
        let mut raw = Vec::with_capacity(self.header().raw_length());
        let samples = self.unfiltered_while_inflating(|piece| raw.extend_from_slice(piece))?;
        self.raw.get_or_init(|| raw);
        Ok(samples)
    }

    /// All samples, for whoever will not [write](Self::write) the file again.
    ///
    /// # Errors
    /// As [`samples`](Self::samples).
    pub(crate) fn only_samples(&self) -> Result<Samples, PictureError> {
        self.unfiltered_while_inflating(|_| {})
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
    /// Compresses all rows once, where the compressor seems to be known.
    ///
    /// * `samples` - what [`samples`](Self::samples) gave, unchanged
    pub(crate) fn survey(&self, samples: &Samples) {
        self.filtering.get_or_init(|| Filtering::of(samples));
        if let Ok(raw) = self.raw() {
            self.maker(raw);
        }
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
        let stream = stream::rewrite(stream, self.maker(old), (old, &new))?;
        drop(new);
        Ok(self.container.with_stream(&stream)?)
    }

    fn maker(&self, raw: &[u8]) -> Option<Zlib> {
        *self.maker.get_or_init(|| stream::maker(&self.container.stream, raw))
    }

    fn raw(&self) -> Result<&Vec<u8>, PictureError> {
        if let Some(raw) = self.raw.get() {
            return Ok(raw);
        }
        let mut raw = Vec::with_capacity(self.header().raw_length());
        self.inflate(&mut |piece| raw.extend_from_slice(piece))?;
        Ok(self.raw.get_or_init(|| raw))
    }

    /// Hands the filtered rows over, piece by piece.
    fn inflate(&self, take: &mut dyn FnMut(&[u8])) -> Result<(), PictureError> {
        stream::inflate(&self.container.stream, self.header().raw_length(), take)
    }

    /// All samples, unfiltered while the rows behind them are decompressed; `also` sees the rows.
    fn unfiltered_while_inflating(
        &self,
        mut also: impl FnMut(&[u8]),
    ) -> Result<Samples, PictureError> {
        let header = self.header();
        std::thread::scope(|scope| {
            let (sender, receiver) = sync_channel::<Vec<u8>>(PIECES_AHEAD);
            let unfiltering = scope.spawn(move || {
                let mut rows = Unfilter::new(&header, header.height as usize);
                receiver.iter().try_for_each(|piece| rows.take(&piece)).map(|()| rows)
            });
            let inflated = self.inflate(&mut |piece| {
                also(piece);
                // Nobody takes more after a filter that does not exist.
                let _ = sender.send(piece.to_vec());
            });
            drop(sender);
            let rows = unfiltering.join().unwrap_or_else(|cause| resume_unwind(cause));
            inflated?;
            Ok(self.samples_of(rows.map_err(damaged)?))
        })
    }

    fn filtering(&self, raw: &[u8]) -> Result<Filtering, PictureError> {
        if let Some(filtering) = self.filtering.get() {
            return Ok(*filtering);
        }
        let filtering = Filtering::of(&self.unfiltered(raw)?);
        Ok(*self.filtering.get_or_init(|| filtering))
    }

    fn unfiltered(&self, raw: &[u8]) -> Result<Samples, PictureError> {
        let mut rows = Unfilter::new(&self.header(), raw.len() / (self.header().stride() + 1));
        rows.take(raw).map_err(damaged)?;
        Ok(self.samples_of(rows))
    }

    fn samples_of(&self, rows: Unfilter) -> Samples {
        let Header { width, colour, .. } = self.header();
        let (data, filters) = rows.finish();
        // At most as many as the header says.
        let height = filters.len() as u32;
        let transparent = self.container.ancillary.transparent;
        Samples { width, height, colour, data, filters, transparent }
    }
}

/// Pieces of rows that wait to be unfiltered, at most.
const PIECES_AHEAD: usize = 4;

fn damaged(fault: impl Into<DecodeFault>) -> PictureError {
    PictureError::damaged(PictureFormat::Png, fault)
}

#[cfg(test)]
mod tests;
