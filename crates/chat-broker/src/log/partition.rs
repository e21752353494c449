//! One partition's log, as readers see it: durable records only.

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use kafka_protocol::error::ResponseError;

use super::appender::Appender;
use super::batch::{BatchHeader, Records};
use super::epochs::Epochs;
use super::recovery::Recovered;
use super::segment::{ReadFault, Segment, Stretch};

/// One partition's log.
#[derive(Debug)]
pub(crate) struct Partition {
    /// The topic's name, for messages.
    pub(crate) topic: String,
    pub(crate) number: i32,
    pub(crate) folder: PathBuf,
    view: RwLock<View>,
    /// Used by the log thread alone.
    appender: Mutex<Appender>,
    /// The last segment that was compacted since the start; -1 if none was.
    compacted_to: AtomicI64,
}

/// What readers see.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) segments: Vec<Segment>,
    pub(crate) bounds: LogBounds,
    pub(crate) epochs: Epochs,
    /// Set when the topic is deleted or its files fail.
    pub(crate) gone: Option<ResponseError>,
}

/// The offsets that a log holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogBounds {
    /// The first offset that may be read.
    pub(crate) start: i64,
    /// The offset that the next record gets. Records before it are durable.
    pub(crate) end: i64,
}

/// A record that was looked up by its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timed {
    pub(crate) offset: i64,
    pub(crate) timestamp: i64,
    pub(crate) epoch: i32,
}

/// Where a partition is, and the epoch of this start.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) topic: String,
    pub(crate) number: i32,
    pub(crate) folder: PathBuf,
    pub(crate) leader_epoch: i32,
}

impl Partition {
    /// Takes what a folder was found to hold.
    pub(crate) fn new(place: Place, found: Recovered) -> Self {
        let appender = Appender::new(&found, place.leader_epoch);
        let view = View::new(found, place.leader_epoch);
        let Place { topic, number, folder, .. } = place;
        let (view, appender) = (RwLock::new(view), Mutex::new(appender));
        Self { topic, number, folder, view, appender, compacted_to: AtomicI64::new(-1) }
    }

    pub(crate) fn compacted_to(&self) -> Option<i64> {
        Some(self.compacted_to.load(Ordering::Relaxed)).filter(|base| *base >= 0)
    }

    pub(crate) fn set_compacted_to(&self, base: i64) {
        self.compacted_to.store(base, Ordering::Relaxed);
    }

    pub(crate) fn view(&self) -> RwLockReadGuard<'_, View> {
        self.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn view_mut(&self) -> RwLockWriteGuard<'_, View> {
        self.view.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn appender(&self) -> MutexGuard<'_, Appender> {
        self.appender.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The offsets that it holds.
    ///
    /// # Errors
    /// The topic was deleted, or its files failed.
    pub(crate) fn bounds(&self) -> Result<LogBounds, ResponseError> {
        let view = self.view();
        view.gone.map_or(Ok(view.bounds), Err)
    }

    /// About how many bytes there are from an offset on: exact at the end, never too small.
    pub(crate) fn bytes_from(&self, offset: i64) -> u64 {
        let view = self.view();
        if offset >= view.bounds.end {
            return 0;
        }
        let mut bytes = 0;
        for segment in view.segments.iter().rev() {
            if segment.base <= offset {
                return bytes + segment.len - segment.index.position_before(offset);
            }
            bytes += segment.len;
        }
        bytes
    }

    /// Reads whole batches from the one that holds an offset. Blocks.
    ///
    /// * `most` - bytes; a larger first batch comes all the same, alone
    ///
    /// Empty at the log's end.
    pub(crate) fn read(&self, offset: i64, most: usize) -> Result<Vec<u8>, ResponseError> {
        let holds = |header: &BatchHeader| header.last_offset() >= offset;
        match self.find(offset, |segment| Some(segment.around(offset)), holds)? {
            Some((stretch, header)) => stretch.read(&header, most).map_err(|f| self.failed(&f)),
            None => Ok(Vec::new()),
        }
    }

    /// Finds the first record that is at least this new. Blocks.
    ///
    /// In a compressed batch that is the batch's first record.
    pub(crate) fn first_since(&self, timestamp: i64) -> Result<Option<Timed>, ResponseError> {
        let start = self.bounds()?.start;
        let wanted = |header: &BatchHeader| {
            header.max_timestamp >= timestamp && header.last_offset() >= start
        };
        let found = self.find(start, |segment| segment.since(timestamp), wanted)?;
        let Some((stretch, header)) = found else { return Ok(None) };
        let (offset, time) = if header.is_append_time() || header.compression() != 0 {
            (header.base_offset, header.max_timestamp)
        } else {
            let batch = stretch.read(&header, header.len).map_err(|fault| self.failed(&fault))?;
            first_record_since(&header, &batch, timestamp)
        };
        let epoch = self.view().epochs.at(offset);
        Ok(Some(Timed { offset: offset.max(start), timestamp: time, epoch }))
    }

    /// Finds the record with the newest time. Blocks.
    pub(crate) fn newest(&self) -> Result<Option<Timed>, ResponseError> {
        let newest = self.view().segments.iter().filter_map(|s| s.index.max_timestamp()).max();
        newest.map_or(Ok(None), |timestamp| self.first_since(timestamp))
    }

    /// Looks through segments from the one that holds an offset on.
    fn find(
        &self,
        mut offset: i64,
        place: impl Fn(&Segment) -> Option<Stretch>,
        wanted: impl Fn(&BatchHeader) -> bool,
    ) -> Result<Option<(Stretch, BatchHeader)>, ResponseError> {
        loop {
            let (stretch, next) = {
                let view = self.view();
                let behind = view.segments.partition_point(|segment| segment.base <= offset);
                let at = behind.saturating_sub(1);
                let Some(segment) = view.segments.get(at) else { return Ok(None) };
                (place(segment), view.segments.get(at + 1).map(|next| next.base))
            };
            if let Some(mut stretch) = stretch {
                let found = stretch.find(&wanted).map_err(|fault| self.failed(&fault))?;
                if let Some(header) = found {
                    return Ok(Some((stretch, header)));
                }
            }
            match next {
                Some(next) => offset = next,
                None => return Ok(None),
            }
        }
    }

    fn failed(&self, fault: &ReadFault) -> ResponseError {
        let (topic, partition) = (&self.topic, self.number);
        match fault {
            ReadFault::Damaged => ResponseError::CorruptMessage,
            ReadFault::Io(error) => {
                tracing::error!(topic, partition, %error, "a log cannot be read");
                ResponseError::KafkaStorageError
            }
        }
    }
}

impl View {
    /// What readers see of a log that was just read; this start's epoch begins at its end.
    pub(crate) fn new(found: Recovered, leader_epoch: i32) -> Self {
        let bounds = LogBounds { start: found.start, end: found.end };
        let mut epochs = found.epochs;
        epochs.note(leader_epoch, found.end);
        Self { segments: found.segments, bounds, epochs, gone: None }
    }
}

/// The first record of an uncompressed batch that is new enough, and its time.
fn first_record_since(header: &BatchHeader, batch: &[u8], timestamp: i64) -> (i64, i64) {
    let mut records = Records::new(header, batch);
    while let Ok(Some(record)) = records.next_record() {
        let time = header.base_timestamp.saturating_add(record.timestamp_delta);
        if time >= timestamp {
            let offset = header.base_offset.saturating_add(i64::from(record.offset_delta));
            return (offset, time);
        }
    }
    (header.base_offset, header.max_timestamp)
}
