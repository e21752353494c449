//! From the words on the command line to the options, and what is said about a slip.

use std::ffi::OsStr;
use std::net::{SocketAddr, ToSocketAddrs};
use std::process::ExitCode;
use std::time::Duration;

use chat_core::CodecId;
use clap::builder::{PossibleValuesParser, Resettable, TypedValueParser};
use clap::{ColorChoice, CommandFactory, FromArgMatches};

use super::Cli;
use crate::failure::{Exit, Failure, printed};
use crate::output::Console;
use crate::time::parse_duration;

/// Parses the command line; help, version and mistakes are printed here.
pub(crate) fn parse() -> Result<(Cli, Console), ExitCode> {
    let mut command = heedful(Cli::command()).color(color());
    let parsed = command.try_get_matches_from_mut(std::env::args_os());
    let parsed = parsed.and_then(|matches| Cli::from_arg_matches(&matches));
    match parsed {
        Ok(cli) => {
            let console = Console::new(&cli.globals);
            Ok((cli, console))
        }
        Err(error) => Err(explain(&error.format(&mut command))),
    }
}

/// The name of a codec.
pub(super) fn codec() -> impl TypedValueParser<Value = CodecId> {
    PossibleValuesParser::new(CodecId::ALL.map(CodecId::as_str))
        .try_map(|name| name.parse::<CodecId>())
}

/// A variable that is empty sets nothing.
fn heedful(command: clap::Command) -> clap::Command {
    let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    command
        .mut_args(|arg| {
            let empty = arg.get_env().is_some_and(is_empty);
            if empty { arg.env(Resettable::Reset) } else { arg }
        })
        .mut_subcommands(heedful)
}

/// When mistakes and help are coloured: they are printed before the options are known.
fn color() -> ColorChoice {
    let words: Vec<String> =
        std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let flag = words.iter().enumerate().find_map(|(at, word)| match word.strip_prefix("--color") {
        Some("") => words.get(at + 1).map(String::as_str),
        Some(value) => value.strip_prefix('='),
        None => None,
    });
    let variable = std::env::var("SECURECHAT_COLOR").ok();
    match flag.or(variable.as_deref()) {
        Some("always") => ColorChoice::Always,
        Some("never") => ColorChoice::Never,
        _ => ColorChoice::Auto,
    }
}

fn explain(error: &clap::Error) -> ExitCode {
    let falsy = ["", "0", "n", "no", "f", "false", "off"];
    let asked =
        std::env::var("SECURECHAT_JSON").is_ok_and(|v| !falsy.contains(&v.to_lowercase().as_str()));
    let json = asked || std::env::args_os().any(|arg| arg == "--json");
    if error.use_stderr() && json {
        let text = error.to_string();
        let line = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        let tips = text.lines().filter_map(|line| line.trim_start().strip_prefix("tip: "));
        let failure = tips.fold(Failure::usage(line), Failure::hint);
        Console::json_errors().fail(&failure.hint("see the options: securechat --help"));
        return Exit::Usage.into();
    }
    match printed(error.print()) {
        Ok(()) if error.use_stderr() => Exit::Usage.into(),
        Ok(()) => Exit::Done.into(),
        Err(failure) => {
            Console::quiet_errors().fail(&failure);
            failure.exit.into()
        }
    }
}

/// Reads an address to listen on; a name is looked up.
pub(super) fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let wrong = || format!("{text:?} is no address: write HOST:PORT, such as 127.0.0.1:9092");
    text.to_socket_addrs().ok().and_then(|mut found| found.next()).ok_or_else(wrong)
}

/// Reads how long a topic keeps its records.
pub(super) fn retention(text: &str) -> Result<Duration, String> {
    let time = parse_duration(text)?;
    if time < LEAST_RETENTION {
        return Err("messages are kept for a minute at least: write 1m, 12h or 30d".to_owned());
    }
    Ok(time)
}

const LEAST_RETENTION: Duration = Duration::from_secs(60);
