//! Compaction: of each key, the newest record is kept.
//!
//! Files that are no longer written to are written anew beside themselves, without what is superseded,
//! and then take the old ones' place, one by one. A reader sees one file or the other. After a crash the
//! old or the new file is there as a whole, and no checkpoint describes the wrong one.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use super::batch::{BatchHeader, RecordView, Records, with_records};
use super::checkpoint::Checkpoint;
use super::configs::TopicConfigs;
use super::files;
use super::index::Index;
use super::partition::Partition;
use super::scan::{Found, Scan};
use super::segment::Segment;

/// A segment that was written anew and waits beside the old one.
#[derive(Debug)]
pub(crate) struct Compacted {
    old: Segment,
    path: PathBuf,
    file: File,
    len: u64,
    index: Index,
}

/// The newest offset of each key.
///
/// Keys are told apart by 128 bits of hashes that nobody outside can foresee. There is room for a
/// million of them; a key that has none keeps all its records.
struct Newest {
    hashers: [RandomState; 2],
    offsets: HashMap<(u64, u64), i64>,
}

impl Newest {
    fn new() -> Self {
        Self { hashers: [RandomState::new(), RandomState::new()], offsets: HashMap::new() }
    }

    fn name(&self, key: &[u8]) -> (u64, u64) {
        let [first, second] = &self.hashers;
        (first.hash_one(key), second.hash_one(key))
    }

    fn note(&mut self, key: &[u8], offset: i64) {
        let name = self.name(key);
        if self.offsets.len() < MOST_KEYS || self.offsets.contains_key(&name) {
            self.offsets.insert(name, offset);
        }
    }

    fn is_superseded(&self, key: &[u8], offset: i64) -> bool {
        self.offsets.get(&self.name(key)).is_some_and(|newest| *newest > offset)
    }
}

/// What a pass over a log keeps.
struct Pass<'a> {
    newest: &'a Newest,
    /// Records without a value that are older than this are not kept, in milliseconds since 1970.
    gone_before: i64,
}

impl Pass<'_> {
    fn keeps(&self, header: &BatchHeader, record: &RecordView<'_>) -> bool {
        let Some(key) = record.key else { return true };
        let offset = header.base_offset.saturating_add(i64::from(record.offset_delta));
        let fresh = record.has_value || header.max_timestamp >= self.gone_before;
        fresh && !self.newest.is_superseded(key, offset)
    }

    /// What stays of a batch; `None` if nothing does. What cannot be looked into stays as it is.
    fn rest(&self, header: &BatchHeader, batch: &[u8]) -> Option<Vec<u8>> {
        let (mut records, mut kept) = (Records::new(header, batch), Vec::new());
        if !is_open(header) {
            return Some(batch.to_vec());
        }
        loop {
            match records.next_record() {
                Ok(Some(record)) if self.keeps(header, &record) => kept.push(record.bytes),
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) => return Some(batch.to_vec()),
            }
        }
        match kept.len() {
            0 => None,
            all if i32::try_from(all) == Ok(header.records) => Some(batch.to_vec()),
            _ => Some(with_records(batch, &kept)),
        }
    }
}

impl Partition {
    /// Writes anew, beside the log, what compaction leaves of it. Blocks; appends and reads go on.
    ///
    /// Nothing to do where little has changed since the last time.
    ///
    /// * `now` - milliseconds since 1970
    pub(crate) fn compact(&self, configs: &TopicConfigs, now: i64) -> io::Result<Vec<Compacted>> {
        let closed = self.settled(configs, now);
        if !self.is_due(&closed, configs) {
            return Ok(Vec::new());
        }
        let mut newest = Newest::new();
        for segment in &closed {
            each_batch(segment, |header, batch| {
                note_keys(&mut newest, header, batch);
                Ok(())
            })?;
        }
        let gone_before = now.saturating_sub(configs.delete_retention_ms());
        let pass = Pass { newest: &newest, gone_before };
        let mut compacted = Vec::new();
        for segment in &closed {
            compacted.extend(self.write_anew(segment, &pass)?);
        }
        if let Some(last) = closed.last() {
            self.set_compacted_to(last.base);
        }
        Ok(compacted)
    }

    /// The segments that are no longer written to and old enough.
    fn settled(&self, configs: &TopicConfigs, now: i64) -> Vec<Segment> {
        let newest = now.saturating_sub(configs.min_compaction_lag_ms());
        let view = self.view();
        let closed = view.segments.split_last().map_or(&[][..], |(_, closed)| closed);
        let old = |segment: &&Segment| segment.index.max_timestamp().is_none_or(|t| t <= newest);
        closed.iter().take_while(old).cloned().collect()
    }

    /// Whether enough of the log was never looked at.
    fn is_due(&self, closed: &[Segment], configs: &TopicConfigs) -> bool {
        let done = self.compacted_to();
        let bytes = |segments: &mut dyn Iterator<Item = &Segment>| -> u64 {
            segments.map(|segment| segment.len).sum()
        };
        let all = bytes(&mut closed.iter());
        let new = bytes(&mut closed.iter().filter(|s| done.is_none_or(|done| s.base > done)));
        #[expect(clippy::cast_precision_loss, reason = "a share of many bytes")]
        let share = new as f64 / all.max(1) as f64;
        new > 0 && share >= configs.min_dirty_ratio()
    }

    /// Writes one segment anew; `None` if all of it stays.
    fn write_anew(&self, segment: &Segment, pass: &Pass<'_>) -> io::Result<Option<Compacted>> {
        let path = segment.path.with_extension(BESIDE);
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(true).open(&path)?;
        let (mut out, mut index, mut len) = (io::BufWriter::new(&file), Index::default(), 0);
        each_batch(segment, |header, batch| {
            let Some(rest) = pass.rest(header, batch) else { return Ok(()) };
            index.add(header, len);
            len += rest.len() as u64;
            out.write_all(&rest)
        })?;
        out.flush()?;
        drop(out);
        if len == segment.len {
            std::fs::remove_file(&path)?;
            return Ok(None);
        }
        file.sync_all()?;
        Ok(Some(Compacted { old: segment.clone(), path, file, len, index }))
    }

    /// Puts a segment that was written anew in the old one's place. On the log thread.
    pub(crate) fn replace(&self, compacted: Compacted) -> io::Result<()> {
        let Compacted { old, path, file, len, index } = compacted;
        let at = {
            let view = self.view();
            let same = |segment: &Segment| Arc::ptr_eq(&segment.file, &old.file);
            view.segments.iter().position(same).filter(|_| view.gone.is_none())
        };
        // It has left the log meanwhile.
        let Some(at) = at else { return std::fs::remove_file(&path) };
        let note = self.folder.join(Segment::checkpoint_name(old.base));
        let checkpoint = Checkpoint::load(&note);
        if checkpoint.is_some() {
            std::fs::remove_file(&note)?;
            files::sync_folder(&self.folder)?;
        }
        std::fs::rename(&path, &old.path)?;
        files::sync_folder(&self.folder)?;
        let new = Segment { file: Arc::new(file), len, index: index.clone(), ..old };
        if let Some(segment) = self.view_mut().segments.get_mut(at) {
            *segment = new;
        }
        match checkpoint {
            Some(known) => Checkpoint { covered: len, index, ..known }.store(&note),
            None => Ok(()),
        }
    }
}

/// Walks the durable batches of a segment; stops with an error at damage, which nobody may remove.
fn each_batch(
    segment: &Segment,
    mut visit: impl FnMut(&BatchHeader, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut scan = Scan::new(&segment.file, 0, segment.len);
    loop {
        match scan.next_batch()? {
            Found::End => return Ok(()),
            Found::Fault(what) => {
                let what = format!("{}: {what}", segment.path.display());
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
            Found::Batch(header, at) => {
                let mut batch = vec![0; header.len];
                files::read_at(&segment.file, &mut batch, at)?;
                visit(&header, &batch)?;
            }
        }
    }
}

fn note_keys(newest: &mut Newest, header: &BatchHeader, batch: &[u8]) {
    let mut records = Records::new(header, batch);
    while let Some(record) = is_open(header).then(|| records.next_record().ok().flatten()).flatten()
    {
        if let Some(key) = record.key {
            newest.note(key, header.base_offset.saturating_add(i64::from(record.offset_delta)));
        }
    }
}

/// Whether a batch can be looked into.
fn is_open(header: &BatchHeader) -> bool {
    header.compression() == 0 && !header.is_control()
}

/// The name of a file that is being written anew ends so.
pub(crate) const BESIDE: &str = "compacting";
/// Keys that one pass tells apart: about 40 bytes each.
const MOST_KEYS: usize = 1 << 20;
