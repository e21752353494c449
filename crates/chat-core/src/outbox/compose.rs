//! Composing messages: content, number and, outside groups, seal, before any transaction begins.
//!
//! Who composes guesses where the stream of the conversation stands. The transaction that accepts the message
//! compares, and has it composed again where another process was quicker.

use chat_crypto::Envelope;
use chat_store::StreamTip;
use zeroize::Zeroizing;

use super::Sealer;
use super::enqueue::Planned;
use super::gate::MemberDoubt;
use super::route::Route;
use crate::clock::now_ms;
use crate::content::{Body, Content, Part};
use crate::error::SendError;
use crate::handle::Handle;
use crate::item::CarrierKind;
use crate::message_id::{MessageId, StreamId};
use crate::peer::Peer;
use crate::picture::{Plan, Share};

/// Composes the messages of one sender.
pub(super) struct Composer<'a> {
    pub(super) me: &'a Handle,
    pub(super) sealer: Sealer<'a>,
    pub(super) stream: StreamId,
}

/// A message with its numbers. Nothing of it is stored.
pub(super) struct Composed {
    pub(super) to: Peer,
    /// The caller's own name for it.
    pub(super) name: Option<String>,
    pub(super) route: Route,
    /// The conversation's encoding.
    pub(super) conversation: Vec<u8>,
    /// Where the conversation's stream stands before it, and behind it.
    pub(super) before: StreamTip,
    pub(super) after: StreamTip,
    pub(super) message_id: MessageId,
    pub(super) sender: Handle,
    pub(super) sent_at_ms: u64,
    pub(super) text: String,
    pub(super) carrier: CarrierKind,
    /// Members of the group whom the sender should know something of.
    pub(super) doubts: Vec<MemberDoubt>,
    /// The records that carry it, in their order: one, or one for each picture.
    pub(super) pieces: Vec<Piece>,
    /// Their seals, once they have them; in a group they are encrypted in the transaction that accepts them.
    pub(super) envelopes: Vec<Envelope>,
}

/// One record of a message.
pub(super) struct Piece {
    pub(super) content: Content,
    pub(super) encoded: Zeroizing<Vec<u8>>,
    pub(super) picture: Option<Plan>,
}

impl Composer<'_> {
    pub(super) fn compose(
        &self,
        planned: Planned,
        conversation: Vec<u8>,
        before: StreamTip,
    ) -> Composed {
        let Planned { draft, route, conversation: with, doubts, pictures } = planned;
        let message_id = MessageId::random(&mut rand::rng());
        let sent_at_ms = u64::try_from(now_ms()).unwrap_or(0);
        let carrier = if pictures.is_empty() { CarrierKind::Plain } else { CarrierKind::Image };
        let bodies = bodies(&draft.text, pictures);
        let mut after = before;
        let mut pieces = Vec::with_capacity(bodies.len());
        for (body, picture) in bodies {
            let content = Content {
                message_id,
                conversation: with.clone(),
                sender: self.me.clone(),
                stream_id: self.stream,
                number: after.next,
                previous: after.prev,
                sent_at_ms,
                body,
            };
            let encoded = content.encode();
            after = behind(&content, &encoded);
            pieces.push(Piece { content, encoded, picture });
        }
        let (to, name, text, sender) = (draft.to, draft.name, draft.text, self.me.clone());
        Composed {
            to,
            name,
            route,
            conversation,
            before,
            after,
            message_id,
            sender,
            sent_at_ms,
            text,
            carrier,
            doubts,
            pieces,
            envelopes: Vec::new(),
        }
    }

    /// Gives a message other numbers than those that were guessed.
    pub(super) fn renumber(
        &self,
        composed: &mut Composed,
        before: StreamTip,
    ) -> Result<(), SendError> {
        (composed.before, composed.after) = (before, before);
        for piece in &mut composed.pieces {
            (piece.content.number, piece.content.previous) =
                (composed.after.next, composed.after.prev);
            piece.encoded = piece.content.encode();
            composed.after = behind(&piece.content, &piece.encoded);
        }
        composed.envelopes = self.seal(composed)?;
        Ok(())
    }

    /// Seals the records of a message, but for those of a group.
    pub(super) fn seal(&self, composed: &Composed) -> Result<Vec<Envelope>, SendError> {
        let Route::SharedKey(mailbox) = &composed.route else { return Ok(Vec::new()) };
        let seal = |piece: &Piece| {
            let sealed = (&piece.content, piece.encoded.as_slice());
            self.sealer.seal(sealed, mailbox, composed.carrier, &mut rand::rng())
        };
        composed.pieces.iter().map(seal).collect()
    }
}

/// What each record of a message carries: the text, or its pieces, with their pictures.
fn bodies(text: &str, shares: Vec<Share>) -> Vec<(Body, Option<Plan>)> {
    if shares.len() < 2 {
        let picture = shares.into_iter().next().map(|share| share.plan);
        return vec![(Body::Text(text.to_owned()), picture)];
    }
    // The planner takes no more than `Part::MOST`.
    let count = u16::try_from(shares.len()).unwrap_or(u16::MAX);
    let bodies = (0_u16..).zip(shares).map(|(index, Share { plan, bytes })| {
        let piece = text.as_bytes().get(bytes).unwrap_or_default();
        (Body::Part(Part { index, count, piece: Zeroizing::new(piece.to_vec()) }), Some(plan))
    });
    bodies.collect()
}

/// Where a stream stands behind a message.
fn behind(content: &Content, encoded: &[u8]) -> StreamTip {
    StreamTip { next: content.number + 1, prev: content.chain_hash(encoded) }
}
