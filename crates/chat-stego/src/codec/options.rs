//! What a caller can ask of an embedding.

mod unsigned_png;

use std::borrow::Cow;

use super::EmbedError;
use crate::cover::{
    CoverError, Finding, Severity, has_side_information, judge, split_side_information,
};
use crate::decode::{self, Header};
use crate::jpeg::{self, Anchors, ExtrasFault, Keep};
use crate::limits::check_area;
use crate::picture::PictureFormat;

/// What a caller can ask of [`StegoCodec::embed`](crate::StegoCodec::embed).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbedOptions {
    pub(crate) max_file_bytes: Option<usize>,
    max_pixels: Option<u64>,
    pub(crate) accepts_any_cover: bool,
    pub(crate) keep: Keep,
}

impl Default for EmbedOptions {
    fn default() -> Self {
        // A signed history that stays makes the cover refused.
        let keep = Keep { extras: false, provenance: true };
        Self { max_file_bytes: None, max_pixels: None, accepts_any_cover: false, keep }
    }
}

impl EmbedOptions {
    /// Refuses to return a file longer than `bytes`.
    ///
    /// Default: no limit. Where a topic or a mail server has one, set it; too small a value makes
    /// embedding fail with [`EmbedError::FileTooLarge`].
    #[must_use]
    pub fn max_file_bytes(self, bytes: usize) -> Self {
        Self { max_file_bytes: Some(bytes), ..self }
    }

    /// Refuses covers of more than `pixels` pixels.
    ///
    /// Default: [`MAX_PIXELS`](crate::MAX_PIXELS). For receivers that look at pictures with
    /// [`StegoImage`](crate::StegoImage), set it to
    /// [`MAX_PIXELS_FROM_STRANGERS`](crate::MAX_PIXELS_FROM_STRANGERS), or they see nothing.
    /// `lsb-compat` does not look at it.
    #[must_use]
    pub fn max_pixels(self, pixels: u64) -> Self {
        Self { max_pixels: Some(pixels), ..self }
    }

    /// Takes covers that are refused because a payload in them would be found.
    ///
    /// Default: they are refused, see [`judge`]. `lsb-compat`, which hides
    /// nothing, takes any.
    #[must_use]
    pub fn accept_any_cover(self) -> Self {
        Self { accepts_any_cover: true, ..self }
    }

    /// Keeps what a phone puts into a JPEG beside the picture: further pictures, a gain map, a film,
    /// and all else that follows the picture's end.
    ///
    /// Default: the primary picture alone is left, as messengers do. What the file says about the
    /// places of its pictures (MPF, and the length of the first item of Google's containers) is
    /// rewritten where the primary picture's length changes. A file in which that is damaged already
    /// is refused with [`CoverError::ExtrasNotKept`]. What a camera's maker has put into its own Exif
    /// notes about places in the file is not looked at. No other format has such extras.
    ///
    /// # Security
    /// The film and the further pictures show the same moment as the cover does, unchanged.
    #[must_use]
    pub fn keep_extras(self) -> Self {
        Self { keep: Keep { extras: true, ..self.keep }, ..self }
    }

    /// Leaves a signed history (C2PA) out of the finished file: in a JPEG the JUMBF boxes and the link
    /// in XMP, in a PNG the chunk caBX.
    ///
    /// Default: such a cover is refused, as the history no longer fits after a change. Other JUMBF
    /// boxes are kept.
    ///
    /// # Security
    /// Whoever knows that this camera signs all its pictures sees that this one was changed, or
    /// passed through a program that leaves signatures out, as most messengers do.
    #[must_use]
    pub fn strip_provenance(self) -> Self {
        Self { keep: Keep { provenance: false, ..self.keep }, ..self }
    }

    /// The cover as embedding with these options begins with it: without what they leave out.
    ///
    /// Embedding does this by itself; it is for those who want to keep, judge or show what will be
    /// embedded into. The file of a [prepared photo](crate::cover::prepare_photo), and of any format
    /// but JPEG and PNG, is given back as it is.
    ///
    /// # Errors
    /// [`CoverError::Picture`] if the file's structure cannot be read, and
    /// [`CoverError::ExtrasNotKept`].
    pub fn trim<'a>(&self, cover: &'a [u8]) -> Result<Cow<'a, [u8]>, CoverError> {
        match PictureFormat::of(cover) {
            Some(PictureFormat::Jpeg) if split_side_information(cover).is_some() => {
                Ok(Cow::Borrowed(cover))
            }
            Some(PictureFormat::Jpeg) if self.keep.extras && has_side_information(cover) => {
                let why = "what follows it is damaged side information, which is never sent".into();
                Err(CoverError::ExtrasNotKept { why })
            }
            Some(PictureFormat::Jpeg) => Ok(jpeg::trim(cover, self.keep)??),
            Some(PictureFormat::Png) if !self.keep.provenance => {
                Ok(unsigned_png::of(cover).map_or(Cow::Borrowed(cover), Cow::Owned))
            }
            _ => Ok(Cow::Borrowed(cover)),
        }
    }

    /// What must be put right in a JPEG made of this trimmed one.
    pub(crate) fn anchors(&self, cover: &[u8]) -> Result<Anchors, CoverError> {
        if self.keep.extras { Ok(Anchors::of(cover)?) } else { Ok(Anchors::default()) }
    }

    /// Refuses a cover that is too large, or in which a payload would be found.
    pub(crate) fn check_cover(&self, cover: &[u8]) -> Result<(), EmbedError> {
        if let Some(limit) = self.max_pixels {
            let Header { width, height, .. } = decode::header(cover).map_err(CoverError::from)?;
            check_area(width, height, limit).map_err(CoverError::from)?;
        }
        if self.accepts_any_cover {
            return Ok(());
        }
        let judged = judge(cover).map_err(CoverError::from)?;
        // How much fits is said by the embedding itself: not all payloads are chat messages.
        let is_grave = |found: &Finding| {
            found.severity() == Severity::Refuse && !matches!(found, Finding::Small { .. })
        };
        match judged.findings.into_iter().find(is_grave) {
            Some(finding) => Err(EmbedError::CoverRefused { finding }),
            None => Ok(()),
        }
    }

    /// Refuses a finished file that is too long.
    pub(crate) fn check_size(&self, size: usize) -> Result<(), EmbedError> {
        match self.max_file_bytes {
            Some(limit) if size > limit => Err(EmbedError::FileTooLarge { size, limit }),
            _ => Ok(()),
        }
    }
}

impl From<ExtrasFault> for CoverError {
    fn from(fault: ExtrasFault) -> Self {
        Self::ExtrasNotKept { why: fault.to_string() }
    }
}
