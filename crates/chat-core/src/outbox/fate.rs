//! What became of a message that somebody waits for.

use std::collections::HashMap;

use chat_store::{ReadTxn, Seq};

use crate::client::Profile;
use crate::error::SendError;
use crate::history_row::HistoryRow;
use crate::item::{Item, Message, MessageState};
use crate::mailbox::Mailbox;
use crate::message_id::MessageId;
use crate::outbox::delivery::Delivery;
use crate::outbox::enqueue::Queued;

/// What became of one message that somebody waits for.
enum Fate {
    Delivered,
    Waiting,
    /// It never will be sent, and why.
    Closed(MessageId, String),
    /// It was taken back before it was sent.
    Withdrawn(MessageId),
}

/// A message that somebody waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// Its number in the outbox.
    pub(crate) id: u64,
    /// Its place in the history.
    pub(crate) seq: Seq,
    pub(crate) mailbox: Mailbox,
}

impl From<&Queued> for Wanted {
    fn from(queued: &Queued) -> Self {
        Self { id: queued.id, seq: queued.seq, mailbox: queued.mailbox }
    }
}

impl Profile {
    /// Adds to `counts` what has become of messages.
    pub(crate) fn progress_of(
        &self,
        messages: impl Iterator<Item = Wanted>,
        mut counts: Delivery,
    ) -> Result<Delivery, SendError> {
        let mut by_mailbox: HashMap<Mailbox, Vec<Wanted>> = HashMap::new();
        for wanted in messages {
            by_mailbox.entry(wanted.mailbox).or_default().push(wanted);
        }
        self.store.read(|tx| {
            for (mailbox, messages) in &by_mailbox {
                let ids = messages.iter().map(|wanted| wanted.id);
                let Some((first, last)) = ids.clone().min().zip(ids.max()) else { continue };
                let waiting =
                    tx.outbox_waiting(&mailbox.to_bytes(), (first.into(), last.into()))?;
                for wanted in messages {
                    let waits = waiting.binary_search(&wanted.id.into()).is_ok();
                    match fate(tx, wanted, waits)? {
                        Fate::Delivered => counts.delivered += 1,
                        Fate::Waiting => counts.waiting += 1,
                        Fate::Closed(message, reason) => counts.closed.push((message, reason)),
                        Fate::Withdrawn(message) => counts.withdrawn.push(message),
                    }
                }
            }
            Ok(counts)
        })
    }
}

/// What the store says of a message, whichever process brought it that far.
fn fate(tx: &ReadTxn<'_>, wanted: &Wanted, waits: bool) -> Result<Fate, SendError> {
    let row = tx.history_get(wanted.seq)?.map(|stored| HistoryRow::decode(&stored)).transpose()?;
    Ok(match row.map(|row| row.item) {
        Some(Item::Message(Message { id, state: MessageState::Failed { reason }, .. })) => {
            Fate::Closed(id, reason)
        }
        Some(Item::Message(Message { id, state: MessageState::Withdrawn, .. })) => {
            Fate::Withdrawn(id)
        }
        _ if waits => Fate::Waiting,
        _ => Fate::Delivered,
    })
}
