//! How the reading of a partition goes: how far it shall, and what is in doubt.

use std::ops::Range;
use std::time::Duration;

/// How the reading goes.
pub(super) struct Course {
    pub(super) doubts: Doubts,
    /// How long to wait after the next error.
    pub(super) pause: Duration,
    until: Until,
}

/// How far to read.
#[derive(Clone, Copy)]
pub(super) enum Until {
    Stopped,
    /// To where the log ended when it was first looked at.
    End(Option<u64>),
}

impl Course {
    pub(super) fn new(until: Until) -> Self {
        Self { doubts: Doubts::default(), pause: FIRST_PAUSE, until }
    }

    /// Waits after an error, longer each time.
    pub(super) async fn rest(&mut self) {
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LAST_PAUSE);
    }

    /// Notes where the log ends.
    pub(super) fn see_end(&mut self, end: u64) {
        if let Until::End(seen) = &mut self.until {
            // A log that was cut since ends earlier, and nothing more is there to wait for.
            *seen = Some(seen.map_or(end, |seen| seen.min(end)));
        }
    }

    pub(super) fn is_reached(&self, from: u64) -> bool {
        matches!(self.until, Until::End(Some(end)) if from >= end)
    }
}

/// What was seen that must be seen again before it is believed.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    /// Looks in a row that found another log.
    pub(super) other_log: u32,
    /// Looks in a row that found an older leader.
    pub(super) older_leader: u32,
    /// Looks in a row that found the same records damaged.
    damaged: (Range<u64>, u32),
}

impl Doubts {
    /// How many looks in a row have found these records damaged, this one with them.
    pub(super) fn damaged(&mut self, offsets: &Range<u64>) -> u32 {
        let (before, looks) = &self.damaged;
        let looks = if before == offsets { looks + 1 } else { 1 };
        self.damaged = (offsets.clone(), looks);
        looks
    }
}

pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(200);
pub(super) const LAST_PAUSE: Duration = Duration::from_secs(5);
