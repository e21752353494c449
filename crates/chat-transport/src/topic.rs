//! Topics: names, identities, settings.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::record::Bounds;

/// The name of a topic: 1 to 249 characters of `a-z`, `A-Z`, `0-9`, `.`, `_`, `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicName(String);

impl TopicName {
    /// Checks a name.
    ///
    /// # Errors
    /// [`TopicNameError`] if Kafka would refuse it.
    pub fn new(name: &str) -> Result<Self, TopicNameError> {
        let good = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        let fine = (1..=249).contains(&name.len())
            && name.bytes().all(good)
            && name != "."
            && name != "..";
        if fine { Ok(Self(name.to_owned())) } else { Err(TopicNameError) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A text is no name of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a topic's name has 1 to 249 characters of a-z, A-Z, 0-9, '.', '_' and '-'")]
pub struct TopicNameError;

/// What a topic is called for ever: one that is made anew under the same name has another.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TopicId(pub [u8; 16]);

impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TopicId({self})")
    }
}

/// When the broker removes records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cleanup {
    /// By age; `None` leaves the age to the cluster.
    Delete {
        /// How long records are kept at least.
        retention: Option<Duration>,
    },
    /// All but the newest of each key.
    Compact,
}

/// A topic to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    /// Its name.
    pub name: TopicName,
    /// Its partitions.
    pub partitions: NonZeroU32,
    /// Copies of each record; `None`: three where there are three brokers, else the cluster's own number.
    pub replication: Option<u16>,
    /// The largest batch of records that it takes, in bytes.
    pub max_record_bytes: u32,
    /// When records are removed.
    pub cleanup: Cleanup,
}

impl TopicSpec {
    /// The topic's settings as Kafka names them.
    ///
    /// Records are stamped with the broker's time: with a client's, a wrong clock would let
    /// retention delete a record at once.
    pub fn configs(&self) -> Vec<(&'static str, String)> {
        let mut configs = vec![
            ("message.timestamp.type", "LogAppendTime".to_owned()),
            ("max.message.bytes", self.max_record_bytes.to_string()),
            // Sealed bytes do not compress; what strangers compress, the broker unpacks and checks,
            // instead of every reader.
            ("compression.type", "uncompressed".to_owned()),
        ];
        match self.cleanup {
            Cleanup::Delete { retention } => {
                configs.push(("cleanup.policy", "delete".to_owned()));
                configs.extend(retention.map(|r| ("retention.ms", r.as_millis().to_string())));
            }
            Cleanup::Compact => configs.extend([
                ("cleanup.policy", "compact".to_owned()),
                ("segment.ms", Duration::from_hours(1).as_millis().to_string()),
                ("max.compaction.lag.ms", Duration::from_hours(24).as_millis().to_string()),
            ]),
        }
        if self.replication.is_some_and(|copies| copies >= 3) {
            configs.push(("min.insync.replicas", "2".to_owned()));
            configs.push(("unclean.leader.election.enable", "false".to_owned()));
        }
        configs
    }
}

/// A topic as the cluster describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicInfo {
    /// Its identity.
    pub id: TopicId,
    /// Its partitions.
    pub partitions: u32,
    /// Copies of each record.
    pub replication: u32,
    /// Its settings; `None` if this principal may not see them.
    pub settings: Option<TopicSettings>,
}

/// What must be known of a topic before it is written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicState {
    /// Its identity.
    pub id: TopicId,
    /// Its partitions.
    pub partitions: u32,
    /// Where the logs of the partitions that were asked for begin and end, in the order asked for.
    pub bounds: Vec<Bounds>,
}

/// Settings of a topic; each is `None` where the cluster did not tell it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicSettings {
    /// Who gives records their time.
    pub timestamp_type: Option<TimestampType>,
    /// Whether it is compacted.
    pub compacted: Option<bool>,
    /// How long records are kept; `Some(None)` is for ever.
    pub retention: Option<Option<Duration>>,
    /// The largest batch of records, in bytes.
    pub max_record_bytes: Option<u32>,
    /// Copies that must take a record before it is acknowledged.
    pub min_insync_replicas: Option<u32>,
    /// Whether readers may meet compressed batches.
    pub compressed: Option<bool>,
}

/// Who gives records their time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampType {
    /// The client.
    Create,
    /// The broker.
    LogAppend,
}

impl TopicSettings {
    /// Reads settings as Kafka names them; what is not understood is left out.
    pub(crate) fn parse<'a>(configs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut settings = Self::default();
        for (name, value) in configs {
            match name {
                "message.timestamp.type" => {
                    settings.timestamp_type = match value {
                        "LogAppendTime" => Some(TimestampType::LogAppend),
                        "CreateTime" => Some(TimestampType::Create),
                        _ => None,
                    }
                }
                "cleanup.policy" => {
                    settings.compacted = Some(value.split(',').any(|p| p.trim() == "compact"))
                }
                "retention.ms" => {
                    settings.retention = value
                        .parse::<i64>()
                        .ok()
                        .map(|ms| u64::try_from(ms).ok().map(Duration::from_millis));
                }
                "compression.type" => settings.compressed = Some(value != "uncompressed"),
                "max.message.bytes" => settings.max_record_bytes = value.parse().ok(),
                "min.insync.replicas" => settings.min_insync_replicas = value.parse().ok(),
                _ => {}
            }
        }
        settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_kafka() {
        for good in ["a", "ops.mail", "A_b-1.9", &"x".repeat(249)] {
            assert_eq!(TopicName::new(good).unwrap().as_str(), good);
        }
        for bad in ["", ".", "..", "a b", "a/b", "\u{fc}", &"x".repeat(250)] {
            assert_eq!(TopicName::new(bad), Err(TopicNameError), "{bad}");
        }
    }

    #[test]
    fn settings_are_written_and_read_back() {
        let retention = Some(Duration::from_hours(720));
        let mut spec = TopicSpec {
            name: TopicName::new("ops.mail").unwrap(),
            partitions: NonZeroU32::new(16).unwrap(),
            replication: Some(3),
            max_record_bytes: 8 << 20,
            cleanup: Cleanup::Delete { retention },
        };
        let parse = |spec: &TopicSpec| {
            TopicSettings::parse(spec.configs().iter().map(|(name, value)| (*name, value.as_str())))
        };
        let settings = parse(&spec);
        assert_eq!(settings.timestamp_type, Some(TimestampType::LogAppend));
        assert_eq!(settings.retention, Some(retention));
        assert_eq!((settings.max_record_bytes, settings.compacted), (Some(8 << 20), Some(false)));
        assert_eq!(settings.min_insync_replicas, Some(2));
        spec.cleanup = Cleanup::Compact;
        spec.replication = None;
        assert_eq!((parse(&spec).compacted, parse(&spec).min_insync_replicas), (Some(true), None));
        assert_eq!(TopicSettings::parse([("retention.ms", "-1")]).retention, Some(None));
    }
}
