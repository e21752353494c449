//! Rows that were sent together, and how far they came.

use chat_transport::{Ack, LeaderEpoch, Record, TopicId, TopicName};

use super::own::rest;
use super::own_record::OwnRecord;
use super::ready::ReadyRow;
use crate::client::Profile;
use crate::error::SendError;
use crate::hash::record_hash;
use crate::history_row::encode;
use crate::mailbox::Mailbox;

/// Rows that were sent together, and how far they came.
pub(crate) struct Attempt {
    pub(crate) rows: Vec<ReadyRow>,
    hashes: Vec<[u8; 32]>,
    /// The acknowledgements of the leading rows.
    pub(crate) acks: Vec<Ack>,
}

/// Where rows were sent to.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) topic: TopicName,
    pub(crate) topic_id: TopicId,
    pub(crate) mailbox: Mailbox,
    /// The leader epoch that was seen before anything was appended.
    pub(crate) seen: Option<LeaderEpoch>,
}

impl Attempt {
    /// The records to append, and the attempt that they make.
    pub(crate) fn new(rows: Vec<ReadyRow>, mailbox: &Mailbox) -> (Self, Vec<Record>) {
        let records: Vec<Record> = rows.iter().map(|row| row.record(mailbox)).collect();
        let hash = |record: &Record| record_hash(record.key.as_deref(), Some(&record.value));
        let hashes = records.iter().map(hash).collect();
        (Self { rows, hashes, acks: Vec::new() }, records)
    }

    /// The rows that were acknowledged.
    pub(crate) fn acked(&self) -> impl Iterator<Item = (&ReadyRow, &Ack)> {
        self.rows.iter().zip(&self.acks)
    }

    /// Lets acknowledged rows rest and remembers where they are on the log. Blocks.
    pub(crate) fn store(&self, profile: &Profile, target: &Target) -> Result<(), SendError> {
        // A duplicate that the broker dropped is acknowledged without its offset.
        let placed = self.acked().zip(&self.hashes).filter_map(|((row, ack), hash)| {
            let offset = ack.offset?.0;
            let own = OwnRecord {
                topic_id: target.topic_id.0,
                // The one from before: an append over a change of leaders is then looked at again.
                leader_epoch: target.seen.or(ack.leader_epoch).map(|epoch| epoch.0),
                hash: *hash,
                history: row.row.history,
                outbox: row.id,
                looked_at: None,
            };
            Some(encode(&own).map(|body| (offset, body)))
        });
        let placed = placed.collect::<Result<Vec<_>, _>>()?;
        profile.store.write(|tx| {
            tx.own_put(target.topic.as_str(), target.mailbox.partition.0, placed)?;
            rest(tx, &target.mailbox, self.acked().map(|(row, _)| row))
        })
    }
}
