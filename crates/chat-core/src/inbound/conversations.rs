//! Where records of conversations that MLS protects go once their envelopes are open.

use chat_crypto::mls::GroupId;
use chat_store::WriteTxn;
use chat_transport::TopicId;

use super::{OpenedLetter, OpenedMls, Refusal, Skipped};
use crate::error::ReceiveError;
use crate::groups::NewerContent;
use crate::item::CarrierKind;

/// What takes the records of conversations: it lives as long as its reader, and may keep loaded groups.
///
/// All functions run inside the transaction that moves the cursor. A transaction that fails is rolled back after
/// they returned, and other processes of the profile write between two calls: whatever is kept in memory is
/// compared with the store before it is used. Nothing in a record is trusted: what is refused is said in
/// [`Took::refused`], and an error is the store's alone.
pub(crate) trait Conversations: Send {
    /// A transaction begins: what another one has not finished never happened.
    fn begin(&mut self) {}

    /// The transaction is about to end: what was held back is written.
    fn finish(&mut self, _: &mut WriteTxn<'_>) -> Result<(), ReceiveError> {
        Ok(())
    }

    /// Takes a record that lies in the mailbox of a group and opens with none of its keys.
    fn sealed(
        &mut self,
        _: &mut WriteTxn<'_>,
        _: &RecordAt,
        _: GroupId,
    ) -> Result<Took, ReceiveError> {
        Ok(Took { refused: Some(Refusal::Unreadable), ..Took::default() })
    }

    /// Takes what lay in the mailbox of a conversation. A mailbox that lags is given what lies below the
    /// partition's cursor, too; a refusal counts for nothing there.
    fn message(
        &mut self,
        tx: &mut WriteTxn<'_>,
        at: &RecordAt,
        mls: &OpenedMls,
    ) -> Result<Took, ReceiveError>;

    /// Reads again what a member of a group said in words of a later version; `None` if they still are.
    fn reread(
        &mut self,
        _: &mut WriteTxn<'_>,
        _: &RecordAt,
        _: (&NewerContent, CarrierKind),
    ) -> Result<Option<Took>, ReceiveError> {
        Ok(None)
    }

    /// Takes a letter from the inbox. Only here may a mailbox be new to the profile: whoever joins a group calls
    /// [`begin_reading`](super::begin_reading) in the same transaction.
    fn letter(
        &mut self,
        tx: &mut WriteTxn<'_>,
        at: &RecordAt,
        letter: &OpenedLetter,
    ) -> Result<Took, ReceiveError>;
}

/// Which record it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordAt {
    pub(crate) topic_id: TopicId,
    pub(crate) partition: u32,
    pub(crate) offset: u64,
    /// The broker's time, milliseconds since 1970; 0 where it is not known any more.
    pub(crate) timestamp_ms: i64,
    /// [`record_hash`](crate::hash::record_hash) of the record.
    pub(crate) hash: [u8; 32],
}

/// What became of a record.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Took {
    /// Rows that were added to the history.
    pub(crate) rows: u64,
    /// Whether mailboxes or their keys are others from here on: what lies behind the record is opened anew.
    pub(crate) mailboxes_changed: bool,
    /// Why it counts as refused, once.
    pub(crate) refused: Option<Refusal>,
    /// What else was skipped.
    pub(crate) skipped: Skipped,
}

/// Knows no conversation: everything is unreadable to it.
#[cfg(test)]
pub(crate) struct NoConversations;

#[cfg(test)]
impl Conversations for NoConversations {
    fn message(
        &mut self,
        _: &mut WriteTxn<'_>,
        _: &RecordAt,
        _: &OpenedMls,
    ) -> Result<Took, ReceiveError> {
        Ok(Took { refused: Some(Refusal::Unreadable), ..Took::default() })
    }

    fn letter(
        &mut self,
        _: &mut WriteTxn<'_>,
        _: &RecordAt,
        _: &OpenedLetter,
    ) -> Result<Took, ReceiveError> {
        Ok(Took { refused: Some(Refusal::Unreadable), ..Took::default() })
    }
}
