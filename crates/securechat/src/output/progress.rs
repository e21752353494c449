//! Progress of long work, on a terminal only.

use indicatif::{ProgressBar, ProgressDrawTarget};

use super::Console;

/// A line on stderr that comes and goes.
pub(crate) struct Progress(Option<ProgressBar>);

impl Progress {
    pub(crate) fn new(console: Console) -> Self {
        let bar = console.shows_progress().then(|| {
            let bar = ProgressBar::new_spinner();
            bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
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
    }
}
