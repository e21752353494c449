//! Storing what was opened: rows of the history, seen marks, what is refused.

use std::collections::HashMap;

use chat_crypto::DeviceId;
use chat_store::{Contact, Cursor, SeenEntry, Seq, StreamKey, Unreadable, WriteTxn};
use chat_transport::TopicId;

use super::batch::{OpenedRecord, Stored};
use super::gathering::{Gathering, Piece};
use super::newer::{KeptNewer, NewerMessage};
use super::opened::OpenedContent;
use super::{Opened, Refusal};
use crate::clock::now_ms;
use crate::content::{Body, Content};
use crate::directory::has_removed;
use crate::error::ReceiveError;
use crate::groups::GroupRow;
use crate::handle::Handle;
use crate::history_row::{HistoryRow, RecordPlace};
use crate::item::{
    CarrierKind, Conflict, Downgraded, Found, Gap, GapCause, Item, KeyChanged, Message,
    MessageState, Missing, Protection,
};
use crate::message_id::MessageId;
use crate::mutant::{Mutant, breaks};
use crate::peer::{GroupName, Peer};
use crate::remote_text::RemoteText;
use crate::trust::{Met, SenderTrust, Standing, meet};

/// Records at our own tag that were refused; counted, never fatal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Skipped {
    /// Could not be opened.
    pub unreadable: u64,
    /// Opened, and were no message.
    pub malformed: u64,
    /// Opened, and were sealed for another conversation.
    pub wrong_context: u64,
    /// Opened, and not signed by who they say.
    pub forged: u64,
    /// Were of people who are blocked.
    pub blocked: u64,
    /// Claimed a place in a stream that four messages claim already, or were too many of a newer
    /// version to keep.
    pub dropped: u64,
}

impl Skipped {
    /// Whether nothing was skipped.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds the counts of `other`.
    pub(crate) fn add(&mut self, other: Self) {
        let Self { unreadable, malformed, wrong_context, forged, blocked, dropped } = other;
        self.unreadable += unreadable;
        self.malformed += malformed;
        self.wrong_context += wrong_context;
        self.forged += forged;
        self.blocked += blocked;
        self.dropped += dropped;
    }
}

/// What is to be said of a message beside its text.
#[derive(Clone, Copy)]
pub(super) struct Marks {
    pub(super) carrier: CarrierKind,
    pub(super) protection: Protection,
    pub(super) sender: SenderTrust,
    pub(super) conflict: bool,
    pub(super) broken_chain: bool,
}

/// Since when we are in a group.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Joined {
    /// Since it was founded.
    First,
    /// Since somebody has brought us in: others may have written before.
    Later,
}

/// Writes the rows of records of one partition within their transaction.
pub(super) struct Sink<'a, 'tx> {
    pub(super) tx: &'a mut WriteTxn<'tx>,
    topic: &'a str,
    topic_id: TopicId,
    partition: u32,
    /// The group that what is stored was said in.
    group: Option<GroupName>,
    joined: Joined,
    /// Whom it was said to, where another of our own devices has said it.
    said_to: Option<Peer>,
    /// What is known of devices that have signed contents here: whether they were removed.
    pub(super) removed: HashMap<([u8; 32], DeviceId), bool>,
    pub(super) stored: Stored,
}

impl<'a, 'tx> Sink<'a, 'tx> {
    pub(super) fn new(
        tx: &'a mut WriteTxn<'tx>,
        (topic, topic_id, partition): (&'a str, TopicId, u32),
    ) -> Self {
        let (group, said_to, removed) = (None, None, HashMap::new());
        let (joined, stored) = (Joined::First, Stored::default());
        Self { tx, topic, topic_id, partition, group, joined, said_to, removed, stored }
    }

    /// What is stored was said in a group.
    pub(super) fn in_group(self, group: GroupName) -> Self {
        Self { group: Some(group), ..self }
    }

    /// What is known already of devices that were removed.
    pub(super) fn knowing(self, removed: HashMap<([u8; 32], DeviceId), bool>) -> Self {
        Self { removed, ..self }
    }

    /// Since when we are in the conversation.
    pub(super) fn since(self, joined: Joined) -> Self {
        Self { joined, ..self }
    }

    /// What is stored was said by another of our own devices.
    pub(super) fn said_by_us(self, to: Peer) -> Self {
        Self { said_to: Some(to), ..self }
    }

    /// Who a content is with.
    fn peer(&self, content: &Content) -> Peer {
        if let Some(to) = &self.said_to {
            return to.clone();
        }
        self.group.clone().map_or_else(|| content.sender.clone().into(), Peer::from)
    }

    /// A gap row where the log jumps from the cursor to `to`.
    pub(super) fn no_record_gap(
        &mut self,
        at: &Cursor,
        to: u64,
        before_ms: Option<i64>,
    ) -> Result<(), ReceiveError> {
        if to <= at.next {
            return Ok(());
        }
        let gap = Gap {
            cause: GapCause::NoRecord,
            partition: self.partition,
            from_offset: at.next,
            to_offset: to,
            after_ms: at.last_timestamp_ms,
            before_ms,
        };
        append_gap(self.tx, gap)?;
        self.stored.rows += 1;
        Ok(())
    }

    /// Stores what needs no conversation.
    pub(super) fn record(&mut self, record: &OpenedRecord) -> Result<(), ReceiveError> {
        match &record.opened {
            Opened::Foreign | Opened::Mls(_) | Opened::Letter(_) | Opened::Sealed(_) => Ok(()),
            Opened::Refused(refusal) => self.refused(*refusal, &record.hash),
            Opened::Newer(envelope, carrier) => self.newer(record, envelope, *carrier),
            Opened::Content(content) => {
                let place = self.place(record.offset, &record.hash, content.carrier);
                self.judge(content, place, &record.hash)
            }
        }
    }

    /// Where a record lies, if it is a picture that may be asked for again.
    pub(super) fn place(
        &self,
        offset: u64,
        hash: &[u8; 32],
        carrier: CarrierKind,
    ) -> Option<RecordPlace> {
        (carrier == CarrierKind::Image).then(|| self.record_place(offset, hash))
    }

    fn record_place(&self, offset: u64, hash: &[u8; 32]) -> RecordPlace {
        let (topic_id, partition) = (self.topic_id.0, self.partition);
        RecordPlace { topic_id, partition, offset, hash: *hash }
    }

    /// Counts a refused record, once per record however often it comes.
    pub(super) fn refused(
        &mut self,
        refusal: Refusal,
        hash: &[u8; 32],
    ) -> Result<(), ReceiveError> {
        let known = self.tx.unreadable_insert(self.topic, self.partition, hash)?;
        if known == Unreadable::Known {
            return Ok(());
        }
        let skipped = &mut self.stored.skipped;
        match refusal {
            Refusal::Unreadable => skipped.unreadable += 1,
            Refusal::Malformed => skipped.malformed += 1,
            Refusal::WrongContext => skipped.wrong_context += 1,
            Refusal::Forged => skipped.forged += 1,
        }
        Ok(())
    }

    /// Keeps a message of a newer version and shows that it is there.
    fn newer(
        &mut self,
        record: &OpenedRecord,
        envelope: &[u8],
        carrier: CarrierKind,
    ) -> Result<(), ReceiveError> {
        let (topic, partition) = (self.topic, self.partition);
        if self.tx.unreadable_insert(topic, partition, &record.hash)? == Unreadable::Known {
            return Ok(());
        }
        let place = self.record_place(record.offset, &record.hash);
        let kept = KeptNewer { message: NewerMessage::Mail(envelope.to_vec()), carrier, place };
        match kept.keep(self.tx, topic, &[])? {
            true => self.stored.rows += 1,
            false => self.stored.skipped.dropped += 1,
        }
        Ok(())
    }

    /// Looks at who has sent a message and what protects it, before anything of it counts.
    pub(super) fn judge(
        &mut self,
        opened: &OpenedContent,
        place: Option<RecordPlace>,
        hash: &[u8; 32],
    ) -> Result<(), ReceiveError> {
        if self.said_to.is_some() {
            return self.content(opened, place);
        }
        let sender = &opened.content.sender;
        let standing = Standing::of::<ReceiveError>(self.tx, sender)?;
        if standing.blocked {
            let known = self.tx.unreadable_insert(self.topic, self.partition, hash)?;
            self.stored.skipped.blocked += u64::from(known != Unreadable::Known);
            return Ok(());
        }
        if standing.is_below(opened.protection) && !self.is_known(&opened.content)? {
            return self.downgraded(opened, hash);
        }
        self.content(opened, place)
    }

    /// Whether a message is stored already.
    fn is_known(&self, content: &Content) -> Result<bool, ReceiveError> {
        let conversation = content.conversation.encode();
        let stream =
            self.tx.stream_key(&conversation, content.sender.as_str(), &content.stream_id.0);
        let known = self.tx.seen(&stream, content.number)?;
        Ok(known.iter().any(|entry| entry.message_id == *content.message_id.as_bytes()))
    }

    /// Shows, once, what came with less protection than its sender uses; it is no message of theirs.
    fn downgraded(&mut self, opened: &OpenedContent, hash: &[u8; 32]) -> Result<(), ReceiveError> {
        let (topic, partition) = (self.topic, self.partition);
        if self.tx.unreadable_insert(topic, partition, hash)? == Unreadable::Known {
            return Ok(());
        }
        let content = &opened.content;
        let text = match &content.body {
            Body::Text(text) => text.as_str(),
            _ => "",
        };
        let downgraded = Downgraded {
            from: content.sender.clone(),
            with: self.peer(content),
            protection: opened.protection,
            text: RemoteText::new(text),
        };
        self.note(Item::Downgraded(downgraded), &content.conversation.encode())
    }

    /// Who has signed a message: the first identity under a handle counts, and another one is told.
    fn sender_of(&mut self, opened: &OpenedContent) -> Result<SenderTrust, ReceiveError> {
        let Some(identity) = opened.signed_by else { return Ok(SenderTrust::Unproven) };
        let content = &opened.content;
        if self.said_to.is_some() {
            let is_removed = match opened.device {
                Some(device) => self.is_removed(content, (identity, device))?,
                None => false,
            };
            return Ok(if is_removed {
                SenderTrust::RemovedDevice
            } else {
                SenderTrust::OwnDevice
            });
        }
        // What is said in a group of several says nothing of what its sender uses between the two of us.
        let protection = match self.group {
            Some(_) => Protection::SignedSharedKey,
            None => opened.protection,
        };
        let signed = (identity, protection);
        let trust = self.meet(&content.sender, signed, &content.conversation.encode())?;
        let is_removed = match opened.device {
            Some(device) if trust != SenderTrust::Changed => {
                self.is_removed(content, (identity, device))?
            }
            _ => false,
        };
        Ok(if is_removed { SenderTrust::RemovedDevice } else { trust })
    }

    /// Whether a device is one that its owner has removed, by what is known of the directory. Whatever it has signed
    /// before it was removed may be read only now: so it is said, and nothing is refused.
    fn is_removed(
        &mut self,
        content: &Content,
        (identity, device): ([u8; 32], DeviceId),
    ) -> Result<bool, ReceiveError> {
        if let Some(known) = self.removed.get(&(identity, device)) {
            return Ok(*known);
        }
        let who = (&content.sender, &identity);
        let is_removed = has_removed::<ReceiveError>(self.tx, who, device)?;
        self.removed.insert((identity, device), is_removed);
        Ok(is_removed)
    }

    /// An identity has signed something under a handle, with a protection.
    pub(super) fn meet(
        &mut self,
        handle: &Handle,
        signed: ([u8; 32], Protection),
        conversation: &[u8],
    ) -> Result<SenderTrust, ReceiveError> {
        let (standing, met) = meet::<ReceiveError>(self.tx, handle, signed, now_ms())?;
        if let (Met::OtherNew, Some(pin)) = (met, &standing.pin) {
            let (handle, new) = (handle.clone(), signed.0);
            self.note(
                Item::KeyChanged(KeyChanged { handle, old: pin.identity, new }),
                conversation,
            )?;
        }
        Ok(standing.trust_of(&signed.0))
    }

    /// Stores a message, unless it is known, with all that its place in the stream tells.
    fn content(
        &mut self,
        opened: &OpenedContent,
        place: Option<RecordPlace>,
    ) -> Result<(), ReceiveError> {
        let OpenedContent { content, encoded, carrier, .. } = opened;
        let conversation = content.conversation.encode();
        let stream =
            self.tx.stream_key(&conversation, content.sender.as_str(), &content.stream_id.0);
        let mut known = self.tx.seen(&stream, content.number)?;
        let is_known = known.iter().any(|entry| entry.message_id == *content.message_id.as_bytes());
        if is_known && !breaks(Mutant::SkipDeduplication) {
            return Ok(());
        }
        if known.len() >= MOST_CLAIMS {
            self.stored.skipped.dropped += 1;
            return Ok(());
        }
        let gathering = match &content.body {
            Body::Part(part) => {
                let piece = Piece { content, part, signed_by: opened.signed_by };
                let Some(gathering) = Gathering::with(self.tx, piece)? else {
                    self.stored.skipped.malformed += 1;
                    return Ok(());
                };
                Some((gathering, piece))
            }
            _ => None,
        };
        if known.is_empty() {
            self.note_order(content, &conversation, &stream)?;
        }
        let marks = Marks {
            carrier: *carrier,
            protection: opened.protection,
            sender: self.sender_of(opened)?,
            conflict: !known.is_empty(),
            broken_chain: self.breaks_chain(content, &stream)?,
        };
        let history = match (&content.body, gathering) {
            (_, Some((gathering, piece))) => self.piece(piece, gathering, marks, place)?,
            (Body::Text(text), None) => {
                self.message(content, (text, MessageState::Normal), marks, place)?
            }
            (_, None) => self.message(content, ("", MessageState::Withdrawn), marks, place)?,
        };
        known.push(SeenEntry {
            message_id: *content.message_id.as_bytes(),
            content_hash: content.chain_hash(encoded),
            history,
        });
        self.tx.set_seen(&stream, content.number, &known)?;
        self.note_conflict(content, &conversation, &known)?;
        self.heard_from(content)
    }

    fn message(
        &mut self,
        content: &Content,
        (text, state): (&str, MessageState),
        marks: Marks,
        place: Option<RecordPlace>,
    ) -> Result<Seq, ReceiveError> {
        let message = Message {
            id: content.message_id,
            with: self.peer(content),
            from: content.sender.clone(),
            outgoing: self.said_to.is_some(),
            sent_at_ms: i64::try_from(content.sent_at_ms).unwrap_or(i64::MAX),
            text: RemoteText::new(text),
            carrier: marks.carrier,
            protection: marks.protection,
            sender: marks.sender,
            conflict: marks.conflict,
            broken_chain: marks.broken_chain,
            state,
        };
        self.stored.rows += 1;
        let row = HistoryRow { picture: place, ..HistoryRow::now(Item::Message(message)) };
        row.append::<ReceiveError>(self.tx, &content.conversation.encode())
    }

    /// Stores a piece of a message: the first one shows that the message is on its way, the last one makes it whole.
    fn piece(
        &mut self,
        piece: Piece<'_>,
        mut gathering: Gathering,
        marks: Marks,
        place: Option<RecordPlace>,
    ) -> Result<Seq, ReceiveError> {
        let content = piece.content;
        gathering.take(piece.part, marks);
        let item = Item::Partial(gathering.shown(content, self.peer(content)));
        let row = match gathering.row {
            Some(row) => {
                let row = Seq::from(row);
                let shown = HistoryRow::now(item);
                self.tx.history_replace(row, &shown.to_bytes()?)?;
                row
            }
            None => {
                self.stored.rows += 1;
                let row = HistoryRow { picture: place.clone(), ..HistoryRow::now(item) };
                row.append::<ReceiveError>(self.tx, &content.conversation.encode())?
            }
        };
        gathering.row = Some(row.get());
        match gathering.whole(self.tx, piece)? {
            None => gathering.keep(self.tx, piece)?,
            Some(text) => {
                gathering.forget(self.tx, piece)?;
                let marks = gathering.marks(marks);
                self.message(content, (&text, MessageState::Normal), marks, place)?;
            }
        }
        Ok(row)
    }

    /// A message ahead of its turn leaves others missing; one behind it may be one of those.
    fn note_order(
        &mut self,
        content: &Content,
        conversation: &[u8],
        stream: &StreamKey,
    ) -> Result<(), ReceiveError> {
        let highest = self.tx.seen_highest(stream)?;
        let expected = highest.map_or(0, |highest| highest.saturating_add(1));
        let (from, with) = (content.sender.clone(), self.peer(content));
        let number = content.number;
        if number > expected && !breaks(Mutant::SkipMissing) {
            if highest.is_none() && self.hole_explains()? {
                return Ok(());
            }
            self.tx.missing_insert(stream, expected, number - 1)?;
            let missing = Missing { from, with, first: expected, last: number - 1 };
            return self.note(Item::Missing(missing), conversation);
        }
        if number < expected && self.tx.missing_take(stream, number)? {
            return self.note(Item::Found(Found { from, with, number }), conversation);
        }
        Ok(())
    }

    /// Whether offsets of this partition are known never to have been read, or were written before we came.
    fn hole_explains(&self) -> Result<bool, ReceiveError> {
        if self.joined == Joined::Later {
            return Ok(true);
        }
        Ok(self.tx.meta_get(&hole_name(self.partition))?.is_some())
    }

    /// Whether none of the messages that we hold for the place before is the one it names.
    fn breaks_chain(&self, content: &Content, stream: &StreamKey) -> Result<bool, ReceiveError> {
        let Some(before) = content.number.checked_sub(1) else { return Ok(false) };
        let before = self.tx.seen(stream, before)?;
        Ok(!before.is_empty() && before.iter().all(|entry| entry.content_hash != content.previous))
    }

    fn note_conflict(
        &mut self,
        content: &Content,
        conversation: &[u8],
        known: &[SeenEntry],
    ) -> Result<(), ReceiveError> {
        if known.len() < 2 {
            return Ok(());
        }
        let ids = known.iter().map(|entry| MessageId::from_bytes(entry.message_id)).collect();
        let (from, with) = (content.sender.clone(), self.peer(content));
        self.note(
            Item::Conflict(Conflict { from, with, number: content.number, ids }),
            conversation,
        )
    }

    fn note(&mut self, item: Item, conversation: &[u8]) -> Result<(), ReceiveError> {
        HistoryRow::now(item).append::<ReceiveError>(self.tx, conversation)?;
        self.stored.rows += 1;
        Ok(())
    }

    /// Remembers that this handle has written, and once a minute when it last did.
    fn heard_from(&mut self, content: &Content) -> Result<(), ReceiveError> {
        if self.said_to.is_some() {
            return Ok(());
        }
        let handle = content.sender.as_str();
        let now = now_ms();
        let known = self.tx.contact(handle)?;
        if known
            .as_ref()
            .and_then(|c| c.last_heard_ms)
            .is_some_and(|last| (0..60_000).contains(&(now - last)))
        {
            return Ok(());
        }
        let mut contact = known.unwrap_or_else(|| Contact::new(handle));
        contact.first_heard_ms.get_or_insert(now);
        contact.last_heard_ms = Some(now);
        Ok(self.tx.set_contact(&contact)?)
    }
}

/// Appends a gap row, and remembers that this partition has a hole.
pub(crate) fn append_gap(tx: &mut WriteTxn<'_>, gap: Gap) -> Result<(), ReceiveError> {
    note_hole(tx, gap.partition, |_| true)?;
    HistoryRow::now(Item::Gap(gap)).append::<ReceiveError>(tx, &[])?;
    Ok(())
}

/// Whoever has not read all of a log cannot tell whether others have read another one, and whether a group is still as
/// it was.
///
/// * `missed` - which of the groups of the partition have lost something
pub(super) fn pass_over(
    tx: &mut WriteTxn<'_>,
    partition: u32,
    missed: impl Fn(&GroupRow) -> bool,
) -> Result<(), ReceiveError> {
    for mut row in GroupRow::all::<ReceiveError>(tx)? {
        if row.mailbox().partition.0 == partition && missed(&row) {
            row.pass_over();
            row.put::<ReceiveError>(tx)?;
        }
    }
    Ok(())
}

/// Remembers that offsets of this partition were never read: a stream that is first seen past its
/// beginning is then no news.
pub(crate) fn note_hole(
    tx: &mut WriteTxn<'_>,
    partition: u32,
    missed: impl Fn(&GroupRow) -> bool,
) -> Result<(), ReceiveError> {
    pass_over(tx, partition, missed)?;
    Ok(tx.meta_put(&hole_name(partition), &[1])?)
}

fn hole_name(partition: u32) -> String {
    format!("hole/{partition}")
}

/// Messages that may claim one place in a stream; more are only counted.
const MOST_CLAIMS: usize = 4;
