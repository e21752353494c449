//! What a file says in its head about where the primary picture ends and others begin.
//!
//! Such numbers are right only as long as the primary picture keeps its length. Three things need
//! none of this, because they count from the end of the file or stand behind the picture as a
//! whole: Google's films (`MicroVideoOffset`, and the lengths of all container items but the
//! first), gain maps as such, and Samsung's trailers.

use super::mpf::{Index, MPF, Place};
use super::xmp::{PrimaryLength, XMP};
use super::{APP1, APP2, ExtrasFault, names_more_pictures};
use crate::jpeg::sections::{Section, Sections};

/// The numbers of a file that go with its primary picture's length.
#[derive(Debug, Default)]
pub(crate) struct Anchors {
    mpf: Option<(Index, Place)>,
    xmp: Option<PrimaryLength>,
    end: usize,
}

impl Anchors {
    /// Reads the numbers of a file.
    ///
    /// # Errors
    /// [`ExtrasFault`] if they are wrong already, or written in a way that is not known here.
    pub(crate) fn of(file: &[u8]) -> Result<Self, ExtrasFault> {
        let sections = Sections::of(file).map_err(|_| UNREAD)?;
        let mpf = only(file, &sections, APP2, MPF)?;
        let mpf = match mpf {
            None => None,
            Some(section) => {
                let contents = file.get(section.contents.clone()).ok_or(UNREAD)?;
                Index::read(contents)?.map(|index| (index, place(&section, &sections, file)))
            }
        };
        if let Some((index, place)) = &mpf {
            index.check(*place)?;
        }
        let xmp = match only(file, &sections, APP1, XMP)? {
            None => None,
            Some(section) => PrimaryLength::read(file.get(section.contents).ok_or(UNREAD)?)?,
        };
        Ok(Self { mpf, xmp, end: sections.end })
    }

    /// Writes the numbers into the file that came of it: the same segments and all that follows
    /// the picture, which has another length.
    ///
    /// # Errors
    /// [`ExtrasFault`] if a number does not fit where it stands.
    pub(crate) fn settle(&self, file: &mut [u8]) -> Result<(), ExtrasFault> {
        if self.mpf.is_none() && self.xmp.is_none() {
            return Ok(());
        }
        let sections = Sections::of(file).map_err(|_| UNREAD)?;
        if let Some((index, from)) = &self.mpf {
            let section = only(file, &sections, APP2, MPF)?.ok_or(UNREAD)?;
            let to = place(&section, &sections, file);
            index.write((*from, to), file.get_mut(section.contents).ok_or(UNREAD)?)?;
        }
        if let Some(length) = &self.xmp {
            let section = only(file, &sections, APP1, XMP)?.ok_or(UNREAD)?;
            let segment = file.get_mut(section.contents).ok_or(UNREAD)?;
            length.write((self.end, sections.end), segment)?;
        }
        Ok(())
    }
}

/// The segment of a kind.
fn only(
    file: &[u8],
    sections: &Sections,
    marker: u8,
    prefix: &[u8],
) -> Result<Option<Section>, ExtrasFault> {
    let is_it = |section: &&Section| {
        let contents = file.get(section.contents.clone());
        let is_of_more = |bytes: &[u8]| names_more_pictures(marker, bytes);
        section.marker == marker
            && contents.is_some_and(|bytes| bytes.starts_with(prefix) && is_of_more(bytes))
    };
    let mut found = sections.segments.iter().filter(is_it);
    let first = found.next().cloned();
    if found.next().is_some() {
        return Err(ExtrasFault("it describes its further pictures twice"));
    }
    Ok(first)
}

fn place(section: &Section, sections: &Sections, file: &[u8]) -> Place {
    let structure = section.contents.start + MPF.len();
    Place { structure, end: sections.end, file: file.len() }
}

/// Only of files that were never read.
const UNREAD: ExtrasFault = ExtrasFault("its segments cannot be read");
