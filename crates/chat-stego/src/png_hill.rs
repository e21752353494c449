//! The codec `png-hill`: in the samples of a PNG.

mod costs;
mod pixels;
mod reading;

use zeroize::Zeroizing;

use crate::adaptive::medium::Medium;
use crate::adaptive::{self, StegoFault};
use crate::codec::{
    Capacity, CodecId, EmbedError, EmbedOptions, Embedded, ExtractError, StegoCodec, expect_cover,
    expect_format,
};
use crate::cover::inspect::CoverReport;
use crate::cover::{CoverError, Finding};
use crate::key::StegoKey;
use crate::picture::PictureFormat;
use crate::png::{PngFile, WriteError};
use crate::stripes::side_by_side;
pub(crate) use costs::PngCosts;
pub(crate) use pixels::PngPixels;
pub(crate) use reading::PngReading;

/// Hides in a PNG as it is: samples go up or down by one where HILL says that it is least noticed.
///
/// The finished file has the cover's chunks, filters and compressor, as far as the compressor can be
/// told from the file; otherwise the compressed stream is patched. Alpha, saturated samples and
/// invisible pixels never change.
///
/// # Security
/// As hidden as the measurements in `docs/stego.md` say, and no more. Most PNG photographs were a
/// JPEG once, and such a cover gives the change away: prepare covers with
/// [`cover::prepare_photo`](crate::cover::prepare_photo) instead.
///
/// # Source
/// Li, Wang, Huang, Li 2014 (HILL); Filler, Judas, Fridrich 2011 (the code).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PngHill;

impl StegoCodec for PngHill {
    fn id(&self) -> CodecId {
        CodecId::PngHill
    }

    fn inspect(&self, cover: &[u8]) -> Result<CoverReport, CoverError> {
        Ok(CoverReport::judged(cover, PictureFormat::Png)?)
    }

    fn capacity(&self, cover: &[u8]) -> Result<Capacity, CoverError> {
        Ok(self.inspect(cover)?.capacity)
    }

    fn embed(
        &self,
        cover: &[u8],
        payload: &[u8],
        key: &StegoKey,
        options: &EmbedOptions,
    ) -> Result<Embedded, EmbedError> {
        expect_cover(cover, PictureFormat::Png)?;
        let cover = &*options.trim(cover)?;
        options.check_cover(cover)?;
        let file = PngFile::read(cover).map_err(CoverError::from)?;
        if file.is_signed() {
            return Err(EmbedError::CoverRefused { finding: Finding::Manifest });
        }
        let samples = file.samples().map_err(CoverError::from)?;
        let mut pixels = PngPixels::new(samples, file.header().height);
        let costs = PngCosts::of(&pixels, key);
        let (outcome, ()) = side_by_side(
            || adaptive::embed(&pixels, &costs, payload, key),
            || file.survey(pixels.samples()),
        );
        let outcome = outcome.map_err(|fault| match fault {
            StegoFault::TooLarge { available } => {
                EmbedError::TooLarge { needed: payload.len(), available }
            }
            StegoFault::Blocked => EmbedError::Blocked,
        })?;
        pixels.apply(&outcome.changes);
        let written = file.write(pixels.samples()).map_err(cover_fault)?;
        drop(file);
        options.check_size(written.len())?;
        if !is_read_back(&written, &pixels, (payload, key)) {
            return Err(EmbedError::NotReadBack);
        }
        Ok(Embedded {
            file: written,
            changes: outcome.changes.len(),
            distortion: outcome.distortion,
            bits: outcome.bits,
            elements: pixels.grid().elements,
        })
    }

    fn extract(&self, image: &[u8], key: &StegoKey) -> Result<Zeroizing<Vec<u8>>, ExtractError> {
        expect_format(image, PictureFormat::Png)?;
        PngReading::of(image)?.extract(key)?.ok_or(ExtractError::NoPayload)
    }
}

/// Whether a finished file holds these pixels, and they the payload.
fn is_read_back(file: &[u8], pixels: &PngPixels, (payload, key): (&[u8], &StegoKey)) -> bool {
    let (read, extracted) =
        side_by_side(|| PngFile::read(file)?.only_samples(), || adaptive::extract(pixels, key));
    read.is_ok_and(|read| read.shows_the_same(pixels.samples()))
        && extracted.is_some_and(|found| *found == payload)
}

fn cover_fault(error: WriteError) -> EmbedError {
    match error {
        WriteError::Picture(error) => EmbedError::Cover(error.into()),
        WriteError::Shape => EmbedError::NotReadBack,
    }
}
