//! `completions` and `man`: the command line, described for shells and for readers.

use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;
use crate::failure::{Exit, Failure, printed};
use crate::output::Console;

pub(crate) fn completions(shell: Shell, console: Console) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "securechat", &mut script);
    console.print(String::from_utf8_lossy(&script).trim_end())?;
    Ok(Exit::Done)
}

pub(crate) fn man(folder: Option<&Path>, console: Console) -> Result<Exit, Failure> {
    let Some(folder) = folder else {
        let mut page = Vec::new();
        printed(clap_mangen::Man::new(Cli::command()).render(&mut page))?;
        console.print(String::from_utf8_lossy(&page).trim_end())?;
        return Ok(Exit::Done);
    };
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), folder));
    written.map_err(|error| Failure::file(folder, &error))?;
    console.note(&format!("the manual pages are in {}", folder.display()));
    Ok(Exit::Done)
}
