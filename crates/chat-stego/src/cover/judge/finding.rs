//! What can be found, how grave it is, and what to do about it.

mod sentence;

use super::A_MESSAGE;
use crate::picture::PictureFormat;

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// Good to know.
    Note,
    /// The cover is worse than others, or nobody knows how good it is.
    Warn,
    /// A payload would be seen. The cover is used only if somebody insists.
    Refuse,
}

/// Something about a picture that matters when it becomes a cover.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Finding {
    /// A JPEG so finely quantised that rounding betrays changes.
    TablesTooFine {
        /// Steps of brightness that are 1, of 64.
        ones: usize,
        /// The mean step of brightness.
        mean: f32,
    },
    /// A JPEG near that.
    TablesFine {
        /// The mean step of brightness.
        mean: f32,
    },
    /// A signed history (C2PA in JUMBF), which breaks with the first change.
    Manifest,
    /// Texts and tags that travel with the picture: camera, place, time, names.
    Metadata,
    /// Further pictures, a gain map or a film in the file.
    MorePictures {
        /// Bytes behind the picture's end.
        trailing: usize,
    },
    /// A JPEG that no change leaves as it was elsewhere.
    Irregular,
    /// A JPEG in printers' inks.
    Inks,
    /// The picture was a JPEG of another quality before.
    CompressedTwice {
        /// How sure that is.
        sure: Sureness,
        /// The quality before, if its table was a usual one.
        former: Option<u8>,
    },
    /// Coefficients were dropped to save bits, as mozjpeg does.
    Trellis,
    /// Quantisation tables that are not libjpeg's: a camera's, or another program's.
    CameraTables,
    /// Made by `cover prepare`, with all that is needed to embed best.
    Prepared,
    /// Made by `cover prepare`, but the side information is damaged or does not belong to it.
    DamagedSideInformation,
    /// A PNG with a table of colours.
    Palette,
    /// A PNG of 16 bits a sample.
    DeepSamples,
    /// A PNG whose rows come in seven passes.
    Interlaced,
    /// A PNG of several frames.
    Animated,
    /// A PNG whose history nobody knows.
    OriginUnknown,
    /// A PNG that was decoded from a JPEG: a change makes blocks that no JPEG decoder gives.
    FormerJpeg,
    /// A PNG that was scaled up: its samples follow from their neighbours.
    ScaledUp,
    /// Areas without any grain.
    Flat {
        /// Their share of the picture, 0 to 1.
        share: f32,
        /// What is too much for this format.
        limits: Limits,
    },
    /// Pixels that are pure white or pure black.
    Saturated {
        /// Their share of the picture, 0 to 1.
        share: f32,
    },
    /// The picture carries no whole message in comfort.
    Small {
        /// Bytes that it carries in comfort.
        comfort: usize,
        /// Bytes that it carries with caution; where these are too few for any message, the picture is
        /// refused.
        caution: usize,
    },
    /// A format that no codec writes.
    NotSent {
        /// The format.
        format: PictureFormat,
    },
}

/// How sure a statistical finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Sureness {
    /// Three to five of nine frequencies show it.
    Likely,
    /// Six or more show it.
    Certain,
}

/// From which share on a finding is a warning, and from which a refusal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    pub(super) warn: f32,
    pub(super) refuse: f32,
}

impl Limits {
    /// How grave a share is; `None` below the warning.
    pub(super) fn severity(self, share: f32) -> Option<Severity> {
        if share > self.refuse {
            Some(Severity::Refuse)
        } else {
            (share > self.warn).then_some(Severity::Warn)
        }
    }
}

/// Of 92 photos in their usual forms none is above a quarter, and 3 are above a twentieth.
pub(super) const SATURATED: Limits = Limits { warn: 0.05, refuse: 0.25 };

impl Finding {
    /// How grave it is.
    pub fn severity(&self) -> Severity {
        match self {
            Self::TablesTooFine { .. }
            | Self::Manifest
            | Self::Irregular
            | Self::Palette
            | Self::DeepSamples
            | Self::Interlaced
            | Self::Animated
            | Self::FormerJpeg
            | Self::ScaledUp
            | Self::NotSent { .. } => Severity::Refuse,
            Self::TablesFine { .. }
            | Self::Inks
            | Self::DamagedSideInformation
            | Self::OriginUnknown
            | Self::Metadata => Severity::Warn,
            Self::Small { caution, .. } if *caution < A_MESSAGE => Severity::Refuse,
            Self::Small { .. } => Severity::Warn,
            Self::MorePictures { .. }
            | Self::CompressedTwice { .. }
            | Self::Trellis
            | Self::CameraTables
            | Self::Prepared => Severity::Note,
            Self::Flat { share, limits } => limits.severity(*share).unwrap_or(Severity::Note),
            Self::Saturated { share } => SATURATED.severity(*share).unwrap_or(Severity::Note),
        }
    }

    /// A name for programs; it never changes.
    pub fn name(&self) -> &'static str {
        match self {
            Self::TablesTooFine { .. } => "tables-too-fine",
            Self::TablesFine { .. } => "tables-fine",
            Self::Manifest => "manifest",
            Self::MorePictures { .. } => "more-pictures",
            Self::Irregular => "irregular",
            Self::Inks => "inks",
            Self::CompressedTwice { .. } => "compressed-twice",
            Self::Trellis => "trellis",
            Self::CameraTables => "camera-tables",
            Self::Prepared => "prepared",
            Self::DamagedSideInformation => "damaged-side-information",
            Self::Palette => "palette",
            Self::DeepSamples => "deep-samples",
            Self::Interlaced => "interlaced",
            Self::Animated => "animated",
            Self::OriginUnknown => "origin-unknown",
            Self::Metadata => "metadata",
            Self::FormerJpeg => "former-jpeg",
            Self::ScaledUp => "scaled-up",
            Self::Flat { .. } => "flat",
            Self::Saturated { .. } => "saturated",
            Self::Small { .. } => "small",
            Self::NotSent { .. } => "not-sent",
        }
    }
}
