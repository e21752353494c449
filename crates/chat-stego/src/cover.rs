//! Covers: what a picture is good for, and how to make it fit.
//!
//! [`prepare`] turns any picture that a person has into exactly the pixels to embed into, small
//! enough for the record that will carry it; [`room_within`] tells beforehand how much fits then.

mod id;
pub(crate) mod inspect;
mod prepare;
mod room;
mod scale;
mod trial;

pub use id::CoverId;
pub use prepare::{PreparedCover, prepare};
pub use room::{CoverRoom, room_within};

use crate::picture::PictureError;

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
    /// The picture could not be written as PNG. This is a fault of this library: report it.
    #[error("the picture could not be written as PNG")]
    Encode,
}
