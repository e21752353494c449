//! Messages that their caller names: however often the same name comes, it is the same message.

use chat_store::{ReadTxn, Seq, WriteTxn};
use serde::{Deserialize, Serialize};

use super::enqueue::Queued;
use crate::error::SendError;
use crate::history_row::{HistoryRow, decode, encode};
use crate::item::{Item, Protection};
use crate::mailbox::Mailbox;
use crate::message_id::MessageId;
use crate::peer::Peer;

/// How a message compares with the one that was accepted under its name before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Repeated {
    /// The text is the same.
    SameText,
    /// The text is another: the first one stands, and this one was not accepted.
    OtherText,
}

/// What the store keeps of a named message.
#[derive(Serialize, Deserialize)]
struct Named {
    outbox: u64,
    history: u64,
    message_id: [u8; 16],
}

/// The message that was accepted for `to` under this name, if there is one.
pub(super) fn earlier(
    tx: &WriteTxn<'_>,
    to: &Peer,
    name: &str,
    text: &str,
    mailbox: Mailbox,
) -> Result<Option<Queued>, SendError> {
    let Some(body) = tx.meta_get(&meta_name(to, name))? else { return Ok(None) };
    let named: Named = decode(&body)?;
    let row = tx.history_get(Seq::from(named.history))?;
    let row = row.map(|stored| HistoryRow::decode(&stored)).transpose()?;
    let (same, protection) = match row.map(|row| row.item) {
        Some(Item::Message(message)) => (message.text.expose() == text, message.protection),
        // The history was trimmed: there is nothing left to compare with.
        _ => (true, Protection::SignedSharedKey),
    };
    // It may have been accepted before the two had a group.
    let waiting = tx.outbox_get(named.outbox.into())?;
    let waiting = waiting.map(|row| Mailbox::from_bytes(&row.mailbox));
    Ok(Some(Queued {
        id: named.outbox,
        pieces: 1,
        seq: named.history.into(),
        message_id: MessageId::from_bytes(named.message_id),
        to: to.clone(),
        first_contact: false,
        repeated: Some(if same { Repeated::SameText } else { Repeated::OtherText }),
        protection,
        notes: Vec::new(),
        doubts: Vec::new(),
        mailbox: waiting.unwrap_or(mailbox),
        invitation: None,
    }))
}

/// Whether a message was accepted for `to` under this name: then no other is, and no cover is needed for it.
pub(super) fn is_known(tx: &ReadTxn<'_>, to: &Peer, name: &str) -> Result<bool, SendError> {
    Ok(tx.meta_get(&meta_name(to, name))?.is_some())
}

/// Remembers a message under its name, in the transaction that accepts it.
pub(super) fn remember(
    tx: &mut WriteTxn<'_>,
    name: &str,
    queued: &Queued,
) -> Result<(), SendError> {
    let named = Named {
        outbox: queued.id,
        history: queued.seq.get(),
        message_id: *queued.message_id.as_bytes(),
    };
    Ok(tx.meta_put(&meta_name(&queued.to, name), &encode(&named)?)?)
}

/// The store hides it behind a keyed hash, whatever its length.
fn meta_name(to: &Peer, name: &str) -> String {
    format!("once/{}/{name}", to.key())
}
