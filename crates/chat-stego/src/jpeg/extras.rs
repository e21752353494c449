//! What files carry beside the picture: further pictures, films, and signed histories.

mod anchors;
mod mpf;
mod provenance;
#[cfg(test)]
mod tests;
mod xmp;

use std::borrow::Cow;
use std::ops::Range;

pub(crate) use anchors::Anchors;

use self::mpf::MPF;
use self::provenance::Role;
use self::xmp::XMP;
use super::Jpeg;
use super::parts::Part;
use super::sections::Sections;
use crate::picture::PictureError;

/// Why a file cannot keep its further pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ExtrasFault(&'static str);

/// What a file keeps beside the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keep {
    /// Further pictures, gain maps and films, and whatever else follows the picture.
    pub(crate) extras: bool,
    /// A signed history.
    pub(crate) provenance: bool,
}

impl Jpeg {
    /// The segments that are kept as they are, in order: marker and contents.
    pub(crate) fn segments(&self) -> impl Iterator<Item = (u8, &[u8])> + Clone {
        self.parts.iter().filter_map(|part| match part {
            Part::Segment(segment) => Some((segment.marker, segment.bytes.as_slice())),
            _ => None,
        })
    }

    /// Whether the file carries a signed history (C2PA), or names one.
    pub(crate) fn has_c2pa(&self) -> bool {
        provenance::roles(self.segments()).iter().any(|role| *role != Role::None)
    }

    /// Whether the file says more than it shows: Exif or XMP (APP1), IPTC (APP13), comments.
    pub(crate) fn has_metadata(&self) -> bool {
        self.segments().any(|(marker, _)| matches!(marker, APP1 | 0xed | 0xfe))
    }

    /// Whether the file says that more pictures follow, or where in this one they lie.
    pub(crate) fn has_multi_picture(&self) -> bool {
        self.segments().any(|(marker, bytes)| names_more_pictures(marker, bytes))
    }

    /// Bytes behind the end-of-image marker.
    pub(crate) fn trailing_len(&self) -> usize {
        self.trailing.len()
    }
}

/// Leaves out of a JPEG what is not kept; all else stays byte for byte.
///
/// Without its extras a file is what messengers leave of a phone's: the primary picture. Where a
/// signed history is left out and the extras stay, the numbers that say where these lie follow.
///
/// # Errors
/// [`PictureError`] if its segments cannot be read; the inner error if the extras cannot be kept.
pub(crate) fn trim(
    file: &[u8],
    keep: Keep,
) -> Result<Result<Cow<'_, [u8]>, ExtrasFault>, PictureError> {
    let sections = Sections::of(file)?;
    let segments = sections
        .segments
        .iter()
        .map(|section| (section.marker, file.get(section.contents.clone()).unwrap_or_default()));
    let drops_xmp = segments.clone().any(|(m, bytes)| m == APP1 && is_xmp_of_more(bytes));
    let roles = provenance::roles(segments.clone());
    let mut cuts: Vec<Range<usize>> = Vec::new();
    let mut blanks = Vec::new();
    for ((section, (marker, bytes)), role) in sections.segments.iter().zip(segments).zip(roles) {
        let is_rest_of_xmp = drops_xmp && marker == APP1 && bytes.starts_with(LONG_XMP);
        let is_extra = is_rest_of_xmp || names_more_pictures(marker, bytes);
        if (is_extra && !keep.extras) || (role == Role::Part && !keep.provenance) {
            cuts.push(section.whole.clone());
        } else if role == Role::Link && !keep.provenance {
            let start = section.contents.start;
            let places = provenance::links(marker, bytes);
            blanks.extend(places.map(|place| start + place.start..start + place.end));
        }
    }
    if sections.end < file.len() && !keep.extras {
        cuts.push(sections.end..file.len());
    }
    if cuts.is_empty() && blanks.is_empty() {
        return Ok(Ok(Cow::Borrowed(file)));
    }
    Ok(cut(file, &cuts, &blanks, keep).map(Cow::Owned))
}

/// The file without some ranges, and with spaces in others; both in order.
fn cut(
    file: &[u8],
    cuts: &[Range<usize>],
    blanks: &[Range<usize>],
    keep: Keep,
) -> Result<Vec<u8>, ExtrasFault> {
    let anchors = if keep.extras { Some(Anchors::of(file)?) } else { None };
    let mut blanked = file.to_vec();
    for blank in blanks {
        blanked.get_mut(blank.clone()).unwrap_or_default().fill(b' ');
    }
    let mut left = Vec::with_capacity(file.len());
    let mut from = 0;
    for cut in cuts {
        left.extend_from_slice(blanked.get(from..cut.start).unwrap_or_default());
        from = cut.end;
    }
    left.extend_from_slice(blanked.get(from..).unwrap_or_default());
    if let Some(anchors) = anchors {
        anchors.settle(&mut left)?;
    }
    Ok(left)
}

fn names_more_pictures(marker: u8, bytes: &[u8]) -> bool {
    match marker {
        APP1 => is_xmp_of_more(bytes),
        APP2 => bytes.starts_with(MPF) || bytes.starts_with(GAIN_MAP),
        _ => false,
    }
}

/// XMP that describes a gain map, or what follows the picture.
fn is_xmp_of_more(bytes: &[u8]) -> bool {
    bytes.starts_with(XMP) && MORE_PICTURES.iter().any(|name| xmp::contains(bytes, name.as_bytes()))
}

const APP1: u8 = 0xe1;
const APP2: u8 = 0xe2;
const APP11: u8 = 0xeb;

/// XMP that did not fit one segment.
const LONG_XMP: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";
/// ISO 21496-1.
const GAIN_MAP: &[u8] = b"urn:iso:std:iso:ts:21496:-1\0";

/// Names in XMP that tell of more than the picture: gain maps, Google's containers and films.
const MORE_PICTURES: [&str; 5] = [
    "ns.adobe.com/hdr-gain-map/",
    "ns.google.com/photos/1.0/container/",
    "ns.apple.com/HDRGainMap/",
    "GCamera:MotionPhoto",
    "GCamera:MicroVideo",
];
