//! Where records for somebody go.

use std::num::NonZeroU32;

use chat_crypto::{EnvelopeContext, EnvelopeKind, MailboxTag, NetworkKey, SubkeyLabel};
use chat_transport::Partition;

use crate::handle::Handle;
use crate::namespace::Namespace;

/// A mailbox: one partition of the mail topic and a tag that means nothing to outsiders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Mailbox {
    pub(crate) partition: Partition,
    pub(crate) tag: MailboxTag,
}

impl Mailbox {
    /// The inbox of `handle`, which every holder of the network key can compute.
    pub(crate) fn inbox(
        key: &NetworkKey,
        namespace: &Namespace,
        handle: &Handle,
        partitions: NonZeroU32,
    ) -> Self {
        let tag_key = key.subkey(SubkeyLabel::InboxTag);
        let tag = MailboxTag::inbox(&tag_key, namespace.as_str(), handle.as_str());
        Self { partition: Partition(tag.derived_partition(partitions)), tag }
    }

    /// What an envelope of `kind` for this mailbox is bound to.
    pub(crate) fn context<'a>(
        &'a self,
        namespace: &'a Namespace,
        kind: EnvelopeKind,
    ) -> EnvelopeContext<'a> {
        EnvelopeContext {
            namespace: namespace.as_str(),
            kind,
            partition: self.partition.0,
            tag: &self.tag,
        }
    }

    /// `partition u32 | tag 16`: the mailbox's name in the outbox.
    pub(crate) fn to_bytes(self) -> [u8; 20] {
        let mut bytes = [0; 20];
        let (partition, tag) = bytes.split_at_mut(4);
        partition.copy_from_slice(&self.partition.0.to_be_bytes());
        tag.copy_from_slice(self.tag.as_bytes());
        bytes
    }

    /// The inverse of [`to_bytes`](Self::to_bytes).
    pub(crate) fn from_bytes(bytes: &[u8; 20]) -> Self {
        let [a, b, c, d, tag @ ..] = *bytes;
        let partition = Partition(u32::from_be_bytes([a, b, c, d]));
        Self { partition, tag: MailboxTag::from_bytes(tag) }
    }
}
