//! Work on all cores, where there is enough of it: signatures take longer than all else that is done with a message.

use rayon::prelude::*;

/// Maps items in their order.
pub(crate) fn map_all<T: Sync, R: Send>(
    items: &[T],
    map: impl Fn(&T) -> R + Sync + Send,
) -> Vec<R> {
    if items.len() < MANY {
        return items.iter().map(map).collect();
    }
    items.par_iter().with_min_len(MANY).map(map).collect()
}

/// Does `here` on this thread, and `other` on another one meanwhile.
///
/// `other` must not wait for what this thread holds: all such work shares a thread for each core.
pub(crate) fn meanwhile<A, B: Send>(
    other: impl Fn() -> B + Sync,
    here: impl FnOnce() -> A,
) -> (A, B) {
    let mut found = None;
    let done = rayon::in_place_scope(|scope| {
        scope.spawn(|_| found = Some(other()));
        here()
    });
    // The scope has waited for it.
    (done, found.unwrap_or_else(other))
}

/// Items that are worth a thread.
const MANY: usize = 32;
