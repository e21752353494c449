//! Structural detectors: what anybody can see who looks at a picture for a payload.
//!
//! Four look for LSB replacement: [`sample_pairs`], [`regular_singular`], [`weighted_stego`] and
//! [`chi_square`] (with [`chi_square_head`]). None of them sees LSB matching or adaptive
//! embedding, so their silence is no proof of anything: trained detectors see more. Two
//! more look for pixels that were changed after they came out of a JPEG, however they were
//! changed: [`former_jpeg`] by blocks, [`ColourCompatibility`] by colours.
//!
//! [`compare`] also says who wrote a cover and a stego image, and in what their writing differs
//! ([`WritingComparison`]): a changed compressor needs no look at pixels.
//!
//! All detectors are pure functions of a [`GreyPlane`] and deterministic. Flat, tiny and saturated pictures
//! give `None`, never a number without meaning. [`assess`] runs all of them on a file.

mod assess;
mod blocks;
mod chi_square;
mod coefficients;
mod colours;
mod compare;
mod dct;
mod former_jpeg;
mod plane;
mod rate;
mod regular_singular;
mod sample_pairs;
mod table;
mod weighted;
mod writing;

#[cfg(test)]
mod tests;

pub use assess::{Assessment, Channel, ChannelAssessment, assess};
pub use blocks::{BlockCompatibility, GridOffset};
pub use chi_square::{chi_square, chi_square_head};
pub use coefficients::CoefficientChanges;
pub use colours::ColourCompatibility;
pub use compare::{Comparison, Giveaway, SampleChanges, compare};
pub use former_jpeg::{FormerJpeg, compatibility_with, former_jpeg};
pub use plane::GreyPlane;
pub use rate::EmbeddingRate;
pub use regular_singular::regular_singular;
pub use sample_pairs::sample_pairs;
pub use table::TableEstimate;
pub use weighted::weighted_stego;
pub use writing::{
    Compressor, RowFilters, TableStyle, Writing, WritingComparison, WritingDifference,
};
