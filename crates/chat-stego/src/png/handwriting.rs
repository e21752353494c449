//! Which program wrote a file, as far as its compression shows it.

use super::PngFile;
use super::choice::Filtering;
use super::chunk::{self, SIGNATURE};
use super::heuristic::{GROUPS, Rule};
use crate::deflate;
use crate::picture::PictureError;

/// What is known of a file's writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handwriting {
    /// C zlib's level, memLevel and whether it filters, if these make exactly the file's stream.
    pub(crate) zlib: Option<(u8, u8, bool)>,
    /// How the filters of the rows were chosen.
    pub(crate) filters: RowFilters,
}

/// How the filters of a PNG's rows were chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RowFilters {
    /// By the rule of this program or library: the first known one that explains all rows. Others can
    /// follow it too, or differ from it only where rows weigh the same.
    Rule(&'static str),
    /// All rows have the same type: 0 to 4.
    Single(u8),
    /// In another way.
    Mixed,
}

impl PngFile<'_> {
    /// Finds out who wrote the file. Compresses all of it anew where zlib did: as slow as writing.
    ///
    /// # Errors
    /// [`PictureError::Damaged`] if the compressed pixels are.
    pub(crate) fn handwriting(&self) -> Result<Handwriting, PictureError> {
        let (raw, stream) = (self.raw()?, &self.container.stream);
        let zlib = deflate::prove(stream, raw);
        let filters = match self.filtering(raw)? {
            Filtering::Chosen { rule, .. } => RowFilters::Rule(name_of(rule)),
            Filtering::Kept => self.without_rule(raw),
        };
        Ok(Handwriting { zlib: zlib.map(|zlib| zlib.settings()), filters })
    }

    fn without_rule(&self, raw: &[u8]) -> RowFilters {
        let mut types = raw.chunks_exact(self.header().stride() + 1).filter_map(|row| row.first());
        match types.next() {
            Some(&first) if types.all(|&other| other == first) => RowFilters::Single(first),
            _ => RowFilters::Mixed,
        }
    }
}

/// A chunk's type, and its data in short.
pub(crate) type ChunkMark = ([u8; 4], u32);

/// The chunks of a file that was read, in order, with the checksums of their data. The pixels
/// count as one chunk, marked by the length of its first part if there are several.
pub(crate) fn chunks(file: &[u8]) -> Vec<ChunkMark> {
    let mut rest = file.strip_prefix(&SIGNATURE).unwrap_or_default();
    let mut found: Vec<ChunkMark> = Vec::new();
    let mut first_part = 0;
    while let Ok((chunk, behind)) = chunk::split_first(rest) {
        rest = behind;
        match found.last_mut() {
            Some((kind, mark)) if *kind == PIXELS && chunk.kind == PIXELS => *mark = first_part,
            _ if chunk.kind == PIXELS => {
                first_part = u32::try_from(chunk.data.len()).unwrap_or(u32::MAX);
                found.push((PIXELS, 0));
            }
            _ => found.push((chunk.kind, crc32fast::hash(chunk.data))),
        }
    }
    found
}

const PIXELS: [u8; 4] = *b"IDAT";

fn name_of(rule: &Rule) -> &'static str {
    let rules = GROUPS.iter().flat_map(|group| group.rules);
    let found = rules.zip(NAMES).find(|(known, _)| *known == rule);
    found.map_or("an unknown program", |(_, name)| name)
}

/// Whose the rules are, in the order of [`GROUPS`].
const NAMES: [&str; 7] = [
    "libpng",
    "Pillow",
    "Go",
    "the crate png",
    "older versions of the crate png",
    "FFmpeg",
    "LodePNG",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_name() {
        let rules = GROUPS.iter().map(|group| group.rules.len()).sum::<usize>();
        assert_eq!(rules, NAMES.len());
        let names: Vec<_> = GROUPS.iter().flat_map(|group| group.rules).map(name_of).collect();
        assert_eq!(names, NAMES, "no two rules are alike");
    }
}
