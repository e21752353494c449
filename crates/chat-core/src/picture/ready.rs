//! Making a file into a cover for one codec.

use chat_stego::cover::{
    self, CoverError, CoverId, Element, Finding, Judgement, Likeness, PhotoOptions, Severity,
    judge, prepare_photo, split_side_information,
};
use chat_stego::{CodecId, EmbedOptions, PictureFormat};

use super::hidden::HiddenCodec;

/// A cover as its codec takes it.
#[derive(Clone)]
pub(crate) struct Ready {
    pub(crate) codec: HiddenCodec,
    pub(crate) file: Vec<u8>,
    /// Which original it was made from.
    pub(crate) id: CoverId,
    /// What it looks like.
    pub(crate) likeness: Option<Likeness>,
    /// Width and height.
    pub(crate) size: (u32, u32),
    /// Width and height before it was scaled down, if it was.
    pub(crate) scaled_from: Option<(u32, u32)>,
    /// Whether a signed history was left out of it.
    pub(crate) lost_history: bool,
    /// What there is to say about it; nothing for `lsb-compat`, of which nothing good can be said.
    pub(crate) judgement: Option<Judgement>,
}

impl Ready {
    /// Makes a cover for `lsb-compat`.
    pub(crate) fn lsb(file: &[u8], text_len: usize, max_bytes: usize) -> Result<Self, CoverError> {
        let made = cover::prepare(file, text_len, max_bytes)?;
        Ok(Self {
            codec: HiddenCodec::LsbCompat,
            id: made.id,
            likeness: Some(Likeness::of_file(file)?),
            size: (made.width, made.height),
            scaled_from: made.scaled_from,
            lost_history: false,
            file: made.bytes,
            judgement: None,
        })
    }

    /// Makes a cover for the codec that is asked for, or for the best that the file allows: prepared files
    /// and large photographs for `jpeg-si`, others as they are, and so is a phone's file that is to keep its
    /// extras.
    pub(crate) fn hidden(
        file: &[u8],
        codec: Option<CodecId>,
        options: &EmbedOptions,
        max_bytes: usize,
    ) -> Result<Self, CoverError> {
        let prepared = split_side_information(file).map(|(jpeg, _)| jpeg.len());
        match codec {
            None | Some(CodecId::JpegSi) if prepared.is_some_and(|len| len <= max_bytes) => {
                Self::as_is(file, CodecId::JpegSi, options)
            }
            Some(CodecId::JpegSi) => Self::prepared(file, max_bytes),
            Some(codec) => Self::as_is(file, codec, options),
            None if keeps_something(file, options) => {
                Self::as_is(file, CodecId::JpegJuniward, options)
            }
            None => match Self::prepared(file, max_bytes) {
                Err(CoverError::PhotoTooSmall { .. }) => {
                    Self::as_is(file, Self::natural_codec(file).id(), options)
                }
                made => made,
            },
        }
    }

    /// The codec for a file as it is.
    pub(crate) fn natural_codec(file: &[u8]) -> HiddenCodec {
        if file.starts_with(b"\x89PNG") {
            HiddenCodec::PngHill
        } else if split_side_information(file).is_some() {
            HiddenCodec::JpegSi
        } else {
            HiddenCodec::JpegJuniward
        }
    }

    fn as_is(original: &[u8], codec: CodecId, options: &EmbedOptions) -> Result<Self, CoverError> {
        let file = options.trim(original)?;
        let judgement = judge(&file)?;
        let wanted = match codec {
            CodecId::PngHill => PictureFormat::Png,
            _ => PictureFormat::Jpeg,
        };
        if judgement.format != wanted && !judgement.is_refused() {
            return Err(CoverError::WrongFormat { wanted, found: judgement.format });
        }
        Ok(Self {
            codec: HiddenCodec::of(codec).unwrap_or(HiddenCodec::JpegJuniward),
            id: CoverId::of(original),
            likeness: Some(Likeness::of_file(&file)?),
            size: (judgement.width, judgement.height),
            scaled_from: None,
            lost_history: is_signed(original)? && !is_signed(&file)?,
            file: file.into_owned(),
            judgement: Some(judgement),
        })
    }

    fn prepared(file: &[u8], max_bytes: usize) -> Result<Self, CoverError> {
        let made = prepare_photo(file, &PhotoOptions::default().max_bytes(max_bytes))?;
        Ok(Self {
            codec: HiddenCodec::JpegSi,
            id: made.id,
            likeness: Some(made.likeness),
            size: (made.width, made.height),
            scaled_from: Some(made.scaled_from),
            lost_history: false,
            judgement: Some(judge(&made.file)?),
            file: made.file,
        })
    }

    /// Elements that decide how much it carries.
    pub(crate) fn elements(&self) -> Option<(Element, u64)> {
        self.judgement.as_ref().map(|judgement| (judgement.element, judgement.elements))
    }

    /// What is found, from a severity on.
    pub(crate) fn findings(&self, least: Severity) -> impl Iterator<Item = Finding> {
        let findings = self.judgement.iter().flat_map(|judgement| judgement.findings.iter());
        findings.filter(move |finding| finding.severity() >= least).copied()
    }
}

/// Whether a file has further pictures or a film, and these options keep them.
fn keeps_something(file: &[u8], options: &EmbedOptions) -> bool {
    let unsigned = |options: EmbedOptions| options.strip_provenance().trim(file).ok();
    unsigned(options.clone()) != unsigned(EmbedOptions::default())
}

/// Whether a file carries a signed history.
fn is_signed(file: &[u8]) -> Result<bool, CoverError> {
    let options = EmbedOptions::default();
    Ok(options.trim(file)? != options.clone().strip_provenance().trim(file)?)
}
