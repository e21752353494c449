//! Whether a picture is a good cover, and why not.

mod double;
mod finding;
mod jpeg;
mod origin;
mod pixels;
mod png;
#[cfg(test)]
mod tests;
mod trellis;

pub use finding::{Finding, Limits, Severity, Sureness};

use super::photo::{has_side_information, split_side_information};
use super::safe::{Element, SafeSizes};
use crate::decode;
use crate::picture::{PictureError, PictureFormat};

/// What was found out about a picture as a cover.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Judgement {
    /// The file's format.
    pub format: PictureFormat,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// What a codec would change.
    pub element: Element,
    /// How many of these the picture has.
    pub elements: u64,
    /// All findings, the gravest first.
    pub findings: Vec<Finding>,
}

impl Judgement {
    /// How much the picture carries on its own; see [`SafeSizes::left`] for a conversation.
    pub fn sizes(&self) -> SafeSizes {
        SafeSizes::of(self.element, self.elements)
    }

    fn format_is_sent(&self) -> bool {
        matches!(self.format, PictureFormat::Jpeg | PictureFormat::Png)
    }

    /// How grave the gravest finding is; `None` if there is none.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(Finding::severity).max()
    }

    /// Whether the picture must not be used unless somebody insists.
    pub fn is_refused(&self) -> bool {
        self.worst() == Some(Severity::Refuse)
    }
}

/// Judges a picture as a cover.
///
/// A [prepared photo](super::prepare_photo) is judged without its trailer.
///
/// * `file` - PNG or JPEG; WebP and BMP are read, and refused with what to do
///
/// Decodes the whole picture: time and memory O(pixels).
///
/// # Errors
/// [`PictureError`] where the file cannot be read; kinds of JPEG that no codec takes (arithmetic,
/// lossless, 12 bits) are named there.
pub fn judge(file: &[u8]) -> Result<Judgement, PictureError> {
    let mut judgement = match decode::header(file)?.format {
        PictureFormat::Jpeg => prepared_or_plain(file)?,
        PictureFormat::Png => png::judge(file)?,
        format @ (PictureFormat::Bmp | PictureFormat::WebP) => not_sent(file, format)?,
    };
    let SafeSizes { comfort, caution, .. } = judgement.sizes();
    if comfort < A_MESSAGE && judgement.format_is_sent() {
        judgement.findings.push(Finding::Small { comfort, caution });
    }
    judgement.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity()));
    Ok(judgement)
}

fn prepared_or_plain(file: &[u8]) -> Result<Judgement, PictureError> {
    if let Some((jpeg, _)) = split_side_information(file) {
        let mut judgement = jpeg::judge(jpeg)?;
        judgement.findings.push(Finding::Prepared);
        return Ok(judgement);
    }
    let mut judgement = jpeg::judge(file)?;
    if has_side_information(file) {
        judgement.findings.push(Finding::DamagedSideInformation);
    }
    Ok(judgement)
}

/// A picture that can only be prepared.
fn not_sent(file: &[u8], format: PictureFormat) -> Result<Judgement, PictureError> {
    let decode::Header { width, height, .. } = decode::header(file)?;
    let findings = vec![Finding::NotSent { format }];
    let (element, elements) = (Element::Pixel, 0);
    Ok(Judgement { format, width, height, element, elements, findings })
}

/// Bytes of the shortest chat messages, up to some 200 bytes of text, in their envelope.
pub(super) const A_MESSAGE: usize = 328;
