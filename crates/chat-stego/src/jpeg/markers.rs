//! A walk over the markers of a file.

use super::fault::damaged;
use crate::picture::PictureError;

/// Reads markers and segments, and knows where it stands.
pub(super) struct Cursor<'a> {
    file: &'a [u8],
    /// The next byte.
    pub(super) at: usize,
}

/// A marker, without what follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marker {
    /// The second byte.
    pub(super) code: u8,
    /// Bytes 0xff filled in before it.
    pub(super) fill: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor behind the start-of-image marker, which must be there.
    pub(super) fn new(file: &'a [u8]) -> Result<Self, PictureError> {
        match file {
            [0xff, 0xd8, ..] => Ok(Self { file, at: 2 }),
            _ => Err(damaged("no start-of-image marker", 0)),
        }
    }

    /// The next marker.
    pub(super) fn marker(&mut self) -> Result<Marker, PictureError> {
        let rest = self.rest();
        let run = rest.iter().take_while(|&&byte| byte == 0xff).count();
        match (run, rest.get(run)) {
            (_, None) => Err(damaged("the file is cut off", self.file.len())),
            (0, _) => Err(damaged("bytes where a marker should be", self.at)),
            (_, Some(&code)) => {
                self.at += run + 1;
                Ok(Marker { code, fill: run - 1 })
            }
        }
    }

    /// The segment after a marker, without its length.
    pub(super) fn segment(&mut self) -> Result<&'a [u8], PictureError> {
        let cut = || damaged("the file is cut off in a segment", self.at);
        let (length, rest) = self.rest().split_first_chunk().ok_or_else(cut)?;
        let length = usize::from(u16::from_be_bytes(*length)).checked_sub(2);
        let length = length.ok_or_else(|| damaged("a segment shorter than its length", self.at))?;
        let segment = rest.get(..length).ok_or_else(cut)?;
        self.at += 2 + length;
        Ok(segment)
    }

    /// Everything not read yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.file.get(self.at..).unwrap_or_default()
    }

    /// The whole file.
    pub(super) fn file(&self) -> &'a [u8] {
        self.file
    }
}
