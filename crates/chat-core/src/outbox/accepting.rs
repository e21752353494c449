//! The transaction that accepts messages: history row and outbox row of each.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chat_crypto::Envelope;
use chat_crypto::mls::GroupId;
use chat_store::{Contact, ReadTxn, Seq, StreamTip, WriteTxn};
use zeroize::Zeroizing;

use super::compose::{Composed, Composer, Piece};
use super::enqueue::Queued;
use super::once;
use super::route::{Pair, Route};
use super::{OutboxRow, Payload};
use crate::clock::now_ms;
use crate::error::{GroupError, SendError};
use crate::groups::{OwnLeaf, Ratchets};
use crate::handle::Handle;
use crate::history_row::HistoryRow;
use crate::item::{Item, Message, MessageState, Protection};
use crate::mailbox::Mailbox;
use crate::peer::Peer;
use crate::picture::{CoverUse, Note, Plan};
use crate::remote_text::RemoteText;
use crate::trust::{SenderTrust, meet};

/// What happens to a message once it is accepted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing yet.
    MayWait,
    /// It is sent, unless something has to be done before.
    Attempt,
}

/// One transaction that accepts messages. What changes with each of them is written once, at its end.
pub(super) struct Accepting<'a> {
    composer: &'a Composer<'a>,
    own: &'a Arc<OwnLeaf>,
    /// The groups that were written to.
    ratchets: Option<Ratchets>,
    next: Next,
    /// Where the stream of each conversation stands, by the conversation's encoding.
    tips: HashMap<Vec<u8>, StreamTip>,
    /// The groups of the pairs that were written to, by the other's identity.
    pairs: HashMap<[u8; 32], GroupId>,
    /// To whom something was written already.
    written_to: HashSet<Peer>,
    accepted: Vec<Queued>,
    run: Run,
}

/// The sealed records of a message.
struct Sealed {
    mailbox: Mailbox,
    /// Where the invitation to its group went, if it needed one.
    invitation: Option<Mailbox>,
    envelopes: Vec<Envelope>,
}

/// Finished rows of one mailbox that go into the outbox together.
#[derive(Default)]
struct Run {
    mailbox: Option<Mailbox>,
    bodies: Vec<Zeroizing<Vec<u8>>>,
    /// Where their messages are among those accepted: they get their numbers with the rows.
    places: Vec<usize>,
}

impl<'a> Accepting<'a> {
    pub(super) fn new(composer: &'a Composer<'a>, own: &'a Arc<OwnLeaf>, next: Next) -> Self {
        Self {
            composer,
            own,
            ratchets: None,
            next,
            tips: HashMap::new(),
            pairs: HashMap::new(),
            written_to: HashSet::new(),
            accepted: Vec::new(),
            run: Run::default(),
        }
    }

    fn tip(&self, tx: &WriteTxn<'_>, conversation: &[u8]) -> Result<StreamTip, SendError> {
        match self.tips.get(conversation) {
            Some(tip) => Ok(*tip),
            None => stream_tip(tx, conversation),
        }
    }

    pub(super) fn store(
        &mut self,
        tx: &mut WriteTxn<'_>,
        mut message: Composed,
    ) -> Result<(), SendError> {
        if let Some(name) = &message.name
            && let Some(queued) =
                once::earlier(tx, &message.to, name, &message.text, message.route.mailbox())?
        {
            self.accepted.push(queued);
            return Ok(());
        }
        let tip = self.tip(tx, &message.conversation)?;
        if tip != message.before {
            self.composer.renumber(&mut message, tip)?;
        }
        let Sealed { mailbox, invitation, envelopes } = self.seal(tx, &mut message)?;
        let seq = sent_row(&message).append::<SendError>(tx, &message.conversation)?;
        let protection = message.route.protection();
        let Composed { to, name, conversation, after, message_id, carrier, .. } = message;
        let Composed { pieces, doubts, .. } = message;
        self.tips.insert(conversation, after);
        let known = !self.written_to.insert(to.clone());
        let first_contact = match &to {
            Peer::Person(to) => !known && written_to(tx, to)?,
            Peer::Group(_) => false,
        };
        let queued = Queued {
            id: UNNUMBERED,
            pieces: u32::try_from(pieces.len()).unwrap_or(u32::MAX),
            seq,
            message_id,
            to: to.clone(),
            first_contact,
            repeated: None,
            protection,
            notes: notes(&pieces),
            doubts,
            mailbox,
            invitation,
        };
        let mut rows = Vec::with_capacity(pieces.len());
        for (piece, envelope) in pieces.into_iter().zip(envelopes) {
            rows.push(OutboxRow {
                history: seq.get(),
                to: to.clone(),
                carrier,
                queued_at_ms: now_ms(),
                is_void: false,
                content: piece.encoded.to_vec(),
                payload: payload(tx, envelope, piece.picture, seq)?,
            });
        }
        self.push_rows(tx, queued, rows)?;
        if let Some(name) = &name {
            self.number(tx)?;
            self.accepted.last().map_or(Ok(()), |queued| once::remember(tx, name, queued))?;
        }
        Ok(())
    }

    /// Seals the records of a message, and finds where they go.
    fn seal(&mut self, tx: &mut WriteTxn<'_>, message: &mut Composed) -> Result<Sealed, SendError> {
        let (group, invitation) = match &message.route {
            Route::SharedKey(mailbox) => {
                let envelopes = std::mem::take(&mut message.envelopes);
                return Ok(Sealed { mailbox: *mailbox, invitation: None, envelopes });
            }
            Route::Group(group) => (group.id, None),
            Route::Pair(pair) => {
                let to = message.to.person().ok_or(GroupError::NoGroup)?;
                self.group_of(tx, to, &Arc::clone(pair))?
            }
        };
        let kind = message.carrier.envelope_kind();
        let own = self.own;
        let ratchets = self.ratchets.get_or_insert_with(|| Ratchets::new(Arc::clone(own)));
        let seal = |piece: &Piece| ratchets.seal(tx, group, &piece.encoded, kind);
        let envelopes = message.pieces.iter().map(seal).collect::<Result<_, _>>()?;
        let mailbox = ratchets.row(tx, group)?.mailbox();
        Ok(Sealed { mailbox, invitation, envelopes })
    }

    /// The group of a pair; founded, with an invitation on its way, if there is none.
    fn group_of(
        &mut self,
        tx: &mut WriteTxn<'_>,
        to: &Handle,
        pair: &Pair,
    ) -> Result<(GroupId, Option<Mailbox>), SendError> {
        // Nobody else changes groups while this transaction lasts.
        if let Some(group) = self.pairs.get(&pair.identity) {
            return Ok((*group, None));
        }
        let own = self.own;
        let ratchets = self.ratchets.get_or_insert_with(|| Ratchets::new(Arc::clone(own)));
        if let Some(group) = ratchets.pair_with(tx, &pair.identity)? {
            self.pairs.insert(pair.identity, group);
            return Ok((group, None));
        }
        let founding = pair.founding.as_ref().ok_or(GroupError::NoGroup)?;
        let who = (&founding.invitee, founding.ours.as_ref());
        let founded = ratchets.found_pair(tx, who, &founding.place)?;
        let inbox = self.composer.sealer.invite(tx, ratchets, (to, &founded))?;
        // What they have written under the shared key may still be on its way: MLS is asked of them once they use it.
        let signed = (pair.identity, Protection::SignedSharedKey);
        meet::<SendError>(tx, to, signed, now_ms())?;
        self.pairs.insert(pair.identity, founded.id);
        Ok((founded.id, Some(inbox)))
    }

    /// Puts the rows of one message into the outbox, with numbers in a row; it is known by the last one's.
    fn push_rows(
        &mut self,
        tx: &mut WriteTxn<'_>,
        queued: Queued,
        mut rows: Vec<OutboxRow>,
    ) -> Result<(), SendError> {
        let Some(last) = rows.pop() else { return Ok(()) };
        if !rows.is_empty() {
            self.number(tx)?;
        }
        for row in rows {
            tx.outbox_push(&queued.mailbox.to_bytes(), &row.to_bytes()?)?;
        }
        self.push(tx, queued, &last)
    }

    /// Adds a finished row to those that go into the outbox together; a picture, which is still to be finished,
    /// goes alone.
    fn push(
        &mut self,
        tx: &mut WriteTxn<'_>,
        mut queued: Queued,
        row: &OutboxRow,
    ) -> Result<(), SendError> {
        let is_ready = matches!(row.payload, Payload::Ready(_));
        let is_full = self.run.bodies.len() >= RUN_ROWS;
        if !is_ready || is_full || self.run.mailbox != Some(queued.mailbox) {
            self.number(tx)?;
        }
        let body = row.to_bytes()?;
        if is_ready {
            self.run.mailbox = Some(queued.mailbox);
            self.run.bodies.push(body);
            self.run.places.push(self.accepted.len());
        } else {
            queued.id = tx.outbox_push(&queued.mailbox.to_bytes(), &body)?.get();
        }
        self.accepted.push(queued);
        Ok(())
    }

    /// Puts the rows into the outbox that are to go there together. What is next in its mailbox counts as attempted
    /// where it may.
    fn number(&mut self, tx: &mut WriteTxn<'_>) -> Result<(), SendError> {
        let Run { mailbox, bodies, places } = std::mem::take(&mut self.run);
        let Some(mailbox) = mailbox.map(|mailbox| mailbox.to_bytes()) else { return Ok(()) };
        let attempt = self.next == Next::Attempt && tx.outbox_oldest(&mailbox, 1, 1)?.is_empty();
        let (first, last) = tx.outbox_push_all(&mailbox, &bodies)?;
        if attempt {
            tx.outbox_attempt(&mailbox, last)?;
        }
        for (id, place) in (first.get()..).zip(places) {
            if let Some(queued) = self.accepted.get_mut(place) {
                queued.id = id;
            }
        }
        Ok(())
    }

    pub(super) fn finish(mut self, tx: &mut WriteTxn<'_>) -> Result<Vec<Queued>, SendError> {
        self.number(tx)?;
        self.tips.iter().try_for_each(|(key, tip)| tx.set_stream_tip(key, tip))?;
        if let Some(mut ratchets) = self.ratchets.take() {
            ratchets.finish(tx)?;
        }
        Ok(self.accepted)
    }
}

/// Where the stream of a conversation stands.
pub(super) fn stream_tip(tx: &ReadTxn<'_>, conversation: &[u8]) -> Result<StreamTip, SendError> {
    Ok(tx.stream_tip(conversation)?.unwrap_or(StreamTip { next: 0, prev: [0; 32] }))
}

fn sent_row(message: &Composed) -> HistoryRow {
    HistoryRow::now(Item::Message(Message {
        id: message.message_id,
        with: message.to.clone(),
        from: message.sender.clone(),
        outgoing: true,
        sent_at_ms: i64::try_from(message.sent_at_ms).unwrap_or(i64::MAX),
        text: RemoteText::new(&message.text),
        carrier: message.carrier,
        protection: message.route.protection(),
        sender: SenderTrust::default(),
        conflict: false,
        broken_chain: false,
        state: MessageState::Normal,
    }))
}

/// What there is to say about a message's pictures, each thing once.
fn notes(pieces: &[Piece]) -> Vec<Note> {
    let mut notes = Vec::new();
    if pieces.len() > 1 {
        notes.push(Note::Shared { pictures: pieces.len() });
    }
    for note in pieces.iter().flat_map(|piece| &piece.picture).flat_map(|plan| &plan.notes) {
        let is_said = |said: &Note| std::mem::discriminant(said) == std::mem::discriminant(note);
        // Of several pictures one is named for all that is alike; findings are of many kinds.
        let is_known = match note {
            Note::CoverDoubtful(_) => notes.contains(note),
            _ => notes.iter().any(is_said),
        };
        if !is_known {
            notes.push(*note);
        }
    }
    notes
}

/// What the outbox keeps: the envelope, or the envelope with its cover, entered in the ledger.
fn payload(
    tx: &mut WriteTxn<'_>,
    envelope: Envelope,
    picture: Option<Plan>,
    seq: Seq,
) -> Result<Payload, SendError> {
    let Some(plan) = picture else { return Ok(Payload::Ready(envelope.into_bytes())) };
    let before = tx.cover_use(plan.cover.id.as_bytes())?;
    if before.is_some() && !plan.notes.contains(&Note::CoverReused) {
        return Err(SendError::CoverTaken);
    }
    let used = CoverUse { history: seq.get(), ..plan.used }
        .after(before.as_ref().map(|row| row.as_slice()));
    tx.cover_mark(plan.cover.id.as_bytes(), &used.to_bytes()?)?;
    let (codec, cover) = (plan.cover.codec, plan.cover.file);
    Ok(Payload::Hidden { codec, envelope: envelope.into_bytes(), cover })
}

/// Remembers that a handle was written to; returns whether this is the first message to one that
/// was never heard from.
fn written_to(tx: &mut WriteTxn<'_>, to: &Handle) -> Result<bool, SendError> {
    let known = tx.contact(to.as_str())?;
    let unheard = known.as_ref().is_none_or(|contact| contact.first_heard_ms.is_none());
    let first = known.as_ref().is_none_or(|contact| contact.first_sent_ms.is_none());
    if first {
        let mut contact = known.unwrap_or_else(|| Contact::new(to.as_str()));
        contact.first_sent_ms = Some(now_ms());
        tx.set_contact(&contact)?;
    }
    Ok(first && unheard)
}

/// Rows that are held until they go into the outbox together.
const RUN_ROWS: usize = 1024;
/// Numbers of the outbox begin at 1.
const UNNUMBERED: u64 = 0;
