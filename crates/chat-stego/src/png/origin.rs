//! Where a PNG's pixels come from: once a JPEG, or scaled up?
//!
//! Both make a picture a bad cover, for a change of one sample leaves the set of pictures that such
//! a history can give. The thresholds were measured on photographs (`scripts/origin-corpus`).

mod grid;
mod luma;
mod upscaling;

use std::cmp::Ordering;

use super::samples::Samples;
use luma::Luma;

/// What the pixels say about their history.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Origin {
    /// Whether the picture was decoded from a JPEG and not scaled down since.
    pub(crate) jpeg: Trace,
    /// Whether the picture was scaled up, both ways alike.
    pub(crate) upscaling: Trace,
}

impl Origin {
    /// Looks at a few hundred parts of the picture; takes the same time for all large ones.
    pub(crate) fn of(samples: &Samples) -> Self {
        let luma = Luma::of(samples);
        Self { jpeg: grid::trace(&luma), upscaling: upscaling::trace(&luma) }
    }
}

/// How clearly the traces of a history are there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Trace {
    /// `score` is above `threshold`; how far tells how clearly.
    Present { score: f32, threshold: f32 },
    /// `score` is not above `threshold`.
    Absent { score: f32, threshold: f32 },
    /// The picture is too small, too flat or too saturated to tell.
    Unclear,
}

impl Trace {
    fn new(score: f32, threshold: f32) -> Self {
        match score.partial_cmp(&threshold) {
            Some(Ordering::Greater) => Self::Present { score, threshold },
            Some(_) => Self::Absent { score, threshold },
            None => Self::Unclear,
        }
    }

    pub(crate) fn is_present(self) -> bool {
        matches!(self, Self::Present { .. })
    }
}

#[cfg(test)]
mod tests;
