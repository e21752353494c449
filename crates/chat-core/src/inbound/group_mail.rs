//! What lies in the mailboxes of groups, and the letters that bring groups to us.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use chat_crypto::mls::{GroupId, JoinError};
use chat_crypto::{DeviceCertificate, DeviceId};
use chat_store::WriteTxn;
use chat_transport::Partition;

use super::conversations::{Conversations, RecordAt, Took};
use super::newer::{KeptNewer, NewerMessage};
use super::opened::OpenedContent;
use super::restored::is_before_restore;
use super::store::{Joined, Sink};
use super::{OpenedLetter, OpenedMls, Refusal, Skipped, begin_reading};
use crate::client::Profile;
use crate::conversation::Conversation;
use crate::devices::{Linking, OwnDevices, inbox_keys};
use crate::directory::{Ahead, Place, SeenHead, key_package_used};
use crate::error::{GroupError, ReceiveError};
use crate::groups::{
    Addressee, Answer, Arrival, Changed, GroupContent, GroupState, Invitation, Landing, Letter,
    LetterError, MemberName, NewerContent, NotJoined, OwnLeaf, Ratchets, Read, ReceivedLetter,
    RejoinAnswer, RejoinRequest,
};
use crate::handle::Handle;
use crate::history_row::{HistoryRow, RecordPlace};
use crate::item::{CarrierKind, Item, LogForked, Protection, Unsent};
use crate::meta_row::MetaRow;
use crate::network::Network;
use crate::outbox::Sealer;
use crate::outbox::own_record::OwnRecord;
use crate::peer::Peer;
use crate::trust::Standing;

mod devices;
mod keys;
#[cfg(test)]
mod tests;

/// Takes the records of a profile's groups, and joins those that it is invited to.
pub(super) struct GroupMail {
    me: Handle,
    topic: String,
    network: Network,
    own: Arc<OwnLeaf>,
    ratchets: Ratchets,
    directory: Place,
    /// What members have said of their own lists of changes within this transaction.
    heard: HashMap<[u8; 32], SeenHead>,
    /// What is known of devices that have written: whether they were removed.
    removed: HashMap<([u8; 32], DeviceId), bool>,
}

impl GroupMail {
    pub(super) fn new(profile: &Profile, network: &Network, own: Arc<OwnLeaf>) -> Self {
        Self {
            me: profile.handle.clone(),
            topic: network.mail_topic().as_str().to_owned(),
            network: network.clone(),
            ratchets: Ratchets::new(Arc::clone(&own)),
            directory: Place::new(network),
            heard: HashMap::new(),
            removed: HashMap::new(),
            own,
        }
    }

    /// Stores what a member has written, as any other message.
    fn content(
        &mut self,
        tx: &mut WriteTxn<'_>,
        (at, group, carrier): (&RecordAt, GroupId, CarrierKind),
        read: GroupContent,
    ) -> Result<Took, ReceiveError> {
        let GroupContent { forked, content, encoded, identity, device, head } = read;
        let row = self.ratchets.row(tx, group)?;
        let group = row.is_named().then(|| row.name());
        // Another device of ours has written to whom the group is with.
        let said_to = (identity == self.own.identity()).then(|| row.peer());
        let own = self.own.identity();
        // The other of a pair invites before they write; another device of ours may do it later.
        let is_late = |name: &MemberName| group.is_some() || name.identity == own;
        let joined = match &row.inviter {
            Some(inviter) if is_late(inviter) => Joined::Later,
            _ => Joined::First,
        };
        let from = content.sender.clone();
        let with = group.clone().map_or_else(|| from.clone().into(), Peer::from);
        let conversation = content.conversation.encode();
        let (signed_by, protection) = (Some(identity), Protection::Mls);
        let opened = OpenedContent { content, encoded, carrier, signed_by, device, protection };
        let known = std::mem::take(&mut self.removed);
        let mut sink =
            Sink::new(tx, (&self.topic, at.topic_id, at.partition)).since(joined).knowing(known);
        if let Some(group) = group {
            sink = sink.in_group(group);
        }
        if let Some(to) = said_to {
            sink = sink.said_by_us(to);
        }
        let place = sink.place(at.offset, &at.hash, carrier);
        sink.judge(&opened, place, &at.hash)?;
        let mut took =
            Took { rows: sink.stored.rows, skipped: sink.stored.skipped, ..Took::default() };
        self.removed = std::mem::take(&mut sink.removed);
        if let (Some(head), true) = (head, took.rows > 0) {
            self.hear(tx, (&from, &identity), head)?;
        }
        // What is not shown of somebody raises no alarm either.
        if forked && took.rows > 0 {
            let row = HistoryRow::now(Item::LogForked(LogForked { from, with }));
            row.append::<ReceiveError>(tx, &conversation)?;
            took.rows += 1;
        }
        Ok(took)
    }

    /// A member says how long their list of changes in the directory is.
    fn hear(
        &mut self,
        tx: &mut WriteTxn<'_>,
        (handle, identity): (&Handle, &[u8; 32]),
        head: SeenHead,
    ) -> Result<(), ReceiveError> {
        if self.heard.get(identity) == Some(&head) {
            return Ok(());
        }
        Ahead::hear(tx, (&self.directory, &self.me), (handle, identity), head)?;
        if self.heard.len() >= MOST_HEARD {
            self.heard.clear();
        }
        self.heard.insert(*identity, head);
        Ok(())
    }

    /// Opens a letter to us; what is none is refused.
    fn open(
        &self,
        tx: &WriteTxn<'_>,
        letter: &OpenedLetter,
    ) -> Result<Result<ReceivedLetter, Refusal>, ReceiveError> {
        let keys = inbox_keys(tx)?;
        let me = Addressee { namespace: &self.own.namespace, identity: &self.own.identity() };
        Ok(Letter::open(&letter.body, &keys, me).map_err(|error| {
            tracing::debug!(%error, "refused a letter");
            match error {
                LetterError::Sealed => Refusal::Unreadable,
                LetterError::Forged => Refusal::Forged,
                LetterError::Malformed(_) | LetterError::Newer => Refusal::Malformed,
            }
        }))
    }

    fn join(
        &mut self,
        tx: &mut WriteTxn<'_>,
        at: &RecordAt,
        (invitation, sender): (&Invitation, &DeviceCertificate),
        is_copy: bool,
    ) -> Result<Took, ReceiveError> {
        let (partitions, topic_id) = (self.network.partitions(), at.topic_id.0);
        let arrival = Arrival { partitions, topic_id, is_copy };
        let joined = match self.ratchets.join(tx, (invitation, sender), arrival) {
            Ok(joined) => joined,
            Err(NotJoined::Failed(error)) => return refused_by(error),
            Err(NotJoined::Blocked) => {
                let skipped = Skipped { blocked: 1, ..Skipped::default() };
                return Ok(Took { skipped, ..Took::default() });
            }
            Err(NotJoined::Early) => {
                tracing::debug!("an invitation to a group that this profile is in is kept");
                return Ok(Took::default());
            }
            Err(NotJoined::Welcome(JoinError::NotForUs)) if is_one_of_several(tx)? => {
                return Ok(Took::default());
            }
            Err(error) => {
                tracing::debug!(%error, "did not join a group");
                return Ok(refused(Refusal::Malformed));
            }
        };
        let row = self.ratchets.row(tx, joined.id)?.clone();
        self.ratchets.finish(tx)?;
        begin_reading(tx, &self.topic, &row)?;
        key_package_used::<ReceiveError>(tx)?;
        let Ok(inviter) = joined.inviter.handle.parse::<Handle>() else {
            return Ok(Took { mailboxes_changed: true, ..Took::default() });
        };
        let mut took = Took { mailboxes_changed: true, ..Took::default() };
        took.rows += self.tell(tx, row.id(), joined.event)?;
        let is_ours = joined.inviter.identity == self.own.identity();
        if joined.state != GroupState::Requested && !is_ours {
            let pair = Conversation::pair(&self.own.namespace, &self.me, &inviter);
            let conversation = pair.map(|pair| pair.encode()).unwrap_or_default();
            let mut sink = Sink::new(tx, (&self.topic, at.topic_id, at.partition));
            // Whose key counts already writes to us there from now on. Nobody comes to count by inviting: that takes a
            // message which is shown.
            let pin = Standing::of::<ReceiveError>(sink.tx, &inviter)?.pin;
            let protection =
                if row.is_named() { Protection::SignedSharedKey } else { Protection::Mls };
            if pin.is_some() {
                sink.meet(&inviter, (joined.inviter.identity, protection), &conversation)?;
            }
            took.rows += sink.stored.rows;
        }
        Ok(took)
    }
}

impl GroupMail {
    /// A Commit was taken over: those whom ours has added are invited, and all of it is told.
    fn changed(
        &mut self,
        tx: &mut WriteTxn<'_>,
        (at, group): (&RecordAt, GroupId),
        changed: &Changed,
    ) -> Result<Took, ReceiveError> {
        let landing = Landing { topic_id: at.topic_id.0, offset: at.offset };
        let settled = match self.ratchets.settle(tx, group, changed, landing) {
            Ok(settled) => settled,
            Err(error) => return refused_by(error),
        };
        self.ratchets.finish(tx)?;
        let sealer = Sealer { network: &self.network, signer: &self.own.signer };
        for held in &settled.letters {
            sealer.post(tx, &held.to, &held.letter).map_err(Box::new)?;
        }
        let rows = self.tell(tx, group, settled.events)?;
        let mut took = Took { rows, mailboxes_changed: true, ..Took::default() };
        if changed.change.removes_us {
            self.put_out_by(tx, &changed.change)?;
            let back = self.join_early(tx, at, group)?;
            took.rows += back.rows;
            took.skipped.add(back.skipped);
        }
        Ok(took)
    }

    /// Takes the invitation that came before its Commit, if one did.
    fn join_early(
        &mut self,
        tx: &mut WriteTxn<'_>,
        at: &RecordAt,
        group: GroupId,
    ) -> Result<Took, ReceiveError> {
        let Some((invitation, sender)) = self.ratchets.take_early(tx, group)? else {
            return Ok(Took::default());
        };
        let is_copy = self.ratchets.row(tx, group)?.repair.is_copy;
        self.join(tx, at, (&invitation, &sender), is_copy)
    }

    /// A member asks to be put back into a group.
    fn put_back(
        &mut self,
        tx: &mut WriteTxn<'_>,
        (request, sender): (&RejoinRequest, &DeviceCertificate),
    ) -> Result<Took, ReceiveError> {
        match self.ratchets.note_request(tx, (request, sender)) {
            Ok(Answer::Kept) => {}
            Ok(Answer::None) => {
                tracing::debug!(?request, "a request to be put back counts for nothing");
            }
            Ok(Answer::Said(held)) => {
                let sealer = Sealer { network: &self.network, signer: &self.own.signer };
                sealer.post(tx, &held.to, &held.letter).map_err(Box::new)?;
            }
            Err(error) => return refused_by(error),
        }
        Ok(Took::default())
    }

    /// Somebody whom we have asked to put us back says how we stand.
    fn answered(
        &mut self,
        tx: &mut WriteTxn<'_>,
        (answer, sender): (&RejoinAnswer, &DeviceCertificate),
    ) -> Result<Took, ReceiveError> {
        let told = match self.ratchets.note_answer(tx, (answer, sender)) {
            Ok(told) => told,
            Err(error) => return refused_by(error),
        };
        self.ratchets.finish(tx)?;
        let rows = self.tell(tx, answer.group, told)?;
        Ok(Took { rows, mailboxes_changed: rows > 0, ..Took::default() })
    }

    /// A message of ours landed when its epoch was out of reach: nobody has read it. It waits in the outbox again, and
    /// is encrypted anew before it goes.
    ///
    /// Returns whether it is one of ours.
    fn send_again(&self, tx: &mut WriteTxn<'_>, at: &RecordAt) -> Result<bool, ReceiveError> {
        let behind = at.offset.saturating_add(1);
        let own = tx.own_below(&self.topic, at.partition, behind, 1)?.pop();
        let Some(row) = own.filter(|row| row.offset == at.offset) else { return Ok(false) };
        let own = OwnRecord::decode(&row.body)?;
        if own.hash != at.hash || own.topic_id != at.topic_id.0 {
            return Ok(false);
        }
        tx.own_delete(&self.topic, at.partition, at.offset)?;
        if !tx.outbox_requeue(own.outbox.into())? && own.history != 0 {
            let (message, partition, offset) = (own.history, at.partition, at.offset);
            HistoryRow::now(Item::Unsent(Unsent { message, partition, offset }))
                .append::<ReceiveError>(tx, &[])?;
        }
        Ok(true)
    }

    /// MLS sees bytes of strangers and members: should it give up on one record, that must not end the reading.
    fn read(
        &mut self,
        tx: &WriteTxn<'_>,
        at: &RecordAt,
        mls: &OpenedMls,
    ) -> Result<Read, GroupError> {
        let ratchets = &mut self.ratchets;
        let read = std::panic::catch_unwind(AssertUnwindSafe(|| {
            ratchets.read(tx, mls.group, (&mls.message, at.offset))
        }));
        read.unwrap_or_else(|_| {
            tracing::error!(offset = at.offset, "a record of a group made MLS give up");
            Ok(Read::Refused(Refusal::Malformed))
        })
    }

    /// Tells something in a group's conversation.
    fn tell(
        &self,
        tx: &mut WriteTxn<'_>,
        group: GroupId,
        events: impl IntoIterator<Item = Item>,
    ) -> Result<u64, ReceiveError> {
        let conversation = Conversation::group(&self.own.namespace, group.as_bytes()).encode();
        let mut rows = 0;
        for event in events {
            HistoryRow::now(event).append::<ReceiveError>(tx, &conversation)?;
            rows += 1;
        }
        Ok(rows)
    }

    /// Acts on what a record of a group came to.
    fn took(
        &mut self,
        tx: &mut WriteTxn<'_>,
        (at, group, carrier): (&RecordAt, GroupId, CarrierKind),
        read: Read,
    ) -> Result<Took, ReceiveError> {
        match read {
            Read::Content(content) => self.content(tx, (at, group, carrier), *content),
            Read::Changed(changed) => self.changed(tx, (at, group), &changed),
            Read::PutBack => self.join_early(tx, at, group),
            Read::Leaving(name) => {
                tracing::debug!(who = %name.handle, "a member leaves a group");
                Ok(Took::default())
            }
            Read::TooLate => {
                self.send_again(tx, at)?;
                Ok(Took::default())
            }
            Read::Passed | Read::Withheld => Ok(Took::default()),
            Read::Newer(newer) => self.newer(tx, (at, carrier), *newer),
            Read::Refused(refusal) => Ok(refused(refusal)),
        }
    }

    /// Keeps what a member has said in words of a later version.
    fn newer(
        &mut self,
        tx: &mut WriteTxn<'_>,
        (at, carrier): (&RecordAt, CarrierKind),
        newer: NewerContent,
    ) -> Result<Took, ReceiveError> {
        let row = self.ratchets.row(tx, newer.group())?;
        let (state, with) = (row.state, row.peer());
        let Some(sender) = newer.sender(&self.own) else { return Ok(refused(Refusal::Forged)) };
        if Standing::of::<ReceiveError>(tx, &sender.handle)?.blocked {
            let skipped = Skipped { blocked: 1, ..Skipped::default() };
            return Ok(Took { skipped, ..Took::default() });
        }
        let group = newer.group();
        let pair = with
            .person()
            .and_then(|other| Conversation::pair(&self.own.namespace, &self.me, other));
        let conversation =
            pair.unwrap_or_else(|| Conversation::group(&self.own.namespace, group.as_bytes()));
        let (topic_id, partition, offset, hash) = (at.topic_id.0, at.partition, at.offset, at.hash);
        let place = RecordPlace { topic_id, partition, offset, hash };
        let kept = KeptNewer { message: NewerMessage::Group(newer), carrier, place };
        // Nobody has said yes to a group that was only asked for: nothing of it is shown.
        let is_shown = !matches!(state, GroupState::Requested | GroupState::Declined);
        if is_shown && kept.keep(tx, &self.topic, &conversation.encode())? {
            return Ok(Took { rows: 1, ..Took::default() });
        }
        let skipped = Skipped { dropped: 1, ..Skipped::default() };
        Ok(Took { skipped, ..Took::default() })
    }
}

impl Conversations for GroupMail {
    fn begin(&mut self) {
        self.heard.clear();
        self.removed.clear();
        self.ratchets.begin();
    }

    fn finish(&mut self, tx: &mut WriteTxn<'_>) -> Result<(), ReceiveError> {
        Ok(self.ratchets.finish(tx)?)
    }

    fn sealed(
        &mut self,
        tx: &mut WriteTxn<'_>,
        at: &RecordAt,
        group: GroupId,
    ) -> Result<Took, ReceiveError> {
        if self.send_again(tx, at)? {
            return Ok(Took::default());
        }
        if self.ratchets.row(tx, group)?.repair.tells_of_gap() {
            self.ratchets.change(tx, group, |row| row.repair.note_unopened())?;
        }
        Ok(refused(Refusal::Unreadable))
    }

    fn message(
        &mut self,
        tx: &mut WriteTxn<'_>,
        at: &RecordAt,
        mls: &OpenedMls,
    ) -> Result<Took, ReceiveError> {
        let read = match self.read(tx, at, mls) {
            Ok(read) => read,
            Err(error) => return refused_by(error),
        };
        self.took(tx, (at, mls.group, mls.carrier), read)
    }

    fn reread(
        &mut self,
        tx: &mut WriteTxn<'_>,
        at: &RecordAt,
        (newer, carrier): (&NewerContent, CarrierKind),
    ) -> Result<Option<Took>, ReceiveError> {
        match self.ratchets.reread(tx, newer, at.offset) {
            Ok(Read::Newer(_)) => Ok(None),
            Ok(read) => self.took(tx, (at, newer.group(), carrier), read).map(Some),
            Err(error) if error.concerns_store() => Err(error.into()),
            Err(error) => {
                tracing::warn!(%error, "a message of a later version cannot be read yet");
                Ok(None)
            }
        }
    }

    fn letter(
        &mut self,
        tx: &mut WriteTxn<'_>,
        at: &RecordAt,
        letter: &OpenedLetter,
    ) -> Result<Took, ReceiveError> {
        let ReceivedLetter { letter, sender } = match self.open(tx, letter)? {
            Ok(letter) => letter,
            // It may be for another of our devices alone.
            Err(Refusal::Unreadable) if is_one_of_several(tx)? => return Ok(Took::default()),
            Err(refusal) => return Ok(refused(refusal)),
        };
        let is_blocked = match sender.handle().parse::<Handle>() {
            Ok(handle) => Standing::of::<ReceiveError>(tx, &handle)?.blocked,
            Err(_) => true,
        };
        if is_blocked {
            let skipped = Skipped { blocked: 1, ..Skipped::default() };
            return Ok(Took { skipped, ..Took::default() });
        }
        if self.ratchets.is_removed(tx, &sender)? {
            tracing::debug!(who = sender.handle(), "a letter of a device that was removed");
            return Ok(refused(Refusal::Forged));
        }
        match letter {
            Letter::Invitation(invitation) => {
                let is_copy =
                    is_before_restore(tx, (Partition(at.partition), at.topic_id, at.offset))?;
                self.join(tx, at, (&invitation, &sender), is_copy)
            }
            Letter::RejoinRequest(request) => self.put_back(tx, (&request, &sender)),
            Letter::RejoinAnswer(answer) => self.answered(tx, (&answer, &sender)),
            Letter::NetworkKeys(offered) => self.keys_offered((tx, at), (&offered, &sender)),
            Letter::DeviceRequest(request) => self.device_asks(tx, (&request, &sender)),
            Letter::DeviceAnswer(answer) => self.device_answers(tx, (&answer, &sender)),
        }
    }
}

/// Whether our identity has, or may come to have, other devices, whose letters lie in the same inbox.
fn is_one_of_several(tx: &WriteTxn<'_>) -> Result<bool, ReceiveError> {
    Ok(OwnDevices::of::<ReceiveError>(tx)?.devices.len() > 1
        || Linking::stored::<ReceiveError>(tx)?.is_some())
}

/// The most members whose last word of themselves is kept in mind.
const MOST_HEARD: usize = 1024;

fn refused(refusal: Refusal) -> Took {
    Took { refused: Some(refusal), ..Took::default() }
}

/// A group whose own state is damaged refuses its records; a store that fails is another matter.
fn refused_by(error: GroupError) -> Result<Took, ReceiveError> {
    if error.concerns_store() {
        return Err(error.into());
    }
    tracing::warn!(%error, "a record of a group cannot be read");
    Ok(refused(Refusal::Unreadable))
}
