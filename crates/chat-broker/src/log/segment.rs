//! A file of batches: part of a log. Readers see its durable bytes only.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::batch::{BatchHeader, NotABatch, crc_holds};
use super::files::read_at;
use super::index::Index;

/// A file of batches, as readers see it.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    /// No record in it has a smaller offset; its file is named after it.
    pub(crate) base: i64,
    pub(crate) file: Arc<File>,
    pub(crate) path: PathBuf,
    /// Durable bytes.
    pub(crate) len: u64,
    pub(crate) index: Index,
}

/// The part of a segment's file in which to look for something.
#[derive(Clone, Debug)]
pub(crate) struct Stretch {
    file: Arc<File>,
    path: PathBuf,
    position: u64,
    end: u64,
}

/// Why a segment could not be read.
#[derive(Debug)]
pub(crate) enum ReadFault {
    /// The system said no.
    Io(io::Error),
    /// What is in the file is not what was written.
    Damaged,
}

impl Segment {
    /// The name of a segment's file.
    pub(crate) fn file_name(base: i64) -> String {
        format!("{base:020}.log")
    }

    /// The name of a segment's checkpoint.
    pub(crate) fn checkpoint_name(base: i64) -> String {
        format!("{base:020}.checkpoint")
    }

    /// The offset in a segment file's name.
    pub(crate) fn base_of(path: &Path) -> Option<i64> {
        let stem = path.file_name()?.to_str()?.strip_suffix(".log")?;
        let digits = stem.len() == 20 && stem.bytes().all(|byte| byte.is_ascii_digit());
        stem.parse().ok().filter(|_| digits)
    }

    /// Where an offset must be, if it is in this segment.
    pub(crate) fn around(&self, offset: i64) -> Stretch {
        self.stretch(self.index.position_before(offset))
    }

    /// Where the first record that is at least this new must be.
    pub(crate) fn since(&self, timestamp: i64) -> Option<Stretch> {
        self.index.first_since(timestamp).map(|position| self.stretch(position))
    }

    fn stretch(&self, position: u64) -> Stretch {
        let (file, path) = (Arc::clone(&self.file), self.path.clone());
        Stretch { file, path, position, end: self.len }
    }
}

impl Stretch {
    /// Moves on to the first batch that a condition holds for; `None` if there is none.
    pub(crate) fn find(
        &mut self,
        wanted: impl Fn(&BatchHeader) -> bool,
    ) -> Result<Option<BatchHeader>, ReadFault> {
        let mut bytes = [0; BatchHeader::LEN];
        while self.end.saturating_sub(self.position) >= BatchHeader::LEN as u64 {
            read_at(&self.file, &mut bytes, self.position).map_err(ReadFault::Io)?;
            let header = BatchHeader::decode(&bytes).map_err(|why| self.damaged(why))?;
            if wanted(&header) {
                return Ok(Some(header));
            }
            self.position += header.len as u64;
        }
        Ok(None)
    }

    /// Reads whole batches from here, as many as fit; the first one always.
    ///
    /// A batch whose CRC is wrong is given as it is, and noted: only a client that sees it can tell
    /// where it ends, and step over it.
    pub(crate) fn read(&self, first: &BatchHeader, most: usize) -> Result<Vec<u8>, ReadFault> {
        let left = usize::try_from(self.end - self.position).unwrap_or(usize::MAX);
        if first.len > left {
            return Err(self.damaged(NotABatch::Short));
        }
        let mut bytes = vec![0; first.len.max(most).min(left)];
        read_at(&self.file, &mut bytes, self.position).map_err(ReadFault::Io)?;
        let mut whole = 0;
        while let Ok(header) = BatchHeader::decode(bytes.get(whole..).unwrap_or_default()) {
            let Some(batch) = bytes.get(whole..whole.saturating_add(header.len)) else { break };
            if !crc_holds(&header, batch) {
                self.note_damage(whole, "the CRC is wrong");
            }
            whole += header.len;
        }
        bytes.truncate(whole);
        Ok(bytes)
    }

    fn damaged(&self, why: NotABatch) -> ReadFault {
        self.note_damage(0, &format!("{why:?}"));
        ReadFault::Damaged
    }

    fn note_damage(&self, behind: usize, why: &str) {
        let (file, position) = (self.path.display(), self.position + behind as u64);
        tracing::error!(%file, position, why, "an acknowledged batch is damaged");
    }
}
