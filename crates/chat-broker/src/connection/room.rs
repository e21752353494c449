//! The memory that requests and answers may hold, shared by all connections.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that all connections share.
///
/// Small requests and answers have a part of their own, so that a few large ones never hold up a chat.
/// Large ones take room as their bytes arrive: who claims much and sends little holds little.
#[derive(Debug)]
pub(crate) struct Budget {
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
    /// One request at a time may grow to its end although no room is left: without it, several that
    /// each hold a part could wait for each other.
    last: Arc<Semaphore>,
}

/// What one request or answer holds of the budget; it is given back when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Room {
    held: Vec<OwnedSemaphorePermit>,
    /// It may grow to its end.
    unbounded: bool,
}

impl Budget {
    /// * `bytes` - for all; a quarter of them is for the small ones
    pub(crate) fn new(bytes: usize) -> Self {
        let bytes = bytes.min(i32::MAX as usize);
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        let small = (bytes / 4).max(SMALL);
        let large = bytes.saturating_sub(small).max(SMALL);
        Self { small: semaphore(small), large: semaphore(large), last: semaphore(1) }
    }

    /// Waits for room for something small.
    pub(crate) async fn small(&self, bytes: usize) -> Room {
        let mut room = Room::default();
        room.keep(take(&self.small, bytes.min(SMALL)).await);
        room
    }

    /// Room for something large, if there is that much.
    pub(crate) fn try_large(&self, bytes: usize) -> Option<Room> {
        let mut room = Room::default();
        room.keep(Arc::clone(&self.large).try_acquire_many_owned(permits(bytes)).ok()?);
        Some(room)
    }

    /// Waits for room for some more bytes of a large request.
    ///
    /// * `own` - what its connection may hold
    pub(crate) async fn grow(&self, room: &mut Room, own: &Arc<Semaphore>, bytes: usize) {
        room.keep(take(own, bytes).await);
        if room.unbounded {
            return;
        }
        tokio::select! {
            biased;
            more = take(&self.large, bytes) => room.keep(more),
            last = take(&self.last, 1) => {
                room.keep(last);
                room.unbounded = true;
            }
        }
    }
}

impl Room {
    fn keep(&mut self, more: OwnedSemaphorePermit) {
        self.held.push(more);
    }
}

async fn take(of: &Arc<Semaphore>, bytes: usize) -> OwnedSemaphorePermit {
    let taken = Arc::clone(of).acquire_many_owned(permits(bytes)).await;
    #[expect(clippy::expect_used, reason = "these semaphores are never closed")]
    taken.expect("an open semaphore")
}

fn permits(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// The most bytes of what counts as small.
pub(crate) const SMALL: usize = 64 * 1024;
