//! Messages on their way to the log: kept until they are acknowledged.

use std::sync::Arc;

use chat_crypto::{ContentPlace, Envelope, EnvelopeKind, Protected, SignedSharedKey, SubkeyLabel};
use chat_store::{OutboxRow as Stored, WriteTxn};
use rand::CryptoRng;
use serde::{Deserialize, Serialize};

use crate::client::Signer;
use crate::clock::now_ms;
use crate::content::{Body, Content, Decoded};
use crate::error::{SendError, StoredValueError};
use crate::groups::{FoundedPair, GroupRow, OwnLeaf, Ratchets};
use crate::handle::Handle;
use crate::history_row::{HistoryRow, decode, encode};
use crate::inbound::begin_reading;
use crate::item::{CarrierKind, Item, MessageState};
use crate::mailbox::Mailbox;
use crate::message_id::MessageId;
use crate::mutant::{Mutant, breaks};
use crate::network::Network;
use crate::peer::Peer;
use crate::picture::HiddenCodec;

mod accepting;
pub(crate) mod attempt;
mod compose;
pub(crate) mod deliver;
pub(crate) mod delivery;
pub(crate) mod enqueue;
pub(crate) mod fate;
pub(crate) mod gate;
pub(crate) mod ground;
pub(crate) mod once;
pub(crate) mod own;
pub(crate) mod own_record;
pub(crate) mod ready;
pub(crate) mod route;

/// One message that waits, as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutboxItem {
    /// Its number in the outbox.
    pub id: u64,
    /// Its place in the history.
    pub seq: chat_store::Seq,
    /// Its name.
    pub message_id: MessageId,
    /// Which of its pictures this is, from 1, and how many it has; `None` for a message in one record.
    pub piece: Option<(u32, u32)>,
    /// Who it is for.
    pub to: Peer,
    /// How it travels.
    pub carrier: CarrierKind,
    /// How far it came.
    pub state: OutboxState,
    /// When it was accepted: our clock, milliseconds since 1970.
    pub queued_at_ms: i64,
    /// Whether it was taken back: what waits is only the note of that.
    pub withdrawn: bool,
}

/// How far a message in the outbox came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum OutboxState {
    /// No attempt was made.
    Queued,
    /// An attempt was made for its place, or was about to be; it may be on the log already. The next one sends
    /// the same bytes.
    Attempted,
}

impl OutboxState {
    /// The name that JSON output uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Attempted => "attempted",
        }
    }
}

/// The value of one row of the store's outbox.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct OutboxRow {
    pub(crate) history: u64,
    pub(crate) to: Peer,
    pub(crate) carrier: CarrierKind,
    pub(crate) queued_at_ms: i64,
    /// Whether it only stands in for a message that was withdrawn.
    pub(crate) is_void: bool,
    /// The encoded content: a void can be made from it.
    #[serde(with = "serde_bytes")]
    pub(crate) content: Vec<u8>,
    pub(crate) payload: Payload,
}

/// What is to be sent.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Payload {
    /// These bytes, as the record's value: an envelope, or a finished picture.
    Ready(#[serde(with = "serde_bytes")] Vec<u8>),
    /// This envelope inside this cover; whoever holds the mailbox's drain lock embeds it.
    Planned {
        #[serde(with = "serde_bytes")]
        envelope: Vec<u8>,
        #[serde(with = "serde_bytes")]
        cover: Vec<u8>,
        cover_id: [u8; 32],
    },
    /// As `Planned`, which older versions wrote for `lsb-compat`, with the codec.
    Hidden {
        codec: HiddenCodec,
        #[serde(with = "serde_bytes")]
        envelope: Vec<u8>,
        #[serde(with = "serde_bytes")]
        cover: Vec<u8>,
    },
}

impl OutboxRow {
    /// A letter: no message, and nothing of the history.
    pub(crate) fn letter(to: impl Into<Peer>, envelope: Envelope) -> Self {
        Self {
            history: 0,
            to: to.into(),
            carrier: CarrierKind::Plain,
            queued_at_ms: now_ms(),
            is_void: false,
            content: Vec::new(),
            payload: Payload::Ready(envelope.into_bytes()),
        }
    }

    /// Whether it is no message: a letter, or a change of a group.
    pub(crate) fn is_letter(&self) -> bool {
        self.content.is_empty()
    }

    pub(crate) fn decode(stored: &Stored) -> Result<Self, StoredValueError> {
        decode(&stored.body).map_err(|e| e.in_table("outbox", stored.id.get()))
    }

    pub(crate) fn to_bytes(&self) -> Result<zeroize::Zeroizing<Vec<u8>>, StoredValueError> {
        encode(self)
    }

    /// The content that waits.
    pub(crate) fn content(&self) -> Result<Content, StoredValueError> {
        match Content::decode(&self.content) {
            Ok(Decoded::Content(content)) => Ok(content),
            _ => Err(StoredValueError::format()),
        }
    }

    /// Puts a void in the message's place: every number that was given out reaches the log. In a group it goes behind
    /// what waits there: messages of one epoch cannot be read in another order than they were encrypted in.
    fn withdraw(
        &mut self,
        tx: &mut WriteTxn<'_>,
        sealer: &Resealer<'_>,
        (id, mailbox): (u64, &Mailbox),
    ) -> Result<(), SendError> {
        let void = self.content()?.withdrawn(&self.content);
        let encoded = void.encode();
        let group = GroupRow::written_to(tx, &self.to, mailbox)?;
        self.content = encoded.to_vec();
        self.carrier = CarrierKind::Plain;
        self.is_void = true;
        let Some(group) = group else {
            let plain = CarrierKind::Plain;
            let sealed = (&void, encoded.as_slice());
            let sealed = sealer.sealer.seal(sealed, mailbox, plain, &mut rand::rng())?;
            self.payload = Payload::Ready(sealed.into_bytes());
            return Ok(tx.outbox_replace(id.into(), &self.to_bytes()?)?);
        };
        tx.outbox_remove(id.into())?;
        if !group.state.takes_voids() {
            return Ok(());
        }
        let mut ratchets = Ratchets::new(Arc::clone(sealer.own));
        let sealed = ratchets.seal(tx, group.id(), &encoded, EnvelopeKind::Mail)?;
        ratchets.finish(tx)?;
        self.payload = Payload::Ready(sealed.into_bytes());
        tx.outbox_push(&group.mailbox().to_bytes(), &self.to_bytes()?)?;
        Ok(())
    }
}

/// Puts voids in the places of a message that waits: of its row with this number, and of its other pieces.
pub(crate) fn take_back(
    tx: &mut WriteTxn<'_>,
    (sealer, mailbox): (&Resealer<'_>, &Mailbox),
    id: u64,
    row: &OutboxRow,
) -> Result<(), SendError> {
    let (before, behind) = match row.content()?.body {
        Body::Part(part) => (u64::from(part.index), u64::from(part.count - 1 - part.index)),
        _ => (0, 0),
    };
    for id in id.saturating_sub(before)..=id.saturating_add(behind) {
        let Some(stored) = tx.outbox_get(id.into())? else { continue };
        let mut piece = OutboxRow::decode(&stored)?;
        let waits = tx.outbox_waits(&stored.mailbox, id.into())?;
        if waits && piece.history == row.history && !piece.is_void {
            piece.withdraw(tx, sealer, (id, mailbox))?;
        }
    }
    Ok(())
}

/// Seals contents under the network key, signed by this profile's device.
#[derive(Clone, Copy)]
pub(crate) struct Sealer<'a> {
    pub(crate) network: &'a Network,
    pub(crate) signer: &'a Signer,
}

impl Sealer<'_> {
    /// Seals a content for a mailbox.
    ///
    /// * `encoded` - the content's encoding
    pub(crate) fn seal(
        &self,
        (content, encoded): (&Content, &[u8]),
        mailbox: &Mailbox,
        carrier: CarrierKind,
        rng: &mut impl CryptoRng,
    ) -> Result<Envelope, SendError> {
        // It may have been accepted before the network had another key, or be written in place of one that was.
        let to = content.conversation.peer_of(&content.sender);
        let network = to.map(|to| self.network.of_inbox(to, mailbox));
        let network = network.as_ref().unwrap_or(self.network);
        let key = network.sealing_key().subkey(SubkeyLabel::Envelope);
        let context = mailbox.context(self.network.namespace(), carrier.envelope_kind());
        let protected = self.protect(content, encoded)?;
        if breaks(Mutant::ReuseSalt) {
            let mut fixed = <rand::rngs::StdRng as rand::SeedableRng>::seed_from_u64(1);
            return Ok(Envelope::seal(&key, &context, &protected, &mut fixed)?);
        }
        Ok(Envelope::seal(&key, &context, &protected, rng)?)
    }

    /// Seals a letter for somebody's inbox, where they look whether or not they hold the newest network key.
    pub(crate) fn letter(
        &self,
        letter: &Protected,
        to: &Handle,
    ) -> Result<(Mailbox, Envelope), SendError> {
        let widest = self.network.widest();
        let inbox = widest.inbox(to);
        let key = widest.sealing_key().subkey(SubkeyLabel::Envelope);
        let context = inbox.context(self.network.namespace(), EnvelopeKind::Mail);
        Ok((inbox, Envelope::seal(&key, &context, letter, &mut rand::rng())?))
    }

    /// Puts a letter for somebody's inbox into the outbox; returns the inbox.
    pub(crate) fn post(
        &self,
        tx: &mut WriteTxn<'_>,
        to: &Handle,
        letter: &Protected,
    ) -> Result<Mailbox, SendError> {
        let (inbox, envelope) = self.letter(letter, to)?;
        let row = OutboxRow::letter(to.clone(), envelope);
        tx.outbox_push(&inbox.to_bytes(), &row.to_bytes()?)?;
        Ok(inbox)
    }

    /// Lets the group of a pair that was just founded be read, and invites the other; returns their inbox.
    pub(crate) fn invite(
        &self,
        tx: &mut WriteTxn<'_>,
        ratchets: &mut Ratchets,
        (to, founded): (&Handle, &FoundedPair),
    ) -> Result<Mailbox, SendError> {
        let topic = self.network.mail_topic();
        begin_reading(tx, topic.as_str(), ratchets.row(tx, founded.id)?)?;
        if let Some(held) = &founded.for_us {
            self.post(tx, &held.to, &held.letter)?;
        }
        self.post(tx, to, &founded.invitation)
    }

    /// Whether an envelope fits into a record of the network.
    pub(crate) fn check_fits(&self, envelope: usize) -> Result<(), SendError> {
        let len = envelope + TAG_LEN + RECORD_OVERHEAD;
        let limit = usize::try_from(self.network.max_record()).unwrap_or(usize::MAX);
        if len > limit { Err(SendError::RecordTooLarge { len, limit }) } else { Ok(()) }
    }

    fn protect(&self, content: &Content, encoded: &[u8]) -> Result<Protected, SendError> {
        let namespace = self.network.namespace().as_str();
        let conversation = &content.conversation.encode();
        let place = ContentPlace { namespace, conversation };
        let Signer { key, certificate, .. } = self.signer;
        Ok(SignedSharedKey::protect(encoded, key, certificate, place)?)
    }
}

/// Seals what takes the place of a message, with the protection that the message had.
pub(crate) struct Resealer<'a> {
    pub(crate) sealer: Sealer<'a>,
    pub(crate) own: &'a Arc<OwnLeaf>,
}

/// Marks the message of a history row as no longer standing.
pub(crate) fn close_message(
    tx: &mut WriteTxn<'_>,
    seq: chat_store::Seq,
    state: MessageState,
) -> Result<(), SendError> {
    let Some(stored) = tx.history_get(seq)? else { return Ok(()) };
    let mut row = HistoryRow::decode(&stored)?;
    if let Item::Message(message) = &mut row.item {
        message.state = state;
        tx.history_replace(seq, &row.to_bytes()?)?;
    }
    Ok(())
}

/// What a record may weigh beside its key and value, in bytes: the protocol's own framing.
pub(crate) const RECORD_OVERHEAD: usize = 100;

/// Bytes of a record key.
pub(crate) const TAG_LEN: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    /// A row as version 0.1 wrote it, when a message was always for a person.
    #[test]
    fn a_row_for_a_person_is_what_it_always_was() {
        let frozen = b"\x01\x07\x03bob\x00\x0a\x00\x02hi\x00\x03env";
        let row: OutboxRow = decode(frozen).unwrap();
        assert_eq!(row.to, Peer::Person("bob".parse().unwrap()));
        assert_eq!(
            (row.history, row.queued_at_ms, row.content.as_slice()),
            (7, 5, b"hi".as_slice())
        );
        assert_eq!(row.to_bytes().unwrap().as_slice(), frozen);
    }
}
