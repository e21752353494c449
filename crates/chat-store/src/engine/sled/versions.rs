//! Unchanging states for readers, while others commit.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use super::overlay::Changes;
use crate::engine::Range;

/// The states that somebody still reads: the newest is the tree itself, each older one is told by what the commit behind
/// it took the place of.
#[derive(Default)]
pub(super) struct Versions {
    /// The number of the newest state.
    now: u64,
    /// How many readers see each state.
    readers: BTreeMap<u64, usize>,
    /// What was there before each commit: the state's number, and its values.
    before: VecDeque<(u64, Changes)>,
}

impl Versions {
    /// A reader begins; it sees the newest state until [`end`](Self::end).
    pub(super) fn begin(&mut self) -> u64 {
        *self.readers.entry(self.now).or_default() += 1;
        self.now
    }

    pub(super) fn end(&mut self, version: u64) {
        if let Some(readers) = self.readers.get_mut(&version) {
            *readers -= 1;
            if *readers == 0 {
                self.readers.remove(&version);
            }
        }
        let oldest = self.readers.keys().next().copied();
        while self
            .before
            .front()
            .is_some_and(|(number, _)| oldest.is_none_or(|oldest| *number < oldest))
        {
            self.before.pop_front();
        }
    }

    pub(super) fn are_read(&self) -> bool {
        !self.readers.is_empty()
    }

    /// Keeps what the newest state holds and the next commit changes.
    pub(super) fn keep(&mut self, values: Changes) {
        self.before.push_back((self.now, values));
    }

    /// A commit is done.
    pub(super) fn raise(&mut self) {
        self.now += 1;
    }

    /// The value in a state, if a later commit has changed it.
    pub(super) fn before(&self, version: u64, key: &[u8]) -> Option<&Option<Vec<u8>>> {
        let later = self.before.iter().filter(|(number, _)| *number >= version);
        later.into_iter().find_map(|(_, values)| values.get(key))
    }

    /// All values of a range in a state that later commits have changed.
    pub(super) fn changed_since(&self, version: u64, range: &Range) -> Changes {
        let to = range.to.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let mut changed = Changes::new();
        for (_, values) in self.before.iter().filter(|(number, _)| *number >= version) {
            for (key, value) in values.range::<Vec<u8>, _>((Bound::Included(&range.from), to)) {
                changed.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
        changed
    }
}
