//! Questions to the cluster: topics, bounds, deletions.

use krafka::KrafkaError;
use krafka::admin::{
    ConfigResource, CreateTopicsOptions, DeleteRecordsOptions, DeleteTopicsOptions,
    DescribeClusterOptions, DescribeConfigsOptions, DescribeTopicsOptions, ListOffsetsOptions,
    NewTopic, OffsetSpec, TopicDescription, TopicPartition,
};

use super::errors::Asked;
use super::writer::Writer;
use super::{only, wire_offset, wire_partition};
use crate::error::TransportError;
use crate::record::{Bounds, LeaderEpoch, Offset, Partition};
use crate::topic::{TopicId, TopicInfo, TopicName, TopicSettings, TopicSpec, TopicState};

impl Writer {
    fn asked<'a>(&self, operation: &'static str, topic: &'a TopicName) -> Asked<'a> {
        Asked { operation, topic: Some(topic), append: false, within: self.timeouts.request }
    }

    pub(crate) async fn create_topic(&self, spec: &TopicSpec) -> Result<(), TransportError> {
        let asked = self.asked("the creation of a topic", &spec.name);
        let translate = |error: KrafkaError| self.errors.translate(&error, &asked);
        let partitions = i32::try_from(spec.partitions.get()).unwrap_or(i32::MAX);
        let spec = match spec.replication {
            Some(_) => spec.clone(),
            None => TopicSpec { replication: copies_on(self.brokers().await), ..spec.clone() },
        };
        let replication =
            spec.replication.map_or(-1, |copies| i16::try_from(copies).unwrap_or(i16::MAX));
        let topic =
            NewTopic::new(spec.name.as_str(), partitions, replication).map_err(translate)?;
        let topic = spec
            .configs()
            .into_iter()
            .fold(topic, |topic, (name, value)| topic.with_config(name, value));
        let created = self
            .admin
            .create_topics([topic], CreateTopicsOptions::default())
            .await
            .map_err(translate)?;
        only(created).unwrap_or(Ok(())).map_err(translate)
    }

    /// How many brokers can hold copies; 0 where nobody says it.
    async fn brokers(&self) -> usize {
        let described = self.admin.describe_cluster(DescribeClusterOptions::default()).await;
        described.map_or(0, |cluster| cluster.brokers.iter().filter(|b| !b.is_fenced).count())
    }

    /// Identity and settings of a topic, asked at once.
    pub(crate) async fn topic(&self, topic: &TopicName) -> Result<TopicInfo, TransportError> {
        let (description, settings) = tokio::join!(self.description(topic), self.settings(topic));
        let description = description?;
        self.remember_limit(topic, settings.as_ref());
        let id = identity(topic, &description)?;
        let partitions = u32::try_from(description.partitions.len()).unwrap_or(u32::MAX);
        let replication =
            description.partitions.first().map_or(0, |partition| partition.replicas.len());
        let replication = u32::try_from(replication).unwrap_or(u32::MAX);
        Ok(TopicInfo { id, partitions, replication, settings })
    }

    /// See [`Transport::state`](crate::Transport::state). The settings are asked for until they are known, for
    /// what they limit.
    pub(crate) async fn state(
        &self,
        topic: &TopicName,
        partitions: &[Partition],
    ) -> Result<TopicState, TransportError> {
        let settings = async {
            if !self.knows_limit(topic) {
                self.remember_limit(topic, self.settings(topic).await.as_ref());
            }
            Ok(())
        };
        let offsets = self.asked_meanwhile(topic, partitions);
        let (description, (), offsets) =
            tokio::try_join!(self.description(topic), settings, offsets)?;
        let id = identity(topic, &description)?;
        let count = u32::try_from(description.partitions.len()).unwrap_or(u32::MAX);
        let bounds = bounds_of(topic, &description, (partitions, offsets))?;
        Ok(TopicState { id, partitions: count, bounds })
    }

    /// Whether a topic has a partition.
    pub(crate) async fn has_partition(
        &self,
        topic: &TopicName,
        partition: Partition,
    ) -> Result<bool, TransportError> {
        let wanted = wire_partition(partition);
        let description = self.description(topic).await?;
        Ok(description.partitions.iter().any(|found| found.partition == wanted))
    }

    /// The identity of a topic alone.
    pub(crate) async fn topic_id(&self, topic: &TopicName) -> Result<TopicId, TransportError> {
        Ok(TopicId(self.description(topic).await?.topic_id))
    }

    async fn description(&self, topic: &TopicName) -> Result<TopicDescription, TransportError> {
        let asked = self.asked("the description of a topic", topic);
        let translate = |error: KrafkaError| self.errors.translate(&error, &asked);
        let described =
            self.admin.describe_topics([topic.as_str()], DescribeTopicsOptions::default()).await;
        let unknown = TransportError::UnknownTopic { topic: topic.clone() };
        only(described.map_err(translate)?).ok_or(unknown)?.map_err(translate)
    }

    /// The settings of a topic; `None` where they may not be seen.
    async fn settings(&self, topic: &TopicName) -> Option<TopicSettings> {
        let resource = [ConfigResource::topic(topic.as_str())];
        let described =
            self.admin.describe_configs(resource, DescribeConfigsOptions::default()).await;
        let entries = only(described.ok()?)?.ok()?;
        if entries.is_empty() {
            return None;
        }
        Some(TopicSettings::parse(
            entries.iter().filter_map(|e| Some((e.name.as_str(), e.value.as_deref()?))),
        ))
    }

    pub(crate) async fn bounds(
        &self,
        topic: &TopicName,
        partitions: &[Partition],
    ) -> Result<Vec<Bounds>, TransportError> {
        let offsets = self.asked_meanwhile(topic, partitions);
        let (description, offsets) = tokio::try_join!(self.description(topic), offsets)?;
        bounds_of(topic, &description, (partitions, offsets))
    }

    /// Starts and ends of partitions, whose own errors count only once their topic is known to be there.
    async fn asked_meanwhile(
        &self,
        topic: &TopicName,
        partitions: &[Partition],
    ) -> Result<Result<Offsets, TransportError>, TransportError> {
        if partitions.is_empty() {
            return Ok(Ok(Offsets::default()));
        }
        Ok(tokio::try_join!(
            self.offsets(topic, partitions, OffsetSpec::Earliest),
            self.offsets(topic, partitions, OffsetSpec::Latest)
        )
        .map(|(starts, ends)| Offsets { starts, ends }))
    }

    async fn offsets(
        &self,
        topic: &TopicName,
        partitions: &[Partition],
        spec: OffsetSpec,
    ) -> Result<Vec<Offset>, TransportError> {
        let asked = self.asked("the bounds of a partition", topic);
        let key =
            |partition: &Partition| TopicPartition::new(topic.as_str(), wire_partition(*partition));
        let specs = partitions.iter().map(|partition| (key(partition), spec));
        let listed = self.admin.list_offsets(specs, ListOffsetsOptions::default()).await;
        let mut listed = listed.map_err(|error| self.errors.translate(&error, &asked))?;
        let offset = |partition: &Partition| {
            let found = listed.remove(&key(partition));
            let missing = || TransportError::Protocol {
                what: format!("no offset for partition {partition}"),
            };
            let offset = found
                .ok_or_else(missing)?
                .map_err(|error| self.errors.translate(&error, &asked))?
                .offset;
            u64::try_from(offset).map(Offset).map_err(|_| missing())
        };
        partitions.iter().map(offset).collect()
    }

    pub(crate) async fn delete_topic(&self, topic: &TopicName) -> Result<(), TransportError> {
        let asked = self.asked("the deletion of a topic", topic);
        let translate = |error: KrafkaError| self.errors.translate(&error, &asked);
        let deleted =
            self.admin.delete_topics([topic.as_str()], DeleteTopicsOptions::default()).await;
        only(deleted.map_err(translate)?).unwrap_or(Ok(())).map_err(translate)
    }

    pub(crate) async fn delete_records(
        &self,
        topic: &TopicName,
        partition: Partition,
        before: Offset,
    ) -> Result<(), TransportError> {
        let bounds = self.bounds(topic, &[partition]).await?;
        if let Some(bounds) = bounds.into_iter().find(|bounds| bounds.end < before) {
            return Err(TransportError::OutOfRange { topic: topic.clone(), asked: before, bounds });
        }
        let asked = self.asked("the deletion of records", topic);
        let translate = |error: KrafkaError| self.errors.translate(&error, &asked);
        let at =
            [(TopicPartition::new(topic.as_str(), wire_partition(partition)), wire_offset(before))];
        let deleted = self
            .admin
            .delete_records(at, DeleteRecordsOptions::default())
            .await
            .map_err(translate)?;
        only(deleted).unwrap_or(Ok(0)).map(drop).map_err(translate)
    }
}

/// Where partitions start and end, in the order in which they were asked for.
#[derive(Default)]
struct Offsets {
    starts: Vec<Offset>,
    ends: Vec<Offset>,
}

/// Bounds under the leaders that a description names.
fn bounds_of(
    topic: &TopicName,
    description: &TopicDescription,
    (partitions, offsets): (&[Partition], Result<Offsets, TransportError>),
) -> Result<Vec<Bounds>, TransportError> {
    let is_unknown = |partition: &&Partition| {
        usize::try_from(partition.0).is_ok_and(|p| p >= description.partitions.len())
    };
    if let Some(unknown) = partitions.iter().find(is_unknown) {
        return Err(TransportError::UnknownPartition { topic: topic.clone(), partition: *unknown });
    }
    let Offsets { starts, ends } = offsets?;
    let bounds = partitions.iter().zip(starts).zip(ends).map(|((partition, start), end)| {
        let leader =
            description.partitions.iter().find(|p| p.partition == wire_partition(*partition));
        let leader_epoch =
            leader.and_then(|p| u32::try_from(p.leader_epoch?).ok()).map(LeaderEpoch);
        // Asked one beside the other: a deletion in between may have moved the start only.
        Bounds { partition: *partition, start: start.min(end), end, leader_epoch }
    });
    Ok(bounds.collect())
}

/// How many copies a topic gets where nobody asked for a number: with three, one broker may die without
/// its acknowledged records. Fewer brokers than that are left to the cluster's own setting.
fn copies_on(brokers: usize) -> Option<u16> {
    (brokers >= 3).then_some(3)
}

/// The identity that a description names; every topic of a cluster that is recent enough has one.
fn identity(topic: &TopicName, description: &TopicDescription) -> Result<TopicId, TransportError> {
    if description.topic_id == [0; 16] {
        return Err(TransportError::Protocol { what: format!("topic {topic} has no id") });
    }
    Ok(TopicId(description.topic_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_brokers_keep_three_copies() {
        assert_eq!([0, 1, 2, 3, 9].map(copies_on), [None, None, None, Some(3), Some(3)]);
    }
}
