//! The commands, one file each.

mod broker;
mod chat;
mod config;
mod contact;
mod cover;
mod demo;
mod device;
mod doctor;
mod history;
mod identity;
mod init;
mod invite;
mod join;
mod listen;
mod network;
mod outbox;
mod qr;
mod secret_line;
mod send;
mod shell;
mod store;

use std::future::Future;

use crate::args::{Cli, Command, ConfigCommand, NetworkCommand, StoreCommand};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::nearest::nearest;
use crate::output::{Console, shell_word};
use crate::places::Places;

/// Runs the command.
pub(crate) fn run(cli: Cli, console: Console) -> Result<Exit, Failure> {
    let Cli { globals, command } = cli;
    match command {
        Command::Completions { shell } => return shell::completions(shell, console),
        Command::Man { folder } => return shell::man(folder.as_deref(), console),
        Command::Cover(ref command) => return cover::run(command, console),
        // The very command that helps when the configuration is broken.
        Command::Config(ConfigCommand::Path) => {
            let places = Places::new(globals.home.as_deref(), globals.config.as_deref())?;
            return config::path(&places, console).map(|()| Exit::Done);
        }
        Command::Demo(args) => return wide_runtime()?.block_on(demo::run(&args, console)),
        _ => {}
    }
    let context = Context::new(globals, console)?;
    match command {
        Command::Init(args) => init::run(&context, &args),
        Command::Identity(command) => identity::run(&context, &command),
        Command::Device(command) => device::run(&context, &command),
        Command::Chat(command) => chat::run(&context, &command),
        Command::Contact(command) => contact::run(&context, &command),
        Command::Network(NetworkCommand::Create(args)) => {
            block_on(network::create(&context, &args))
        }
        Command::Network(NetworkCommand::Show) => network::show(&context),
        Command::Network(NetworkCommand::Rotate(args)) => {
            block_on(network::rotate(&context, &args))
        }
        Command::Network(NetworkCommand::ShareKey(args)) => {
            block_on(network::share_key(&context, &args))
        }
        Command::Invite(args) => invite::run(&context, &args),
        Command::Join(args) => join::run(&context, &args),
        Command::Send(args) => send::run(&context, args),
        Command::Listen(args) => block_on(listen::run(&context, &args)),
        Command::History(args) => history::run(&context, &args),
        Command::Outbox(command) => outbox::run(&context, &command),
        Command::Store(StoreCommand::Migrate { to }) => store::migrate(&context, to),
        Command::Broker(args) => wide_runtime()?.block_on(broker::run(&context, &args)),
        Command::Doctor { repair } => block_on(doctor::run(&context, repair)),
        Command::Config(command) => config::run(&context, command),
        Command::Completions { .. }
        | Command::Man { .. }
        | Command::Cover(_)
        | Command::Demo(_) => Ok(Exit::Done),
    }
}

/// Runs on one thread: starts fastest, and one conversation needs no more.
fn block_on(work: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    run_on(runtime.map_err(|e| no_runtime(&e))?, work)
}

/// Runs on several threads: what is done side by side does not wait for one another.
fn block_on_several(work: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    run_on(wide_runtime()?, work)
}

fn run_on(
    runtime: tokio::runtime::Runtime,
    work: impl Future<Output = Result<Exit, Failure>>,
) -> Result<Exit, Failure> {
    let result = runtime.block_on(work);
    // What is left is background work, and everything that counts is on disk.
    runtime.shutdown_background();
    result
}

fn wide_runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|e| no_runtime(&e))
}

fn no_runtime(error: &std::io::Error) -> Failure {
    Failure::new(Exit::Internal, "internal", format!("cannot start the runtime: {error}"))
}

/// A handle from the command line.
fn handle(text: &str) -> Result<chat_core::Handle, Failure> {
    text.parse().map_err(|error| {
        Failure::new(Exit::Usage, "bad_handle", format!("{text:?} is no handle: {error}"))
            .hint("a handle has 1 to 64 characters of a-z, 0-9, '.', '_' and '-', and begins with a letter or digit")
    })
}

/// The group that somebody names.
fn group_named(client: &chat_core::Client, text: &str) -> Result<chat_core::GroupName, Failure> {
    client.find_group(text).map_err(|error| {
        let is_unknown = error.kind() == chat_core::ErrorKind::NotFound;
        let failure = Failure::from(error);
        if !is_unknown {
            return failure;
        }
        let groups = client.groups().unwrap_or_default();
        let names: Vec<String> =
            groups.iter().map(|group| group.name.name().expose().to_owned()).collect();
        let meant = text.strip_prefix('#').unwrap_or(text);
        match nearest(meant, names.iter().map(String::as_str)) {
            Some(near) => {
                let near = shell_word(&format!("#{near}"));
                failure.hint(format!("did you mean {near}? see it: securechat chat show {near}"))
            }
            None => failure,
        }
    })
}

/// A person or a group that somebody names.
fn peer(client: &chat_core::Client, text: &str) -> Result<chat_core::Peer, Failure> {
    if text.starts_with('#') {
        return group_named(client, text).map(Into::into);
    }
    handle(text).map(Into::into)
}

/// Ends the program a moment after somebody has asked for it, where it cannot do so itself: a write that
/// nobody reads never returns.
fn end_at_last() {
    std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async {
            interrupted().await;
            tokio::time::sleep(PATIENCE).await;
        });
        std::process::exit(Exit::Interrupted as i32);
    });
}

/// How long the end that somebody has asked for may take.
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(1500);

/// Ends when somebody wants the program to end.
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    drop(tokio::signal::ctrl_c().await);
}
