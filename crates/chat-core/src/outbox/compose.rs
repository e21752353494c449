//! Composing messages: content, number and seal, before any transaction begins.
//!
//! Who composes guesses where the stream of the conversation stands. The transaction that accepts the message
//! compares, and has it composed again where another process was quicker.

use chat_crypto::Envelope;
use chat_store::StreamTip;
use zeroize::Zeroizing;

use super::enqueue::Planned;
use super::seal;
use crate::clock::now_ms;
use crate::content::{Body, Content};
use crate::error::SendError;
use crate::handle::Handle;
use crate::item::CarrierKind;
use crate::mailbox::Mailbox;
use crate::message_id::{MessageId, StreamId};
use crate::network::Network;
use crate::picture::Plan;

/// Composes the messages of one sender.
pub(super) struct Composer<'a> {
    pub(super) me: &'a Handle,
    pub(super) network: &'a Network,
    pub(super) stream: StreamId,
}

/// A message with its number, sealed. Nothing of it is stored.
pub(super) struct Composed {
    pub(super) to: Handle,
    /// The caller's own name for it.
    pub(super) name: Option<String>,
    pub(super) mailbox: Mailbox,
    pub(super) picture: Option<Plan>,
    /// The conversation's encoding.
    pub(super) conversation: Vec<u8>,
    /// Where the conversation's stream stands before it, and behind it.
    pub(super) before: StreamTip,
    pub(super) after: StreamTip,
    pub(super) content: Content,
    pub(super) encoded: Zeroizing<Vec<u8>>,
    pub(super) envelope: Envelope,
}

impl Composer<'_> {
    pub(super) fn compose(
        &self,
        planned: Planned,
        conversation: Vec<u8>,
        before: StreamTip,
    ) -> Result<Composed, SendError> {
        let Planned { draft, mailbox, conversation: with, picture } = planned;
        let content = Content {
            message_id: MessageId::random(&mut rand::rng()),
            conversation: with,
            sender: self.me.clone(),
            stream_id: self.stream,
            number: before.next,
            previous: before.prev,
            sent_at_ms: u64::try_from(now_ms()).unwrap_or(0),
            body: Body::Text(draft.text),
        };
        let carrier = carrier(picture.as_ref());
        let (encoded, envelope) = self.sealed(&content, &mailbox, carrier)?;
        let after = behind(&content, &encoded);
        let (to, name) = (draft.to, draft.name);
        Ok(Composed {
            to,
            name,
            mailbox,
            picture,
            conversation,
            before,
            after,
            content,
            encoded,
            envelope,
        })
    }

    /// Gives a message another number than the one that was guessed.
    pub(super) fn renumber(
        &self,
        composed: &mut Composed,
        before: StreamTip,
    ) -> Result<(), SendError> {
        composed.before = before;
        (composed.content.number, composed.content.previous) = (before.next, before.prev);
        let (encoded, envelope) =
            self.sealed(&composed.content, &composed.mailbox, composed.carrier())?;
        composed.after = behind(&composed.content, &encoded);
        (composed.encoded, composed.envelope) = (encoded, envelope);
        Ok(())
    }

    fn sealed(
        &self,
        content: &Content,
        mailbox: &Mailbox,
        carrier: CarrierKind,
    ) -> Result<(Zeroizing<Vec<u8>>, Envelope), SendError> {
        let encoded = content.encode();
        let envelope = seal(self.network, mailbox, carrier, &encoded, &mut rand::rng())?;
        Ok((encoded, envelope))
    }
}

impl Composed {
    pub(super) fn carrier(&self) -> CarrierKind {
        carrier(self.picture.as_ref())
    }

    /// What somebody wrote.
    pub(super) fn text(&self) -> &str {
        match &self.content.body {
            Body::Text(text) => text,
            Body::Void(_) => "",
        }
    }
}

/// Where a stream stands behind a message.
fn behind(content: &Content, encoded: &[u8]) -> StreamTip {
    StreamTip { next: content.number + 1, prev: content.chain_hash(encoded) }
}

fn carrier(picture: Option<&Plan>) -> CarrierKind {
    if picture.is_some() { CarrierKind::Image } else { CarrierKind::Plain }
}
