//! Covers: what a picture is good for, and how to make it fit.
//!
//! [`prepare_photo`] makes the best covers of photos, [`judge`] tells how good a picture is as it
//! is, [`SafeSizes`] how much it carries, and [`choose`] finds the best of several; a [`Likeness`]
//! knows a picture again that was used before.
//!
//! For `lsb-compat`, [`prepare`] turns any picture that a person has into exactly the pixels to
//! embed into, small enough for the record that will carry it; [`room_within`] tells beforehand
//! how much fits then.

mod choose;
mod id;
pub(crate) mod inspect;
mod judge;
mod likeness;
#[cfg(test)]
mod measured;
mod photo;
mod prepare;
mod room;
mod safe;
#[cfg(test)]
pub(crate) mod samples;
mod scale;
pub(crate) mod tables;
mod trial;

pub use choose::{Candidate, choose, split_sizes};
pub use id::CoverId;
pub use judge::{Finding, Judgement, Limits, Severity, Sureness, judge};
pub use likeness::Likeness;
pub use photo::{PhotoOptions, PreparedPhoto, prepare_photo, split_side_information};
pub(crate) use photo::{has_side_information, with_side_information};
pub use prepare::{PreparedCover, prepare};
pub use room::{CoverRoom, room_within};
pub use safe::{Element, SafeSizes, Sent, Total};

use crate::picture::{PictureError, PictureFormat};

/// Why a picture cannot be a cover.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CoverError {
    /// The file cannot be read as a picture. Choose another.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The picture has too few pixels for the payload. Choose a larger one.
    #[error("the payload has {needed} bytes, the cover holds {available}")]
    TooSmall {
        /// Bytes of the payload.
        needed: usize,
        /// Bytes that the picture holds.
        available: usize,
    },
    /// Scaled down so far that its file fits, the picture holds too little. Send less, choose a
    /// smoother picture, or allow larger files.
    #[error(
        "scaled down to fit {max_bytes} bytes, the cover holds {available} bytes; the payload has \
         {needed}"
    )]
    CannotFit {
        /// Bytes of the payload.
        needed: usize,
        /// Bytes that the largest fitting size tried holds; 0 if none fits.
        available: usize,
        /// Bytes that the finished file may have.
        max_bytes: usize,
    },
    /// Half the photo's size is too small to carry a whole message. Choose a larger photo, as it
    /// comes from the camera.
    #[error(
        "the photo is {width} x {height} pixels; it is scaled down to half, and carries too \
         little unless it has {needed} pixels"
    )]
    PhotoTooSmall {
        /// Pixels in a row, as the header says.
        width: u32,
        /// Rows, as the header says.
        height: u32,
        /// The fewest pixels that a photo must have.
        needed: u32,
    },
    /// The photo is longer than allowed even at the smallest useful size. Choose a smoother one,
    /// a lower quality, or allow larger files.
    #[error("at the smallest useful size the photo has {size} bytes, at most {limit} are allowed")]
    PhotoTooLong {
        /// Bytes of the shortest cover tried, with room for a payload.
        size: usize,
        /// Bytes that the caller allows.
        limit: usize,
    },
    /// The codec hides in another format. Choose another codec, or another cover.
    #[error("the codec hides in {wanted} files; this is a {found} file")]
    WrongFormat {
        /// What the codec takes.
        wanted: PictureFormat,
        /// What the cover is.
        found: PictureFormat,
    },
    /// The cover's further pictures cannot be kept: what the file says of them is damaged, or
    /// written in a way that is not known here. Leave them out, which is the default.
    #[error("the file cannot keep its further pictures: {why}")]
    ExtrasNotKept {
        /// What is wrong.
        why: String,
    },
    /// The picture could not be written. This is a fault of this library: report it.
    #[error("the prepared picture could not be written")]
    Encode,
}
