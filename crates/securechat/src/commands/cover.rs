//! `cover`: making, judging and choosing pictures that are to carry messages.

mod capacity;
mod choose;
mod compare;
mod inspect;
mod map;
mod prepare;

use std::fs::File;
use std::io::{self, Read};
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
    let read = File::open(path).and_then(|file| {
        // A pipe has no end that anybody could wait for.
        let kind = file.metadata()?;
        if !kind.is_file() && !kind.is_dir() {
            return Err(io::Error::other("this is no file"));
        }
        let mut bytes = Vec::new();
        file.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(io::Error::other("longer than 64 MiB"));
        }
        Ok(bytes)
    });
    read.map_err(|error| Failure { exit: Exit::Cover, ..Failure::file(path, &error) })
}

/// A picture that is no cover, by its name.
fn named(path: &Path, error: chat_core::Error) -> Failure {
    let failure = Failure::from(error);
    let message = format!("{}: {}", path.display(), failure.message);
    Failure { message, ..failure }
}

/// Larger files are no covers, in bytes.
const MAX_FILE: u64 = 64 * 1024 * 1024;
