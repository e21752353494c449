//! Why a command ended without doing what was asked, and the exit code for it.

use std::io;
use std::process::ExitCode;

/// What the program's exit code says. The numbers are an interface: scripts branch on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// It was done.
    Done = 0,
    /// The program is at fault.
    Internal = 1,
    /// The command, a name or the configuration is not fit.
    Usage = 2,
    /// The broker or the network failed.
    Broker = 3,
    /// A contact's key has changed, is not trusted, or is not the one that was shown.
    Trust = 4,
    /// An invite or key file failed its checksum.
    Authentication = 5,
    /// The message does not fit, or the cover is not usable.
    Cover = 6,
    /// The profile cannot be opened, read or written.
    Store = 7,
    /// Nothing was found.
    Nothing = 8,
    /// Ctrl-C or SIGTERM.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A command that ended early.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) exit: Exit,
    /// One snake_case word for programs.
    pub(crate) code: &'static str,
    /// What happened, and to which object; empty if nothing is to be said.
    pub(crate) message: String,
    /// Commands and remedies, the most likely first.
    pub(crate) hints: Vec<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, code: &'static str, message: impl Into<String>) -> Self {
        Self { exit, code, message: message.into(), hints: Vec::new() }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "usage", message)
    }

    /// Ends without a word: whoever reads our output has gone, which is their right.
    pub(crate) fn reader_gone() -> Self {
        Self::new(Exit::Done, "reader_gone", "")
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// A hint that holds only sometimes.
    #[must_use]
    pub(crate) fn hint_if(self, holds: bool, hint: &str) -> Self {
        if holds { self.hint(hint) } else { self }
    }

    /// A file that the user named could not be read or written.
    pub(crate) fn file(path: &std::path::Path, error: &io::Error) -> Self {
        let exit = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Exit::Store,
            _ => Exit::Usage,
        };
        let failure = Self::new(exit, "file", format!("{}: {error}", path.display()));
        match (error.kind(), path.parent()) {
            (io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded, _) => {
                failure.hint("free space on that disk: df -h")
            }
            (io::ErrorKind::NotFound, Some(folder)) => {
                let folder = if folder.as_os_str().is_empty() { ".".as_ref() } else { folder };
                let folder = crate::output::shell_word(&folder.display().to_string());
                failure.hint(format!("see what is there: ls -l {folder}"))
            }
            (io::ErrorKind::IsADirectory, _) => {
                let folder = crate::output::shell_word(&path.display().to_string());
                failure.hint(format!("name a file in it: ls -l {folder}"))
            }
            _ => failure,
        }
    }
}

/// Turns a failed write to stdout into what it means: a reader that has gone is no failure.
pub(crate) fn printed(result: io::Result<()>) -> Result<(), Failure> {
    result.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::reader_gone(),
        io::ErrorKind::StorageFull => {
            Failure::new(Exit::Store, "storage_full", format!("cannot write the output: {error}"))
        }
        _ => Failure::new(Exit::Internal, "output", format!("cannot write the output: {error}")),
    })
}
