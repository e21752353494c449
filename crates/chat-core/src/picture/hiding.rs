//! What a sender wants of a picture.

use chat_stego::CodecId;

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
}

impl Hiding {
    /// In a cover of this source, as well as it can be hidden there.
    pub fn in_cover(cover: CoverSource) -> Self {
        Self { cover, codec: None, insists: false }
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
}
