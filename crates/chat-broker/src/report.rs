//! What a start found in the data folder.

use std::path::PathBuf;
use std::time::Duration;

/// What a start found in the data folder, and what it did about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StartReport {
    /// Topics found.
    pub topics: usize,
    /// Partitions found, of all topics.
    pub partitions: usize,
    /// The leader epoch of this start; each start raises it.
    pub leader_epoch: i32,
    /// Unfinished ends of logs that were cut off; empty after a clean shutdown.
    pub torn_tails: Vec<TornTail>,
    /// How long it took until clients could connect.
    pub took: Duration,
}

/// The unfinished end of a log, left by a crash and cut off.
///
/// Nothing in it had been acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TornTail {
    /// The topic's name.
    pub topic: String,
    /// The partition, from 0.
    pub partition: i32,
    /// The offset that the next record gets.
    pub offset: i64,
    /// Bytes cut off.
    pub bytes: u64,
    /// The file that was cut.
    pub file: PathBuf,
}
