//! All detectors on one picture file.

use super::chi_square::{chi_square, chi_square_head};
use super::colours::{ColourCompatibility, colour_compatibility};
use super::former_jpeg::{FormerJpeg, former_jpeg};
use super::plane::GreyPlane;
use super::rate::EmbeddingRate;
use super::regular_singular::regular_singular;
use super::sample_pairs::sample_pairs;
use super::weighted::weighted_stego;
use crate::decode::{self, Rendering};
use crate::picture::{PictureError, PictureFormat};
use crate::raster::Raster;

/// What the detectors say about a picture.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Assessment {
    /// The file's format.
    pub format: PictureFormat,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// One entry for a grey picture, otherwise red, green and blue. Alpha is not looked at.
    pub channels: Vec<ChannelAssessment>,
    /// Mean of the channels by sample pairs analysis; `None` if no channel gives an estimate.
    pub sample_pairs: Option<EmbeddingRate>,
    /// Mean of the channels by RS analysis.
    pub regular_singular: Option<EmbeddingRate>,
    /// Mean of the channels by weighted stego image steganalysis.
    pub weighted_stego: Option<EmbeddingRate>,
    /// What is left of a former JPEG in the luma of the pixels; `None` if nothing shows one. For
    /// a JPEG file it says what any JPEG would: no block is impossible.
    pub former_jpeg: Option<FormerJpeg>,
    /// Colours that a decoded colour JPEG cannot have; `None` if the picture shows no sign of
    /// having been one.
    pub colours: Option<ColourCompatibility>,
}

impl Assessment {
    /// The highest p-values of the channels by the chi-square attack: of the first twentieth of the
    /// rows, and of all; see [`chi_square`].
    pub fn chi_square(&self) -> (Option<f64>, Option<f64>) {
        let highest = |of: fn(&ChannelAssessment) -> Option<f64>| {
            self.channels.iter().filter_map(of).reduce(f64::max)
        };
        (highest(|one| one.chi_square_head), highest(|one| one.chi_square))
    }
}

/// What the detectors say about one channel.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ChannelAssessment {
    /// Which channel.
    pub channel: Channel,
    /// See [`sample_pairs`].
    pub sample_pairs: Option<EmbeddingRate>,
    /// See [`regular_singular`].
    pub regular_singular: Option<EmbeddingRate>,
    /// See [`weighted_stego`].
    pub weighted_stego: Option<EmbeddingRate>,
    /// See [`chi_square_head`]: p-value, 0 to 1, of the first twentieth of the rows.
    pub chi_square_head: Option<f64>,
    /// See [`chi_square`]: p-value, 0 to 1, of all rows.
    pub chi_square: Option<f64>,
}

/// A channel of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Channel {
    /// All three are equal.
    Grey,
    /// Red.
    Red,
    /// Green.
    Green,
    /// Blue.
    Blue,
}

impl Channel {
    /// The channel's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Grey => "grey",
            Self::Red => "red",
            Self::Green => "green",
            Self::Blue => "blue",
        }
    }
}

/// Runs all detectors on a picture file.
///
/// * `file` - PNG, JPEG or BMP; a JPEG's decoded pixels are looked at, not its coefficients
///
/// Time O(pixels), channels side by side in threads; memory about 8 bytes a pixel.
///
/// # Errors
/// [`PictureError`] if the file cannot be decoded.
pub fn assess(file: &[u8]) -> Result<Assessment, PictureError> {
    let format = PictureFormat::of(file).ok_or_else(|| PictureError::not_read(file))?;
    let raster = decode::pixels(file, rendering(format))?;
    Ok(assess_raster(&raster, format))
}

/// The pixels as the detectors want them: a JPEG's not turned, which would move its grid, and a
/// PNG's grey of 16 bits with all its shades.
pub(crate) fn rendering(format: PictureFormat) -> Rendering {
    match format {
        PictureFormat::Jpeg => Rendering::AsStegano,
        PictureFormat::Png | PictureFormat::Bmp | PictureFormat::WebP => Rendering::AsViewer,
    }
}

pub(crate) fn assess_raster(raster: &Raster, format: PictureFormat) -> Assessment {
    let channels = channels_of(raster);
    let (channels, former_jpeg) = std::thread::scope(|scope| {
        let running: Vec<_> = channels
            .iter()
            .map(|&channel| scope.spawn(move || assess_channel(raster, channel)))
            .collect();
        let former_jpeg = luma(raster).as_ref().and_then(former_jpeg);
        let channels = running.into_iter().filter_map(|one| one.join().ok().flatten()).collect();
        (channels, former_jpeg)
    });
    let channels: Vec<ChannelAssessment> = channels;
    Assessment {
        format,
        width: raster.width,
        height: raster.height,
        sample_pairs: EmbeddingRate::mean(channels.iter().map(|one| one.sample_pairs)),
        regular_singular: EmbeddingRate::mean(channels.iter().map(|one| one.regular_singular)),
        weighted_stego: EmbeddingRate::mean(channels.iter().map(|one| one.weighted_stego)),
        channels,
        former_jpeg,
        colours: colour_compatibility(raster),
    }
}

fn assess_channel(raster: &Raster, channel: Channel) -> Option<ChannelAssessment> {
    let plane = plane(raster, channel)?;
    Some(ChannelAssessment {
        channel,
        sample_pairs: sample_pairs(&plane),
        regular_singular: regular_singular(&plane),
        weighted_stego: weighted_stego(&plane),
        chi_square_head: chi_square_head(&plane),
        chi_square: chi_square(&plane),
    })
}

/// Grey alone where all pixels are grey.
fn channels_of(raster: &Raster) -> &'static [Channel] {
    let is_grey = |pixel: &[u8]| matches!(pixel, [r, g, b, ..] if r == g && g == b);
    if raster.samples.chunks_exact(raster.layout.channels()).all(is_grey) {
        &[Channel::Grey]
    } else {
        &[Channel::Red, Channel::Green, Channel::Blue]
    }
}

/// One channel of a raster.
pub(crate) fn plane(raster: &Raster, channel: Channel) -> Option<GreyPlane> {
    let offset = match channel {
        Channel::Grey | Channel::Red => 0,
        Channel::Green => 1,
        Channel::Blue => 2,
    };
    of_pixels(raster, |pixel| pixel.get(offset).copied().unwrap_or_default())
}

/// The luma from which a JPEG decoder has made the pixels.
///
/// Decoders add offsets to an integer luma and round, and those roundings come to less than half
/// a step of luma: rounding undoes them exactly. Only where a channel is cut off at 0 or 255 it
/// does not, so those pixels are made 0 here, which no unsaturated block contains.
pub(crate) fn luma(raster: &Raster) -> Option<GreyPlane> {
    of_pixels(raster, |pixel| match *pixel {
        [r, g, b, ..] if r == g && g == b => r,
        [r, g, b, ..] if ![r, g, b].iter().any(|&sample| sample == 0 || sample == 255) => {
            // ITU-T T.871, section 7, in thousandths.
            let luma = 299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b);
            u8::try_from((luma + 500) / 1000).unwrap_or(u8::MAX)
        }
        _ => 0,
    })
}

fn of_pixels(raster: &Raster, sample: impl Fn(&[u8]) -> u8) -> Option<GreyPlane> {
    let pixels = raster.samples.chunks_exact(raster.layout.channels());
    GreyPlane::new(raster.width as usize, raster.height as usize, pixels.map(sample).collect())
}
