//! Rows shared out among threads.

use std::num::NonZero;
use std::ops::Range;
use std::panic::resume_unwind;
use std::thread;

/// More threads than this wait for memory.
const MOST_THREADS: usize = 8;

/// The threads that are worth starting on this machine: 1 to 8.
pub(crate) fn threads() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS)
}

/// Runs `work` on `threads` stripes of nearly equal height that together are `0..rows`.
///
/// Returns what each returned, from the top stripe down. Empty stripes are not run. A panic in
/// `work` goes on in the caller.
pub(crate) fn share<T: Send>(
    rows: usize,
    threads: usize,
    work: impl Fn(Range<usize>) -> T + Sync,
) -> Vec<T> {
    let threads = threads.clamp(1, rows.max(1));
    let (least, larger) = (rows / threads, rows % threads);
    let mut end = 0;
    let mut stripes = (0..threads).map(|stripe| {
        let start = end;
        end += least + usize::from(stripe < larger);
        start..end
    });
    if threads == 1 {
        return stripes.filter(|stripe| !stripe.is_empty()).map(work).collect();
    }
    thread::scope(|scope| {
        let own = stripes.next();
        let others: Vec<_> = stripes.map(|stripe| scope.spawn(|| work(stripe))).collect();
        let first = own.map(&work);
        let rest = others
            .into_iter()
            .map(|other| other.join().unwrap_or_else(|cause| resume_unwind(cause)));
        first.into_iter().chain(rest).collect()
    })
}

/// [`share`], and what the stripes gave folded into one, from the top stripe down.
///
/// `fold` must not care how the rows were divided, so that the outcome is the same on any machine.
pub(crate) fn fold_stripes<T: Send>(
    rows: usize,
    work: impl Fn(Range<usize>) -> T + Sync,
    mut fold: impl FnMut(&mut T, &T),
) -> T {
    let mut parts = share(rows, threads(), &work).into_iter();
    let mut whole = parts.next().unwrap_or_else(|| work(0..0));
    parts.for_each(|part| fold(&mut whole, &part));
    whole
}

/// Runs `work` on all chunks of `size` items, each with its number, on as many threads as are
/// worth it. A panic in `work` goes on in the caller.
pub(crate) fn share_mut<T: Send>(
    items: &mut [T],
    size: usize,
    work: impl Fn(usize, &mut [T]) + Sync,
) {
    let chunks = items.len().div_ceil(size.max(1));
    let each = chunks.div_ceil(threads()).max(1);
    let do_part = |(part, items): (usize, &mut [T])| {
        let chunks = items.chunks_mut(size.max(1)).enumerate();
        chunks.for_each(|(chunk, items)| work(part * each + chunk, items));
    };
    thread::scope(|scope| {
        let mut parts = items.chunks_mut(each * size.max(1)).enumerate();
        let own = parts.next();
        parts.for_each(|part| drop(scope.spawn(|| do_part(part))));
        own.map(do_part);
    });
}

/// Does both at once, and returns what each returned. A panic goes on in the caller.
pub(crate) fn side_by_side<A: Send, B>(
    one: impl FnOnce() -> A + Send,
    other: impl FnOnce() -> B,
) -> (A, B) {
    thread::scope(|scope| {
        let one = scope.spawn(one);
        let other = other();
        (one.join().unwrap_or_else(|cause| resume_unwind(cause)), other)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chunk_is_done_once() {
        for count in [0, 1, 7, 8, 1001] {
            let mut items = vec![0; count];
            share_mut(&mut items, 8, |chunk, items| {
                items.iter_mut().zip(8 * chunk..).for_each(|(item, at)| *item += at + 1);
            });
            assert!(items.into_iter().eq(1..=count), "{count}");
        }
    }

    #[test]
    fn every_row_falls_to_one_stripe_in_order() {
        for rows in [0, 1, 2, 7, 64, 1001] {
            for threads in [1, 2, 3, 8, 2000] {
                let stripes = share(rows, threads, |stripe| stripe);
                assert!(stripes.iter().all(|stripe| !stripe.is_empty()));
                assert!(stripes.into_iter().flatten().eq(0..rows), "{rows} by {threads}");
            }
        }
    }
}
