//! Work on rows, divided among threads.

use std::ops::Range;

/// Threads that work is divided among: one for each processor, at most 8.
pub(super) fn count() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(8)
}

/// The rows `0..rows` as one range for each thread, none of them empty.
pub(super) fn shares(rows: usize) -> Vec<Range<usize>> {
    let share = rows.div_ceil(count()).max(1);
    (0..rows).step_by(share).map(|start| start..(start + share).min(rows)).collect()
}
