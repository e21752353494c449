//! Planning pictures: which cover carries a message, and whether the result fits the topic.

use std::path::{Path, PathBuf};

use chat_stego::cover::{self, PreparedCover};
use chat_stego::{EmbedOptions, LsbCompat, StegoCodec};
use chat_store::Store;
use rand::seq::SliceRandom;

use super::RECORD_OVERHEAD;
use crate::carrier::{no_key, picture_text, picture_text_len};
use crate::error::SendError;

/// Where the cover of a picture message comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CoverSource {
    /// This image: PNG, JPEG or BMP.
    Bytes(Vec<u8>),
    /// The image in this file.
    File(PathBuf),
    /// Any image of this folder that fits and that this profile has not used, at random.
    Folder(PathBuf),
}

/// Something that a person should know about a picture that will be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// The cover was too large for the topic and was scaled down; width and height in pixels.
    CoverScaled {
        /// The size that it had.
        from: (u32, u32),
        /// The size that it has now.
        to: (u32, u32),
    },
    /// This profile has used this cover before: two pictures made from one cover differ exactly
    /// where messages are hidden.
    CoverReused,
}

/// Chooses and prepares covers.
pub(crate) struct Planner<'a> {
    pub(crate) store: &'a Store,
    pub(crate) max_record: u32,
}

/// A cover that was chosen, with what is to be said about it.
pub(crate) struct Plan {
    pub(crate) cover: PreparedCover,
    pub(crate) notes: Vec<Note>,
}

impl Planner<'_> {
    /// Finds a cover for an envelope of `envelope_len` bytes; `taken` holds the covers that were
    /// planned since the ledger was last written.
    pub(crate) fn plan(
        &self,
        source: &CoverSource,
        envelope_len: usize,
        taken: &[[u8; 32]],
    ) -> Result<Plan, SendError> {
        let mut plan = match source {
            CoverSource::Bytes(bytes) => self.prepare(bytes, envelope_len, None)?,
            CoverSource::File(path) => {
                self.prepare(&read_cover(path)?, envelope_len, Some(path))?
            }
            CoverSource::Folder(folder) => return self.choose(folder, envelope_len, taken),
        };
        if taken.contains(plan.cover.id.as_bytes()) && !plan.notes.contains(&Note::CoverReused) {
            plan.notes.push(Note::CoverReused);
        }
        Ok(plan)
    }

    fn prepare(
        &self,
        bytes: &[u8],
        envelope_len: usize,
        path: Option<&Path>,
    ) -> Result<Plan, SendError> {
        let text_len = picture_text_len(envelope_len);
        let cover = cover::prepare(bytes, text_len, max_picture(self.max_record))
            .map_err(|source| SendError::Cover { path: path.map(Path::to_owned), source })?;
        let mut notes = Vec::new();
        if let Some(from) = cover.scaled_from {
            notes.push(Note::CoverScaled { from, to: (cover.width, cover.height) });
        }
        if self.store.read(|tx| tx.cover_used(cover.id.as_bytes()))? {
            notes.push(Note::CoverReused);
        }
        Ok(Plan { cover, notes })
    }

    /// Any fitting, unused image of a folder.
    fn choose(
        &self,
        folder: &Path,
        envelope_len: usize,
        taken: &[[u8; 32]],
    ) -> Result<Plan, SendError> {
        let mut paths = list(folder)?;
        paths.shuffle(&mut rand::rng());
        let (mut used, mut unfit) = (0, 0);
        for path in &paths {
            let Ok(bytes) = read_cover(path) else {
                unfit += 1;
                continue;
            };
            let id = cover::CoverId::of(&bytes);
            if taken.contains(id.as_bytes())
                || self.store.read(|tx| tx.cover_used(id.as_bytes()))?
            {
                used += 1;
                continue;
            }
            match self.prepare(&bytes, envelope_len, Some(path)) {
                Ok(plan) => return Ok(plan),
                Err(SendError::Cover { .. }) => unfit += 1,
                Err(error) => return Err(error),
            }
        }
        Err(SendError::NoCoverLeft { folder: folder.to_owned(), used, unfit })
    }
}

/// Bytes that a finished picture may have in a topic whose records have at most `max_record`.
pub(crate) fn max_picture(max_record: u32) -> usize {
    usize::try_from(max_record).unwrap_or(usize::MAX).saturating_sub(RECORD_OVERHEAD)
}

/// Embeds an envelope in a prepared cover; the result was read back before it is returned.
pub(crate) fn embed(envelope: &[u8], cover: &[u8]) -> Result<Vec<u8>, SendError> {
    let text = picture_text(envelope);
    LsbCompat
        .embed(cover, text.as_bytes(), &no_key(), &EmbedOptions::default())
        .map(|embedded| embedded.png)
        .map_err(|source| SendError::Embed { source })
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, SendError> {
    let unreadable = |source| SendError::CoverFile { path: folder.to_owned(), source };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_file() {
            paths.push(path);
        }
    }
    Ok(paths)
}

fn read_cover(path: &Path) -> Result<Vec<u8>, SendError> {
    use std::io::Read;
    let unreadable = |source| SendError::CoverFile { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MAX_COVER_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_COVER_FILE {
        return Err(unreadable(std::io::Error::other("longer than 64 MiB")));
    }
    Ok(bytes)
}

/// The longest image file that is read, in bytes.
const MAX_COVER_FILE: u64 = 64 * 1024 * 1024;
