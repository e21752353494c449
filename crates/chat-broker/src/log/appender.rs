//! The writing end of one partition's log.
//!
//! Appended batches wait in memory until [`Partition::flush`] has written and synced them; only
//! then do readers see them.

use std::fs::{File, OpenOptions};
use std::io;
use std::sync::Arc;

use kafka_protocol::error::ResponseError;

use super::batch::{BatchHeader, place, stamp};
use super::checkpoint::Checkpoint;
use super::configs::TopicConfigs;
use super::files;
use super::incoming::IncomingBatch;
use super::index::Index;
use super::notes::Notes;
use super::partition::{Partition, View};
use super::producers::{Producers, Sequence};
use super::recovery::{Recovered, START_FILE, START_LINE};
use super::segment::Segment;

/// The writing end of one partition's log.
#[derive(Debug)]
pub(crate) struct Appender {
    leader_epoch: i32,
    /// The segment being written; none before the first record.
    active: Option<Active>,
    /// The offset that the next record gets.
    next: i64,
    producers: Producers,
    /// The newest time that this broker gave a record, in milliseconds.
    last_time: i64,
    /// Batches that are not written yet, and their headers with the places they get.
    buffer: Vec<u8>,
    staged: Vec<(BatchHeader, u64)>,
    /// Batches were given up since the last flush, which has to say so.
    lost: bool,
}

/// The segment being written.
#[derive(Debug)]
struct Active {
    base: i64,
    file: Arc<File>,
    /// Bytes in the file.
    len: u64,
    /// Bytes that a checkpoint covers.
    covered: u64,
}

/// Where a batch was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Appended {
    pub(crate) base_offset: i64,
    /// The broker's time in milliseconds, or -1 if the topic keeps the producer's.
    pub(crate) append_time: i64,
}

impl Appender {
    pub(crate) fn new(found: &Recovered, leader_epoch: i32) -> Self {
        let active = found.segments.last().map(|segment| Active {
            base: segment.base,
            file: Arc::clone(&segment.file),
            len: segment.len,
            covered: found.covered,
        });
        let newest = found.segments.iter().filter_map(|segment| segment.index.max_timestamp());
        Self {
            leader_epoch,
            active,
            next: found.end,
            producers: found.producers.clone(),
            last_time: newest.max().unwrap_or(0),
            buffer: Vec::new(),
            staged: Vec::new(),
            lost: false,
        }
    }

    /// Puts a batch behind all others, in memory.
    fn stage(&mut self, batch: &IncomingBatch, configs: &TopicConfigs) -> Appended {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(&batch.bytes);
        let placed = self.buffer.get_mut(start..).unwrap_or_default();
        place(placed, self.next, self.leader_epoch);
        let mut header = BatchHeader { base_offset: self.next, ..batch.header };
        header.leader_epoch = self.leader_epoch;
        let mut append_time = -1;
        if configs.is_append_time() {
            // Time never runs backwards in a log, so that it can be searched by time.
            append_time = now().max(self.last_time);
            self.last_time = append_time;
            stamp(placed, header.attributes, append_time);
            header = BatchHeader::decode(placed).unwrap_or(header);
        }
        let written = self.active.as_ref().map_or(0, |active| active.len);
        self.staged.push((header, written + start as u64));
        self.producers.note(&header);
        self.next = header.next_offset();
        Appended { base_offset: header.base_offset, append_time }
    }

    /// Whether a batch would make the active segment too long.
    fn is_full(&self, len: usize, configs: &TopicConfigs) -> bool {
        let Some(active) = &self.active else { return true };
        let bytes = active.len + self.buffer.len() as u64;
        bytes > 0 && bytes + len as u64 > configs.segment_bytes()
    }

    /// Writes and syncs what is in memory.
    fn write(&mut self) -> io::Result<()> {
        let Some(active) = &mut self.active else { return Ok(()) };
        if !self.buffer.is_empty() {
            files::write_at(&active.file, &self.buffer, active.len)?;
            active.file.sync_data()?;
            active.len += self.buffer.len() as u64;
            self.buffer.clear();
            self.buffer.shrink_to(KEPT_BUFFER);
        }
        Ok(())
    }
}

impl Partition {
    /// Appends a batch, not yet durably; [`flush`](Self::flush) makes it so.
    ///
    /// # Errors
    /// A sequence number that does not follow, a deleted topic, or files that fail.
    pub(crate) fn append(
        &self,
        batch: &IncomingBatch,
        configs: &TopicConfigs,
    ) -> Result<Appended, ResponseError> {
        self.bounds()?;
        let mut appender = self.appender();
        if appender.lost {
            return Err(ResponseError::KafkaStorageError);
        }
        if let Sequence::Repeated(written) = appender.producers.check(&batch.header)? {
            let (base_offset, append_time) = (written.base_offset, written.append_time);
            return Ok(Appended { base_offset, append_time });
        }
        if appender.is_full(batch.bytes.len(), configs) {
            let rolled = self.flush_with(&mut appender).and_then(|()| self.roll(&mut appender));
            rolled.map_err(|error| self.fail(&mut appender, &error))?;
        }
        Ok(appender.stage(batch, configs))
    }

    /// Makes everything appended durable, then lets readers see it.
    pub(crate) fn flush(&self) -> Result<(), ResponseError> {
        let mut appender = self.appender();
        let flushed = if std::mem::take(&mut appender.lost) {
            Err(ResponseError::KafkaStorageError)
        } else {
            self.flush_with(&mut appender).map_err(|error| self.fail(&mut appender, &error))
        };
        appender.lost = false;
        flushed
    }

    fn flush_with(&self, appender: &mut Appender) -> io::Result<()> {
        appender.write()?;
        let Some(active) = &mut appender.active else { return Ok(()) };
        let mut view = self.view_mut();
        for (header, _) in &appender.staged {
            view.epochs.note(header.leader_epoch, header.base_offset);
        }
        if let Some(segment) = view.segments.last_mut() {
            for (header, position) in appender.staged.drain(..) {
                segment.index.add(&header, position);
            }
            segment.len = active.len;
        }
        view.bounds.end = appender.next;
        drop(view);
        if active.len - active.covered >= CHECKPOINT_EVERY {
            self.checkpoint(appender);
        }
        Ok(())
    }

    /// Starts a new segment; everything before it is durable.
    fn roll(&self, appender: &mut Appender) -> io::Result<()> {
        self.checkpoint(appender);
        let base = appender.next;
        let path = self.folder.join(Segment::file_name(base));
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
        files::sync_folder(&self.folder)?;
        let file = Arc::new(file);
        let index = Index::default();
        let segment = Segment { base, file: Arc::clone(&file), path, len: 0, index };
        self.view_mut().segments.push(segment);
        appender.active = Some(Active { base, file, len: 0, covered: 0 });
        Ok(())
    }

    /// Notes what is known, so that the next start is fast. Without it, that start reads more.
    fn checkpoint(&self, appender: &mut Appender) {
        let Some(active) = &mut appender.active else { return };
        if active.covered == active.len || !appender.staged.is_empty() {
            return;
        }
        let view = self.view();
        let Some(index) = view.segments.last().map(|segment| segment.index.clone()) else { return };
        let checkpoint = Checkpoint {
            covered: active.len,
            next: appender.next,
            index,
            epochs: view.epochs.clone(),
            producers: appender.producers.clone(),
        };
        drop(view);
        let path = self.folder.join(Segment::checkpoint_name(active.base));
        match checkpoint.store(&path) {
            Ok(()) => active.covered = active.len,
            Err(error) => tracing::warn!(%error, "a checkpoint could not be written"),
        }
    }

    /// Ends the log's use: makes it durable and leaves a checkpoint.
    pub(crate) fn close(&self) {
        if self.flush().is_ok() {
            self.checkpoint(&mut self.appender());
        }
    }

    /// Raises the log's start, durably. Records before it are no longer read.
    pub(crate) fn raise_start(&self, offset: i64) -> Result<i64, ResponseError> {
        let bounds = self.bounds()?;
        let start = if offset == HIGH_WATERMARK { bounds.end } else { offset };
        if start < 0 || start > bounds.end {
            return Err(ResponseError::OffsetOutOfRange);
        }
        if start <= bounds.start {
            return Ok(bounds.start);
        }
        let notes = Notes::default().with(START_LINE, start);
        notes.store(&self.folder.join(START_FILE)).map_err(|error| {
            let (topic, partition) = (&self.topic, self.number);
            tracing::error!(topic, partition, %error, "a log's start cannot be written");
            ResponseError::KafkaStorageError
        })?;
        self.view_mut().bounds.start = start;
        self.drop_segments(start);
        Ok(start)
    }

    /// Removes segments that lie before the log's start as a whole; the active one stays.
    fn drop_segments(&self, start: i64) {
        let mut view = self.view_mut();
        let whole = |pair: &[Segment]| pair.get(1).is_some_and(|next| next.base <= start);
        let count = view.segments.windows(2).take_while(|pair| whole(pair)).count();
        let dropped: Vec<Segment> = view.segments.drain(..count).collect();
        drop(view);
        for segment in dropped {
            let checkpoint = self.folder.join(Segment::checkpoint_name(segment.base));
            let removed = std::fs::remove_file(&segment.path);
            drop(std::fs::remove_file(checkpoint));
            if let Err(error) = removed {
                tracing::warn!(file = %segment.path.display(), %error, "a file cannot be removed");
            }
        }
    }

    /// After a failed write, goes back to what is durable; if that fails too, the log is closed.
    fn fail(&self, appender: &mut Appender, error: &io::Error) -> ResponseError {
        let (topic, partition) = (&self.topic, self.number);
        tracing::error!(topic, partition, %error, "a log cannot be written");
        let lost = !appender.staged.is_empty();
        let mut view = self.view_mut();
        let reread = truncate_to_durable(&view)
            .map_err(|_| ())
            .and_then(|()| Recovered::load(&self.folder).map_err(|_| ()));
        match reread {
            Ok(found) if found.end == view.bounds.end => {
                *appender = Appender::new(&found, appender.leader_epoch);
                *view = View::new(found, appender.leader_epoch);
            }
            _ => {
                *appender = Appender::new(&Recovered::default(), appender.leader_epoch);
                view.gone = Some(ResponseError::KafkaStorageError);
            }
        }
        appender.lost = lost;
        ResponseError::KafkaStorageError
    }
}

/// Cuts what was written and not synced off the last segment.
fn truncate_to_durable(view: &View) -> io::Result<()> {
    let Some(last) = view.segments.last() else { return Ok(()) };
    last.file.set_len(last.len)?;
    last.file.sync_all()
}

/// Milliseconds since 1970.
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The protocol's way to say "the end" when records are deleted.
const HIGH_WATERMARK: i64 = -1;
/// Bytes between checkpoints: what a start after a crash reads again at most.
const CHECKPOINT_EVERY: u64 = 4 << 20;
/// Capacity that an idle partition keeps.
const KEPT_BUFFER: usize = 64 * 1024;
