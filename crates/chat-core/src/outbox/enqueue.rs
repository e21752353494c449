//! Accepting messages: content, history row and outbox row in one transaction.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;

use chat_crypto::Envelope;
use chat_store::{Contact, ReadTxn, Seq, StreamTip, WriteTxn};
use zeroize::Zeroizing;

use super::compose::{Composed, Composer};
use super::once::{self, Repeated};
use super::picture::{CoverSource, Note, Plan, Planner};
use super::{OutboxRow, Payload, RECORD_OVERHEAD};
use crate::carrier::picture_text_len;
use crate::client::Profile;
use crate::clock::now_ms;
use crate::content::Content;
use crate::conversation::Conversation;
use crate::error::SendError;
use crate::handle::Handle;
use crate::history_row::HistoryRow;
use crate::item::{Item, Message, MessageState, Protection};
use crate::mailbox::Mailbox;
use crate::message_id::{MessageId, StreamId};
use crate::network::Network;
use crate::remote_text::RemoteText;

/// A message that somebody wants to send.
#[derive(Clone)]
#[non_exhaustive]
pub struct Draft {
    /// Who it is for.
    pub to: Handle,
    /// Its text: 1 byte to 1 MiB of UTF-8.
    pub text: String,
    /// How it shall travel.
    pub carrier: DraftCarrier,
    /// The caller's own name for it, if it has one; see [`once`](Self::once).
    pub name: Option<String>,
}

/// How a message shall travel.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DraftCarrier {
    /// As a sealed record.
    Plain,
    /// Inside a picture that is made from this cover.
    Picture(CoverSource),
}

impl Draft {
    /// A text that travels as a sealed record.
    pub fn text(to: Handle, text: impl Into<String>) -> Self {
        Self { to, text: text.into(), carrier: DraftCarrier::Plain, name: None }
    }

    /// The same text inside a picture.
    #[must_use]
    pub fn in_picture(self, cover: CoverSource) -> Self {
        Self { carrier: DraftCarrier::Picture(cover), ..self }
    }

    /// The same message under a name that its caller chooses: however often a message to this handle is
    /// accepted under one name, it is the first one, and is sent once.
    #[must_use]
    pub fn once(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }
}

impl std::fmt::Debug for Draft {
    /// Shows where it goes, never its text.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { to, text, carrier: _, name: _ } = self;
        write!(f, "Draft(to {to}, {} bytes)", text.len())
    }
}

/// A message that was accepted: it is in the history and in the outbox, on disk.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Queued {
    /// Its number in the outbox.
    pub id: u64,
    /// Its place in the history.
    pub seq: Seq,
    /// Its name.
    pub message_id: MessageId,
    /// Who it is for.
    pub to: Handle,
    /// Whether it is the first message to somebody who was never heard from: the handle may be
    /// misspelt.
    pub first_contact: bool,
    /// How it compares with the message that was accepted under its name before, if one was.
    pub repeated: Option<Repeated>,
    /// What a person should know about its picture.
    pub notes: Vec<Note>,
    pub(crate) mailbox: Mailbox,
}

/// A draft that passed every check that needs no transaction.
pub(super) struct Planned {
    pub(super) draft: Draft,
    pub(super) mailbox: Mailbox,
    pub(super) conversation: Conversation,
    pub(super) picture: Option<Plan>,
}

impl Profile {
    /// Accepts messages, in order, all or none.
    pub(crate) fn enqueue(&self, drafts: Vec<Draft>) -> Result<Vec<Queued>, SendError> {
        self.accept(drafts, Next::MayWait)
    }

    /// Accepts a message that will be sent at once. Where a broker has answered just now, the attempt is marked
    /// in the same transaction; it may then be on the log, as far as anybody knows.
    pub(crate) fn accept_and_attempt(&self, draft: Draft) -> Result<Queued, SendError> {
        let answers = self.broker_answers.load(Ordering::Relaxed);
        let next = if answers { Next::Attempt } else { Next::MayWait };
        self.accept(vec![draft], next)?.pop().ok_or(SendError::EmptyText)
    }

    fn accept(&self, drafts: Vec<Draft>, next: Next) -> Result<Vec<Queued>, SendError> {
        let network = self.joined_network()?;
        let mut taken = Vec::new();
        let mut planned = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let plan = self.plan(&network, draft, &taken)?;
            taken.extend(plan.picture.as_ref().map(|picture| *picture.cover.id.as_bytes()));
            planned.push(plan);
        }
        let stream = StreamId(self.stream_id()?);
        let composer = Composer { me: &self.handle, network: &network, stream };
        // Sealed before the store is locked: others write meanwhile.
        let composed = self.compose(&composer, planned)?;
        self.store.write(|tx| {
            let mut accepting = Accepting::new(&composer, next);
            composed.into_iter().try_for_each(|composed| accepting.store(tx, composed))?;
            accepting.finish(tx)
        })
    }

    fn compose(
        &self,
        composer: &Composer<'_>,
        planned: Vec<Planned>,
    ) -> Result<Vec<Composed>, SendError> {
        let mut tips: HashMap<Vec<u8>, StreamTip> = HashMap::new();
        let composed = planned.into_iter().map(|planned| {
            let conversation = planned.conversation.encode();
            let tip = match tips.get(&conversation) {
                Some(tip) => *tip,
                None => self.store.read(|tx| stream_tip(tx, &conversation))?,
            };
            let composed = composer.compose(planned, conversation, tip)?;
            tips.insert(composed.conversation.clone(), composed.after);
            Ok(composed)
        });
        composed.collect()
    }

    /// Checks a draft, and chooses its cover.
    fn plan(
        &self,
        network: &Network,
        draft: Draft,
        taken: &[[u8; 32]],
    ) -> Result<Planned, SendError> {
        let conversation = Conversation::pair(network.namespace(), &self.handle, &draft.to)
            .ok_or(SendError::ToSelf)?;
        match draft.text.len() {
            0 => return Err(SendError::EmptyText),
            len if len > Content::MAX_TEXT => {
                return Err(SendError::TextTooLong { len, max: Content::MAX_TEXT });
            }
            _ => {}
        }
        let envelope = envelope_len(&self.handle, &conversation, &draft)?;
        let limit = usize::try_from(network.max_record()).unwrap_or(usize::MAX);
        let mailbox = network.inbox(&draft.to);
        let picture = match &draft.carrier {
            DraftCarrier::Plain if envelope + TAG_LEN + RECORD_OVERHEAD > limit => {
                return Err(SendError::RecordTooLarge {
                    len: envelope + TAG_LEN + RECORD_OVERHEAD,
                    limit,
                });
            }
            DraftCarrier::Plain => None,
            DraftCarrier::Picture(source) => {
                let planner = Planner { store: &self.store, max_record: network.max_record() };
                Some(planner.plan(source, envelope, taken)?)
            }
        };
        Ok(Planned { draft, mailbox, conversation, picture })
    }
}

/// What happens to a message once it is accepted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Nothing yet.
    MayWait,
    /// It is sent, unless something has to be done before.
    Attempt,
}

/// One transaction that accepts messages. What changes with each of them is written once, at its end.
struct Accepting<'a> {
    composer: &'a Composer<'a>,
    next: Next,
    /// Where the stream of each conversation stands, by the conversation's encoding.
    tips: HashMap<Vec<u8>, StreamTip>,
    /// To whom something was written already.
    written_to: HashSet<Handle>,
    accepted: Vec<Queued>,
    run: Run,
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
    fn new(composer: &'a Composer<'a>, next: Next) -> Self {
        Self {
            composer,
            next,
            tips: HashMap::new(),
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

    fn store(&mut self, tx: &mut WriteTxn<'_>, mut message: Composed) -> Result<(), SendError> {
        if let Some(name) = &message.name
            && let Some(queued) =
                once::earlier(tx, &message.to, name, message.text(), message.mailbox)?
        {
            self.accepted.push(queued);
            return Ok(());
        }
        let tip = self.tip(tx, &message.conversation)?;
        if tip != message.before {
            self.composer.renumber(&mut message, tip)?;
        }
        let seq = sent_row(&message).append::<SendError>(tx, &message.conversation)?;
        let carrier = message.carrier();
        let Composed {
            to,
            name,
            mailbox,
            picture,
            conversation,
            after,
            content,
            encoded,
            envelope,
            ..
        } = message;
        self.tips.insert(conversation, after);
        let notes = picture.as_ref().map(|plan| plan.notes.clone()).unwrap_or_default();
        let payload = payload(tx, envelope, picture, seq)?;
        let row = OutboxRow {
            history: seq.get(),
            to: to.clone(),
            carrier,
            queued_at_ms: now_ms(),
            is_void: false,
            content: encoded.to_vec(),
            payload,
        };
        let known = !self.written_to.insert(to.clone());
        let first_contact = !known && written_to(tx, &to)?;
        let (message_id, id, repeated) = (content.message_id, UNNUMBERED, None);
        let queued = Queued { id, seq, message_id, to, first_contact, repeated, notes, mailbox };
        self.push(tx, queued, &row)?;
        if let Some(name) = &name {
            self.number(tx)?;
            self.accepted.last().map_or(Ok(()), |queued| once::remember(tx, name, queued))?;
        }
        Ok(())
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

    fn finish(mut self, tx: &mut WriteTxn<'_>) -> Result<Vec<Queued>, SendError> {
        self.number(tx)?;
        self.tips.iter().try_for_each(|(key, tip)| tx.set_stream_tip(key, tip))?;
        Ok(self.accepted)
    }
}

fn stream_tip(tx: &ReadTxn<'_>, conversation: &[u8]) -> Result<StreamTip, SendError> {
    Ok(tx.stream_tip(conversation)?.unwrap_or(StreamTip { next: 0, prev: [0; 32] }))
}

/// Rows that are held until they go into the outbox together.
const RUN_ROWS: usize = 1024;
/// Numbers of the outbox begin at 1.
const UNNUMBERED: u64 = 0;

/// The exact length of the envelope that a draft will become, in bytes.
fn envelope_len(
    me: &Handle,
    conversation: &Conversation,
    draft: &Draft,
) -> Result<usize, SendError> {
    let content = Content::text_len(me, conversation, draft.text.len());
    Envelope::sealed_len(content + 1)
        .ok_or(SendError::TextTooLong { len: draft.text.len(), max: Content::MAX_TEXT })
}

/// The longest text that fits a picture of `units` hidden characters, in bytes.
pub(crate) fn longest_text(me: &Handle, conversation: &Conversation, units: usize) -> usize {
    let fits = |text: usize| {
        let content = Content::text_len(me, conversation, text);
        Envelope::sealed_len(content + 1).is_some_and(|len| picture_text_len(len) <= units)
    };
    let (mut low, mut high) = (0, Content::MAX_TEXT + 1);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if fits(middle) { low = middle } else { high = middle }
    }
    low
}

/// The hidden characters of a picture that carries the longest text that a message may have.
pub(crate) fn longest_picture_text(me: &Handle, conversation: &Conversation) -> usize {
    let content = Content::text_len(me, conversation, Content::MAX_TEXT);
    Envelope::sealed_len(content + 1).map_or(usize::MAX, picture_text_len)
}

fn sent_row(message: &Composed) -> HistoryRow {
    let Composed { to, content, .. } = message;
    HistoryRow::now(Item::Message(Message {
        id: content.message_id,
        with: to.clone(),
        from: content.sender.clone(),
        outgoing: true,
        sent_at_ms: i64::try_from(content.sent_at_ms).unwrap_or(i64::MAX),
        text: RemoteText::new(message.text()),
        carrier: message.carrier(),
        protection: Protection::SharedKey,
        conflict: false,
        broken_chain: false,
        state: MessageState::Normal,
    }))
}

/// What the outbox keeps: the envelope, or the envelope with its cover, entered in the ledger.
fn payload(
    tx: &mut WriteTxn<'_>,
    envelope: Envelope,
    picture: Option<Plan>,
    seq: Seq,
) -> Result<Payload, SendError> {
    let Some(plan) = picture else { return Ok(Payload::Ready(envelope.into_bytes())) };
    tx.cover_mark(plan.cover.id.as_bytes(), seq)?;
    Ok(Payload::Planned {
        envelope: envelope.into_bytes(),
        cover_id: *plan.cover.id.as_bytes(),
        cover: plan.cover.bytes,
    })
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

/// Bytes of a record key.
const TAG_LEN: usize = 16;
