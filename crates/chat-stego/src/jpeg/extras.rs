//! What files carry beside the picture: further pictures, films, and signed histories.

use super::Jpeg;
use super::parts::{Part, Segment};

impl Jpeg {
    /// The segments that are kept as they are, in order: marker and contents.
    pub(crate) fn segments(&self) -> impl Iterator<Item = (u8, &[u8])> {
        self.parts.iter().filter_map(|part| match part {
            Part::Segment(segment) => Some((segment.marker, segment.bytes.as_slice())),
            _ => None,
        })
    }

    /// Whether the file carries a JUMBF box, as C2PA's signed histories do.
    pub(crate) fn has_c2pa(&self) -> bool {
        self.segments().any(|(marker, bytes)| marker == APP11 && bytes.starts_with(b"JP"))
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

    /// Drops all that tells of further pictures, and everything behind the end of this one.
    ///
    /// That is what messengers leave of a phone's file. JUMBF boxes stay: a signature that does
    /// not fit is worse than either, so whoever calls this decides about those first.
    pub(crate) fn strip_extras(&mut self) {
        let drops_xmp = self.segments().any(|(m, bytes)| m == APP1 && is_xmp_of_more(bytes));
        self.parts.retain(|part| match part {
            Part::Segment(Segment { marker, bytes, .. }) => {
                let is_rest_of_xmp = drops_xmp && *marker == APP1 && bytes.starts_with(LONG_XMP);
                !is_rest_of_xmp && !names_more_pictures(*marker, bytes)
            }
            _ => true,
        });
        self.trailing = Vec::new();
    }
}

fn names_more_pictures(marker: u8, bytes: &[u8]) -> bool {
    match marker {
        APP1 => is_xmp_of_more(bytes),
        APP2 => bytes.starts_with(b"MPF\0") || bytes.starts_with(GAIN_MAP),
        _ => false,
    }
}

/// XMP that describes a gain map, or what follows the picture.
fn is_xmp_of_more(bytes: &[u8]) -> bool {
    bytes.starts_with(XMP)
        && MORE_PICTURES
            .iter()
            .any(|name| bytes.windows(name.len()).any(|window| window == name.as_bytes()))
}

const APP1: u8 = 0xe1;
const APP2: u8 = 0xe2;
const APP11: u8 = 0xeb;

const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
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

#[cfg(test)]
mod tests {
    use super::super::tests::{fixture, with_segments};
    use super::*;

    #[test]
    fn strip_extras_leaves_the_primary_picture() {
        let plain = fixture("sequential-420.jpg");
        let mut xmp = XMP.to_vec();
        xmp.extend(b"<x xmlns:hdrgm=\"http://ns.adobe.com/hdr-gain-map/1.0/\"/>");
        let mut file = with_segments(
            &plain,
            &[(APP2, b"MPF\0MM"), (APP1, &xmp), (APP1, b"Exif\0\0"), (APP2, b"ICC_PROFILE\0")],
        );
        file.extend(b"\xff\xd8 a second picture");
        let mut jpeg = Jpeg::read(&file).unwrap();
        assert!(jpeg.has_multi_picture() && !jpeg.has_c2pa());
        assert_eq!(jpeg.trailing_len(), 19);
        jpeg.strip_extras();
        assert!(!jpeg.has_multi_picture());
        let kept = with_segments(&plain, &[(APP1, b"Exif\0\0"), (APP2, b"ICC_PROFILE\0")]);
        assert!(jpeg.write().unwrap() == kept);
    }

    #[test]
    fn c2pa_is_seen() {
        let file = with_segments(&fixture("sequential-420.jpg"), &[(APP11, b"JP\0\x01")]);
        assert!(Jpeg::read(&file).unwrap().has_c2pa());
    }
}
