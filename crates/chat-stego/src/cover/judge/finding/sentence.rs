//! What findings say to people.

use std::fmt;

use super::{Finding, Sureness};

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
                 only the primary picture is sent, as messengers do, unless `--keep-extras` says otherwise"
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
                    "; that is common and no sign of a payload, but the published figures were \
                     measured on pictures that were compressed once",
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
            Self::Small { caution: 0, .. } => f.write_str(
                "no byte is safe in the picture: it is tiny, or has no detail; choose a larger one \
                 or one with more detail",
            ),
            Self::Small { comfort, .. } => write!(
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
                 run `cover prepare` on the photo, or send it with `--strip-provenance`"
            }
            Self::Metadata => {
                "the file says more than it shows (camera, place, time, names or texts), and all of \
                 that is sent with it; `cover prepare` leaves nothing of it"
            }
            Self::Irregular => {
                "the JPEG's writer makes choices that cannot be made again, so a change would be \
                 seen all over the file; run `cover prepare` on the photo"
            }
            Self::Inks => {
                "the JPEG is in printers' inks, which nobody sends; save it as an RGB JPEG, or run \
                 `cover prepare`"
            }
            Self::Trellis => {
                "the JPEG seems to come from mozjpeg or the like, which drops coefficients to save \
                 bits: fine, and not what the published figures were measured on"
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
            Self::FormerJpeg => {
                "the PNG was a JPEG once, and every change makes blocks that no JPEG gives; use the \
                 JPEG itself, or run `cover prepare` on it"
            }
            Self::ScaledUp => {
                "the PNG was scaled up, so that its samples follow from their neighbours; use the \
                 picture as it was before"
            }
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
