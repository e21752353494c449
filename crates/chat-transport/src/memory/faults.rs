//! Faults that a cluster can have, at the touch of a test.

use std::ops::Range;

use super::MemoryTransport;
use crate::error::TransportError;
use crate::record::{Offset, Partition, Record, StoredRecord};
use crate::topic::TopicName;

/// What becomes of a read; see [`MemoryTransport::script_reads`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFate {
    /// It is answered.
    Answered,
    /// It comes back with nothing, as from a leader that has just changed.
    Empty,
    /// Its connection breaks.
    Lost,
}

impl MemoryTransport {
    /// Takes the cluster off the network, or puts it back.
    pub fn set_offline(&self, offline: bool) {
        self.state().offline = offline;
        self.notify();
    }

    /// Lets the next `appends` happen and loses their acknowledgements. Compacted topics are passed by, here and in
    /// the next three: so a test of messages is not disturbed by what is published beside them.
    pub fn lose_acks(&self, appends: usize) {
        self.state().lose_acks = appends;
    }

    /// Loses the next `appends` before they happen; a client cannot tell this from a lost
    /// acknowledgement.
    pub fn lose_appends(&self, appends: usize) {
        self.state().lose_appends = appends;
    }

    /// Says what becomes of the next reads; those behind them are answered.
    pub fn script_reads(&self, fates: impl IntoIterator<Item = ReadFate>) {
        self.state().reads = fates.into_iter().collect();
    }

    /// Refuses batches of more than `most` records as too large.
    pub fn limit_batches(&self, most: usize) {
        self.state().most_records = Some(most);
    }

    /// Cuts a log: the records at and behind `end` are gone, and a new leader takes over.
    ///
    /// # Errors
    /// When there is no such log.
    pub fn truncate(
        &self,
        topic: &TopicName,
        partition: Partition,
        end: Offset,
    ) -> Result<(), TransportError> {
        let mut state = self.state();
        let log = state.log(topic, partition)?;
        drop(log.records.split_off(&end.0));
        log.end = end.0;
        log.epoch += 1;
        drop(state);
        self.notify();
        Ok(())
    }

    /// Changes the leader of a log: up to a later epoch, or down, as a disk that was restored does.
    ///
    /// # Errors
    /// When there is no such log.
    pub fn set_epoch(
        &self,
        topic: &TopicName,
        partition: Partition,
        epoch: u32,
    ) -> Result<(), TransportError> {
        self.state().log(topic, partition)?.epoch = epoch;
        self.notify();
        Ok(())
    }

    /// Cuts the log in the middle of the next append and changes its leader, as an append that is
    /// tried again over an unclean change of leaders finds it.
    ///
    /// # Errors
    /// When there is no such log.
    pub fn cut_under_next_append(
        &self,
        topic: &TopicName,
        partition: Partition,
        end: Offset,
        then: Vec<Record>,
    ) -> Result<(), TransportError> {
        let mut state = self.state();
        state.log(topic, partition)?.cut_at_append = Some((end.0, then));
        Ok(())
    }

    /// Takes the leader of a log away, or gives it one.
    ///
    /// # Errors
    /// When there is no such log.
    pub fn set_leaderless(
        &self,
        topic: &TopicName,
        partition: Partition,
        leaderless: bool,
    ) -> Result<(), TransportError> {
        self.state().log(topic, partition)?.leaderless = leaderless;
        self.notify();
        Ok(())
    }

    /// Damages the records at some offsets, so that no reader can decode them.
    ///
    /// # Errors
    /// When there is no such log.
    pub fn damage(
        &self,
        topic: &TopicName,
        partition: Partition,
        offsets: Range<u64>,
    ) -> Result<(), TransportError> {
        self.state().log(topic, partition)?.damaged.push(offsets);
        self.notify();
        Ok(())
    }

    /// Leaves `count` offsets without a record, as transaction markers do.
    ///
    /// # Errors
    /// When there is no such log.
    pub fn skip_offsets(
        &self,
        topic: &TopicName,
        partition: Partition,
        count: u64,
    ) -> Result<(), TransportError> {
        self.state().log(topic, partition)?.end += count;
        self.notify();
        Ok(())
    }

    /// Deletes a topic and makes it anew, empty, with another identity.
    ///
    /// # Errors
    /// When there is no such topic.
    pub fn recreate(&self, topic: &TopicName) -> Result<(), TransportError> {
        let mut state = self.state();
        let spec = state.topic(topic)?.spec.clone();
        state.topics.remove(topic);
        state.create(&spec)?;
        drop(state);
        self.notify();
        Ok(())
    }

    /// All records of a log, as an administrator would dump it.
    ///
    /// # Errors
    /// When there is no such log.
    pub fn dump(
        &self,
        topic: &TopicName,
        partition: Partition,
    ) -> Result<Vec<StoredRecord>, TransportError> {
        Ok(self.state().log(topic, partition)?.records.values().cloned().collect())
    }

    /// Changes records of a log in place, as a lying broker would.
    ///
    /// # Errors
    /// When there is no such log.
    pub fn tamper(
        &self,
        topic: &TopicName,
        partition: Partition,
        change: impl FnMut(&mut StoredRecord),
    ) -> Result<(), TransportError> {
        self.state().log(topic, partition)?.records.values_mut().for_each(change);
        self.notify();
        Ok(())
    }
}
