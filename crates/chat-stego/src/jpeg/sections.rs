//! A walk over a file's segments, without decoding anything.

use std::ops::Range;

use super::markers::Cursor;
use crate::picture::PictureError;

/// Where the segments of the primary picture lie, and where it ends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sections {
    /// All segments, in order; those between and behind scans too.
    pub(crate) segments: Vec<Section>,
    /// Bytes up to and with the end-of-image marker.
    pub(crate) end: usize,
}

/// A segment of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    /// The second byte of the marker.
    pub(crate) marker: u8,
    /// All of it: fill bytes, marker, length and contents.
    pub(crate) whole: Range<usize>,
    /// Its contents.
    pub(crate) contents: Range<usize>,
}

impl Sections {
    /// Walks from the start to the end marker of the first picture. O(bytes).
    ///
    /// # Errors
    /// [`PictureError::Damaged`] where the walk ends before that.
    pub(crate) fn of(file: &[u8]) -> Result<Self, PictureError> {
        let mut cursor = Cursor::new(file)?;
        let mut segments = Vec::new();
        loop {
            let start = cursor.at;
            let marker = cursor.marker()?.code;
            match marker {
                END_OF_IMAGE => return Ok(Self { segments, end: cursor.at }),
                // Restarts, and TEM of arithmetic coding, stand alone.
                0xd0..=0xd8 | 0x01 => continue,
                _ => {}
            }
            let length = cursor.segment()?.len();
            let (whole, contents) = (start..cursor.at, cursor.at - length..cursor.at);
            segments.push(Section { marker, whole, contents });
            if marker == START_OF_SCAN {
                cursor.at += entropy_coded_len(cursor.rest());
            }
        }
    }
}

/// Bytes up to the next marker that is neither a stuffed zero nor a restart.
fn entropy_coded_len(rest: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = rest.get(at..).and_then(|rest| rest.iter().position(|&b| b == 0xff)) {
        at += found;
        match rest.get(at + 1) {
            Some(0x00 | 0xd0..=0xd7) => at += 2,
            _ => return at,
        }
    }
    rest.len()
}

const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;

#[cfg(test)]
mod tests {
    use super::super::Jpeg;
    use super::super::tests::{FIXTURES, fixture};
    use super::*;

    #[test]
    fn the_walk_ends_where_the_decoder_does() {
        for name in FIXTURES {
            let file = fixture(name);
            let jpeg = Jpeg::read(&file).unwrap();
            let sections = Sections::of(&file).unwrap();
            assert_eq!(sections.end, file.len() - jpeg.trailing_len(), "{name}");
            let kept = |marker: u8| !matches!(marker, 0xc4 | START_OF_SCAN);
            let found = sections.segments.iter().filter(|section| kept(section.marker));
            let found = found.map(|one| (one.marker, &file[one.contents.clone()]));
            assert!(found.eq(jpeg.segments()), "{name}");
        }
    }

    #[test]
    fn cut_off_files_are_damaged_at_every_length() {
        let file = fixture("progressive-grey.jpg");
        let end = Sections::of(&file).unwrap().end;
        for length in 0..end {
            assert!(Sections::of(&file[..length]).is_err(), "{length}");
        }
    }
}
