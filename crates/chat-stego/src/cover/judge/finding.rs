//! What can be found, how grave it is, and what to do about it.

use std::fmt;

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
        /// Bytes that it carries.
        comfort: usize,
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
            | Self::NotSent { .. } => Severity::Refuse,
            Self::TablesFine { .. }
            | Self::Inks
            | Self::DamagedSideInformation
            | Self::OriginUnknown
            | Self::Small { .. } => Severity::Warn,
            Self::MorePictures { .. }
            | Self::CompressedTwice { .. }
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
            Self::CameraTables => "camera-tables",
            Self::Prepared => "prepared",
            Self::DamagedSideInformation => "damaged-side-information",
            Self::Palette => "palette",
            Self::DeepSamples => "deep-samples",
            Self::Interlaced => "interlaced",
            Self::Animated => "animated",
            Self::OriginUnknown => "origin-unknown",
            Self::Flat { .. } => "flat",
            Self::Saturated { .. } => "saturated",
            Self::Small { .. } => "small",
            Self::NotSent { .. } => "not-sent",
        }
    }
}

/// A sentence that says what it means, and one that says what to do.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: f32| f64::from(share) * 100.0;
        match self {
            Self::TablesTooFine { ones, mean } => write!(
                f,
                "the JPEG is so fine (mean step {mean:.1}, {ones} of 64 steps are 1) that rounding \
                 betrays any change; {PREPARE}"
            ),
            Self::TablesFine { mean } => write!(
                f,
                "the JPEG is very fine (mean step {mean:.1}), where detectors are at their best; \
                 {PREPARE}"
            ),
            Self::MorePictures { trailing } => write!(
                f,
                "the file holds further pictures or a film ({trailing} bytes behind the picture); \
                 only the primary picture is kept, as messengers do"
            ),
            Self::CompressedTwice { sure, former } => {
                let sure = match sure {
                    Sureness::Likely => "probably",
                    Sureness::Certain => "certainly",
                };
                write!(f, "the picture was {sure} a JPEG of another quality before")?;
                if let Some(quality) = former {
                    write!(f, ", about {quality}")?;
                }
                f.write_str(
                    "; that is common and no sign of a payload, but detectors know such pictures \
                     less well than their makers do",
                )
            }
            Self::Flat { share, .. } => write!(
                f,
                "{:.0} % of the picture is flat, as in drawings, fog and night: changes there are \
                 seen, so the rest must carry all; choose a picture with grain and detail",
                percent(*share)
            ),
            Self::Saturated { share } => write!(
                f,
                "{:.0} % of the picture is pure white or black, where changes are seen; choose a \
                 picture that is exposed better",
                percent(*share)
            ),
            Self::Small { comfort } => write!(
                f,
                "the picture carries {comfort} bytes in comfort, less than a message; choose a \
                 larger one or one with more detail"
            ),
            Self::NotSent { format } => write!(
                f,
                "{format} pictures are read but not written; run `cover prepare` and use the JPEG \
                 that it makes"
            ),
            _ => f.write_str(self.fixed_sentence()),
        }
    }
}

impl Finding {
    /// The sentences without figures.
    fn fixed_sentence(&self) -> &'static str {
        match self {
            Self::Manifest => {
                "the file carries a signed history (C2PA), which no longer fits after a change; \
                 strip it on request, or run `cover prepare` on the photo"
            }
            Self::Irregular => {
                "the JPEG's writer makes choices that cannot be made again, so a change would be \
                 seen all over the file; run `cover prepare` on the photo"
            }
            Self::Inks => {
                "the JPEG is in printers' inks, which nobody sends; save it as an RGB JPEG, or run \
                 `cover prepare`"
            }
            Self::CameraTables => {
                "the quantisation tables are a camera's or another program's, not libjpeg's: fine, \
                 and not what the published figures were measured on"
            }
            Self::Prepared => {
                "made by `cover prepare`: the side information behind the picture makes changes \
                 harder to see; embedding takes it off, and it must never be sent"
            }
            Self::DamagedSideInformation => {
                "the side information behind the picture is damaged or belongs to another; run \
                 `cover prepare` on the photo again, and never send this file as it is"
            }
            Self::Palette => {
                "the PNG has a table of colours, where every change is seen; use a photo"
            }
            Self::DeepSamples => {
                "the PNG has 16 bits a sample, which nobody sends; save it with 8, or run `cover \
                 prepare`"
            }
            Self::Interlaced => {
                "the PNG is interlaced, which hardly anybody writes; save it without, or run \
                 `cover prepare`"
            }
            Self::Animated => "the PNG is animated; use a still picture",
            Self::OriginUnknown => {
                "nobody knows what this PNG was before: a former JPEG, HEIC or WebP betrays \
                 changes; a photo through `cover prepare` is safer"
            }
            // All others have figures.
            _ => "",
        }
    }
}

const PREPARE: &str = "run `cover prepare` on the photo";
