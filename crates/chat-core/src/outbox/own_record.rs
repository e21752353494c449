//! One acknowledged record of our own, as the store keeps it.

use chat_transport::{Bounds, Partition, TopicId, TopicName};
use serde::{Deserialize, Serialize};

use crate::client::Profile;
use crate::error::{SendError, StoredValueError};
use crate::history_row::decode;

/// An acknowledged record of our own, as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OwnRecord {
    pub(crate) topic_id: [u8; 16],
    /// Under which leader it was last seen on the log, where that is known.
    pub(crate) leader_epoch: Option<u32>,
    pub(crate) hash: [u8; 32],
    /// The message's place in the history.
    pub(crate) history: u64,
    /// The message's number in the outbox, where its bytes rest.
    pub(crate) outbox: u64,
    /// The leader epoch under which a look that has not come to its end has found it on the log.
    pub(crate) looked_at: Option<u32>,
}

impl OwnRecord {
    /// Decodes what the store keeps; rows from before looks were remembered as well.
    pub(crate) fn decode(body: &[u8]) -> Result<Self, StoredValueError> {
        decode(body).or_else(|_| decode::<Unlooked>(body).map(Self::from))
    }

    /// Whether it is on the log for certain, without reading it.
    ///
    /// * `offset` - where it lies
    pub(crate) fn stands(&self, id: TopicId, offset: u64, bounds: &Bounds) -> bool {
        let epoch = bounds.leader_epoch.map(|epoch| epoch.0);
        self.topic_id == id.0
            && offset < bounds.end.0
            && epoch.is_some()
            && epoch == self.leader_epoch
    }
}

/// An own record as it was kept before looks were remembered.
#[derive(Deserialize)]
struct Unlooked {
    topic_id: [u8; 16],
    leader_epoch: Option<u32>,
    hash: [u8; 32],
    history: u64,
    outbox: u64,
}

impl From<Unlooked> for OwnRecord {
    fn from(row: Unlooked) -> Self {
        let Unlooked { topic_id, leader_epoch, hash, history, outbox } = row;
        Self { topic_id, leader_epoch, hash, history, outbox, looked_at: None }
    }
}

impl Profile {
    /// The newest own record of a partition: its offset, and what is kept of it.
    pub(crate) fn own_newest(
        &self,
        topic: &TopicName,
        partition: Partition,
    ) -> Result<Option<(u64, OwnRecord)>, SendError> {
        Ok(self.own_below(topic, partition, u64::MAX, 1)?.pop())
    }

    /// The offset of the own record that was a row of the outbox.
    pub(crate) fn own_offset(
        &self,
        topic: &TopicName,
        partition: Partition,
        row: u64,
    ) -> Result<Option<u64>, SendError> {
        let mut before = u64::MAX;
        loop {
            let page = self.own_below(topic, partition, before, PAGE)?;
            let Some((oldest, _)) = page.last() else { return Ok(None) };
            before = *oldest;
            if let Some((offset, _)) = page.iter().find(|(_, own)| own.outbox == row) {
                return Ok(Some(*offset));
            }
        }
    }

    /// Own records of a partition below an offset, newest first, at most `limit`.
    pub(crate) fn own_below(
        &self,
        topic: &TopicName,
        partition: Partition,
        offset: u64,
        limit: usize,
    ) -> Result<Vec<(u64, OwnRecord)>, SendError> {
        let rows =
            self.store.read(|tx| tx.own_below(topic.as_str(), partition.0, offset, limit))?;
        rows.iter().map(|row| Ok((row.offset, OwnRecord::decode(&row.body)?))).collect()
    }
}

/// Own records that are looked through at once.
const PAGE: usize = 256;
