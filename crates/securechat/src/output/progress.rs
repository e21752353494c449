//! Progress of long work, on a terminal only.

use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget};

use super::Console;

/// The line that is shown, if there is one: others step over it.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Does something that writes to the terminal while no line of progress is in its way.
pub(crate) fn aside<R>(work: impl FnOnce() -> R) -> R {
    let shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match shown {
        Some(bar) => bar.suspend(work),
        None => work(),
    }
}

/// A line on stderr that comes and goes.
pub(crate) struct Progress(Option<ProgressBar>);

impl Progress {
    pub(crate) fn new(console: Console) -> Self {
        let bar = console.shows_progress().then(|| {
            let bar = ProgressBar::new_spinner();
            bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
            *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.clone());
            bar
        });
        Self(bar)
    }

    /// Shows what is being done.
    pub(crate) fn say(&self, what: impl Into<String>) {
        if let Some(bar) = &self.0 {
            bar.set_message(what.into());
            bar.tick();
        }
    }

    /// Takes the line away.
    pub(crate) fn clear(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
            bar.reset();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
        *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
