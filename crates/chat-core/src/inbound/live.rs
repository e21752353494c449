//! What background readers say, joined into one voice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chat_transport::Partition;
use tokio::sync::Notify;

use super::Skipped;
use crate::error::{Error, ReceiveError};

/// What the background work has to say, bounded: newer words take the place of older ones.
#[derive(Default)]
pub(crate) struct SharedLive {
    state: Mutex<State>,
    /// Connections that were made.
    sessions: AtomicU64,
    changed: Notify,
    /// Told when a partition is to be read that nobody reads.
    wanted: Notify,
}

/// What there is to tell.
#[derive(Debug, Default)]
pub(crate) struct Live {
    pub(crate) connected: bool,
    pub(crate) disconnected: Option<Error>,
    /// Every partition is read to its end.
    pub(crate) caught_up: bool,
    pub(crate) skipped: Skipped,
    /// Records still to be read, in all partitions whose logs' ends are known.
    pub(crate) behind: Option<u64>,
    /// The work has ended for good.
    pub(crate) failed: Option<Error>,
}

#[derive(Default)]
struct State {
    live: Live,
    parts: BTreeMap<Partition, Part>,
}

/// How the reader of one partition stands.
#[derive(Clone, Copy, Default)]
struct Part {
    link: Link,
    caught_up: bool,
    behind: Option<u64>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Link {
    #[default]
    Untried,
    Up,
    Down,
}

/// The voice of the reader of one partition.
#[derive(Clone)]
pub(crate) struct LivePart {
    shared: Arc<SharedLive>,
    partition: Partition,
}

impl SharedLive {
    /// Looks at the words and takes some away.
    pub(crate) fn take<R>(&self, take: impl FnOnce(&mut Live) -> R) -> R {
        take(&mut self.lock().live)
    }

    /// These partitions are read from now on, and no others.
    pub(crate) fn begin(&self, partitions: &BTreeSet<Partition>) {
        self.change(|state| {
            state.parts.retain(|at, _| partitions.contains(at));
            for part in state.parts.values_mut() {
                (part.caught_up, part.behind) = (false, None);
            }
        });
        self.expect(partitions);
    }

    /// Nothing is caught up before these partitions are, too.
    pub(crate) fn expect(&self, partitions: &BTreeSet<Partition>) {
        let is_new = |state: &mut State| {
            let before = state.parts.len();
            for partition in partitions {
                state.parts.entry(*partition).or_default();
            }
            state.parts.len() > before
        };
        if self.change(is_new) {
            self.wanted.notify_one();
        }
    }

    /// Waits until a partition is to be read that nobody reads.
    pub(crate) async fn wanted(&self) {
        self.wanted.notified().await;
    }

    /// A partition is no longer read.
    pub(crate) fn forget(&self, partition: Partition) {
        self.change(|state| state.parts.remove(&partition));
    }

    /// The work has ended for good.
    pub(crate) fn fail(&self, error: impl Into<Error>) {
        let error = error.into();
        self.change(|state| state.live.failed = Some(error));
    }

    /// How many connections were made so far.
    pub(crate) fn sessions(&self) -> u64 {
        self.sessions.load(Ordering::Relaxed)
    }

    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// The voice of the reader of `partition`.
    pub(crate) fn part(self: &Arc<Self>, partition: Partition) -> LivePart {
        LivePart { shared: Arc::clone(self), partition }
    }

    fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.lock();
        let done = change(&mut state);
        state.join();
        drop(state);
        self.changed.notify_one();
        done
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn join(&mut self) {
        let parts = || self.parts.values();
        self.live.caught_up = !self.parts.is_empty() && parts().all(|part| part.caught_up);
        self.live.behind = parts().filter_map(|part| part.behind).reduce(u64::saturating_add);
    }

    /// Whether the readers of other partitions have one whose connection stands so.
    fn others_have(&self, partition: Partition, link: Link) -> bool {
        self.parts.iter().any(|(other, part)| *other != partition && part.link == link)
    }

    /// Connections are told of as one: it is there once none is missing any more, and lost with the first one.
    fn connected(&mut self, partition: Partition) {
        let part = self.parts.entry(partition).or_default();
        let was_down = std::mem::replace(&mut part.link, Link::Up) == Link::Down;
        let is_first = !self.others_have(partition, Link::Up);
        if (was_down || is_first) && !self.others_have(partition, Link::Down) {
            self.live.connected = true;
        }
    }

    fn disconnected(&mut self, partition: Partition, error: ReceiveError) {
        let part = self.parts.entry(partition).or_default();
        (part.link, part.caught_up) = (Link::Down, false);
        self.live.connected = false;
        if !self.others_have(partition, Link::Down) {
            self.live.disconnected = Some(error.into());
        }
    }
}

impl LivePart {
    pub(crate) fn connected(&self) {
        self.shared.change(|state| state.connected(self.partition));
    }

    /// A connection was made and the log is the one that was read before.
    pub(crate) fn begin_session(&self) {
        self.shared.sessions.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn disconnected(&self, error: ReceiveError) {
        self.shared.change(|state| state.disconnected(self.partition, error));
    }

    /// How many records of the partition are still to be read.
    pub(crate) fn progress(&self, behind: u64) {
        self.shared.change(|state| {
            let part = state.parts.entry(self.partition).or_default();
            (part.behind, part.caught_up) = (Some(behind), behind == 0);
        });
    }

    /// Something was stored.
    pub(crate) fn stored(&self, skipped: Skipped) {
        self.shared.change(|state| state.live.skipped.add(skipped));
    }

    /// All partitions that the profile reads, as it has just found.
    pub(crate) fn expect(&self, partitions: &BTreeSet<Partition>) {
        self.shared.expect(partitions);
    }

    /// The work has ended for good.
    pub(crate) fn fail(&self, error: ReceiveError) {
        self.shared.fail(error);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost() -> ReceiveError {
        ReceiveError::StaleLeader { partition: 0 }
    }

    /// What is told since the last look: a connection, its loss.
    fn told(shared: &SharedLive) -> (bool, bool) {
        shared
            .take(|live| (std::mem::take(&mut live.connected), live.disconnected.take().is_some()))
    }

    #[test]
    fn one_reader_is_told_as_it_speaks() {
        let shared = Arc::new(SharedLive::default());
        let part = shared.part(Partition(0));
        for _ in 0..2 {
            part.connected();
            assert_eq!(told(&shared), (true, false));
        }
        for _ in 0..2 {
            part.disconnected(lost());
            assert_eq!(told(&shared), (false, true));
        }
    }

    #[test]
    fn several_readers_are_told_as_one() {
        let shared = Arc::new(SharedLive::default());
        let parts = [0, 1, 2].map(|partition| shared.part(Partition(partition)));
        shared.expect(&[0, 1, 2].map(Partition).into());
        parts[0].connected();
        assert_eq!(told(&shared), (true, false));
        parts[1].connected();
        parts[2].connected();
        assert_eq!(told(&shared), (false, false), "connected once");
        parts.iter().for_each(|part| part.disconnected(lost()));
        assert_eq!(told(&shared), (false, true));
        parts[0].disconnected(lost());
        assert_eq!(told(&shared), (false, false), "lost once");
        parts[0].connected();
        parts[1].connected();
        assert_eq!(told(&shared), (false, false), "one is still missing");
        parts[2].connected();
        assert_eq!(told(&shared), (true, false));
    }

    #[test]
    fn all_have_to_be_caught_up_and_what_they_lack_is_summed() {
        let shared = Arc::new(SharedLive::default());
        let stands = || shared.take(|live| (live.caught_up, live.behind));
        assert_eq!(stands(), (false, None));
        shared.expect(&[0, 1].map(Partition).into());
        let (one, other) = (shared.part(Partition(0)), shared.part(Partition(1)));
        one.progress(0);
        assert_eq!(stands(), (false, Some(0)));
        other.progress(7);
        one.progress(5);
        assert_eq!(stands(), (false, Some(12)));
        one.progress(0);
        other.progress(0);
        assert_eq!(stands(), (true, Some(0)));
        other.disconnected(lost());
        assert_eq!(stands(), (false, Some(0)));
        shared.forget(Partition(1));
        assert_eq!(stands(), (true, Some(0)));
    }
}
