//! Opening records: pure, outside any transaction.

use std::num::NonZeroU32;

use chat_crypto::mls::GroupId;
use chat_crypto::{
    DeviceId, Envelope, KeyId, KnownCertificates, Protection as Layer, ReceivedContent,
    SignedSharedKey, Subkey, SubkeyLabel,
};
use chat_stego::ProbeKey;
use chat_transport::Partition;
use zeroize::Zeroizing;

use crate::content::{Content, Decoded};
use crate::conversation::Conversation;
use crate::handle::Handle;
use crate::item::{CarrierKind, Protection};
use crate::mailbox::Mailbox;
use crate::mutant::{Mutant, breaks};
use crate::namespace::Namespace;
use crate::network::Network;
use crate::network::keys::KeyGeneration;

/// The inbox of a profile, with everything that opens what lies in it.
pub(crate) struct Inbox {
    pub(crate) me: Handle,
    pub(crate) namespace: Namespace,
    /// Partitions that the mail topic must have at least.
    pub(crate) partitions: NonZeroU32,
    /// One for each network key, the newest first.
    pub(crate) mailboxes: Vec<InboxMailbox>,
    certificates: KnownCertificates,
}

/// Where those write to us who hold one of the network keys.
pub(crate) struct InboxMailbox {
    pub(crate) mailbox: Mailbox,
    /// The network key that leads to it.
    key_id: KeyId,
    /// The key of its envelopes.
    pub(super) key: Subkey,
    /// The key that tells which pictures carry something for the network.
    pub(super) probe: ProbeKey,
}

/// What a record turned out to be.
#[derive(Debug)]
pub(crate) enum Opened {
    /// Somebody else's: no trace of it is kept.
    Foreign,
    /// It names our mailbox and is not what our mailbox takes.
    Refused(Refusal),
    /// It lies in the mailbox of a conversation that MLS protects, and opens with none of its keys.
    Sealed(GroupId),
    /// It is ours and of a later version: the envelope as it came.
    Newer(Vec<u8>, CarrierKind),
    /// A message.
    Content(Box<OpenedContent>),
    /// A message or handshake of a conversation that MLS protects.
    Mls(Box<OpenedMls>),
    /// An invitation to such a conversation, or a word about one, in our inbox.
    Letter(OpenedLetter),
}

impl Opened {
    /// What came in `carrier` to one of our mailboxes and does not open.
    pub(super) fn unopened(carrier: CarrierKind) -> Self {
        match carrier {
            CarrierKind::Plain => Self::Refused(Refusal::Unreadable),
            // A picture that does not open may be anybody's.
            CarrierKind::Image => Self::Foreign,
        }
    }
}

/// What lay in the mailbox of a conversation, its envelope opened and nothing else looked at.
pub(crate) struct OpenedMls {
    pub(crate) group: GroupId,
    pub(crate) mailbox: Mailbox,
    /// The protected body: bytes of a stranger, up to the envelope's limit.
    pub(crate) message: Zeroizing<Vec<u8>>,
    pub(crate) carrier: CarrierKind,
}

impl std::fmt::Debug for OpenedMls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { group: _, mailbox, message, carrier } = self;
        write!(f, "OpenedMls({mailbox:?}, {} bytes, {carrier:?})", message.len())
    }
}

/// The body of a letter in the inbox: bytes of a stranger, up to the envelope's limit.
pub(crate) struct OpenedLetter {
    pub(crate) body: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for OpenedLetter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { body } = self;
        write!(f, "OpenedLetter({} bytes)", body.len())
    }
}

/// A content that was opened and belongs here.
#[derive(Debug)]
pub(crate) struct OpenedContent {
    pub(crate) content: Content,
    pub(crate) encoded: Zeroizing<Vec<u8>>,
    pub(crate) carrier: CarrierKind,
    /// The identity whose device has signed it; `None` if nobody has.
    pub(crate) signed_by: Option<[u8; 32]>,
    /// That device, where it has signed the content itself.
    pub(crate) device: Option<DeviceId>,
    /// What protected it.
    pub(crate) protection: Protection,
}

/// Why a record at our own tag was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It cannot be opened: noise, damage, another key.
    Unreadable,
    /// It opens and is not a content.
    Malformed,
    /// It opens and belongs somewhere else.
    WrongContext,
    /// It opens, and is not signed by who it says.
    Forged,
}

impl Inbox {
    /// The inbox of `me`.
    pub(crate) fn new(me: &Handle, network: &Network) -> Self {
        let mailbox = |generation: &KeyGeneration| {
            let of = network.under(generation);
            InboxMailbox {
                mailbox: of.inbox(me),
                key_id: of.key_id(),
                key: of.sealing_key().subkey(SubkeyLabel::Envelope),
                probe: of.probe_key(),
            }
        };
        Self {
            me: me.clone(),
            namespace: network.namespace().clone(),
            partitions: network.partitions(),
            mailboxes: network.keys().iter().map(mailbox).collect(),
            certificates: KnownCertificates::new(network.namespace().as_str()),
        }
    }

    /// Where those write to us who hold the newest network key.
    #[cfg(test)]
    pub(crate) fn newest(&self) -> &Mailbox {
        &self.mailboxes.first().unwrap().mailbox
    }

    /// Whether a mailbox of it lies in a partition.
    pub(crate) fn lies_in(&self, partition: Partition) -> bool {
        self.mailboxes.iter().any(|one| one.mailbox.partition == partition)
    }

    /// Whether it is what a network's keys lead to.
    pub(super) fn is_of(&self, network: &Network) -> bool {
        let keys = network.keys().iter().map(|generation| generation.key.id());
        keys.eq(self.mailboxes.iter().map(|one| one.key_id))
    }

    /// Opens an envelope that came in `carrier` to one of its mailboxes.
    pub(crate) fn open_envelope(
        &self,
        to: &InboxMailbox,
        (sealed, carrier): (Vec<u8>, CarrierKind),
    ) -> Opened {
        let context = to.mailbox.context(&self.namespace, carrier.envelope_kind());
        let opened =
            Envelope::parse(&sealed).and_then(|envelope| envelope.open(&[&to.key], &context));
        let Ok(protected) = opened else {
            return Opened::unopened(carrier);
        };
        let signed = match protected.protection() {
            Layer::SharedKey => None,
            Layer::SignedSharedKey => match SignedSharedKey::parse(&protected) {
                Ok(signed) => Some(signed),
                Err(_) => return Opened::Refused(Refusal::Malformed),
            },
            Layer::Mls => {
                let body = Zeroizing::new(protected.body().to_vec());
                return Opened::Letter(OpenedLetter { body });
            }
            _ => return Opened::Newer(sealed, carrier),
        };
        let encoded = signed.as_ref().map_or(protected.body(), ReceivedContent::unverified);
        match Content::decode(encoded) {
            Ok(Decoded::Content(content))
                if self.belongs_here(&content) || breaks(Mutant::AcceptForeignContext) =>
            {
                let encoded = Zeroizing::new(encoded.to_vec());
                match signed.map(|signed| self.signer_of(&content, &signed)).transpose() {
                    Ok(signer) => Opened::Content(Box::new(OpenedContent {
                        content,
                        encoded,
                        carrier,
                        signed_by: signer.map(|(identity, _)| identity),
                        device: signer.map(|(_, device)| device),
                        protection: match signer {
                            Some(_) => Protection::SignedSharedKey,
                            None => Protection::SharedKey,
                        },
                    })),
                    Err(refusal) => Opened::Refused(refusal),
                }
            }
            Ok(Decoded::Content(_)) => Opened::Refused(Refusal::WrongContext),
            Ok(Decoded::Newer) => Opened::Newer(sealed, carrier),
            Err(error) => {
                tracing::debug!(%error, "refused a content at our own tag");
                Opened::Refused(Refusal::Malformed)
            }
        }
    }

    /// The identity whose device has signed a content, which must be that of the sender it names, and the device.
    fn signer_of(
        &self,
        content: &Content,
        signed: &ReceivedContent<'_>,
    ) -> Result<([u8; 32], DeviceId), Refusal> {
        if breaks(Mutant::AcceptBadSignature) {
            return Ok(([0; 32], DeviceId::from_bytes([0; 16])));
        }
        let conversation = &content.conversation.encode();
        let verified = signed.verify_with(&self.certificates, conversation);
        let (certificate, _) = verified.map_err(|error| {
            tracing::debug!(%error, "refused a content that is not signed as it says");
            Refusal::Forged
        })?;
        let is_sender = certificate.handle() == content.sender.as_str();
        let signer = (*certificate.identity().as_bytes(), certificate.device_id());
        is_sender.then_some(signer).ok_or(Refusal::Forged)
    }

    /// A pair's content counts only in the inbox of the one of its two who did not send it.
    fn belongs_here(&self, content: &Content) -> bool {
        let pair = matches!(content.conversation, Conversation::Pair { .. });
        let from_peer = content.conversation.peer_of(&self.me) == Some(&content.sender);
        pair && from_peer && content.conversation.namespace() == &self.namespace
    }
}
