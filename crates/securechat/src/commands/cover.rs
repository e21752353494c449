//! `cover`: making, judging and choosing pictures that are to carry messages.

mod capacity;
mod choose;
mod compare;
mod inspect;
mod map;
mod prepare;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::args::CoverCommand;
use crate::failure::{Exit, Failure};
use crate::output::Console;

pub(crate) fn run(command: &CoverCommand, console: Console) -> Result<Exit, Failure> {
    match command {
        CoverCommand::Prepare(args) => prepare::run(args, console),
        CoverCommand::Inspect(args) => inspect::run(args, console),
        CoverCommand::Capacity { max_record, codec, files } => {
            capacity::run(files, *max_record, *codec, console)
        }
        CoverCommand::Choose { bytes, folder } => choose::run(folder, *bytes, console),
        CoverCommand::Map(args) => map::run(args, console),
    }
}

/// Does something with each file; goes on after one that fails, and ends with the gravest outcome.
fn for_each(
    files: &[impl AsRef<Path>],
    console: Console,
    mut with: impl FnMut(&Path, &[u8]) -> Result<Exit, Failure>,
) -> Exit {
    let mut worst = Exit::Done;
    for path in files {
        let path = path.as_ref();
        match read(path).and_then(|bytes| with(path, &bytes)) {
            Ok(exit) => worst = worst.max(exit),
            Err(failure) => {
                worst = worst.max(failure.exit);
                console.fail(&failure);
            }
        }
    }
    worst
}

/// A picture file.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE).read_to_end(&mut bytes));
    read.map_err(|error| Failure { exit: Exit::Cover, ..Failure::file(path, &error) })?;
    Ok(bytes)
}

/// A picture that is no cover, by its name.
fn named(path: &Path, error: chat_core::Error) -> Failure {
    let failure = Failure::from(error);
    let message = format!("{}: {}", path.display(), failure.message);
    Failure { message, ..failure }
}

/// Larger files are no covers, in bytes.
const MAX_FILE: u64 = 256 * 1024 * 1024;
