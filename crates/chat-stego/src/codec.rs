//! What every way of hiding a payload offers.

mod options;

use std::fmt;
use std::str::FromStr;

use zeroize::Zeroizing;

pub use self::options::EmbedOptions;
use crate::cover::inspect::CoverReport;
use crate::cover::{CoverError, Finding};
use crate::jpeg_juniward::{JpegJuniward, JpegSi};
use crate::key::StegoKey;
use crate::lsb_compat::LsbCompat;
use crate::picture::{PictureError, PictureFormat};
use crate::png_hill::PngHill;

/// A way of hiding a payload in a picture and of finding it again. Pure functions on bytes.
pub trait StegoCodec: Send + Sync {
    /// Which codec this is.
    fn id(&self) -> CodecId;

    /// Describes a file as a cover. `lsb-compat` reads no more than its header, the others all of it.
    ///
    /// # Errors
    /// [`CoverError::Picture`] if the file is no picture that the codec takes.
    fn inspect(&self, cover: &[u8]) -> Result<CoverReport, CoverError>;

    /// Tells how much a cover can carry.
    ///
    /// # Errors
    /// As [`inspect`](Self::inspect).
    fn capacity(&self, cover: &[u8]) -> Result<Capacity, CoverError>;

    /// Hides `payload` in `cover`.
    ///
    /// * `cover` - a picture file
    /// * `payload` - at most [`capacity`](Self::capacity) bytes; encrypted by the caller
    /// * `key` - secret; says where the payload lies, where the codec uses one
    ///
    /// Returns a new file, which the codec has read back before returning it.
    ///
    /// # Errors
    /// See [`EmbedError`]; nothing is returned unless the payload can be read back.
    fn embed(
        &self,
        cover: &[u8],
        payload: &[u8],
        key: &StegoKey,
        options: &EmbedOptions,
    ) -> Result<Embedded, EmbedError>;

    /// Finds the payload that [`embed`](Self::embed) has hidden in `image`.
    ///
    /// # Errors
    /// See [`ExtractError`]. Whether the payload is genuine is not this layer's question: the
    /// caller's envelope answers it.
    fn extract(&self, image: &[u8], key: &StegoKey) -> Result<Zeroizing<Vec<u8>>, ExtractError>;
}

/// Names a codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CodecId {
    /// [`LsbCompat`](crate::LsbCompat): readable by the Python package `stegano`, not hidden.
    LsbCompat,
    /// [`JpegJuniward`](crate::JpegJuniward): in the coefficients of a JPEG.
    JpegJuniward,
    /// [`JpegSi`](crate::JpegSi): in a JPEG that was prepared from a larger picture.
    JpegSi,
    /// [`PngHill`](crate::PngHill): in the samples of a PNG.
    PngHill,
}

impl CodecId {
    /// All codecs.
    pub const ALL: [Self; 4] = [Self::LsbCompat, Self::JpegJuniward, Self::JpegSi, Self::PngHill];

    /// The name in configurations and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LsbCompat => "lsb-compat",
            Self::JpegJuniward => "jpeg-juniward",
            Self::JpegSi => "jpeg-si",
            Self::PngHill => "png-hill",
        }
    }

    /// The codec itself.
    pub fn codec(self) -> &'static dyn StegoCodec {
        match self {
            Self::LsbCompat => &LsbCompat,
            Self::JpegJuniward => &JpegJuniward,
            Self::JpegSi => &JpegSi,
            Self::PngHill => &PngHill,
        }
    }
}

impl fmt::Display for CodecId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for CodecId {
    type Err = UnknownCodec;

    fn from_str(name: &str) -> Result<Self, UnknownCodec> {
        Self::ALL.into_iter().find(|id| id.as_str() == name).ok_or(UnknownCodec)
    }
}

/// The name is no codec's. The names are those that [`CodecId::as_str`] gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no codec has this name; there are lsb-compat, jpeg-juniward, jpeg-si and png-hill")]
pub struct UnknownCodec;

/// How much a cover can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capacity {
    /// The longest payload of which nothing is known that tells such a picture from a clean one, in
    /// bytes. 0 for a codec that does not hide from detectors.
    pub comfort_bytes: usize,
    /// The longest payload of which strong detectors gain no more than a little, in bytes.
    pub caution_bytes: usize,
    /// The longest payload at all, in bytes, the codec's own framing already taken off.
    pub max_bytes: usize,
}

impl Capacity {
    /// Nothing fits.
    pub(crate) const NONE: Self = Self { comfort_bytes: 0, caution_bytes: 0, max_bytes: 0 };
}

/// Refuses covers that are not of the format in which a codec hides.
pub(crate) fn expect_cover(file: &[u8], wanted: PictureFormat) -> Result<(), EmbedError> {
    match PictureFormat::of(file) {
        Some(found) if found == wanted => Ok(()),
        Some(found) => Err(CoverError::WrongFormat { wanted, found }.into()),
        None => Err(CoverError::Picture(PictureError::not_read(file)).into()),
    }
}

/// Refuses files that are not of the format in which a codec hides.
pub(crate) fn expect_format(file: &[u8], format: PictureFormat) -> Result<(), ExtractError> {
    match PictureFormat::of(file) {
        Some(found) if found == format => Ok(()),
        found => Err(ExtractError::WrongFormat { found }),
    }
}

/// A picture with a payload in it, and what the hiding cost.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Embedded {
    /// The finished file, in the format that the codec writes.
    pub file: Vec<u8>,
    /// Elements (coefficients or samples) whose value differs from the cover's.
    pub changes: usize,
    /// The sum of the costs of these changes, by the codec's own measure; comparable between
    /// covers of one codec.
    pub distortion: f64,
    /// Bits that the codec's codes carry: the payload with its framing.
    pub bits: usize,
    /// Elements that could have been changed.
    pub elements: usize,
}

impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, changes, distortion, bits, elements } = self;
        f.debug_struct("Embedded")
            .field("file", &format_args!("{} bytes", file.len()))
            .field("changes", changes)
            .field("distortion", distortion)
            .field("bits", bits)
            .field("elements", elements)
            .finish()
    }
}

/// Why a payload could not be embedded in a cover.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbedError {
    /// The cover cannot be read. Choose another.
    #[error(transparent)]
    Cover(#[from] CoverError),
    /// The payload is empty; the format has no way to say so. Send at least one byte.
    #[error("the payload is empty")]
    Empty,
    /// The payload holds a byte above 127, which old readers would garble. Encode it first, in
    /// base64 for example.
    #[error("the payload is not ASCII at byte {position}")]
    NotAscii {
        /// Index of the first such byte.
        position: usize,
    },
    /// The payload does not fit. Choose a larger cover or split the payload.
    #[error("the payload has {needed} bytes, the cover holds {available}")]
    TooLarge {
        /// Bytes of the payload.
        needed: usize,
        /// Bytes that the cover can hold.
        available: usize,
    },
    /// The finished file exceeds [`EmbedOptions::max_file_bytes`]. Prepare the cover with
    /// [`cover::prepare`](crate::cover::prepare) first, or choose a smaller one.
    #[error("the finished picture has {size} bytes, at most {limit} are allowed")]
    FileTooLarge {
        /// Bytes of the finished file.
        size: usize,
        /// Bytes that the caller allows.
        limit: usize,
    },
    /// A payload in this cover would be found. Choose another cover, or insist with
    /// [`EmbedOptions::accept_any_cover`].
    #[error("{finding}")]
    CoverRefused {
        /// Why.
        finding: Finding,
    },
    /// The cover has no side information. Prepare it with
    /// [`cover::prepare_photo`](crate::cover::prepare_photo), or use another codec.
    #[error("the cover was not prepared: there is no side information behind it")]
    NotPrepared,
    /// The cover was written by a program whose way cannot be imitated bit for bit, so that a
    /// change would show all over the file. Choose another cover.
    #[error("{why}")]
    NotReproducible {
        /// What differs.
        why: String,
    },
    /// So many changes are forbidden in this cover that the payload cannot be hidden. Choose
    /// another one, or send less.
    #[error("too few places of the cover may be changed for this payload")]
    Blocked,
    /// The payload could not be read back from the finished file, which is therefore withheld.
    /// This is a fault of this library: report it.
    #[error("the payload could not be read back from the finished picture")]
    NotReadBack,
}

/// Why no payload could be taken out of a picture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExtractError {
    /// The file is of a format that cannot carry this codec's payload, or of none at all. Ask
    /// for the file as it was sent: a converted copy has lost the payload.
    #[error("the file is in no format that carries this kind of payload")]
    WrongFormat {
        /// The format by the file's first bytes, if any is known.
        found: Option<PictureFormat>,
    },
    /// The picture cannot be read.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The picture carries no payload of this codec, as far as can be told.
    #[error("the picture carries no payload")]
    NoPayload,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codec_ids_round_trip_through_their_names() {
        for id in CodecId::ALL {
            assert_eq!(id.to_string().parse(), Ok(id));
            assert_eq!(id.codec().id(), id);
        }
        assert_eq!("lsb".parse::<CodecId>(), Err(UnknownCodec));
    }

    #[test]
    fn debug_of_a_picture_is_short() {
        let embedded =
            Embedded { file: vec![0; 9], changes: 1, distortion: 0.5, bits: 2, elements: 3 };
        insta::assert_snapshot!(
            format!("{embedded:?}"),
            @"Embedded { file: 9 bytes, changes: 1, distortion: 0.5, bits: 2, elements: 3 }"
        );
    }
}
