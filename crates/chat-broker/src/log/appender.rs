//! The writing end of one partition's log.
//!
//! Appended batches wait in memory until [`Partition::flush`] has written and synced them; only
//! then do readers see them.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use kafka_protocol::error::ResponseError;

use super::batch::{BatchHeader, place, stamp};
use super::checkpoint::Checkpoint;
use super::configs::TopicConfigs;
use super::files;
use super::incoming::IncomingBatch;
use super::index::Index;
use super::partition::{Partition, View};
use super::producers::{Producers, Sequence};
use super::recovery::Recovered;
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
    /// The time of its first record in milliseconds, once there is one.
    began: Option<i64>,
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
            began: segment.index.first_timestamp(),
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
        if let Some(active) = &mut self.active {
            active.began.get_or_insert(header.max_timestamp);
        }
        self.staged.push((header, written + start as u64));
        self.producers.note(&header);
        self.next = header.next_offset();
        Appended { base_offset: header.base_offset, append_time }
    }

    /// Whether a batch would make the active segment too long, or is too new for it.
    fn is_full(&self, batch: &IncomingBatch, configs: &TopicConfigs) -> bool {
        let Some(active) = &self.active else { return true };
        let bytes = active.len + self.buffer.len() as u64;
        let time = if configs.is_append_time() { now() } else { batch.header.max_timestamp };
        let longest = i64::try_from(configs.segment_ms()).unwrap_or(i64::MAX);
        let too_new = active.began.is_some_and(|began| time.saturating_sub(began) >= longest);
        bytes > 0 && (too_new || bytes + batch.bytes.len() as u64 > configs.segment_bytes())
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
        if appender.is_full(batch, configs) {
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
    pub(crate) fn roll(&self, appender: &mut Appender) -> io::Result<()> {
        self.checkpoint(appender);
        let base = appender.next;
        let path = self.folder.join(Segment::file_name(base));
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
        files::sync_folder(&self.folder)?;
        let file = Arc::new(file);
        let index = Index::default();
        let segment = Segment { base, file: Arc::clone(&file), path, len: 0, index };
        self.view_mut().segments.push(segment);
        appender.active = Some(Active { base, file, len: 0, covered: 0, began: None });
        Ok(())
    }

    /// Notes what is known, so that the next start is fast. Without it, that start reads more.
    fn checkpoint(&self, appender: &mut Appender) {
        if appender.active.as_ref().is_none_or(|active| active.covered == active.len) {
            return;
        }
        let Some((path, checkpoint)) = self.state(appender) else { return };
        match (checkpoint.store(&path), &mut appender.active) {
            (Ok(()), Some(active)) => active.covered = active.len,
            (Err(error), _) => tracing::warn!(%error, "a checkpoint could not be written"),
            (Ok(()), None) => {}
        }
    }

    /// What is known of the log now, for the checkpoint of the active segment.
    pub(crate) fn state(&self, appender: &Appender) -> Option<(PathBuf, Checkpoint)> {
        let active = appender.active.as_ref().filter(|_| appender.staged.is_empty())?;
        let view = self.view();
        let checkpoint = Checkpoint {
            covered: active.len,
            next: appender.next,
            index: view.segments.last()?.index.clone(),
            epochs: view.epochs.clone(),
            producers: appender.producers.clone(),
        };
        Some((self.folder.join(Segment::checkpoint_name(active.base)), checkpoint))
    }

    /// Ends the log's use: makes it durable and leaves a checkpoint.
    pub(crate) fn close(&self) {
        if self.flush().is_ok() {
            self.checkpoint(&mut self.appender());
        }
    }

    /// After a failed write, goes back to what is durable; if that fails too, the log is closed.
    pub(crate) fn fail(&self, appender: &mut Appender, error: &io::Error) -> ResponseError {
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
pub(crate) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Bytes between checkpoints: what a start after a crash reads again at most.
const CHECKPOINT_EVERY: u64 = 4 << 20;
/// Capacity that an idle partition keeps.
const KEPT_BUFFER: usize = 64 * 1024;
