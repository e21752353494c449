//! Reads a partition's folder at start: finds the log's end, cuts a torn tail, refuses damage.
//!
//! Every segment but the last is durable as a whole before its successor is made, and the last one
//! up to its checkpoint; damage there is damage to acknowledged records. Behind it, a crash may
//! have left anything, and the first byte that is no whole batch with a right CRC ends the log.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::checkpoint::Checkpoint;
use super::compaction::BESIDE;
use super::epochs::Epochs;
use super::index::Index;
use super::notes::Notes;
use super::producers::Producers;
use super::scan::{Found, Scan};
use super::segment::Segment;
use crate::error::StartError;

/// A partition's log as its folder holds it.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    pub(crate) segments: Vec<Segment>,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) epochs: Epochs,
    pub(crate) producers: Producers,
    /// Bytes of the last segment that a checkpoint covers.
    pub(crate) covered: u64,
    pub(crate) torn: Option<Torn>,
}

/// What was cut off the last segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Torn {
    pub(crate) file: PathBuf,
    pub(crate) bytes: u64,
}

impl Recovered {
    /// Reads a folder. Of what lies before a checkpoint, the last megabytes are checked.
    pub(crate) fn load(folder: &Path) -> Result<Self, StartError> {
        remove_unfinished(folder)?;
        let mut recovered = Self::default();
        let paths = segment_paths(folder)?;
        let last = paths.len().saturating_sub(1);
        for (at, (base, path)) in paths.into_iter().enumerate() {
            let is_last = at == last;
            recovered.add(folder, Candidate { base, path, is_last })?;
        }
        let note = folder.join(START_FILE);
        if let Some(notes) = Notes::load(&note)? {
            recovered.start = notes.parsed(&note, START_LINE)?;
        }
        let first = recovered.segments.first().map_or(0, |segment| segment.base);
        recovered.start = recovered.start.max(first);
        if recovered.start > recovered.end {
            let what = "the log ends before its start";
            return Err(StartError::Unreadable { path: folder.to_owned(), what });
        }
        Ok(recovered)
    }

    /// Adds the next segment.
    fn add(&mut self, folder: &Path, candidate: Candidate) -> Result<(), StartError> {
        let Candidate { base, path, is_last } = candidate;
        if base < self.end {
            return Err(damaged(&path, 0, self.end, "two files hold the same offsets"));
        }
        let file = OpenOptions::new().read(true).write(true).open(&path);
        let file = file.map_err(StartError::data("open", &path))?;
        let len = file.metadata().map_err(StartError::data("read", &path))?.len();
        let checkpoint = Checkpoint::load(&folder.join(Segment::checkpoint_name(base)));
        let mut found = Walk { path: &path, index: Index::default(), position: 0 };
        self.end = base;
        self.covered = 0;
        if let Some(checkpoint) = checkpoint.filter(|c| c.next >= base) {
            if checkpoint.covered > len {
                let what = "the file is shorter than it was";
                return Err(damaged(&path, len, checkpoint.next, what));
            }
            self.covered = checkpoint.covered;
            self.end = checkpoint.next;
            self.epochs = checkpoint.epochs;
            self.producers = checkpoint.producers;
            found.index = checkpoint.index;
            found.position = checkpoint.covered;
            if is_last {
                found.check_window(&file, checkpoint.next)?;
            }
        }
        let fault = self.walk(&file, &mut found, len)?;
        if let Some(what) = fault {
            if !is_last {
                return Err(damaged(&path, found.position, self.end, what));
            }
            cut(&file, found.position).map_err(StartError::data("cut", &path))?;
            let bytes = len - found.position;
            self.torn = Some(Torn { file: path.clone(), bytes });
        }
        let (len, index) = (found.position, found.index);
        self.segments.push(Segment { base, file: Arc::new(file), path, len, index });
        Ok(())
    }

    /// Takes in every batch from a position on; stops at the first fault and names it.
    fn walk(
        &mut self,
        file: &File,
        found: &mut Walk<'_>,
        len: u64,
    ) -> Result<Option<&'static str>, StartError> {
        let mut scan = Scan::new(file, found.position, len);
        loop {
            match scan.next_batch().map_err(StartError::data("read", found.path))? {
                Found::End => return Ok(None),
                Found::Fault(what) => return Ok(Some(what)),
                Found::Batch(header, _) if header.base_offset < self.end => {
                    return Ok(Some("an offset is out of order"));
                }
                Found::Batch(header, position) => {
                    self.end = header.next_offset();
                    self.epochs.note(header.leader_epoch, header.base_offset);
                    self.producers.note(&header);
                    found.index.add(&header, position);
                    found.position = scan.position();
                }
            }
        }
    }
}

/// A segment file that a folder holds.
struct Candidate {
    base: i64,
    path: PathBuf,
    is_last: bool,
}

/// How far a segment is known.
struct Walk<'a> {
    path: &'a Path,
    index: Index,
    position: u64,
}

impl Walk<'_> {
    /// Checks the last megabytes before the place that is known: acknowledged records must be whole.
    fn check_window(&self, file: &File, next: i64) -> Result<(), StartError> {
        let from = self.index.batch_before(self.position.saturating_sub(WINDOW));
        let mut scan = Scan::new(file, from, self.position);
        let mut expected = None;
        loop {
            let at = scan.position();
            match scan.next_batch().map_err(StartError::data("read", self.path))? {
                Found::End if expected.is_none_or(|expected| expected == next) => return Ok(()),
                Found::End => return Err(damaged(self.path, at, next, "records are missing")),
                Found::Batch(header, _) => {
                    let ordered = expected.is_none_or(|expected| header.base_offset >= expected);
                    if !ordered || header.next_offset() > next {
                        let offset = expected.unwrap_or(next);
                        return Err(damaged(self.path, at, offset, "an offset is out of order"));
                    }
                    expected = Some(header.next_offset());
                }
                Found::Fault(what) => {
                    let offset = expected.unwrap_or(next);
                    return Err(damaged(self.path, at, offset, what));
                }
            }
        }
    }
}

fn damaged(path: &Path, position: u64, offset: i64, what: &'static str) -> StartError {
    StartError::Damaged { file: path.to_owned(), position, offset, what }
}

fn cut(file: &File, len: u64) -> std::io::Result<()> {
    file.set_len(len)?;
    file.sync_all()
}

/// Removes what a compaction left that did not end.
fn remove_unfinished(folder: &Path) -> Result<(), StartError> {
    let entries = std::fs::read_dir(folder).map_err(StartError::data("list", folder))?;
    for entry in entries {
        let path = entry.map_err(StartError::data("list", folder))?.path();
        if path.extension().is_some_and(|extension| extension == BESIDE) {
            std::fs::remove_file(&path).map_err(StartError::data("remove", &path))?;
        }
    }
    Ok(())
}

/// The segment files of a folder, by their offsets.
fn segment_paths(folder: &Path) -> Result<Vec<(i64, PathBuf)>, StartError> {
    let entries = std::fs::read_dir(folder).map_err(StartError::data("list", folder))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(StartError::data("list", folder))?.path();
        if let Some(base) = Segment::base_of(&path) {
            found.push((base, path));
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Where the log's start is noted, once records were deleted.
pub(crate) const START_FILE: &str = "start";
pub(crate) const START_LINE: &str = "offset";
/// Bytes before a checkpoint that a start checks again.
const WINDOW: u64 = 4 << 20;
