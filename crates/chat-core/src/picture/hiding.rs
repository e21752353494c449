//! What a sender wants of a picture.

use chat_stego::{CodecId, EmbedOptions};

use super::CoverSource;

/// How a message is hidden in a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hiding {
    /// Where the cover comes from.
    pub cover: CoverSource,
    /// The codec; `None` takes the best that the cover allows.
    pub codec: Option<CodecId>,
    /// Whether covers and sizes are taken that are refused otherwise, because they would be found.
    pub insists: bool,
    /// Whether a phone's JPEG is sent with its further pictures, gain map or film.
    pub keeps_extras: bool,
    /// Whether a signed history (C2PA) is left out, instead of the cover being refused for it.
    pub strips_provenance: bool,
}

impl Hiding {
    /// In a cover of this source, as well as it can be hidden there.
    pub fn in_cover(cover: CoverSource) -> Self {
        Self { cover, codec: None, insists: false, keeps_extras: false, strips_provenance: false }
    }

    /// With this codec and no other.
    #[must_use]
    pub fn with_codec(self, codec: CodecId) -> Self {
        Self { codec: Some(codec), ..self }
    }

    /// Takes covers that a detector tells from clean ones, and more than is prudent in one picture.
    #[must_use]
    pub fn insist(self) -> Self {
        Self { insists: true, ..self }
    }

    /// Sends a phone's JPEG as it is, with its further pictures, gain map or film. Without this, large
    /// photographs are made anew, and of others the primary picture is sent.
    #[must_use]
    pub fn keep_extras(self) -> Self {
        Self { keeps_extras: true, ..self }
    }

    /// Leaves a signed history (C2PA) out of the picture.
    #[must_use]
    pub fn strip_provenance(self) -> Self {
        Self { strips_provenance: true, ..self }
    }

    /// What the codecs are to know of this.
    pub(crate) fn options(&self) -> EmbedOptions {
        let options = EmbedOptions::default();
        let options = if self.keeps_extras { options.keep_extras() } else { options };
        if self.strips_provenance { options.strip_provenance() } else { options }
    }
}
