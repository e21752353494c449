//! What is wrong with a damaged JPEG.

use crate::picture::{DecodeFault, PictureError, PictureFormat, Unsupported};

/// What is wrong with entropy-coded data; where is added by whoever knows the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault(pub(super) &'static str);

impl Fault {
    /// The error of a file in which this was found near the byte `at`.
    pub(super) fn at(self, at: usize) -> PictureError {
        damaged(self.0, at)
    }
}

/// The error of a file in which `what` was found near the byte `at`.
pub(super) fn damaged(what: &'static str, at: usize) -> PictureError {
    PictureError::damaged(PictureFormat::Jpeg, DecodeFault::from((what, at)))
}

/// The error of a file of a kind that is not read.
pub(super) fn unsupported(what: Unsupported) -> PictureError {
    PictureError::Unsupported { what }
}
