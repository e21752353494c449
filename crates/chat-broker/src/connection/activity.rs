//! Which connections are silent, so that one of them makes room for a new client.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// The connections that are open.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    open: Mutex<HashMap<u64, Arc<Activity>>>,
}

/// What one connection is doing.
#[derive(Debug)]
pub(crate) struct Activity {
    state: Mutex<State>,
    make_room: Notify,
}

#[derive(Debug)]
struct State {
    /// Requests that have begun to arrive and are not answered.
    in_flight: usize,
    /// When it last did something.
    since: Instant,
}

impl Connections {
    pub(crate) fn add(&self, number: u64) -> Arc<Activity> {
        let state = Mutex::new(State { in_flight: 0, since: Instant::now() });
        let activity = Arc::new(Activity { state, make_room: Notify::new() });
        self.lock().insert(number, Arc::clone(&activity));
        activity
    }

    pub(crate) fn remove(&self, number: u64) {
        self.lock().remove(&number);
    }

    /// Ends the connection that has been silent for longest; `false` if none has for a while.
    pub(crate) fn make_room(&self) -> bool {
        let mut open = self.lock();
        let silent = open.iter().filter_map(|(number, activity)| {
            let since = activity.silent_since()?;
            (since.elapsed() >= SILENT).then_some((since, *number))
        });
        let Some((_, number)) = silent.min() else { return false };
        if let Some(activity) = open.remove(&number) {
            activity.make_room.notify_one();
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<Activity>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Activity {
    /// A request begins to arrive.
    pub(crate) fn begin(&self) {
        self.change(|in_flight| in_flight.saturating_add(1));
    }

    /// A request was answered, or needs no answer.
    pub(crate) fn end(&self) {
        self.change(|in_flight| in_flight.saturating_sub(1));
    }

    /// Waits until this connection has to make room for another.
    pub(crate) async fn must_go(&self) {
        self.make_room.notified().await;
    }

    fn silent_since(&self) -> Option<Instant> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.in_flight == 0).then_some(state.since)
    }

    fn change(&self, change: impl FnOnce(usize) -> usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.in_flight = change(state.in_flight);
        state.since = Instant::now();
    }
}

/// A connection that was silent for so long may be closed for another: its client, if there is one,
/// makes a new connection when it has something to say.
const SILENT: Duration = Duration::from_secs(1);
