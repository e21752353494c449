//! Own records on the log: is what was acknowledged still there?
//!
//! A log can lose its acknowledged end (an unclean leader, a restored disk) or all of it (a topic made
//! anew). What was acknowledged there goes back into the outbox, with identical bytes, ahead of what
//! is younger; receivers show nothing twice.

use std::collections::HashMap;
use std::time::Duration;

use chat_store::WriteTxn;
use chat_transport::{
    Bounds, LeaderEpoch, Offset, Page, Partition, Position, ReadOptions, TopicId, TopicName,
    Transport, TransportError,
};

use crate::client::Profile;
use crate::clock::now_ms;
use crate::error::SendError;
use crate::hash::stored_hash;
use crate::history_row::{HistoryRow, encode};
use crate::item::{Item, Unsent};
use crate::mailbox::Mailbox;
use crate::mutant::{Mutant, breaks};
use crate::outbox::own_record::OwnRecord;
use crate::outbox::ready::ReadyRow;

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

impl OwnRecords<'_> {
    /// Compares the newest acknowledged record of each partition with the log, and puts back what the
    /// log has lost.
    ///
    /// A partition whose leader is still the one that was seen costs its share of one look at the bounds.
    ///
    /// * `epochs` - takes the leader epochs that were seen: what is appended next is under these or later ones
    pub(crate) async fn check(
        &self,
        partitions: &[Partition],
        epochs: &mut HashMap<Partition, LeaderEpoch>,
    ) -> Result<Lost, SendError> {
        let look = |partition: &Partition| self.profile.own_newest(self.topic, *partition);
        let newest = partitions.iter().map(look).collect::<Result<Vec<_>, _>>()?;
        let mut lost = Lost::default();
        for (newest, bounds) in newest.iter().zip(&self.newest_bounds(partitions, &newest).await?) {
            // Also where nothing is there yet: what is appended first is under this leader or a later one.
            epochs.extend(bounds.leader_epoch.map(|epoch| (bounds.partition, epoch)));
            if let Some((offset, own)) = newest
                && !own.stands(self.id, *offset, bounds)
            {
                lost.add(self.put_back(*offset, bounds).await?);
            }
        }
        Ok(lost)
    }

    /// Bounds by the newest leaders that are known: an answer from before them proves nothing, unless
    /// it is given again and again, as by a broker whose disk was restored.
    async fn newest_bounds(
        &self,
        partitions: &[Partition],
        newest: &[Option<(u64, OwnRecord)>],
    ) -> Result<Vec<Bounds>, SendError> {
        let mut looks = 0;
        loop {
            let bounds = self.transport.bounds(self.topic, partitions).await?;
            let stale = newest.iter().zip(&bounds).any(|(newest, bounds)| {
                let epoch = bounds.leader_epoch.map(|epoch| epoch.0);
                let older = |own: &OwnRecord| epoch.is_some() && epoch < own.leader_epoch;
                newest.as_ref().is_some_and(|(_, own)| own.topic_id == self.id.0 && older(own))
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
        let epoch = bounds.leader_epoch.map(|epoch| epoch.0);
        if epoch.is_some() && own.looked_at == epoch {
            return Ok(Standing::UnderLaterLeader);
        }
        let at = Position { partition: bounds.partition, offset: Offset(offset) };
        let page = match self.read_one(at).await {
            Ok(page) => page,
            // Cut, or deleted, since the bounds were asked for.
            Err(SendError::Transport(TransportError::OutOfRange { bounds, .. }))
                if offset < bounds.start.0 =>
            {
                return Ok(Standing::Stands);
            }
            // A damaged record is one that nobody can read: it is as good as gone.
            Err(SendError::Transport(
                TransportError::OutOfRange { .. }
                | TransportError::TopicReplaced { .. }
                | TransportError::Damaged { .. },
            )) => {
                return Ok(Standing::Gone);
            }
            // Who may only write cannot look, and believes the acknowledgement.
            Err(SendError::Transport(
                TransportError::Denied { .. } | TransportError::Withheld { .. },
            )) => {
                return Ok(Standing::Unknown);
            }
            Err(error) => return Err(error),
        };
        Ok(match page.records.first() {
            Some(record) if record.offset.0 == offset && stored_hash(record) == own.hash => {
                // A record that was sent before any leader was known may be one of those, too.
                let later = record
                    .leader_epoch
                    .is_some_and(|on_log| own.leader_epoch.is_none_or(|before| before < on_log.0))
                    && !breaks(Mutant::TrustLaterLeader);
                if later { Standing::UnderLaterLeader } else { Standing::Stands }
            }
            _ => Standing::Gone,
        })
    }

    /// Reads the record at a place, or what comes behind it. Nothing at all says nothing of the record: a
    /// leader that has just changed answers so.
    async fn read_one(&self, at: Position) -> Result<Page, SendError> {
        let options = ReadOptions { max_records: 1, max_wait: READ_WAIT, ..ReadOptions::default() };
        for _ in 0..READS {
            let pages = self.transport.read(self.topic, self.id, &[at], options).await?;
            let page = pages.into_iter().next();
            let tells = |page: &Page| !page.records.is_empty() || page.resume > at.offset;
            if let Some(page) = page.filter(tells) {
                return Ok(page);
            }
        }
        Err(SendError::NoAnswerInTime)
    }

    /// From the newest down to the first that stands under the leader it was sent to: what is not on
    /// the log is put back.
    ///
    /// An append that was tried again after a change of leaders lies above what that change may have
    /// cut off, so a record under a later leader vouches for nothing below it.
    ///
    /// What was seen of leaders counts at the end alone: a walk that is cut short begins anew. It reads nothing
    /// again that it has found under this leader, so that it comes to its end in as many pieces as it takes.
    ///
    /// * `newest` - the offset of the newest own record when the bounds were asked for
    async fn put_back(&self, newest: u64, bounds: &Bounds) -> Result<Lost, SendError> {
        let (partition, mut before) = (bounds.partition, newest.saturating_add(1));
        let (mut lost, mut seen) = (Lost::default(), Vec::new());
        loop {
            let (mut gone, mut last) = (Vec::new(), None);
            let looked_before = seen.len();
            for (offset, own) in self.profile.own_below(self.topic, partition, before, LOOKS)? {
                let standing = self.standing(offset, &own, bounds).await?;
                before = offset;
                match standing {
                    Standing::Gone => gone.push((offset, own)),
                    Standing::Stands | Standing::UnderLaterLeader => seen.push((offset, own)),
                    Standing::Unknown => {}
                }
                let goes_on = matches!(standing, Standing::Gone | Standing::UnderLaterLeader);
                last = Some(standing);
                if !goes_on {
                    break;
                }
            }
            let ends = matches!(last, None | Some(Standing::Stands | Standing::Unknown));
            let certain = !matches!(last, Some(Standing::Unknown));
            let taken = self.profile.store.write::<_, SendError>(|tx| {
                let lost = self.take_back(tx, partition, &gone)?;
                if ends && certain {
                    self.seen_under(tx, &seen, bounds)?;
                } else if !ends {
                    let looked = seen.get_mut(looked_before..).unwrap_or_default();
                    self.looked_at(tx, looked, bounds)?;
                }
                Ok(lost)
            });
            lost.add(taken?);
            if ends {
                return Ok(lost);
            }
        }
    }

    /// Whether a row is still the one that was looked at: another process may have changed it.
    fn is_still(
        &self,
        tx: &WriteTxn<'_>,
        partition: Partition,
        offset: u64,
        own: &OwnRecord,
    ) -> Result<bool, SendError> {
        let topic = self.topic.as_str();
        let row = tx.own_below(topic, partition.0, offset.saturating_add(1), 1)?.pop();
        let same = row.filter(|row| row.offset == offset).map(|row| OwnRecord::decode(&row.body));
        Ok(same.transpose()?.as_ref() == Some(own))
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
            if !self.is_still(tx, partition, *offset, own)? {
                continue;
            }
            tx.own_delete(topic, partition.0, *offset)?;
            if tx.outbox_requeue(own.outbox.into())? {
                lost.requeued += 1;
                continue;
            }
            // A letter is nothing that a person has said.
            if own.history == 0 {
                continue;
            }
            let unsent = Unsent { message: own.history, partition: partition.0, offset: *offset };
            HistoryRow::now(Item::Unsent(unsent)).append::<SendError>(tx, &[])?;
            lost.unsent += 1;
        }
        Ok(lost)
    }

    /// Remembers under which leader records were seen, so that the next check need not read them.
    fn seen_under(
        &self,
        tx: &mut WriteTxn<'_>,
        seen: &[(u64, OwnRecord)],
        bounds: &Bounds,
    ) -> Result<(), SendError> {
        for (offset, own) in seen {
            if self.is_still(tx, bounds.partition, *offset, own)? {
                let leader_epoch = bounds.leader_epoch.map(|epoch| epoch.0).or(own.leader_epoch);
                let body = encode(&OwnRecord { leader_epoch, looked_at: None, ..own.clone() })?;
                tx.own_put(self.topic.as_str(), bounds.partition.0, [(*offset, &*body)])?;
            }
        }
        Ok(())
    }

    /// Remembers that records were found under this leader, by a walk that goes on.
    fn looked_at(
        &self,
        tx: &mut WriteTxn<'_>,
        looked: &mut [(u64, OwnRecord)],
        bounds: &Bounds,
    ) -> Result<(), SendError> {
        let epoch = bounds.leader_epoch.map(|epoch| epoch.0);
        for (offset, own) in looked {
            if own.looked_at != epoch && self.is_still(tx, bounds.partition, *offset, own)? {
                own.looked_at = epoch;
                let body = encode(&*own)?;
                tx.own_put(self.topic.as_str(), bounds.partition.0, [(*offset, &*body)])?;
            }
        }
        Ok(())
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
/// Own records that are compared before what was found is written.
const LOOKS: usize = 64;
/// Looks that must agree before an older leader epoch is believed.
const STALE_LOOKS: u32 = 3;
/// How often, and how long each time, a record is waited for that should be there.
const READS: usize = 3;
const READ_WAIT: Duration = Duration::from_secs(2);
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
