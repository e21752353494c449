//! Where a log can be read again behind records that cannot be decoded.

use std::ops::Range;
use std::time::Duration;

use krafka::KrafkaError;
use krafka::consumer::Consumer;

use super::{wire_offset, wire_partition};
use crate::record::{Bounds, Offset, Position};
use crate::topic::TopicName;

/// Looks at single batches of one topic.
///
/// The client does not say where a batch ends that it cannot decode, and its own length may be what is
/// damaged; but a broker answers a fetch with the whole batch that holds the offset. So the batch ends
/// where the answer to the next offset decodes.
pub(crate) struct Probe<'a> {
    /// Fetches one batch at a time.
    consumer: Consumer,
    topic: &'a TopicName,
    /// How long one answer may take.
    within: Duration,
}

/// What can be read from some positions on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Probed {
    /// All of it, over a connection of one's own.
    Readable,
    /// Nothing is given, down to the log's last record: that is no damage, but perhaps a missing right.
    Withheld,
    /// The log can be read again only behind these offsets of a position.
    Damaged(Position, Range<u64>),
}

/// What a fetch from an offset brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// A batch that decodes, or one that holds no records at all.
    Readable,
    /// A batch that does not decode.
    Damaged,
    /// Nothing, although the log goes on: the client keeps a broker's refusal to itself.
    Nothing,
}

impl<'a> Probe<'a> {
    /// * `consumer` - one whose fetches are so small that a single batch comes
    pub(crate) fn new(consumer: Consumer, topic: &'a TopicName, within: Duration) -> Self {
        Self { consumer, topic, within }
    }

    /// Whether a read failed because of what the log holds, so that reading again gives the same.
    pub(crate) fn is_due(error: &KrafkaError) -> bool {
        matches!(error, KrafkaError::Protocol { .. } | KrafkaError::Compression { .. })
    }

    /// Looks for the first of some positions that cannot be read.
    pub(crate) async fn look_at(
        &mut self,
        at: &[Position],
        bounds: &[Bounds],
    ) -> Result<Probed, KrafkaError> {
        for (position, bounds) in at.iter().zip(bounds) {
            let (from, end) = (position.offset.0, bounds.end.0);
            if from >= end {
                continue;
            }
            let singly = match self.look(*position, from).await? {
                Found::Readable => continue,
                Found::Damaged => SINGLE_STEPS,
                // Each look that brings nothing takes its whole time.
                Found::Nothing if self.look(*position, end - 1).await? == Found::Readable => 0,
                Found::Nothing => return Ok(Probed::Withheld),
            };
            let next = self.next_readable(*position, end, singly).await?;
            return Ok(Probed::Damaged(*position, from..next));
        }
        Ok(Probed::Readable)
    }

    /// Steps singly first, so that no good record between two damaged batches is passed over; then in
    /// growing steps, and back to the exact place.
    async fn next_readable(
        &mut self,
        at: Position,
        end: u64,
        singly: u64,
    ) -> Result<u64, KrafkaError> {
        let (mut damaged, mut step) = (at.offset.0, 1);
        let mut readable = loop {
            let probe = damaged.saturating_add(step).min(end);
            if probe == end || self.look(at, probe).await? == Found::Readable {
                break probe;
            }
            damaged = probe;
            if damaged - at.offset.0 >= singly {
                step *= 2;
            }
        };
        while readable - damaged > 1 {
            let middle = damaged + (readable - damaged) / 2;
            match self.look(at, middle).await? {
                Found::Readable => readable = middle,
                Found::Damaged | Found::Nothing => damaged = middle,
            }
        }
        Ok(readable)
    }

    async fn look(&mut self, at: Position, offset: u64) -> Result<Found, KrafkaError> {
        let (topic, partition) = (self.topic.as_str(), wire_partition(at.partition));
        let offset = wire_offset(Offset(offset));
        self.consumer.assign(topic, vec![partition]).await?;
        self.consumer.seek(topic, partition, offset).await?;
        match self.consumer.poll(self.within).await {
            Ok(records) if !records.is_empty() => Ok(Found::Readable),
            Ok(_) => {
                let stands = self.consumer.position(topic, partition).await;
                let passed = stands.is_some_and(|stands| stands > offset);
                Ok(if passed { Found::Readable } else { Found::Nothing })
            }
            Err(error) if Self::is_due(&error) => Ok(Found::Damaged),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn close(self) {
        drop(tokio::time::timeout(Duration::from_secs(1), self.consumer.close()).await);
    }
}

/// Offsets that are tried one by one before the steps grow.
const SINGLE_STEPS: u64 = 1024;
