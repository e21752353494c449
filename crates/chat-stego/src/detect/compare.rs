//! A cover and a stego image side by side.

use super::assess::{Assessment, assess_raster, luma, rendering};
use super::blocks::{BlockCompatibility, compatibility};
use super::coefficients::{CoefficientChanges, coefficient_changes};
use super::former_jpeg::FormerJpeg;
use super::writing::{WritingComparison, Written};
use crate::cover::split_side_information;
use crate::decode;
use crate::picture::{PictureError, PictureFormat};
use crate::raster::Raster;

/// What the detectors say about a cover and a stego image, and what differs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Comparison {
    /// What they say about the cover.
    pub cover: Assessment,
    /// What they say about the stego image.
    pub stego: Assessment,
    /// The stego image's blocks under the table that the cover's pixels show; `None` if they show
    /// none, or if the stego image is a JPEG.
    pub blocks_by_cover_table: Option<BlockCompatibility>,
    /// How the decoded pixels differ; `None` if the pictures have different sizes.
    pub samples: Option<SampleChanges>,
    /// How the coefficients differ; `None` unless both are JPEG files of the same shape.
    pub coefficients: Option<CoefficientChanges>,
    /// How the files were written, and whether by the same program.
    pub writing: WritingComparison,
}

/// How the samples of two pictures of the same size differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SampleChanges {
    /// Samples of red, green and blue in each picture.
    pub samples: usize,
    /// Samples that differ.
    pub changed: usize,
    /// Samples that differ by exactly 1.
    pub by_one: usize,
    /// Samples that differ in the lowest bit alone, as LSB replacement leaves them.
    pub flipped: usize,
    /// Samples of alpha that differ, or that one picture alone has.
    pub alpha: usize,
}

/// Compares two picture files: PNG, JPEG, BMP or WebP.
///
/// A [prepared photo](crate::cover::prepare_photo) is compared without its side information. Besides
/// running all detectors this finds out which compressor made a PNG, which takes as long as
/// compressing it anew.
///
/// # Errors
/// [`PictureError`] if either cannot be decoded.
pub fn compare(cover: &[u8], stego: &[u8]) -> Result<Comparison, PictureError> {
    let [cover, stego] =
        [cover, stego].map(|file| split_side_information(file).map_or(file, |(jpeg, _)| jpeg));
    let (cover_file, stego_file) = (Written::of(cover)?, Written::of(stego)?);
    let coefficients = cover_file
        .jpeg()
        .zip(stego_file.jpeg())
        .and_then(|(cover, stego)| coefficient_changes(cover.components(), stego.components()));
    let writing = cover_file.compare(&stego_file);
    let (cover_pixels, cover) = decoded(cover)?;
    let (stego_pixels, stego) = decoded(stego)?;
    // A JPEG's blocks are possible by its own table, whatever its coefficients.
    let by_pixels = stego.format != PictureFormat::Jpeg;
    let blocks_by_cover_table = cover.former_jpeg.filter(|_| by_pixels).and_then(|jpeg| {
        let plane = luma(&stego_pixels)?;
        Some(compatibility(&plane, jpeg.grid, jpeg.table.steps()))
    });
    let samples = sample_changes(&cover_pixels, &stego_pixels);
    Ok(Comparison { cover, stego, blocks_by_cover_table, samples, coefficients, writing })
}

impl Comparison {
    /// Whether no pixel and no coefficient differs, and so nothing is hidden.
    pub fn is_same_picture(&self) -> bool {
        self.samples.is_some_and(|found| found.changed == 0 && found.alpha == 0)
            && self.coefficients.is_none_or(|found| found.changed == 0)
    }

    /// The detectors that tell the stego image from its cover, the surest first. For two pictures that
    /// do not belong together, nothing.
    ///
    /// None does not mean that nobody can: trained detectors see more, and who has the cover sees
    /// every change.
    pub fn giveaways(&self) -> Vec<Giveaway> {
        if self.samples.is_none() || self.is_same_picture() {
            return Vec::new();
        }
        let written_otherwise =
            self.writing.differences.iter().any(|difference| !difference.is_usual());
        let rises = [
            [self.cover.sample_pairs, self.stego.sample_pairs],
            [self.cover.regular_singular, self.stego.regular_singular],
            [self.cover.weighted_stego, self.stego.weighted_stego],
        ]
        .map(|rates| matches!(rates, [Some(a), Some(b)] if b.raw() - a.raw() > NOTABLE));
        let [pairs, groups, weighted] = rises;
        let found = [
            (self.has_impossible_blocks(), Giveaway::ImpossibleBlocks),
            (self.has_impossible_colours(), Giveaway::ImpossibleColours),
            (written_otherwise, Giveaway::Writing),
            (pairs, Giveaway::SamplePairs),
            (groups, Giveaway::RegularSingular),
            (weighted, Giveaway::WeightedStego),
            (self.levels_pairs(), Giveaway::ChiSquare),
        ];
        let found = found.into_iter().filter(|(found, _)| *found);
        found.map(|(_, giveaway)| giveaway).collect()
    }

    fn has_impossible_blocks(&self) -> bool {
        let Some(cover) = self.cover.former_jpeg.filter(FormerJpeg::is_conclusive) else {
            return false;
        };
        self.blocks_by_cover_table.is_some_and(|stego| stego.impossible > cover.blocks.impossible)
    }

    fn has_impossible_colours(&self) -> bool {
        let impossible = |seen: &Assessment| seen.colours.map_or(0, |found| found.impossible);
        self.cover.colours.is_some() && impossible(&self.stego) > impossible(&self.cover)
    }

    fn levels_pairs(&self) -> bool {
        let (before, after) = (self.cover.chi_square(), self.stego.chi_square());
        let rises = |before: Option<f64>, after: Option<f64>| {
            before.zip(after).is_some_and(|(before, after)| before < 0.5 && after > 0.95)
        };
        rises(before.0, after.0) || rises(before.1, after.1)
    }
}

/// A detector that tells a stego image from its cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Giveaway {
    /// Blocks that no JPEG decoder makes, in a picture that was a JPEG.
    ImpossibleBlocks,
    /// Colours that no JPEG decoder makes.
    ImpossibleColours,
    /// Another program or other settings wrote the file.
    Writing,
    /// Sample pairs analysis.
    SamplePairs,
    /// RS analysis.
    RegularSingular,
    /// Weighted stego image steganalysis.
    WeightedStego,
    /// The chi-square attack.
    ChiSquare,
}

impl Giveaway {
    /// A name for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ImpossibleBlocks => "impossible JPEG blocks",
            Self::ImpossibleColours => "impossible JPEG colours",
            Self::Writing => "how the file was written",
            Self::SamplePairs => "sample pairs",
            Self::RegularSingular => "RS",
            Self::WeightedStego => "weighted stego",
            Self::ChiSquare => "chi-square",
        }
    }
}

/// On clean pictures the estimates scatter by about this much between pictures; on a cover and its own
/// stego image far less.
const NOTABLE: f64 = 0.02;

fn decoded(file: &[u8]) -> Result<(Raster, Assessment), PictureError> {
    let format = PictureFormat::of(file).ok_or_else(|| PictureError::not_read(file))?;
    let raster = decode::pixels(file, rendering(format))?;
    let assessment = assess_raster(&raster, format);
    Ok((raster, assessment))
}

fn sample_changes(cover: &Raster, stego: &Raster) -> Option<SampleChanges> {
    if (cover.width, cover.height) != (stego.width, stego.height) {
        return None;
    }
    let mut changes = SampleChanges::default();
    let before = cover.samples.chunks_exact(cover.layout.channels());
    let after = stego.samples.chunks_exact(stego.layout.channels());
    for (before, after) in before.zip(after) {
        for (&before, &after) in before.iter().zip(after).take(3) {
            changes.samples += 1;
            changes.changed += usize::from(before != after);
            changes.by_one += usize::from(before.abs_diff(after) == 1);
            changes.flipped += usize::from(before ^ after == 1);
        }
        changes.alpha += usize::from(before.get(3) != after.get(3));
    }
    Some(changes)
}
