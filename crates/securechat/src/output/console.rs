//! Both streams, and how talkative they are.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use super::{escape, one_line, progress};
use crate::args::{Color, Globals};
use crate::failure::{Failure, printed};

/// How to print. Cheap to copy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console {
    pub(crate) json: bool,
    pub(crate) color: bool,
    quiet: bool,
    verbose: u8,
}

impl Console {
    pub(crate) fn new(globals: &Globals) -> Self {
        let color = match globals.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
            }
        };
        Self { json: globals.json, color, quiet: globals.quiet, verbose: globals.verbose }
    }

    /// For what goes wrong before the options are known.
    pub(crate) fn quiet_errors() -> Self {
        Self { json: false, color: false, quiet: true, verbose: 0 }
    }

    /// For mistakes on the command line itself.
    pub(crate) fn json_errors() -> Self {
        Self { json: true, color: false, quiet: false, verbose: 0 }
    }

    /// Starts the log on stderr, if it was asked for.
    pub(crate) fn start_log(self) {
        let level = match self.verbose {
            0 => return,
            1 => {
                "warn,krafka=error,chat_core=info,chat_transport=info,chat_broker=info,securechat=info"
            }
            2 => "info,chat_core=debug,chat_transport=debug,chat_broker=debug,securechat=debug",
            _ => "debug",
        };
        self.log(level);
    }

    /// What a broker has to say in the foreground or to a journal, also where no log was asked for: its own errors, and
    /// nothing that a client can make it say again and again.
    pub(crate) fn start_broker_log(self) {
        if self.verbose == 0 {
            self.log("off,chat_broker=error");
        }
    }

    fn log(self, level: &str) {
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(level)
            .with_writer(io::stderr)
            .with_ansi(self.color && io::stderr().is_terminal());
        drop(subscriber.try_init());
    }

    /// Prints lines of data.
    pub(crate) fn print(self, text: &str) -> Result<(), Failure> {
        printed(progress::aside(|| {
            let mut out = io::stdout().lock();
            writeln!(out, "{text}").and_then(|()| out.flush())
        }))
    }

    /// Prints one JSON line.
    pub(crate) fn print_json(self, value: &impl Serialize) -> Result<(), Failure> {
        self.print(&to_line(value)?)
    }

    /// Says something beside the data.
    pub(crate) fn note(self, text: &str) {
        if !self.quiet {
            self.say(&format!("note: {}", one_line(text)));
        }
    }

    /// Says what the user should think about; `-q` does not hide it.
    pub(crate) fn warn(self, text: &str) {
        self.say(&format!("warning: {}", one_line(text)));
    }

    /// Says why the program ends.
    pub(crate) fn fail(self, failure: &Failure) {
        if failure.message.is_empty() {
            return;
        }
        if self.json {
            let error = JsonError {
                v: 1,
                kind: "error",
                code: failure.code,
                message: &failure.message,
                hint: failure.hints.first(),
                hints: &failure.hints,
                exit: failure.exit as u8,
            };
            return self.say(&to_line(&error).unwrap_or_default());
        }
        self.say(&format!("error: {}", one_line(&failure.message)));
        for hint in &failure.hints {
            self.say(&format!("hint: {}", one_line(hint)));
        }
    }

    /// Whether progress may be drawn.
    pub(crate) fn shows_progress(self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// Stderr may be gone; there is nobody left to tell.
    fn say(self, line: &str) {
        drop(progress::aside(|| writeln!(io::stderr().lock(), "{line}")));
    }
}

/// One line of JSON that is safe on a terminal.
pub(crate) fn to_line(value: &impl Serialize) -> Result<String, Failure> {
    let line = serde_json::to_string(value);
    let line = line.map_err(|error| {
        Failure::new(crate::failure::Exit::Internal, "internal", error.to_string())
    })?;
    Ok(escape::json(&line).into_owned())
}

#[derive(Serialize)]
struct JsonError<'a> {
    v: u8,
    #[serde(rename = "type")]
    kind: &'static str,
    code: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a String>,
    hints: &'a [String],
    exit: u8,
}
