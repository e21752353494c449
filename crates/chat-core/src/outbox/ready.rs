//! Rows of the outbox whose records are finished.

use chat_crypto::{Envelope, EnvelopeKind};
use chat_stego::StegoKey;
use chat_store::OutboxRow as Stored;
use chat_store::failpoint::{Place, reach};
use chat_transport::Record;

use super::{OutboxRow, Payload, Sealer};
use crate::client::Profile;
use crate::error::{GroupError, SendError};
use crate::groups::GroupRow;
use crate::mailbox::Mailbox;
use crate::mutant::{Mutant, breaks};
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
    pub(crate) fn make_ready(&self, stored: &Stored) -> Result<ReadyRow, SendError> {
        let mut row = OutboxRow::decode(stored)?;
        let mut bytes = stored.body.len() as u64;
        let planned = match &row.payload {
            Payload::Ready(_) => None,
            Payload::Planned { envelope, cover, .. } => {
                Some((HiddenCodec::LsbCompat, envelope, cover))
            }
            Payload::Hidden { codec, envelope, cover } => Some((*codec, envelope, cover)),
        };
        if let Some((codec, envelope, cover)) = planned {
            let key = self.picture_key(&Mailbox::from_bytes(&stored.mailbox), envelope)?;
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

    /// The key that hides a picture whose envelope was sealed for a mailbox: in a group, that of the same epoch.
    fn picture_key(&self, mailbox: &Mailbox, envelope: &[u8]) -> Result<StegoKey, SendError> {
        let network = self.joined_network()?;
        let rows = self.store.read(|tx| GroupRow::all::<SendError>(tx))?;
        let group = rows.iter().find(|row| row.mailboxes().any(|one| one == *mailbox));
        let Some(group) = group else { return Ok(network.picture_key(mailbox)) };
        let context = mailbox.context(network.namespace(), EnvelopeKind::Picture);
        let head = envelope.get(..Envelope::HEAD).unwrap_or_default();
        let keys = group.wrap_keys();
        let same = keys.iter().find(|key| Envelope::head_matches(head, &[key], &context));
        // Sealed in an epoch that nobody reads any more: whichever key hides it, nobody looks for it.
        let key = same.or(keys.first()).ok_or(GroupError::NoGroup)?;
        Ok(network.picture_key_under(mailbox, key))
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
