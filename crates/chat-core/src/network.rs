//! A network as a profile knows it: where it lives, and the key that hides it.

use std::num::NonZeroU32;

use chat_crypto::{EnvelopeKind, KeyId, NetworkKey, Subkey, SubkeyLabel};
use chat_stego::{ProbeKey, StegoKey};
use chat_transport::TopicName;
use serde::{Deserialize, Serialize};

use crate::clock::now_ms;
use crate::error::StoredValueError;
use crate::handle::Handle;
use crate::history_row;
use crate::mailbox::Mailbox;
use crate::namespace::Namespace;
use crate::network::fields::NetworkFields;
use crate::network::keys::{KeyGeneration, NetworkKeys};

pub use self::hints::{ConnectionHints, SecurityKind, UnknownSecurity};

pub(crate) mod create;
pub(crate) mod fields;
mod hints;
pub(crate) mod invite;
pub(crate) mod keys;
pub(crate) mod line;
pub(crate) mod rotation;

/// A network: people who share a namespace on a cluster, and the network key.
///
/// Secret: it holds the key. `Debug` shows the key's id only.
#[derive(Clone, Debug)]
pub struct Network {
    pub(crate) fields: NetworkFields,
    pub(crate) pending: Option<PendingTopics>,
}

/// What `network create` was asked for, kept until an administrator has made the topics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PendingTopics {
    pub(crate) retention_ms: u64,
    pub(crate) replication: Option<u16>,
}

impl Network {
    /// The namespace: the prefix of the topics' names.
    pub fn namespace(&self) -> &Namespace {
        &self.fields.namespace
    }

    /// The bootstrap servers, as `host:port`.
    pub fn brokers(&self) -> &[String] {
        &self.fields.brokers
    }

    /// The partitions of the mail topic at its creation; inboxes are spread over these for ever.
    pub fn partitions(&self) -> NonZeroU32 {
        self.fields.partitions
    }

    /// The largest record that the mail topic takes, in bytes.
    pub fn max_record(&self) -> u32 {
        self.fields.max_record
    }

    /// How to connect, as far as the network says so.
    pub fn connection(&self) -> &ConnectionHints {
        &self.fields.hints
    }

    /// The public name of the key that seals.
    pub fn key_id(&self) -> KeyId {
        self.sealing_key().id()
    }

    /// The number of the key that seals; the first key of a network has number 1.
    pub fn key_number(&self) -> u32 {
        self.keys().newest().number
    }

    /// The public names of older keys that still open, the newest first.
    pub fn older_keys(&self) -> Vec<KeyId> {
        self.keys().older().iter().map(|older| older.key.id()).collect()
    }

    /// Whether the topics are still to be made by an administrator.
    pub fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// The topic that carries messages.
    pub fn mail_topic(&self) -> TopicName {
        self.namespace().mail_topic()
    }

    /// The topic that carries what people publish about themselves.
    pub fn directory_topic(&self) -> TopicName {
        self.namespace().directory_topic()
    }

    /// The key that seals: the one with the highest number.
    pub(crate) fn sealing_key(&self) -> &NetworkKey {
        &self.fields.keys.newest().key
    }

    /// All keys, the newest first.
    pub(crate) fn keys(&self) -> &NetworkKeys {
        &self.fields.keys
    }

    /// The network as whoever holds only this key of it sees it.
    pub(crate) fn under(&self, one: &KeyGeneration) -> Self {
        let keys = NetworkKeys::from(one.clone());
        Self { fields: NetworkFields { keys, ..self.fields.clone() }, pending: self.pending }
    }

    /// The network as it is kept: none of its keys was made later than now.
    pub(crate) fn by_now(&self, now_ms: i64) -> Self {
        let keys = self.keys().clone().by_now(now_ms);
        Self { fields: NetworkFields { keys, ..self.fields.clone() }, pending: self.pending }
    }

    /// The network as those members see it, too, who have not taken its newest key yet: whatever MLS or an inbox key
    /// protects reaches all.
    pub(crate) fn widest(&self) -> Self {
        self.under(self.keys().widest(now_ms()))
    }

    /// The network under the key that leads to somebody's inbox; as it is, if none of its keys does.
    pub(crate) fn of_inbox(&self, handle: &Handle, mailbox: &Mailbox) -> Self {
        let mut views = self.keys().iter().map(|generation| self.under(generation));
        views.find(|network| network.inbox(handle) == *mailbox).unwrap_or_else(|| self.clone())
    }

    /// Somebody's inboxes, one for each key, the newest first.
    pub(crate) fn inboxes(&self, handle: &Handle) -> Vec<Mailbox> {
        self.keys().iter().map(|generation| self.under(generation).inbox(handle)).collect()
    }

    /// The key that tells which pictures carry something for somebody in this network.
    pub(crate) fn probe_key(&self) -> ProbeKey {
        ProbeKey::from_bytes(*self.sealing_key().subkey(SubkeyLabel::Picture).expose_bytes())
    }

    /// The key that hides what pictures carry to an inbox under the newest key.
    pub(crate) fn picture_key(&self, mailbox: &Mailbox) -> StegoKey {
        self.picture_key_under(mailbox, &self.sealing_key().subkey(SubkeyLabel::Envelope))
    }

    /// The key that hides what pictures carry to a group's mailbox whose envelopes are sealed under `key`.
    pub(crate) fn picture_key_of_group(&self, mailbox: &Mailbox, key: &Subkey) -> StegoKey {
        self.widest().picture_key_under(mailbox, key)
    }

    fn picture_key_under(&self, mailbox: &Mailbox, key: &Subkey) -> StegoKey {
        let context = mailbox.context(self.namespace(), EnvelopeKind::Picture);
        let body = context.picture_key(key);
        StegoKey::with_probe(self.probe_key(), *body.expose_bytes())
    }

    /// The inbox of somebody in this network.
    pub(crate) fn inbox(&self, handle: &Handle) -> Mailbox {
        Mailbox::inbox(self.sealing_key(), self.namespace(), handle, self.partitions())
    }

    /// The row that keeps the network in the store.
    pub(crate) fn to_row(&self) -> Result<zeroize::Zeroizing<Vec<u8>>, StoredValueError> {
        let fields = self.fields.encode();
        history_row::encode(&Row { fields: &fields, pending: self.pending })
    }

    /// The inverse of [`to_row`](Self::to_row).
    pub(crate) fn from_row(bytes: &[u8]) -> Result<Self, StoredValueError> {
        let row: Row<'_> = history_row::decode(bytes)?;
        let fields = NetworkFields::decode(row.fields).map_err(|_| StoredValueError::format())?;
        Ok(Network { fields: fields.network, pending: row.pending })
    }
}

#[derive(Serialize, Deserialize)]
struct Row<'a> {
    fields: &'a [u8],
    pending: Option<PendingTopics>,
}
