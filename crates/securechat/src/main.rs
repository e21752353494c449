#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod args;
mod commands;
mod config;
mod connection;
mod context;
mod failure;
mod hint;
mod nearest;
mod output;
mod passphrase;
mod places;
mod secrecy;
mod time;

use std::process::ExitCode;

fn main() -> ExitCode {
    secrecy::leave_no_core_file();
    let (cli, console) = match args::parse() {
        Ok(parsed) => parsed,
        Err(code) => return code,
    };
    console.start_log();
    match commands::run(cli, console) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            console.fail(&failure);
            failure.exit.into()
        }
    }
}
