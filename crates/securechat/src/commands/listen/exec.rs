//! A program of the user's that is run for each message.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::failure::{Exit, Failure};
use crate::output::Console;

/// Runs a shell command for each message, until it succeeds or has failed often enough.
pub(super) struct Exec {
    command: String,
    /// `None`: until it succeeds.
    tries: Option<u32>,
    console: Console,
}

/// How the handling of one message ended.
pub(super) enum Handled {
    /// It succeeded, or was given up: the message is dealt with.
    Done,
    /// Somebody interrupted: the message is not dealt with.
    Interrupted,
}

impl Exec {
    pub(super) fn new(command: String, tries: Option<u32>, console: Console) -> Self {
        Self { command, tries, console }
    }

    /// Hands a message to the command.
    ///
    /// * `line` - the message as a JSON line, without its end
    pub(super) async fn handle(&self, line: &str) -> Result<Handled, Failure> {
        tokio::select! {
            biased;
            () = crate::commands::interrupted() => Ok(Handled::Interrupted),
            done = self.until_done(line) => done.map(|()| Handled::Done),
        }
    }

    async fn until_done(&self, line: &str) -> Result<(), Failure> {
        let (mut pause, mut tries) = (FIRST_PAUSE, 0_u32);
        loop {
            let Err(why) = self.once(line).await? else { return Ok(()) };
            tries = tries.saturating_add(1);
            if self.tries.is_some_and(|most| tries >= most) {
                self.console.warn(&format!(
                    "the command of --exec {why}; given up after {tries} tries: {}",
                    name_of(line)
                ));
                return Ok(());
            }
            self.console.warn(&format!(
                "the command of --exec {why}; trying again in {} s",
                pause.as_secs()
            ));
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    /// One run; the inner error says how it failed.
    async fn once(&self, line: &str) -> Result<Result<(), String>, Failure> {
        let mut command = Command::from(crate::secrecy::shell(&self.command));
        command.stdin(Stdio::piped()).kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn().map_err(|error| {
            Failure::new(Exit::Usage, "exec", format!("the command of --exec cannot run: {error}"))
                .hint("it is given to sh; see that there is one: command -v sh")
        })?;
        let mut group = Group(child.id());
        if let Some(mut stdin) = child.stdin.take() {
            // A command that does not read its input may end before it is written: its exit code counts.
            drop(stdin.write_all(format!("{line}\n").as_bytes()).await);
        }
        let ended = child.wait().await;
        group.0 = None;
        Ok(match ended {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("ended with {status}")),
            Err(error) => Err(format!("was lost: {error}")),
        })
    }
}

/// The command and all that it has started; told to end where nobody waits for it any more.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(group) =
            self.0.and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw)
        {
            rustix::process::kill_process_group(group, rustix::process::Signal::TERM).ok();
        }
    }
}

/// The message of a line, without its text: this may end in a journal.
fn name_of(line: &str) -> String {
    let row: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
    let seq = row.get("seq").and_then(serde_json::Value::as_u64).unwrap_or_default();
    let id = row.get("id").and_then(serde_json::Value::as_str).unwrap_or("without a name");
    format!("message {seq} ({id})")
}

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(60);
