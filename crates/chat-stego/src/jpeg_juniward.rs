//! The codecs `jpeg-juniward` and `jpeg-si`: in the coefficients of a JPEG.

mod costs;
mod luma;

use zeroize::Zeroizing;

use crate::adaptive::medium::Medium;
use crate::adaptive::{self, Outcome, StegoFault};
use crate::codec::{
    Capacity, CodecId, EmbedError, EmbedOptions, Embedded, ExtractError, StegoCodec, expect_cover,
    expect_format,
};
use crate::cover::inspect::CoverReport;
use crate::cover::{CoverError, Finding, split_side_information};
use crate::jpeg::{Jpeg, JpegWriteError};
use crate::key::StegoKey;
use crate::picture::PictureFormat;
use crate::stripes::side_by_side;
pub(crate) use costs::JpegCosts;
pub(crate) use luma::Luma;

/// Hides in a JPEG as it is: quantised brightness coefficients go up or down by one where
/// J-UNIWARD says that it is least noticed.
///
/// The finished file has the cover's tables, markers, scans and restart intervals. Brightness
/// averages (DC) and colour never change.
///
/// # Security
/// As hidden as the measurements in `docs/stego.md` say, and no more. Use a cover once, and none
/// that others have.
///
/// # Source
/// Holub, Fridrich, Denemark 2014 (J-UNIWARD); Filler, Judas, Fridrich 2011 (the code).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JpegJuniward;

/// As [`JpegJuniward`], with what [`cover::prepare_photo`](crate::cover::prepare_photo) remembers of
/// the picture before it was a JPEG: changes go where rounding was undecided anyway.
///
/// # Security
/// The side information behind the cover's end never gets into the finished file.
///
/// # Source
/// Holub, Fridrich, Denemark 2014; Denemark, Fridrich 2015 (both directions).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JpegSi;

impl StegoCodec for JpegJuniward {
    fn id(&self) -> CodecId {
        CodecId::JpegJuniward
    }

    fn inspect(&self, cover: &[u8]) -> Result<CoverReport, CoverError> {
        Ok(CoverReport::judged(cover, PictureFormat::Jpeg)?)
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
        let cover = split_side_information(cover).map_or(cover, |(jpeg, _)| jpeg);
        Job { cover, errors: None, payload, key, options }.run()
    }

    fn extract(&self, image: &[u8], key: &StegoKey) -> Result<Zeroizing<Vec<u8>>, ExtractError> {
        extract(image, key)
    }
}

impl StegoCodec for JpegSi {
    fn id(&self) -> CodecId {
        CodecId::JpegSi
    }

    fn inspect(&self, cover: &[u8]) -> Result<CoverReport, CoverError> {
        Ok(CoverReport::judged(cover, PictureFormat::Jpeg)?)
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
        let (cover, errors) = split_side_information(cover).ok_or(EmbedError::NotPrepared)?;
        Job { cover, errors: Some(&errors), payload, key, options }.run()
    }

    fn extract(&self, image: &[u8], key: &StegoKey) -> Result<Zeroizing<Vec<u8>>, ExtractError> {
        extract(image, key)
    }
}

fn extract(image: &[u8], key: &StegoKey) -> Result<Zeroizing<Vec<u8>>, ExtractError> {
    expect_format(image, PictureFormat::Jpeg)?;
    adaptive::extract(&Luma::of(&Jpeg::read(image)?), key).ok_or(ExtractError::NoPayload)
}

/// One embedding.
struct Job<'a> {
    /// A JPEG, without side information.
    cover: &'a [u8],
    /// Rounding errors of all brightness coefficients, block by block.
    errors: Option<&'a [i8]>,
    payload: &'a [u8],
    key: &'a StegoKey,
    options: &'a EmbedOptions,
}

impl Job<'_> {
    fn run(&self) -> Result<Embedded, EmbedError> {
        expect_cover(self.cover, PictureFormat::Jpeg)?;
        let cover = self.options.trim(self.cover)?;
        Job { cover: &cover, ..*self }.run_trimmed()
    }

    fn run_trimmed(&self) -> Result<Embedded, EmbedError> {
        self.options.check_cover(self.cover)?;
        let mut jpeg = Jpeg::read(self.cover).map_err(CoverError::from)?;
        if jpeg.has_c2pa() {
            return Err(EmbedError::CoverRefused { finding: Finding::Manifest });
        }
        let anchors = self.options.anchors(self.cover)?;
        let mut costs = JpegCosts::of(jpeg.luma(), self.errors);
        let (proof, mut found) =
            side_by_side(|| jpeg.prove_round_trip(self.cover), || self.changes(&jpeg, &costs));
        jpeg.take_proof(proof.map_err(|error| not_rewritable(&error))?);
        for _ in 0..MAX_TRIES {
            let outcome = found?;
            luma::apply(jpeg.luma_mut(), &outcome.changes);
            let (written, extracted) =
                side_by_side(|| jpeg.write(), || adaptive::extract(&Luma::of(&jpeg), self.key));
            match written {
                Ok(mut file) if extracted.is_some_and(|found| *found == self.payload) => {
                    anchors.settle(&mut file).map_err(CoverError::from)?;
                    return self.finish(file, &outcome, &jpeg);
                }
                Ok(_) => return Err(EmbedError::NotReadBack),
                // No code for these values in the cover's own tables, which stay as they are.
                Err(JpegWriteError::MissingSymbols { places }) => {
                    luma::undo(jpeg.luma_mut(), &outcome.changes);
                    costs.forbid(places.iter().filter(|p| p.component == 0).map(|p| p.block));
                    found = self.changes(&jpeg, &costs);
                }
                Err(error) => return Err(not_rewritable(&error)),
            }
        }
        Err(EmbedError::Blocked)
    }

    fn changes(&self, jpeg: &Jpeg, costs: &JpegCosts<'_>) -> Result<Outcome, EmbedError> {
        let outcome = adaptive::embed(&Luma::of(jpeg), costs, self.payload, self.key);
        outcome.map_err(|fault| self.refused(fault))
    }

    /// Reads the file back: if it is the picture from which the payload was extracted, the payload
    /// is in the file.
    fn finish(
        &self,
        file: Vec<u8>,
        outcome: &Outcome,
        jpeg: &Jpeg,
    ) -> Result<Embedded, EmbedError> {
        self.options.check_size(file.len())?;
        if !Jpeg::read(&file).is_ok_and(|read| read.shows_the_same(jpeg)) {
            return Err(EmbedError::NotReadBack);
        }
        Ok(Embedded {
            file,
            changes: outcome.changes.len(),
            distortion: outcome.distortion,
            bits: outcome.bits,
            elements: Luma::of(jpeg).grid().elements,
        })
    }

    fn refused(&self, fault: StegoFault) -> EmbedError {
        match fault {
            StegoFault::TooLarge { available } => {
                EmbedError::TooLarge { needed: self.payload.len(), available }
            }
            StegoFault::Blocked => EmbedError::Blocked,
        }
    }
}

fn not_rewritable(error: &JpegWriteError) -> EmbedError {
    EmbedError::NotReproducible { why: error.to_string() }
}

/// Each try forbids what the one before it met; a few always suffice.
const MAX_TRIES: u32 = 16;
