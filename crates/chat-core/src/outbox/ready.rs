//! Rows of the outbox whose records are finished.

use chat_crypto::{Envelope, EnvelopeKind};
use chat_stego::StegoKey;
use chat_store::OutboxRow as Stored;
use chat_store::failpoint::{Place, reach};
use chat_transport::Record;

use super::{OutboxRow, Payload, Sealer};
use crate::client::Profile;
use crate::error::{GroupError, SendError};
use crate::groups::{GroupRow, Ratchets};
use crate::mailbox::Mailbox;
use crate::mutant::{Mutant, breaks};
use crate::peer::Peer;
use crate::picture::{HiddenCodec, embed};

/// A row whose record is finished.
pub(crate) struct ReadyRow {
    pub(crate) id: u64,
    pub(crate) row: OutboxRow,
    /// The length of what is stored of it.
    pub(crate) bytes: u64,
}

impl ReadyRow {
    pub(crate) fn record(&self, mailbox: &Mailbox) -> Record {
        let value = match &self.row.payload {
            Payload::Ready(value) => value.clone(),
            Payload::Planned { envelope, .. } | Payload::Hidden { envelope, .. } => {
                envelope.clone()
            }
        };
        self.row.carrier.record(mailbox, value)
    }
}

impl Profile {
    /// Finishes a row: a planned picture is embedded outside any transaction, then stored, so that
    /// every attempt sends the same bytes. The caller holds the mailbox's drain lock.
    pub(crate) fn make_ready(
        &self,
        stored: &Stored,
        groups: &[GroupRow],
    ) -> Result<ReadyRow, SendError> {
        let mut row = self.in_reach((stored, groups), OutboxRow::decode(stored)?)?;
        let mut bytes = stored.body.len() as u64;
        let planned = match &row.payload {
            Payload::Ready(_) => None,
            Payload::Planned { envelope, cover, .. } => {
                Some((HiddenCodec::LsbCompat, envelope, cover))
            }
            Payload::Hidden { codec, envelope, cover } => Some((*codec, envelope, cover)),
        };
        if let Some((codec, envelope, cover)) = planned {
            let key = self.picture_key(
                (&row.to, &Mailbox::from_bytes(&stored.mailbox)),
                (envelope, groups),
            )?;
            row.payload = Payload::Ready(embed(codec, envelope, cover, &key)?.file);
            reach(Place::AfterEmbed);
            let body = row.to_bytes()?;
            bytes = body.len() as u64;
            self.store.write::<_, SendError>(|tx| Ok(tx.outbox_replace(stored.id, &body)?))?;
        }
        if breaks(Mutant::ReencryptOnRetry) && !row.is_letter() {
            let (network, mailbox) = (self.joined_network()?, Mailbox::from_bytes(&stored.mailbox));
            let signer = self.signer(network.namespace())?;
            let sealer = Sealer { network: &network, signer: &signer };
            let content = (&row.content()?, row.content.as_slice());
            let anew = sealer.seal(content, &mailbox, row.carrier, &mut rand::rng())?;
            row.payload = Payload::Ready(anew.into_bytes());
        }
        Ok(ReadyRow { id: stored.id.get(), row, bytes })
    }

    /// A message of a group whose epoch is nearly out of reach is encrypted anew: the same content under the same
    /// name, so that whoever has read it before sees nothing twice. A finished picture stays as it is.
    fn in_reach(
        &self,
        (stored, groups): (&Stored, &[GroupRow]),
        row: OutboxRow,
    ) -> Result<OutboxRow, SendError> {
        let mailbox = Mailbox::from_bytes(&stored.mailbox);
        let kind = row.carrier.envelope_kind();
        let envelope = match &row.payload {
            Payload::Ready(envelope) if kind == EnvelopeKind::Mail => envelope,
            Payload::Hidden { envelope, .. } => envelope,
            _ => return Ok(row),
        };
        let group = GroupRow::among(groups, &row.to, &mailbox);
        let Some(group) = group.filter(|group| group.state.takes_voids() && !row.is_letter())
        else {
            return Ok(row);
        };
        let network = self.joined_network()?;
        let context = mailbox.context(network.namespace(), kind);
        let head = envelope.get(..Envelope::HEAD).unwrap_or_default();
        let keys = group.wrap_keys();
        let near = keys.iter().take(NEAR_EPOCHS);
        if near.clone().any(|key| Envelope::head_matches(head, &[key], &context)) {
            return Ok(row);
        }
        let mut ratchets = Ratchets::new(self.own_leaf(&network)?);
        self.store.write(|tx| {
            let mut anew = row.clone();
            ratchets.begin();
            let place = (kind, mailbox);
            let sealed = ratchets.seal_for(tx, group.id(), &row.content, place)?.into_bytes();
            anew.payload = match anew.payload {
                Payload::Hidden { codec, cover, .. } => {
                    Payload::Hidden { codec, envelope: sealed, cover }
                }
                _ => Payload::Ready(sealed),
            };
            tx.outbox_replace(stored.id, &anew.to_bytes()?)?;
            ratchets.finish(tx)?;
            Ok(anew)
        })
    }

    /// The key that hides a picture whose envelope was sealed for a mailbox: in a group, that of the same epoch.
    fn picture_key(
        &self,
        (to, mailbox): (&Peer, &Mailbox),
        (envelope, groups): (&[u8], &[GroupRow]),
    ) -> Result<StegoKey, SendError> {
        let network = self.joined_network()?;
        let Some(group) = GroupRow::among(groups, to, mailbox) else {
            let person = to.person().ok_or(GroupError::NoGroup)?;
            return Ok(network.of_inbox(person, mailbox).picture_key(mailbox));
        };
        let context = mailbox.context(network.namespace(), EnvelopeKind::Picture);
        let head = envelope.get(..Envelope::HEAD).unwrap_or_default();
        let keys = group.wrap_keys();
        let same = keys.iter().find(|key| Envelope::head_matches(head, &[key], &context));
        // Sealed in an epoch that nobody reads any more: whichever key hides it, nobody looks for it.
        let key = same.or(keys.first()).ok_or(GroupError::NoGroup)?;
        Ok(network.picture_key_of_group(mailbox, key))
    }

    /// Writes down that these rows of a mailbox may be on the log from now on.
    pub(crate) fn mark_attempted(
        &self,
        mailbox: &[u8; 20],
        rows: &[ReadyRow],
    ) -> Result<(), SendError> {
        let Some(last) = rows.iter().map(|row| row.id).max() else { return Ok(()) };
        let mark = self.store.read(|tx| tx.outbox_attempted(mailbox))?;
        if mark.is_some_and(|mark| mark >= last.into()) {
            return Ok(());
        }
        self.store.write(|tx| Ok(tx.outbox_attempt(mailbox, last.into())?))
    }
}

/// Epochs, the present one with them, in which a message is sent as it was encrypted: one more can still be read, and
/// another may begin before it lands.
const NEAR_EPOCHS: usize = 2;
