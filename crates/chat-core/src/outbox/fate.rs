//! What became of a message that somebody waits for.

use chat_store::Seq;

use crate::client::Profile;
use crate::error::SendError;
use crate::history_row::HistoryRow;
use crate::item::{Item, Message, MessageState};
use crate::message_id::MessageId;
use crate::outbox::deliver::Delivery;

/// What became of one message that somebody waits for.
enum Fate {
    Delivered,
    Waiting,
    /// It never will be sent, and why.
    Closed(MessageId, String),
}

impl Profile {
    /// Adds to `counts` what has become of messages: their numbers in the outbox, and their places in
    /// the history.
    pub(crate) fn progress_of(
        &self,
        messages: impl Iterator<Item = (u64, Seq)>,
        mut counts: Delivery,
    ) -> Result<Delivery, SendError> {
        for (id, history) in messages {
            match self.fate(id, history)? {
                Fate::Delivered => counts.delivered += 1,
                Fate::Waiting => counts.waiting += 1,
                Fate::Closed(message, reason) => counts.closed.push((message, reason)),
            }
        }
        Ok(counts)
    }

    /// What the store says of a message, whichever process brought it that far.
    fn fate(&self, id: u64, history: Seq) -> Result<Fate, SendError> {
        let (waits, row) = self.store.read::<_, SendError>(|tx| {
            let row = tx.history_get(history)?.map(|stored| HistoryRow::decode(&stored));
            Ok((tx.outbox_waits(id.into())?, row.transpose()?))
        })?;
        Ok(match row.map(|row| row.item) {
            Some(Item::Message(Message { id, state: MessageState::Failed { reason }, .. })) => {
                Fate::Closed(id, reason)
            }
            Some(Item::Message(Message { id, state: MessageState::Withdrawn, .. })) => {
                Fate::Closed(id, "it was taken back".to_owned())
            }
            _ if waits => Fate::Waiting,
            _ => Fate::Delivered,
        })
    }
}
