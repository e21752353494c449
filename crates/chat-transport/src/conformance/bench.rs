//! What most cases need: clients, a topic, records, and reading all of a log.

use std::num::NonZeroU32;
use std::time::Duration;

use bytes::Bytes;

use super::{CaseResult, Stop, Target};
use crate::record::{Ack, Offset, Page, Partition, Position, ReadOptions, Record, StoredRecord};
use crate::topic::{Cleanup, TopicId, TopicName, TopicSpec};
use crate::transport::TransportAdmin;

/// The surroundings of one case.
pub(super) struct Bench<'a> {
    pub(super) target: &'a dyn Target,
    prefix: &'a str,
    case: &'static str,
}

/// A topic with two partitions, and a client.
pub(super) struct Room {
    pub(super) transport: Box<dyn TransportAdmin>,
    pub(super) topic: TopicName,
    pub(super) id: TopicId,
}

pub(super) const FIRST: Partition = Partition(0);
pub(super) const SECOND: Partition = Partition(1);

impl<'a> Bench<'a> {
    pub(super) fn new(target: &'a dyn Target, prefix: &'a str, case: &'static str) -> Self {
        Self { target, prefix, case }
    }

    pub(super) fn name(&self, suffix: &str) -> CaseResult<TopicName> {
        let name = format!("{}-{}{suffix}", self.prefix, self.case);
        TopicName::new(&name).map_err(|error| Stop::Fail(format!("{name}: {error}")))
    }

    pub(super) fn spec(&self, suffix: &str) -> CaseResult<TopicSpec> {
        let partitions = NonZeroU32::MIN.saturating_add(1);
        let (name, cleanup) = (self.name(suffix)?, Cleanup::Delete { retention: None });
        Ok(TopicSpec { name, partitions, replication: None, max_record_bytes: 1 << 20, cleanup })
    }

    pub(super) async fn room(&self) -> CaseResult<Room> {
        let spec = self.spec("")?;
        self.room_of(&spec).await
    }

    pub(super) async fn room_of(&self, spec: &TopicSpec) -> CaseResult<Room> {
        let transport = self.target.connect().await?;
        let id = transport.create_topic(spec).await?.id;
        Ok(Room { transport, topic: spec.name.clone(), id })
    }
}

impl Room {
    pub(super) async fn append(
        &self,
        partition: Partition,
        values: &[&str],
    ) -> CaseResult<Vec<Ack>> {
        let records = values.iter().map(|value| record(value)).collect();
        Ok(self.transport.append(&self.topic, partition, records).await?)
    }

    /// One read of one partition.
    pub(super) async fn read(
        &self,
        partition: Partition,
        offset: Offset,
        wait: Duration,
    ) -> CaseResult<Page> {
        let options = ReadOptions { max_wait: wait, ..ReadOptions::default() };
        let at = [Position { partition, offset }];
        let pages = self.transport.read(&self.topic, self.id, &at, options).await?;
        match <[Page; 1]>::try_from(pages) {
            Ok([page]) if page.partition == partition => Ok(page),
            Ok([page]) => Err(Stop::Fail(format!("a page of partition {}", page.partition))),
            Err(pages) => Err(Stop::Fail(format!("{} pages for one position", pages.len()))),
        }
    }

    /// Reads from an offset on until `resume` has reached an offset.
    pub(super) async fn read_to(
        &self,
        partition: Partition,
        from: Offset,
        to: Offset,
    ) -> CaseResult<Vec<StoredRecord>> {
        let (mut records, mut next) = (Vec::new(), from);
        while next < to {
            let page = self.read(partition, next, WAIT).await?;
            if page.resume < next || page.end < page.resume {
                return Err(Stop::Fail(format!(
                    "resume {}, end {}, at {next}",
                    page.resume, page.end
                )));
            }
            next = page.resume;
            records.extend(page.records);
        }
        Ok(records)
    }

    /// Deletes the topic and ends the client.
    pub(super) async fn clean(self) -> CaseResult {
        self.transport.delete_topic(&self.topic).await?;
        self.transport.close().await;
        Ok(())
    }
}

pub(super) fn record(value: &str) -> Record {
    Record { key: None, value: Bytes::copy_from_slice(value.as_bytes()) }
}

/// Values as text, for comparison.
pub(super) fn values(records: &[StoredRecord]) -> Vec<String> {
    let text =
        |value: &Option<Bytes>| value.as_deref().map(String::from_utf8_lossy).map(String::from);
    records
        .iter()
        .map(|record| text(&record.value).unwrap_or_else(|| "(tombstone)".to_owned()))
        .collect()
}

/// One long poll; a case that expects records repeats it.
pub(super) const WAIT: Duration = Duration::from_secs(2);
