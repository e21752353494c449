//! What lies in the mailboxes of groups, and the letters that bring groups to us.

use std::num::NonZeroU32;
use std::sync::Arc;

use chat_crypto::DeviceCertificate;
use chat_store::WriteTxn;

use super::conversations::{Conversations, RecordAt, Took};
use super::opened::OpenedContent;
use super::store::Sink;
use super::{OpenedLetter, OpenedMls, Refusal, Skipped, begin_reading};
use crate::client::{Profile, inbox_key};
use crate::conversation::Conversation;
use crate::directory::key_package_used;
use crate::error::{GroupError, ReceiveError};
use crate::groups::{
    Addressee, Arrival, GroupContent, Invitation, Letter, LetterError, NotJoined, OwnLeaf,
    Ratchets, Read, ReceivedLetter,
};
use crate::handle::Handle;
use crate::history_row::HistoryRow;
use crate::item::{Item, LogForked, Protection};
use crate::network::Network;
use crate::trust::Standing;

/// Takes the records of a profile's groups, and joins those that it is invited to.
pub(super) struct GroupMail {
    me: Handle,
    topic: String,
    partitions: NonZeroU32,
    own: Arc<OwnLeaf>,
    ratchets: Ratchets,
}

impl GroupMail {
    pub(super) fn new(profile: &Profile, network: &Network, own: Arc<OwnLeaf>) -> Self {
        Self {
            me: profile.handle.clone(),
            topic: network.mail_topic().as_str().to_owned(),
            partitions: network.partitions(),
            ratchets: Ratchets::new(Arc::clone(&own)),
            own,
        }
    }

    /// Stores what a member has written, as any other message.
    fn content(
        &self,
        tx: &mut WriteTxn<'_>,
        (at, mls): (&RecordAt, &OpenedMls),
        read: GroupContent,
    ) -> Result<Took, ReceiveError> {
        let GroupContent { forked, content, encoded, identity } = read;
        let mut took = Took::default();
        if forked {
            let (from, with) = (content.sender.clone(), content.sender.clone());
            let row = HistoryRow::now(Item::LogForked(LogForked { from, with }));
            row.append::<ReceiveError>(tx, &content.conversation.encode())?;
            took.rows += 1;
        }
        let (carrier, signed_by) = (mls.carrier, Some(identity));
        let protection = Protection::Mls;
        let opened = OpenedContent { content, encoded, carrier, signed_by, protection };
        let mut sink = Sink::new(tx, (&self.topic, at.topic_id, at.partition));
        let place = sink.place(at.offset, &at.hash, carrier);
        sink.judge(&opened, place, &at.hash)?;
        took.rows += sink.stored.rows;
        took.skipped = sink.stored.skipped;
        Ok(took)
    }

    /// Opens a letter to us; what is none is refused.
    fn open(
        &self,
        tx: &WriteTxn<'_>,
        letter: &OpenedLetter,
    ) -> Result<Result<ReceivedLetter, Refusal>, ReceiveError> {
        let keys = [inbox_key(tx)?];
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
    ) -> Result<Took, ReceiveError> {
        let arrival = Arrival { partitions: self.partitions, topic_id: at.topic_id.0 };
        let joined = match self.ratchets.join(tx, (invitation, sender), arrival) {
            Ok(joined) => joined,
            Err(NotJoined::Failed(error)) => return refused_by(error),
            Err(error) => {
                tracing::debug!(%error, "did not join a group");
                return Ok(refused(Refusal::Malformed));
            }
        };
        let row = self.ratchets.row(tx, joined.id)?.clone();
        self.ratchets.finish(tx)?;
        begin_reading(tx, &self.topic, &row)?;
        key_package_used(tx)?;
        let Ok(inviter) = joined.inviter.handle.parse::<Handle>() else {
            return Ok(Took { mailboxes_changed: true, ..Took::default() });
        };
        let pair = Conversation::pair(&self.own.namespace, &self.me, &inviter);
        let conversation = pair.map(|pair| pair.encode()).unwrap_or_default();
        let mut sink = Sink::new(tx, (&self.topic, at.topic_id, at.partition));
        let signed = (joined.inviter.identity, Protection::Mls);
        sink.meet(&inviter, signed, &conversation)?;
        Ok(Took { rows: sink.stored.rows, mailboxes_changed: true, ..Took::default() })
    }
}

impl Conversations for GroupMail {
    fn begin(&mut self) {
        self.ratchets.begin();
    }

    fn finish(&mut self, tx: &mut WriteTxn<'_>) -> Result<(), ReceiveError> {
        Ok(self.ratchets.finish(tx)?)
    }

    fn message(
        &mut self,
        tx: &mut WriteTxn<'_>,
        at: &RecordAt,
        mls: &OpenedMls,
    ) -> Result<Took, ReceiveError> {
        let read = match self.ratchets.read(tx, mls.group, (&mls.message, at.offset)) {
            Ok(read) => read,
            Err(error) => return refused_by(error),
        };
        match read {
            Read::Content(content) => self.content(tx, (at, mls), *content),
            Read::Changed(change) => {
                tracing::debug!(?change, "a group has changed");
                self.ratchets.finish(tx)?;
                Ok(Took { mailboxes_changed: true, ..Took::default() })
            }
            Read::Passed => Ok(Took::default()),
            Read::Newer => {
                let skipped = Skipped { dropped: 1, ..Skipped::default() };
                Ok(Took { skipped, ..Took::default() })
            }
            Read::Refused(refusal) => Ok(refused(refusal)),
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
        match letter {
            Letter::Invitation(invitation) => self.join(tx, at, (&invitation, &sender)),
        }
    }
}

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
