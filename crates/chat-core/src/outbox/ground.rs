//! What must be known of the log before rows are sent: which topic it is, and that nothing of our own is missing.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chat_transport::{
    LeaderEpoch, Partition, TopicId, TopicName, TopicState, Transport, TransportError,
};

use super::own::{Lost, OwnRecords};
use crate::client::Profile;
use crate::error::SendError;
use crate::mutant::{Mutant, breaks};
use crate::network::Network;

/// The log that rows are sent to, as far as it was looked at.
pub(crate) struct Ground {
    pub(super) profile: Arc<Profile>,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) network: Network,
    /// Fresh for every drain: the topic may be another by now.
    topic: Option<TopicId>,
    /// Partitions whose own records were compared with the log.
    checked: HashSet<Partition>,
    /// Leader epochs that were seen before anything was appended.
    epochs: HashMap<Partition, LeaderEpoch>,
    /// Where the logs ended that were looked at in advance.
    ends: HashMap<Partition, u64>,
}

impl Ground {
    pub(crate) fn new(
        profile: Arc<Profile>,
        transport: Arc<dyn Transport>,
        network: Network,
    ) -> Self {
        let (checked, epochs, ends) = (HashSet::new(), HashMap::new(), HashMap::new());
        Self { profile, transport, network, topic: None, checked, epochs, ends }
    }

    pub(crate) fn transport(&self) -> Arc<dyn Transport> {
        Arc::clone(&self.transport)
    }

    /// Whether the broker has answered a question about it.
    pub(crate) fn is_known(&self) -> bool {
        self.topic.is_some()
    }

    /// The leader epoch that was seen before anything was appended to a partition.
    pub(crate) fn epoch(&self, partition: Partition) -> Option<LeaderEpoch> {
        self.epochs.get(&partition).copied()
    }

    /// The topic, if it and what is ours on a partition still stand as they were last seen.
    pub(crate) fn stands(&self, partition: Partition) -> Option<TopicId> {
        self.topic.filter(|_| self.checked.contains(&partition))
    }

    /// What was seen counts no longer.
    pub(crate) fn forget(&mut self, partition: Partition) {
        self.topic = None;
        self.checked.remove(&partition);
    }

    /// Asks in advance what is asked before the first append to a partition. What needs a closer look is asked
    /// again before rows are sent.
    pub(crate) async fn look_ahead(&mut self, partition: Partition) -> Result<(), SendError> {
        let topic = self.network.mail_topic();
        // Looked up before the log is: what another process appends meanwhile is not missed on it.
        let newest = self.profile.own_newest(&topic, partition)?;
        let state = self.transport.state(&topic, &[partition]).await?;
        let bounds = state.bounds.first();
        if newest.is_none_or(|(at, own)| bounds.is_some_and(|on| own.stands(state.id, at, on))) {
            let epoch = bounds.and_then(|bounds| bounds.leader_epoch);
            self.epochs.extend(epoch.map(|epoch| (partition, epoch)));
            self.checked.insert(partition);
        } else {
            // What was seen under another leader says nothing of what lies there now.
            self.epochs.remove(&partition);
        }
        self.ends.extend(bounds.map(|bounds| (partition, bounds.end.0)));
        self.topic = Some(self.wide_enough(&state)?);
        Ok(())
    }

    /// The topic, and where a partition's log ended when it was looked at in advance.
    pub(crate) fn end_of(&self, partition: Partition) -> Option<(TopicId, u64)> {
        self.topic.zip(self.ends.get(&partition).copied())
    }

    /// Puts back what the log has lost, whichever partition it was in.
    pub(crate) async fn check_all_own(&mut self) -> Result<(), SendError> {
        let all: Vec<Partition> = (0..self.network.partitions().get()).map(Partition).collect();
        let topic = self.network.mail_topic();
        let holds = |partition: &Partition| {
            let newest = self.profile.store.read(|tx| tx.own_newest(topic.as_str(), partition.0));
            newest.map(|newest| newest.is_some().then_some(*partition)).transpose()
        };
        let held: Vec<Partition> = all.iter().filter_map(holds).collect::<Result<_, _>>()?;
        let Err(failed) = self.check_own(&held).await else { return Ok(()) };
        let one_partition = matches!(
            failed,
            SendError::Transport(
                TransportError::Broker { .. }
                    | TransportError::UnknownCode { .. }
                    | TransportError::UnknownPartition { .. }
            )
        );
        if held.len() == 1 || !one_partition {
            return Err(failed);
        }
        // One partition without a leader shall not hide what the others have lost.
        let mut failed = None;
        for partition in held {
            failed = failed.or(self.check_own(&[partition]).await.err());
        }
        failed.map_or(Ok(()), Err)
    }

    /// Puts back what the log has lost of these partitions; once for each in a drain. Says how much it was.
    pub(crate) async fn check_own(&mut self, partitions: &[Partition]) -> Result<Lost, SendError> {
        let fresh: Vec<Partition> =
            partitions.iter().copied().filter(|p| !self.checked.contains(p)).collect();
        if fresh.is_empty() || breaks(Mutant::ForgetOwnRecords) {
            return Ok(Lost::default());
        }
        let (id, topic) = (self.topic().await?, self.network.mail_topic());
        let mut epochs = std::mem::take(&mut self.epochs);
        let checked = self.own(&topic, id).check(&fresh, &mut epochs).await;
        self.epochs = epochs;
        let lost = checked?;
        if lost.requeued + lost.unsent > 0 {
            tracing::warn!(lost.requeued, lost.unsent, "the log has lost acknowledged messages");
        }
        self.checked.extend(fresh);
        Ok(lost)
    }

    /// Asks again between two batches: under another leader, or on another topic, what was sent so far has to be
    /// compared with the log before more is sent.
    pub(crate) async fn refresh(&mut self, partition: Partition) -> Result<(), SendError> {
        let state = self.transport.state(&self.network.mail_topic(), &[partition]).await?;
        let epoch = state.bounds.first().and_then(|bounds| bounds.leader_epoch);
        if Some(state.id) != self.topic || epoch != self.epoch(partition) {
            self.forget(partition);
        }
        Ok(())
    }

    /// The topic as it is now, looked up before the first append: an append to a topic that is
    /// gone would only time out.
    pub(crate) async fn topic(&mut self) -> Result<TopicId, SendError> {
        if let Some(id) = self.topic {
            return Ok(id);
        }
        let state = self.transport.state(&self.network.mail_topic(), &[]).await?;
        let id = self.wide_enough(&state)?;
        self.topic = Some(id);
        Ok(id)
    }

    /// The identity of a topic that has the network's partitions.
    fn wide_enough(&self, state: &TopicState) -> Result<TopicId, SendError> {
        let (found, needed) = (state.partitions, self.network.partitions().get());
        if found < needed {
            return Err(SendError::TooFewPartitions {
                topic: self.network.mail_topic(),
                found,
                needed,
            });
        }
        Ok(state.id)
    }

    pub(super) fn own<'a>(&'a self, topic: &'a TopicName, id: TopicId) -> OwnRecords<'a> {
        OwnRecords { profile: &self.profile, transport: &*self.transport, topic, id }
    }
}
