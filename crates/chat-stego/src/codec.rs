//! What every way of hiding a payload offers.

use std::fmt;
use std::str::FromStr;

use zeroize::Zeroizing;

use crate::cover::CoverError;
use crate::cover::inspect::CoverReport;
use crate::key::StegoKey;
use crate::picture::{PictureError, PictureFormat};

/// A way of hiding a payload in a picture and of finding it again. Pure functions on bytes.
pub trait StegoCodec: Send + Sync {
    /// Which codec this is.
    fn id(&self) -> CodecId;

    /// Describes a file as a cover, from its header: no pixel is decoded.
    ///
    /// # Errors
    /// [`CoverError::Picture`] if the file is no picture that the codec takes.
    fn inspect(&self, cover: &[u8]) -> Result<CoverReport, CoverError>;

    /// Tells how much a cover can carry, from its header: no pixel is decoded.
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
}

impl CodecId {
    /// The name in configurations and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LsbCompat => "lsb-compat",
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
        match name {
            "lsb-compat" => Ok(Self::LsbCompat),
            _ => Err(UnknownCodec),
        }
    }
}

/// The name is no codec's. The names are those that [`CodecId::as_str`] gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no codec has this name; there is lsb-compat")]
pub struct UnknownCodec;

/// How much a cover can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capacity {
    /// The longest payload in bytes, the codec's own framing already taken off.
    pub max_bytes: usize,
}

/// What a caller can ask of [`StegoCodec::embed`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmbedOptions {
    pub(crate) max_file_bytes: Option<usize>,
}

impl EmbedOptions {
    /// Refuses to return a file longer than `bytes`.
    ///
    /// Default: no limit. Where a topic or a mail server has one, set it; too small a value makes
    /// embedding fail with [`EmbedError::FileTooLarge`].
    #[must_use]
    pub fn max_file_bytes(self, bytes: usize) -> Self {
        Self { max_file_bytes: Some(bytes) }
    }
}

/// A picture with a payload in it, and what the hiding cost.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Embedded {
    /// The finished PNG file, without metadata.
    pub png: Vec<u8>,
    /// Samples whose value differs from the cover's.
    pub changes: usize,
    /// Samples that the payload and its framing occupy, changed or not.
    pub samples_used: usize,
    /// Samples that could have been used.
    pub samples_available: usize,
}

impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { png, changes, samples_used, samples_available } = self;
        f.debug_struct("Embedded")
            .field("png", &format_args!("{} bytes", png.len()))
            .field("changes", changes)
            .field("samples_used", samples_used)
            .field("samples_available", samples_available)
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
        assert_eq!(CodecId::LsbCompat.to_string().parse(), Ok(CodecId::LsbCompat));
        assert_eq!("lsb".parse::<CodecId>(), Err(UnknownCodec));
    }

    #[test]
    fn debug_of_a_picture_is_short() {
        let embedded =
            Embedded { png: vec![0; 9], changes: 1, samples_used: 2, samples_available: 3 };
        insta::assert_snapshot!(
            format!("{embedded:?}"),
            @"Embedded { png: 9 bytes, changes: 1, samples_used: 2, samples_available: 3 }"
        );
    }
}
