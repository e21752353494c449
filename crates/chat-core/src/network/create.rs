//! Making a network: its key, and its two topics.

use std::num::NonZeroU32;
use std::time::Duration;

use chat_crypto::NetworkKey;
use chat_transport::{
    Cleanup, Partition, TimestampType, TopicInfo, TopicName, TopicSpec, Transport, TransportError,
};

use super::fields::NetworkFields;
use super::keys::NetworkKeys;
use super::{ConnectionHints, Network, PendingTopics};
use crate::error::{Error, NetworkError};
use crate::namespace::Namespace;

/// What a new network shall be.
#[derive(Debug)]
pub struct NewNetwork {
    /// Its name on the cluster.
    pub namespace: Namespace,
    /// Its bootstrap servers, `host:port`, at least one.
    pub brokers: Vec<String>,
    /// Its key; `None` makes one.
    pub key: Option<NetworkKey>,
    /// Partitions of each topic: inboxes are spread over them for ever. `None`: as it was begun, or 16.
    pub partitions: Option<NonZeroU32>,
    /// How long the broker keeps messages. `None`: as it was begun, or 30 days.
    pub retention: Option<Duration>,
    /// Copies of each record. `None`: as it was begun, or three where there are three brokers, else the
    /// cluster's own number.
    pub replication: Option<u16>,
    /// How to connect; travels in invites.
    pub hints: ConnectionHints,
}

impl NewNetwork {
    /// A network with a new key, 16 partitions, 30 days of retention, and three copies where there are
    /// three brokers.
    ///
    /// * `brokers` - bootstrap servers for the invite, as `host:port`
    pub fn new(namespace: Namespace, brokers: Vec<String>) -> Self {
        Self {
            namespace,
            brokers,
            key: None,
            partitions: None,
            retention: None,
            replication: None,
            hints: ConnectionHints::default(),
        }
    }
}

/// What making a network came to.
#[derive(Debug)]
#[non_exhaustive]
pub enum NetworkOutcome {
    /// It is made, and joined.
    Ready {
        /// The network.
        network: Network,
        /// What an administrator should look at.
        warnings: Vec<String>,
    },
    /// This principal may not make topics. The key is kept; run it again once they are made.
    NeedsAdministrator {
        /// The network, waiting.
        network: Network,
        /// Commands for an administrator of the cluster.
        commands: Vec<String>,
        /// What the cluster said.
        reason: Error,
    },
}

/// The largest record that a mail topic is made for, in bytes.
pub const MAX_RECORD: u32 = 8 * 1024 * 1024;

/// A network whose topics are still to be made.
pub(crate) fn draft(new: NewNetwork) -> Result<Network, NetworkError> {
    let NewNetwork { namespace, brokers, key, partitions, retention, replication, hints } = new;
    let key = key.unwrap_or_else(|| NetworkKey::generate(&mut rand::rng()));
    let keys = NetworkKeys::first(key);
    let fields = NetworkFields {
        namespace,
        brokers,
        partitions: partitions.unwrap_or(PARTITIONS),
        max_record: MAX_RECORD,
        keys,
        hints,
    };
    if !fields.fits() {
        return Err(NetworkError::TooLong);
    }
    let retention_ms = milliseconds(retention);
    Ok(Network { fields, pending: Some(PendingTopics { retention_ms, replication }) })
}

fn milliseconds(retention: Option<Duration>) -> u64 {
    u64::try_from(retention.unwrap_or(RETENTION).as_millis()).unwrap_or(u64::MAX)
}

/// The network that was begun before, with what is asked for now: everything else stays, unless the
/// namespace changes.
pub(crate) fn resume(begun: Network, mut new: NewNetwork) -> Result<Network, NetworkError> {
    let same = new.namespace == *begun.namespace();
    if let (true, Some(pending)) = (same, &begun.pending) {
        new.partitions.get_or_insert(begun.partitions());
        new.retention.get_or_insert(Duration::from_millis(pending.retention_ms));
        new.replication = new.replication.or(pending.replication);
    }
    let keep = same && new.key.is_none();
    let mut network = draft(new)?;
    if keep {
        network.fields.keys = begun.fields.keys;
    }
    Ok(network)
}

/// Makes the topics of a network, or takes those that are there, if they can be its.
pub(crate) async fn make_topics(
    transport: &dyn Transport,
    mut network: Network,
) -> Result<NetworkOutcome, NetworkError> {
    let specs = [mail_spec(&network), directory_spec(&network)];
    let mut warnings = Vec::new();
    for spec in &specs {
        match ensure(transport, spec).await {
            Ok(info) => warnings.extend(check(transport, spec, &info).await?),
            Err(error @ TransportError::Denied { .. }) => {
                let commands = administrator_commands(&network, &specs);
                return Ok(NetworkOutcome::NeedsAdministrator {
                    network,
                    commands,
                    reason: error.into(),
                });
            }
            Err(error) => return Err(error.into()),
        }
    }
    let mail = transport.topic(&network.mail_topic()).await?;
    if let Some(settings) = mail.settings {
        network.fields.max_record = settings.max_record_bytes.unwrap_or(MAX_RECORD);
    }
    network.pending = None;
    Ok(NetworkOutcome::Ready { network, warnings })
}

/// Whether somebody asks for the network that a profile belongs to already.
pub(crate) fn is_same(network: &Network, new: &NewNetwork) -> bool {
    let key = new.key.as_ref().map(NetworkKey::id);
    network.namespace() == &new.namespace && key.is_none_or(|key| key == network.key_id())
}

/// Makes the topics of a network again that are gone; `None` if none is.
pub(crate) async fn remake_topics(
    transport: &dyn Transport,
    network: &Network,
    new: &NewNetwork,
) -> Result<Option<NetworkOutcome>, NetworkError> {
    let mut pending = network.clone();
    let retention_ms = milliseconds(new.retention);
    pending.pending = Some(PendingTopics { retention_ms, replication: new.replication });
    let specs = [mail_spec(&pending), directory_spec(&pending)];
    let mut made = Vec::new();
    for spec in &specs {
        match transport.topic(&spec.name).await {
            Err(TransportError::UnknownTopic { .. }) => {}
            other => {
                other?;
                continue;
            }
        }
        match transport.create_topic(spec).await {
            Ok(_) => made.push(format!("topic {} was gone and is made again", spec.name)),
            // Another member was quicker.
            Err(TransportError::TopicExists { .. }) => {}
            Err(error @ TransportError::Denied { .. }) => {
                let commands = administrator_commands(&pending, &specs);
                let (network, reason) = (network.clone(), error.into());
                return Ok(Some(NetworkOutcome::NeedsAdministrator { network, commands, reason }));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let network = network.clone();
    Ok((!made.is_empty()).then_some(NetworkOutcome::Ready { network, warnings: made }))
}

/// The topic, made if it is missing.
async fn ensure(transport: &dyn Transport, spec: &TopicSpec) -> Result<TopicInfo, TransportError> {
    match transport.topic(&spec.name).await {
        Err(TransportError::UnknownTopic { .. }) => {}
        other => return other,
    }
    match transport.create_topic(spec).await {
        Err(TransportError::TopicExists { .. }) => transport.topic(&spec.name).await,
        other => other,
    }
}

/// Whether a topic can be this network's: empty, and set as it must be.
async fn check(
    transport: &dyn Transport,
    spec: &TopicSpec,
    info: &TopicInfo,
) -> Result<Vec<String>, NetworkError> {
    let topic = &spec.name;
    let wrong = |setting, found: String, needed: &str| NetworkError::WrongSetting {
        topic: topic.clone(),
        setting,
        found,
        needed: needed.to_owned(),
    };
    let partitions: Vec<_> = (0..info.partitions).map(Partition).collect();
    let bounds = transport.bounds(topic, &partitions).await?;
    if bounds.iter().any(|bounds| bounds.start < bounds.end) {
        return Err(NetworkError::TopicInUse { topic: topic.clone() });
    }
    if info.partitions != spec.partitions.get() {
        return Err(wrong("partitions", info.partitions.to_string(), &spec.partitions.to_string()));
    }
    let mut warnings = Vec::new();
    let Some(settings) = &info.settings else {
        return Ok(vec![format!(
            "this principal may not see the settings of topic {topic}: have them checked"
        )]);
    };
    if settings.timestamp_type.is_some_and(|kind| kind != TimestampType::LogAppend) {
        return Err(wrong("message.timestamp.type", "CreateTime".into(), "LogAppendTime"));
    }
    if settings
        .compacted
        .is_some_and(|compacted| compacted != matches!(spec.cleanup, Cleanup::Compact))
    {
        let [found, needed] = if matches!(spec.cleanup, Cleanup::Compact) {
            ["delete", "compact"]
        } else {
            ["compact", "delete"]
        };
        return Err(wrong("cleanup.policy", found.into(), needed));
    }
    if settings.compressed == Some(true) {
        warnings.push(format!(
            "topic {topic}: compression.type should be uncompressed, so that no reader has to unpack what strangers send"
        ));
    }
    if let (Cleanup::Delete { retention: Some(needed) }, Some(found)) =
        (&spec.cleanup, settings.retention)
        && found != Some(*needed)
    {
        let found = found.map_or("for ever".to_owned(), |found| found.as_millis().to_string());
        return Err(wrong("retention.ms", found, &needed.as_millis().to_string()));
    }
    if settings.max_record_bytes.is_some_and(|max| max < LEAST_MAX_RECORD) {
        let found = settings.max_record_bytes.unwrap_or_default().to_string();
        return Err(wrong("max.message.bytes", found, &format!("{LEAST_MAX_RECORD} or more")));
    }
    Ok(warnings)
}

fn mail_spec(network: &Network) -> TopicSpec {
    let retention = network.pending.map(|pending| Duration::from_millis(pending.retention_ms));
    spec(network, network.mail_topic(), Cleanup::Delete { retention })
}

fn directory_spec(network: &Network) -> TopicSpec {
    spec(network, network.directory_topic(), Cleanup::Compact)
}

fn spec(network: &Network, name: TopicName, cleanup: Cleanup) -> TopicSpec {
    TopicSpec {
        name,
        partitions: network.partitions(),
        replication: network.pending.and_then(|pending| pending.replication),
        max_record_bytes: network.max_record(),
        cleanup,
    }
}

/// What an administrator runs: the topics, and the rights of the network's members.
fn administrator_commands(network: &Network, specs: &[TopicSpec]) -> Vec<String> {
    let servers = network.brokers().join(",");
    let mut commands = Vec::new();
    for spec in specs {
        let replication =
            spec.replication.map_or(String::new(), |n| format!(" --replication-factor {n}"));
        let configs: String = spec
            .configs()
            .iter()
            .map(|(name, value)| format!(" --config {name}={value}"))
            .collect();
        commands.push(format!(
            "kafka-topics.sh --bootstrap-server {servers} --create --topic {} --partitions {}{replication}{configs}",
            spec.name, spec.partitions
        ));
    }
    for spec in specs {
        commands.push(format!(
            "kafka-acls.sh --bootstrap-server {servers} --add --allow-principal User:NAME \
             --operation Read --operation Write --operation Describe --operation DescribeConfigs --topic {}",
            spec.name
        ));
    }
    commands
}

/// Partitions of a network that names no number.
const PARTITIONS: NonZeroU32 = NonZeroU32::MIN.saturating_add(15);
/// How long messages are kept where nobody says.
const RETENTION: Duration = Duration::from_hours(30 * 24);
/// A mail topic with a smaller limit carries no useful message, in bytes.
const LEAST_MAX_RECORD: u32 = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_begun_stays_where_nothing_else_is_asked_for() {
        let new = |namespace: &str| {
            NewNetwork::new(namespace.parse().unwrap(), vec!["localhost:9092".to_owned()])
        };
        let first = NewNetwork {
            partitions: NonZeroU32::new(4),
            retention: Some(Duration::from_hours(1)),
            replication: Some(2),
            ..new("team")
        };
        let begun = draft(first).unwrap();
        let resumed = resume(begun.clone(), new("team")).unwrap();
        assert_eq!(resumed.partitions(), begun.partitions());
        assert_eq!(resumed.key_id(), begun.key_id());
        let pending = |network: &Network| {
            network.pending.map(|pending| (pending.retention_ms, pending.replication))
        };
        assert_eq!(pending(&resumed), Some((3_600_000, Some(2))));
        let changed = NewNetwork { partitions: NonZeroU32::new(8), ..new("team") };
        assert_eq!(resume(begun.clone(), changed).unwrap().partitions().get(), 8);
        let other = resume(begun.clone(), new("other")).unwrap();
        assert_eq!(other.partitions(), PARTITIONS);
        assert_ne!(other.key_id(), begun.key_id());
    }
}
