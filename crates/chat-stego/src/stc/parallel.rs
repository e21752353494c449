//! Segments on several threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::StcError;
use super::layout::Segment;
use super::trellis::Space;

/// Threads at most: more would take memory for little.
const MOST: usize = 8;

/// How many threads there is a processor for, 1 to 8.
pub(super) fn threads() -> usize {
    thread::available_parallelism().map_or(1, |count| count.get().min(MOST))
}

/// The results of `work` for all segments, in their order; the error of the first that fails.
///
/// Which thread does what depends on chance, the results do not.
pub(super) fn map<T: Send>(
    segments: &[Segment],
    threads: usize,
    work: impl Fn(&mut Space, &Segment) -> Result<T, StcError> + Sync,
) -> Result<Vec<T>, StcError> {
    let threads = threads.min(segments.len());
    if threads <= 1 {
        let mut space = Space::default();
        return segments.iter().map(|segment| work(&mut space, segment)).collect();
    }
    let next = AtomicUsize::new(0);
    let worker = || {
        let (mut space, mut results) = (Space::default(), Vec::new());
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(segment) = segments.get(index) else { return results };
            results.push((index, work(&mut space, segment)));
        }
    };
    let mut results = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        let join = |worker: thread::ScopedJoinHandle<'_, _>| {
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        workers.into_iter().flat_map(join).collect::<Vec<_>>()
    });
    results.sort_unstable_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}
