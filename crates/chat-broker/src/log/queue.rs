//! Work for the log thread. Its length is bounded by the permits that jobs hold.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A queue that one thread empties.
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    ready: Condvar,
}

struct State<T> {
    jobs: Vec<T>,
    closed: bool,
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Self {
        let state = State { jobs: Vec::new(), closed: false };
        Self { state: Mutex::new(state), ready: Condvar::new() }
    }

    /// Adds a job; gives it back once the queue is closed.
    pub(crate) fn push(&self, job: T) -> Result<(), T> {
        let mut state = self.lock();
        if state.closed {
            return Err(job);
        }
        state.jobs.push(job);
        drop(state);
        self.ready.notify_one();
        Ok(())
    }

    /// Waits for jobs and takes all of them; `None` once the queue is closed and empty.
    pub(crate) fn take(&self) -> Option<Vec<T>> {
        let waiting = |state: &mut State<T>| state.jobs.is_empty() && !state.closed;
        let state = self.ready.wait_while(self.lock(), waiting);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        let jobs = std::mem::take(&mut state.jobs);
        if jobs.is_empty() { None } else { Some(jobs) }
    }

    /// Takes no more jobs. Those in it are still done.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.ready.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> std::fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.lock();
        let (jobs, closed) = (state.jobs.len(), state.closed);
        f.debug_struct("Queue").field("jobs", &jobs).field("closed", &closed).finish()
    }
}
