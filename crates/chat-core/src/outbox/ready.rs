//! Rows of the outbox whose records are finished.

use chat_store::OutboxRow as Stored;
use chat_transport::Record;

use super::picture::embed;
use super::{OutboxRow, OutboxState, Payload};
use crate::client::Profile;
use crate::error::SendError;
use crate::mailbox::Mailbox;

/// A row whose record is finished.
pub(crate) struct ReadyRow {
    pub(crate) id: u64,
    pub(crate) row: OutboxRow,
}

impl ReadyRow {
    pub(crate) fn record(&self, mailbox: &Mailbox) -> Record {
        let value = match &self.row.payload {
            Payload::Ready(value) => value.clone(),
            Payload::Planned { envelope, .. } => envelope.clone(),
        };
        self.row.carrier.record(mailbox, value)
    }
}

impl Profile {
    /// Finishes a row: a planned picture is embedded outside any transaction, then stored, so that
    /// every attempt sends the same bytes. The caller holds the mailbox's drain lock.
    pub(crate) fn make_ready(&self, stored: &Stored) -> Result<ReadyRow, SendError> {
        let mut row = OutboxRow::decode(stored)?;
        if let Payload::Planned { envelope, cover, .. } = &row.payload {
            row.payload = Payload::Ready(embed(envelope, cover)?);
            let bytes = row.to_bytes()?;
            self.store.write::<_, SendError>(|tx| Ok(tx.outbox_replace(stored.id, &bytes)?))?;
        }
        Ok(ReadyRow { id: stored.id.get(), row })
    }

    /// Writes down that these rows may be on the log from now on.
    pub(crate) fn mark_attempted(&self, rows: &[ReadyRow]) -> Result<(), SendError> {
        let fresh: Vec<_> = rows.iter().filter(|r| r.row.state == OutboxState::Queued).collect();
        if fresh.is_empty() {
            return Ok(());
        }
        self.store.write(|tx| {
            for ready in fresh {
                let row = OutboxRow { state: OutboxState::Attempted, ..ready.row.clone() };
                tx.outbox_replace(ready.id.into(), &row.to_bytes()?)?;
            }
            Ok(())
        })
    }
}
