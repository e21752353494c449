//! Own records on the log: is what was acknowledged still there?
//!
//! A log can lose its acknowledged end (an unclean leader, a restored disk) or all of it (a topic made
//! anew). What was acknowledged there goes back into the outbox, with identical bytes, ahead of what
//! is younger; receivers show nothing twice.

use std::collections::HashMap;
use std::time::Duration;

use chat_store::WriteTxn;
use chat_transport::{
    Bounds, LeaderEpoch, Offset, Partition, Position, ReadOptions, TopicId, TopicName, Transport,
    TransportError,
};
use serde::{Deserialize, Serialize};

use crate::client::Profile;
use crate::clock::now_ms;
use crate::error::SendError;
use crate::hash::stored_hash;
use crate::history_row::{HistoryRow, decode, encode};
use crate::item::{Item, Unsent};
use crate::mailbox::Mailbox;
use crate::mutant::{Mutant, breaks};
use crate::outbox::ready::ReadyRow;

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
}

/// The own records of a profile on one incarnation of the mail topic.
pub(crate) struct OwnRecords<'a> {
    pub(crate) profile: &'a Profile,
    pub(crate) transport: &'a dyn Transport,
    pub(crate) topic: &'a TopicName,
    pub(crate) id: TopicId,
}

/// What became of acknowledged records that are not on the log any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lost {
    /// Back in the outbox.
    pub(crate) requeued: u64,
    /// Too old to be sent again: said in the history.
    pub(crate) unsent: u64,
}

impl Lost {
    fn add(&mut self, more: Self) {
        let Self { requeued, unsent } = more;
        self.requeued += requeued;
        self.unsent += unsent;
    }
}

/// How one acknowledged record is found.
enum Standing {
    /// On the log, or expired there.
    Stands,
    /// On the log, but appended under a later leader than the one it was sent to.
    UnderLaterLeader,
    Gone,
    /// Nobody lets us look: the acknowledgement is believed until somebody does.
    Unknown,
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

    fn own_below(
        &self,
        topic: &TopicName,
        partition: Partition,
        offset: u64,
        limit: usize,
    ) -> Result<Vec<(u64, OwnRecord)>, SendError> {
        let rows =
            self.store.read(|tx| tx.own_below(topic.as_str(), partition.0, offset, limit))?;
        rows.iter().map(|row| Ok((row.offset, decode(&row.body)?))).collect()
    }
}

/// Whether a record is there for certain, without reading it.
pub(crate) fn stands(id: TopicId, offset: u64, own: &OwnRecord, bounds: &Bounds) -> bool {
    let epoch = bounds.leader_epoch.map(|epoch| epoch.0);
    own.topic_id == id.0 && offset < bounds.end.0 && epoch.is_some() && epoch == own.leader_epoch
}

impl OwnRecords<'_> {
    /// Compares the newest acknowledged record of each partition with the log, and puts back what the
    /// log has lost.
    ///
    /// A partition without own records costs nothing; one whose leader is still the one that was seen
    /// costs its share of one look at the bounds.
    ///
    /// * `epochs` - takes the leader epochs that were seen: what is appended next is under these or later ones
    pub(crate) async fn check(
        &self,
        partitions: &[Partition],
        epochs: &mut HashMap<Partition, LeaderEpoch>,
    ) -> Result<Lost, SendError> {
        let mut newest = Vec::new();
        for partition in partitions {
            if let Some(own) = self.profile.own_newest(self.topic, *partition)? {
                newest.push((*partition, own));
            }
        }
        let mut lost = Lost::default();
        if newest.is_empty() {
            return Ok(lost);
        }
        let bounds = self.newest_bounds(&newest).await?;
        for ((partition, (offset, own)), bounds) in newest.into_iter().zip(&bounds) {
            epochs.extend(bounds.leader_epoch.map(|epoch| (partition, epoch)));
            if !stands(self.id, offset, &own, bounds) {
                lost.add(self.put_back(partition, bounds).await?);
            }
        }
        Ok(lost)
    }

    /// Bounds by the newest leaders that are known: an answer from before them proves nothing, unless
    /// it is given again and again, as by a broker whose disk was restored.
    async fn newest_bounds(
        &self,
        newest: &[(Partition, (u64, OwnRecord))],
    ) -> Result<Vec<Bounds>, SendError> {
        let partitions: Vec<Partition> = newest.iter().map(|(partition, _)| *partition).collect();
        let mut looks = 0;
        loop {
            let bounds = self.transport.bounds(self.topic, &partitions).await?;
            let stale = newest.iter().zip(&bounds).any(|((_, (_, own)), bounds)| {
                let epoch = bounds.leader_epoch.map(|epoch| epoch.0);
                own.topic_id == self.id.0 && epoch.is_some() && epoch < own.leader_epoch
            });
            looks += 1;
            if !stale || looks >= STALE_LOOKS {
                return Ok(bounds);
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    /// The offset of our newest acknowledged record: whatever is appended from now on lies above it.
    pub(crate) fn newest(&self, partition: Partition) -> Result<Option<u64>, SendError> {
        let newest = self.profile.own_newest(self.topic, partition)?;
        Ok(newest.filter(|(_, own)| own.topic_id == self.id.0).map(|(offset, _)| offset))
    }

    /// Whether a record is on the log, or was there until retention took it.
    async fn standing(
        &self,
        offset: u64,
        own: &OwnRecord,
        bounds: &Bounds,
    ) -> Result<Standing, SendError> {
        if own.topic_id != self.id.0 || offset >= bounds.end.0 {
            return Ok(Standing::Gone);
        }
        if offset < bounds.start.0 {
            return Ok(Standing::Stands);
        }
        let at = [Position { partition: bounds.partition, offset: Offset(offset) }];
        let options = ReadOptions { max_records: 1, ..ReadOptions::default() };
        let pages = match self.transport.read(self.topic, self.id, &at, options).await {
            Ok(pages) => pages,
            // Cut, or deleted, since the bounds were asked for.
            Err(TransportError::OutOfRange { bounds, .. }) if offset < bounds.start.0 => {
                return Ok(Standing::Stands);
            }
            // A damaged record is one that nobody can read: it is as good as gone.
            Err(
                TransportError::OutOfRange { .. }
                | TransportError::TopicReplaced { .. }
                | TransportError::Damaged { .. },
            ) => {
                return Ok(Standing::Gone);
            }
            // Who may only write cannot look, and believes the acknowledgement.
            Err(TransportError::Denied { .. } | TransportError::Withheld { .. }) => {
                return Ok(Standing::Unknown);
            }
            Err(error) => return Err(error.into()),
        };
        let Some(page) = pages.into_iter().next() else { return Ok(Standing::Unknown) };
        Ok(match page.records.first() {
            // Nothing came, and nothing was passed over: that says nothing of the record.
            None if page.resume.0 <= offset => Standing::Unknown,
            Some(record) if record.offset.0 == offset && stored_hash(record) == own.hash => {
                let later = own.leader_epoch.zip(record.leader_epoch);
                let later = later.is_some_and(|(before, on_log)| before < on_log.0)
                    && !breaks(Mutant::TrustLaterLeader);
                if later { Standing::UnderLaterLeader } else { Standing::Stands }
            }
            _ => Standing::Gone,
        })
    }

    /// From the newest down to the first that stands under the leader it was sent to: what is not on
    /// the log is put back.
    ///
    /// An append that was tried again after a change of leaders lies above what that change may have
    /// cut off, so a record under a later leader vouches for nothing below it.
    async fn put_back(&self, partition: Partition, bounds: &Bounds) -> Result<Lost, SendError> {
        let (mut lost, mut before) = (Lost::default(), u64::MAX);
        loop {
            let (mut gone, mut more) = (Vec::new(), false);
            for (offset, own) in self.profile.own_below(self.topic, partition, before, PAGE)? {
                let standing = self.standing(offset, &own, bounds).await?;
                more = matches!(standing, Standing::Gone | Standing::UnderLaterLeader);
                before = offset;
                match standing {
                    Standing::Gone => gone.push((offset, own)),
                    Standing::Stands | Standing::UnderLaterLeader => {
                        self.seen_under(partition, offset, own, bounds.leader_epoch)?;
                    }
                    Standing::Unknown => {}
                }
                if !more {
                    break;
                }
            }
            lost.add(self.profile.store.write(|tx| self.take_back(tx, partition, &gone))?);
            if !more {
                return Ok(lost);
            }
        }
    }

    fn take_back(
        &self,
        tx: &mut WriteTxn<'_>,
        partition: Partition,
        gone: &[(u64, OwnRecord)],
    ) -> Result<Lost, SendError> {
        let mut lost = Lost::default();
        let topic = self.topic.as_str();
        for (offset, own) in gone {
            // Another process may have done it already.
            let row = tx.own_below(topic, partition.0, offset.saturating_add(1), 1)?.pop();
            let same = row.filter(|row| row.offset == *offset).map(|row| decode(&row.body));
            if same.transpose()?.as_ref() != Some(own) {
                continue;
            }
            tx.own_delete(topic, partition.0, *offset)?;
            if tx.outbox_requeue(own.outbox.into())? {
                lost.requeued += 1;
                continue;
            }
            let unsent = Unsent { message: own.history, partition: partition.0, offset: *offset };
            HistoryRow::now(Item::Unsent(unsent)).append::<SendError>(tx, &[])?;
            lost.unsent += 1;
        }
        Ok(lost)
    }

    /// Remembers under which leader a record was seen, so that the next check need not read it.
    fn seen_under(
        &self,
        partition: Partition,
        offset: u64,
        own: OwnRecord,
        epoch: Option<LeaderEpoch>,
    ) -> Result<(), SendError> {
        let own = OwnRecord { leader_epoch: epoch.map(|epoch| epoch.0), ..own };
        let body = encode(&own)?;
        self.profile
            .store
            .write(|tx| Ok(tx.own_put(self.topic.as_str(), partition.0, [(offset, &*body)])?))
    }
}

/// Lets acknowledged rows of a mailbox rest, and forgets those that have rested long enough.
pub(crate) fn rest<'r>(
    tx: &mut WriteTxn<'_>,
    mailbox: &Mailbox,
    rows: impl Iterator<Item = &'r ReadyRow>,
) -> Result<(), SendError> {
    let now = now_ms();
    tx.outbox_rest(&mailbox.to_bytes(), rows.map(|row| (row.id.into(), row.bytes)), now)?;
    Ok(tx.outbox_forget(now.saturating_sub(KEPT_MS), KEPT_BYTES)?)
}

/// How long the bytes of an acknowledged message are kept, in milliseconds.
const KEPT_MS: i64 = 24 * 60 * 60 * 1000;
/// How many bytes of acknowledged messages are kept at most.
const KEPT_BYTES: u64 = 64 * 1024 * 1024;
/// Own records that are compared before the next transaction.
const PAGE: usize = 256;
/// Looks that must agree before an older leader epoch is believed.
const STALE_LOOKS: u32 = 3;
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chat_transport::MemoryTransport;

    use super::*;
    use crate::client::Client;
    use crate::network::create::NewNetwork;
    use crate::outbox::enqueue::Draft;

    #[tokio::test]
    async fn what_is_too_old_to_be_sent_again_is_said_once() {
        let (folder, log) = (tempfile::tempdir().unwrap(), MemoryTransport::new());
        let alice = Client::create(&folder.path().join("alice"), &"alice".parse().unwrap(), None);
        let alice = alice.unwrap().connect(Arc::new(log.clone()));
        let brokers = vec!["localhost:9092".to_owned()];
        let network = NewNetwork::new("test".parse().unwrap(), brokers);
        alice.create_network(&log, network).await.unwrap();
        let send = async |text: &str| {
            let draft = Draft::text("bob".parse().unwrap(), text);
            alice.send(draft, Duration::from_secs(20)).await.unwrap()
        };
        send("old").await;
        alice.profile.store.write(|tx| tx.outbox_forget(i64::MAX, 0)).unwrap();
        send("young").await;
        let network = alice.network().unwrap().unwrap();
        let inbox = network.inbox(&"bob".parse().unwrap());
        log.truncate(&network.mail_topic(), inbox.partition, Offset(0)).unwrap();
        for text in ["next", "last"] {
            send(text).await;
        }
        let rows = alice.history(&Default::default(), |_| true).unwrap();
        let unsent: Vec<&Item> =
            rows.iter().map(|row| &row.what).filter(|i| matches!(i, Item::Unsent(_))).collect();
        assert!(
            matches!(unsent[..], [Item::Unsent(Unsent { message: 1, offset: 0, .. })]),
            "{unsent:?}"
        );
        let on_log = log.dump(&network.mail_topic(), inbox.partition).unwrap();
        assert_eq!(on_log.len(), 3, "young, next and last");
    }
}
