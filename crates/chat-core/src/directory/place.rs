//! Where records lie in the directory, and what is around them.

use std::num::NonZeroU32;

use chat_crypto::{
    DeviceCertificate, DirectoryKey, Envelope, EnvelopeContext, EnvelopeKind, IdentityPublic,
    KeyId, NetworkKey, Protected, Protection, SealError, Subkey, SubkeyLabel,
};
use chat_store::ReadTxn;
use chat_transport::{Partition, Record, StoredRecord, TopicName};

use super::own::{RecordKeys, Under};
use crate::client::stored_network;
use crate::clock::now_ms;
use crate::error::DirectoryError;
use crate::handle::Handle;
use crate::namespace::Namespace;
use crate::network::Network;

/// A network's directory: its topic, and the keys that lead to its records.
pub(crate) struct Place {
    pub(crate) namespace: Namespace,
    pub(crate) topic: TopicName,
    /// The most bytes of a record: a read must be able to return one.
    pub(crate) max_record: u32,
    partitions: NonZeroU32,
    /// Where and how whoever holds the newest network key publishes.
    newest: Generation,
    /// Those from before: whoever lacks the newest key publishes there.
    older: Vec<Generation>,
    /// Which of the older ones is that of whoever lacks the newest key, while that is new.
    widest: Option<usize>,
    /// The network keys that those are of.
    keys: Vec<KeyId>,
}

/// What one network key makes of the directory.
struct Generation {
    envelope: Subkey,
    tags: Subkey,
}

impl Generation {
    fn of(key: &NetworkKey) -> Self {
        Self {
            envelope: key.subkey(SubkeyLabel::Envelope),
            tags: key.subkey(SubkeyLabel::DirectoryTag),
        }
    }
}

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordKind {
    Entry,
    KeyPackage,
}

/// A record of the directory that opened: some holder of the network key has sealed it, for this key and this
/// partition.
pub(crate) struct Opened {
    pub(crate) key: [u8; 16],
    pub(crate) kind: RecordKind,
    pub(crate) body: Vec<u8>,
}

impl Place {
    pub(crate) fn new(network: &Network) -> Self {
        let older = network.keys().older().iter();
        let widest = network.keys().widest(now_ms()).key.id();
        Self {
            namespace: network.namespace().clone(),
            topic: network.directory_topic(),
            max_record: network.max_record(),
            partitions: network.partitions(),
            newest: Generation::of(network.sealing_key()),
            older: older.map(|generation| Generation::of(&generation.key)).collect(),
            widest: network.keys().older().iter().position(|one| one.key.id() == widest),
            keys: network.keys().iter().map(|generation| generation.key.id()).collect(),
        }
    }

    /// Whether the network that is stored has other keys: what lies under those cannot be told from junk here.
    pub(crate) fn is_outdated(&self, tx: &ReadTxn<'_>) -> Result<bool, DirectoryError> {
        let stored = stored_network::<DirectoryError>(tx)?;
        Ok(stored.is_some_and(|network| {
            !network.keys().iter().map(|of| of.key.id()).eq(self.keys.iter().copied())
        }))
    }

    fn generations(&self) -> impl Iterator<Item = &Generation> {
        std::iter::once(&self.newest).chain(&self.older)
    }

    /// Where all records of a handle are published.
    pub(crate) fn partition(&self, handle: &str) -> Partition {
        self.partition_in(&self.newest, handle)
    }

    fn widest(&self) -> Option<&Generation> {
        self.widest.and_then(|place| self.older.get(place))
    }

    /// Where records of a handle are published, too, while the newest network key is new.
    pub(crate) fn widest_partition(&self, handle: &str) -> Option<Partition> {
        self.widest().map(|generation| self.partition_in(generation, handle))
    }

    /// The keys that a device's records are published under, too.
    pub(crate) fn widest_keys(
        &self,
        handle: &str,
        device: &DeviceCertificate,
    ) -> Option<RecordKeys> {
        let of = self.widest()?;
        Some(RecordKeys {
            entry: self.entry_key_in(of, handle, device.identity()),
            key_package: self.key_package_key_in(of, device),
        })
    }

    /// Where records of a handle may lie, whichever of the network keys its owner holds.
    pub(crate) fn partitions(&self, handle: &str) -> impl Iterator<Item = Partition> {
        self.generations().map(move |generation| self.partition_in(generation, handle))
    }

    fn partition_in(&self, generation: &Generation, handle: &str) -> Partition {
        let (tags, namespace) = (&generation.tags, self.namespace.as_str());
        Partition(DirectoryKey::partition(tags, namespace, handle, self.partitions))
    }

    /// The key that an identity's entry is published under.
    pub(crate) fn entry_key(&self, handle: &str, identity: &IdentityPublic) -> [u8; 16] {
        self.entry_key_in(&self.newest, handle, identity)
    }

    /// Whether a key is that of an identity's entry, under whichever network key.
    pub(crate) fn is_entry_key(
        &self,
        key: &[u8; 16],
        (handle, identity): (&str, &IdentityPublic),
    ) -> bool {
        self.generations().any(|of| self.entry_key_in(of, handle, identity) == *key)
    }

    fn entry_key_in(&self, of: &Generation, handle: &str, identity: &IdentityPublic) -> [u8; 16] {
        *DirectoryKey::entry(&of.tags, self.namespace.as_str(), handle, identity).as_bytes()
    }

    /// The key that a device's KeyPackage is published under.
    pub(crate) fn key_package_key(&self, device: &DeviceCertificate) -> [u8; 16] {
        self.key_package_key_in(&self.newest, device)
    }

    /// Whether a key is that of a device's KeyPackage, under whichever network key.
    pub(crate) fn is_key_package_key(&self, key: &[u8; 16], device: &DeviceCertificate) -> bool {
        self.generations().any(|of| self.key_package_key_in(of, device) == *key)
    }

    fn key_package_key_in(&self, of: &Generation, device: &DeviceCertificate) -> [u8; 16] {
        *DirectoryKey::key_package(&of.tags, self.namespace.as_str(), device).as_bytes()
    }

    /// A record, sealed.
    ///
    /// # Errors
    /// [`SealError`] for a body that is longer than an envelope holds.
    pub(crate) fn seal(
        &self,
        (partition, under): (Partition, Under),
        (key, kind): ([u8; 16], RecordKind),
        body: &[u8],
    ) -> Result<Record, SealError> {
        let of = match under {
            Under::Newest => &self.newest,
            Under::Widest => self.widest().unwrap_or(&self.newest),
        };
        let tag = DirectoryKey::from_bytes(key).tag();
        let context = self.context(partition, &tag);
        let content = Protected::new(PROTECTION, &[&[kind.number()], body].concat());
        let envelope = Envelope::seal(&of.envelope, &context, &content, &mut rand::rng())?;
        Ok(Record { key: Some(key.to_vec().into()), value: envelope.into_bytes().into() })
    }

    /// What lies in a record; `None` for a tombstone, and for what nobody here has sealed for its key.
    pub(crate) fn open(&self, partition: Partition, record: &StoredRecord) -> Option<Opened> {
        let key: [u8; 16] = record.key.as_deref()?.try_into().ok()?;
        let envelope = Envelope::parse(record.value.as_deref()?).ok()?;
        let tag = DirectoryKey::from_bytes(key).tag();
        let keys: Vec<&Subkey> = self.generations().map(|of| &of.envelope).collect();
        let content = envelope.open(&keys, &self.context(partition, &tag)).ok()?;
        if content.protection() != PROTECTION {
            return None;
        }
        let (number, body) = content.body().split_first()?;
        Some(Opened { key, kind: RecordKind::of(*number)?, body: body.to_vec() })
    }

    fn context<'a>(
        &'a self,
        partition: Partition,
        tag: &'a chat_crypto::MailboxTag,
    ) -> EnvelopeContext<'a> {
        EnvelopeContext {
            namespace: self.namespace.as_str(),
            kind: EnvelopeKind::Directory,
            partition: partition.0,
            tag,
        }
    }

    /// Under which network keys a handle's records are published in a partition.
    pub(crate) fn own_records_at(&self, partition: Partition, handle: &Handle) -> Vec<Under> {
        let newest = (Some(self.partition(handle.as_str())), Under::Newest);
        let widest = (self.widest_partition(handle.as_str()), Under::Widest);
        let here = [newest, widest].into_iter().filter(|(at, _)| *at == Some(partition));
        here.map(|(_, under)| under).collect()
    }

    /// Whether a handle's records may lie in a partition.
    pub(crate) fn is_at(&self, partition: Partition, handle: &Handle) -> bool {
        self.partitions(handle.as_str()).any(|at| at == partition)
    }
}

impl RecordKind {
    fn number(self) -> u8 {
        match self {
            Self::Entry => 1,
            Self::KeyPackage => 2,
        }
    }

    fn of(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Entry),
            2 => Some(Self::KeyPackage),
            _ => None,
        }
    }
}

/// Records are signed, and sealed under what all members share.
const PROTECTION: Protection = Protection::SignedSharedKey;
