//! Messages of a later version: kept, and read again by the program that knows them.

use chat_store::WriteTxn;
use chat_transport::{Partition, TopicId};
use serde::{Deserialize, Serialize};

use super::conversations::{Conversations, RecordAt};
use super::store::Sink;
use super::{Inbox, Opened};
use crate::error::ReceiveError;
use crate::groups::NewerContent;
use crate::hash::sha256;
use crate::history_row::{HistoryRow, RecordPlace, decode, encode};
use crate::item::{CarrierKind, Item, Newer};
use crate::mutant::{Mutant, breaks};

/// A message of a later version, as it waits in the store.
#[derive(Serialize, Deserialize)]
pub(super) struct KeptNewer {
    pub(super) message: NewerMessage,
    pub(super) carrier: CarrierKind,
    /// Where its record lies.
    pub(super) place: RecordPlace,
}

#[derive(Serialize, Deserialize)]
pub(super) enum NewerMessage {
    /// From our inbox: its envelope.
    Mail(#[serde(with = "serde_bytes")] Vec<u8>),
    /// From a group: decrypted, as its key is gone.
    Group(NewerContent),
}

impl KeptNewer {
    /// Keeps it, and shows that it is there; `false` if no more are kept.
    ///
    /// * `conversation` - its encoding; empty where it is not known
    pub(super) fn keep(
        &self,
        tx: &mut WriteTxn<'_>,
        topic: &str,
        conversation: &[u8],
    ) -> Result<bool, ReceiveError> {
        let (partition, offset) = (self.place.partition, self.place.offset);
        if breaks(Mutant::DropNewer)
            || !tx.newer_insert(topic, partition, offset, &encode(self)?)?
        {
            return Ok(false);
        }
        let row = HistoryRow::now(Item::Newer(Newer { partition, offset }));
        row.append::<ReceiveError>(tx, conversation)?;
        Ok(true)
    }

    /// Reads it again. Returns how many rows the history has more; `None` if it still is of a later version.
    fn reopen(
        self,
        tx: &mut WriteTxn<'_>,
        (inbox, topic): (&Inbox, &str),
        (conversations, once): (&mut dyn Conversations, &[u8; 32]),
    ) -> Result<Option<u64>, ReceiveError> {
        let Self { message, carrier, place } = self;
        let RecordPlace { topic_id, partition, offset, hash } = place;
        let topic_id = TopicId(topic_id);
        let at = RecordAt { topic_id, partition, offset, timestamp_ms: 0, hash };
        let envelope = match message {
            NewerMessage::Mail(envelope) => envelope,
            NewerMessage::Group(content) => {
                let took = conversations.reread(tx, &at, (&content, carrier))?;
                return Ok(took.map(|took| took.rows));
            }
        };
        let opened = inbox.mailboxes.iter().map(|to| {
            // Which of them it lay in is not kept: it opens in that one alone.
            inbox.open_envelope(to, (envelope.clone(), carrier))
        });
        let is_read = |opened: &Opened| matches!(opened, Opened::Content(_) | Opened::Letter(_));
        match opened.into_iter().find(is_read).unwrap_or(Opened::Foreign) {
            Opened::Content(content) => {
                let mut sink = Sink::new(tx, (topic, topic_id, partition));
                let place = sink.place(offset, &hash, carrier);
                // The record's own hash is marked as seen since it came.
                sink.judge(&content, place, once)?;
                Ok(Some(sink.stored.rows))
            }
            Opened::Letter(letter) => Ok(Some(conversations.letter(tx, &at, &letter)?.rows)),
            _ => Ok(None),
        }
    }
}

/// Tries the messages of a later version again: this program may be that version by now.
pub(crate) fn reopen_newer(
    tx: &mut WriteTxn<'_>,
    inbox: &Inbox,
    (topic, partition): (&str, Partition),
    conversations: &mut dyn Conversations,
) -> Result<u64, ReceiveError> {
    let mut rows = 0;
    conversations.begin();
    for row in tx.newer_list(topic, partition.0)? {
        let kept: KeptNewer = decode(&row.body)?;
        let once = sha256(&[&row.body]);
        let reopened = kept.reopen(tx, (inbox, topic), (&mut *conversations, &once))?;
        if let Some(more) = reopened {
            rows += more;
            tx.newer_remove(topic, partition.0, row.offset)?;
        }
    }
    conversations.finish(tx)?;
    Ok(rows)
}
