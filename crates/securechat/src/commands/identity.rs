//! `identity`: who this profile is, and its backup.

use std::io::Read;
use std::path::Path;

use chat_core::secrecy::SecretString;
use chat_core::{IdentityKey, identity_backup, private_file};
use zeroize::Zeroizing;

use super::qr;
use crate::args::{ExportArgs, IdentityCommand, ImportArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::passphrase::{self, Purpose};

pub(crate) fn run(context: &Context, command: &IdentityCommand) -> Result<Exit, Failure> {
    match command {
        IdentityCommand::Show { qr } => show(context, *qr)?,
        IdentityCommand::Export(args) => export(context, args)?,
        IdentityCommand::Import(args) => import(context, args)?,
    }
    Ok(Exit::Done)
}

fn show(context: &Context, draw: bool) -> Result<(), Failure> {
    let opened = context.open()?;
    let fingerprint = opened.client.identity()?.fingerprint().to_string();
    let handle = opened.client.handle();
    if draw {
        qr::draw(&fingerprint)?;
    }
    if context.console.json {
        return context.console.print_json(&serde_json::json!({
            "v": 1, "type": "identity", "handle": handle.as_str(), "fingerprint": fingerprint,
        }));
    }
    context.console.print(&format!("handle       {handle}\nfingerprint  {fingerprint}"))
}

fn export(context: &Context, args: &ExportArgs) -> Result<(), Failure> {
    let opened = context.open()?;
    let Some(path) = &args.file else {
        let words = opened.client.identity_words()?;
        context.console.print(&words)?;
        context.console.warn("these words are your identity: whoever reads them is you");
        return Ok(());
    };
    let name = format!("the backup of {}", opened.name);
    let passphrase = passphrase::obtain(&context.globals, &name, Purpose::Create)?;
    let sealed = opened.client.export_identity(&passphrase)?;
    private_file::create_new(path, sealed.as_bytes()).map_err(chat_core::Error::from)?;
    context.console.note(&format!("the identity is in {}", path.display()));
    Ok(())
}

fn import(context: &Context, args: &ImportArgs) -> Result<(), Failure> {
    let opened = context.open()?;
    let identity = match &args.file {
        Some(path) => from_file(context, path, opened.client.handle().as_str())?,
        None => from_words()?,
    };
    let public = opened.client.import_identity(&identity)?;
    if context.console.json {
        return context.console.print_json(&serde_json::json!({
            "v": 1, "type": "identity", "handle": opened.client.handle().as_str(),
            "fingerprint": public.fingerprint().to_string(),
        }));
    }
    context.console.note(&format!("profile {} is now {}", opened.name, public.fingerprint()));
    Ok(())
}

fn from_file(context: &Context, path: &Path, handle: &str) -> Result<IdentityKey, Failure> {
    let bytes = private_file::read(path, MAX_BACKUP).map_err(chat_core::Error::from)?;
    let name = format!("the backup {}", path.display());
    let passphrase: SecretString = passphrase::obtain(&context.globals, &name, Purpose::Open)?;
    let (whose, identity) = identity_backup::open(&bytes, &passphrase).map_err(|error| {
        let exit = match error {
            identity_backup::BackupError::WrongPassphrase => Exit::Store,
            _ => Exit::Authentication,
        };
        Failure::new(exit, "identity_backup", format!("{}: {error}", path.display()))
            .hint("make another one where the identity is: securechat identity export FILE")
    })?;
    if whose != handle {
        return Err(Failure::usage(format!(
            "this is the identity of {whose}, the profile is {handle}'s"
        ))
        .hint(format!("make a profile for it: securechat init {whose}")));
    }
    Ok(identity)
}

fn from_words() -> Result<IdentityKey, Failure> {
    let mut text = Zeroizing::new(String::with_capacity(4096));
    let read = std::io::stdin().lock().take(4096).read_to_string(&mut text);
    read.map_err(|error| Failure::file("stdin".as_ref(), &error))?;
    identity_backup::from_words(&text).map_err(|error| {
        Failure::new(Exit::Authentication, "words", error.to_string())
            .hint("see the right ones where the identity is: securechat identity export --words")
    })
}

/// A backup is shorter, in bytes.
const MAX_BACKUP: u64 = 64 * 1024;
