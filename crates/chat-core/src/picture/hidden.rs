//! Envelopes inside covers.

use chat_stego::{CodecId, EmbedOptions, Embedded, MAX_PIXELS_FROM_STRANGERS, StegoKey};
use serde::{Deserialize, Serialize};

use crate::carrier::picture_text;
use crate::error::SendError;

/// A codec as outbox rows name it. Only ever grows at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum HiddenCodec {
    LsbCompat,
    JpegJuniward,
    JpegSi,
    PngHill,
}

impl HiddenCodec {
    /// The codec with this name; `None` for one that this version does not write.
    pub(crate) fn of(id: CodecId) -> Option<Self> {
        match id {
            CodecId::LsbCompat => Some(Self::LsbCompat),
            CodecId::JpegJuniward => Some(Self::JpegJuniward),
            CodecId::JpegSi => Some(Self::JpegSi),
            CodecId::PngHill => Some(Self::PngHill),
            _ => None,
        }
    }

    pub(crate) fn id(self) -> CodecId {
        match self {
            Self::LsbCompat => CodecId::LsbCompat,
            Self::JpegJuniward => CodecId::JpegJuniward,
            Self::JpegSi => CodecId::JpegSi,
            Self::PngHill => CodecId::PngHill,
        }
    }
}

/// Embeds an envelope in a prepared cover; the result was read back before it is returned.
///
/// Whether the cover is good enough, and what it carries beside the picture, was settled when it was
/// chosen.
pub(crate) fn embed(
    codec: HiddenCodec,
    envelope: &[u8],
    cover: &[u8],
    key: &StegoKey,
) -> Result<Embedded, SendError> {
    let text;
    let payload = match codec {
        HiddenCodec::LsbCompat => {
            text = picture_text(envelope);
            text.as_bytes()
        }
        _ => envelope,
    };
    let options = EmbedOptions::default()
        .accept_any_cover()
        .keep_extras()
        .max_pixels(MAX_PIXELS_FROM_STRANGERS);
    let embedded = codec.id().codec().embed(cover, payload, key, &options);
    embedded.map_err(|source| SendError::Embed { path: None, source })
}
