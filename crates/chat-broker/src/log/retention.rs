//! What leaves a log: records that are too old, too many, or that somebody deleted.
//!
//! Whole segments go, oldest first. The log's new start is durable before the first file is removed, so
//! that a crash leaves at most files that nobody reads, and the next round removes them.

use kafka_protocol::error::ResponseError;

use super::configs::TopicConfigs;
use super::notes::Notes;
use super::partition::Partition;
use super::recovery::{START_FILE, START_LINE};
use super::segment::Segment;

impl Partition {
    /// Removes what a topic's settings keep no longer. On the log thread, with nothing staged.
    ///
    /// * `now` - milliseconds since 1970
    pub(crate) fn retain(&self, configs: &TopicConfigs, now: i64) -> Result<(), ResponseError> {
        self.bounds()?;
        if configs.is_compacted() {
            self.close_old(configs, now)?;
        }
        let leaving = self.leaving(configs, now);
        if leaving == 0 {
            return Ok(());
        }
        if leaving == self.view().segments.len() {
            // The last file cannot go: it holds the place of the next record.
            let mut appender = self.appender();
            self.roll(&mut appender).map_err(|error| self.fail(&mut appender, &error))?;
        }
        let start = self.view().segments.get(leaving).map(|segment| segment.base);
        start.map_or(Ok(0), |start| self.raise_start(start)).map(drop)
    }

    /// Begins a new segment where the records of the last one have waited long enough to be compacted.
    fn close_old(&self, configs: &TopicConfigs, now: i64) -> Result<(), ResponseError> {
        let longest = configs.max_compaction_lag_ms();
        let began = self.view().segments.last().and_then(|last| last.index.first_timestamp());
        if began.is_none_or(|began| now.saturating_sub(began) < longest) {
            return Ok(());
        }
        let mut appender = self.appender();
        self.roll(&mut appender).map_err(|error| self.fail(&mut appender, &error))
    }

    /// How many segments are too old, or more than are kept.
    fn leaving(&self, configs: &TopicConfigs, now: i64) -> usize {
        let view = self.view();
        let oldest = configs.retention_ms().map(|kept| now.saturating_sub(kept));
        let mut bytes: u64 = view.segments.iter().map(|segment| segment.len).sum();
        let leaves = |segment: &&Segment| {
            let newest = segment.index.max_timestamp();
            let too_old = newest.zip(oldest).is_some_and(|(newest, oldest)| newest < oldest);
            let rest = bytes.saturating_sub(segment.len);
            let too_many = configs.retention_bytes().is_some_and(|kept| rest >= kept.max(1));
            bytes = rest;
            too_old || too_many
        };
        view.segments.iter().take_while(leaves).count()
    }

    /// Raises the log's start, durably. Records before it are no longer read.
    pub(crate) fn raise_start(&self, offset: i64) -> Result<i64, ResponseError> {
        let bounds = self.bounds()?;
        let start = if offset == HIGH_WATERMARK { bounds.end } else { offset };
        if start < 0 || start > bounds.end {
            return Err(ResponseError::OffsetOutOfRange);
        }
        if start > bounds.start {
            let notes = Notes::default().with(START_LINE, start);
            let stored = notes.store(&self.folder.join(START_FILE));
            stored.map_err(|error| self.start_failed(&error))?;
            self.view_mut().bounds.start = start;
        }
        let start = start.max(bounds.start);
        self.drop_segments(start)?;
        Ok(start)
    }

    /// Removes segments that lie before the log's start as a whole; the active one stays.
    fn drop_segments(&self, start: i64) -> Result<(), ResponseError> {
        let whole = |pair: &[Segment]| pair.get(1).is_some_and(|next| next.base <= start);
        let count = self.view().segments.windows(2).take_while(|pair| whole(pair)).count();
        if count == 0 {
            return Ok(());
        }
        // What is known of the producers must outlive the records that it was learned from.
        if let Some((path, checkpoint)) = self.state(&self.appender()) {
            checkpoint.store_durably(&path).map_err(|error| self.start_failed(&error))?;
        }
        let dropped: Vec<Segment> = self.view_mut().segments.drain(..count).collect();
        for segment in dropped {
            let checkpoint = self.folder.join(Segment::checkpoint_name(segment.base));
            let removed = std::fs::remove_file(&segment.path);
            drop(std::fs::remove_file(checkpoint));
            if let Err(error) = removed {
                tracing::warn!(file = %segment.path.display(), %error, "a file cannot be removed");
            }
        }
        Ok(())
    }

    fn start_failed(&self, error: &std::io::Error) -> ResponseError {
        let (topic, partition) = (&self.topic, self.number);
        tracing::error!(topic, partition, %error, "a log's start cannot be written");
        ResponseError::KafkaStorageError
    }
}

/// The protocol's way to say "the end" when records are deleted.
const HIGH_WATERMARK: i64 = -1;
