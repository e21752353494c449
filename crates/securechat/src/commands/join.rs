//! `join`: into the network of an invite.

use std::fs::File;
use std::io::{self, IsTerminal, Read};

use chat_core::{Error, Invite, Joined};
use zeroize::Zeroizing;

use crate::args::JoinArgs;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::passphrase;

pub(crate) fn run(context: &Context, args: &JoinArgs) -> Result<Exit, Failure> {
    let line = read(context, args.from.as_deref())?;
    let invite: Invite = line.parse().map_err(Error::from)?;
    let opened = context.open()?;
    let joined = opened.client.join(&invite)?;
    let (namespace, brokers) = (invite.namespace(), invite.brokers().join(","));
    if context.console.json {
        context.console.print_json(&serde_json::json!({
            "v": 1, "type": "joined", "namespace": namespace.as_str(), "brokers": invite.brokers(),
            "already": joined == Joined::Already,
            "inviter": invite.inviter().map(|(handle, identity)| serde_json::json!({
                "handle": handle.as_str(), "fingerprint": identity.fingerprint().to_string(),
            })),
        }))?;
    } else if joined == Joined::Already {
        context.console.note(&format!("{} belongs to network {namespace} already", opened.name));
    } else {
        context.console.note(&format!("{} joined network {namespace} at {brokers}", opened.name));
        if let Some((handle, identity)) = invite.inviter() {
            let print = identity.fingerprint();
            context
                .console
                .note(&format!("invited by {handle}, whose key is {print} by this invite"));
            context
                .console
                .note(&format!("to be sure of it, compare: securechat contact verify {handle}"));
        }
        context.console.note("next: securechat listen");
    }
    Ok(Exit::Done)
}

fn read(context: &Context, from: Option<&str>) -> Result<Zeroizing<String>, Failure> {
    match from {
        Some(text) if text.starts_with("securechat1:") => {
            Err(Failure::usage("an invite is a secret, and the command line is not: others on this machine can read it")
                .hint("paste it where it stays hidden: securechat join"))
        }
        Some(path) if path != "-" => {
            let path = std::path::Path::new(path);
            let failed = |error| Failure::file(path, &error).hint("its sender prints it with: securechat invite > FILE");
            bounded(File::open(path).map_err(failed)?).map_err(failed)
        }
        Some(_) if !io::stdin().is_terminal() => {
            bounded(io::stdin().lock()).map_err(|e| Failure::file("stdin".as_ref(), &e))
        }
        _ if context.globals.no_input => {
            Err(Failure::usage("no invite is given, and there is nobody to ask").hint("name its file: securechat join FILE"))
        }
        _ => passphrase::ask("invite: ").map_err(|failure| failure.hint("name its file, or - for stdin: securechat join FILE|-")),
    }
}

/// Longer input is cut, and fails its checksum.
fn bounded(source: impl Read) -> io::Result<Zeroizing<String>> {
    let limit = u64::try_from(Invite::MAX_LEN).unwrap_or(u64::MAX).saturating_add(2);
    let mut bytes = Zeroizing::new(Vec::new());
    source.take(limit).read_to_end(&mut bytes)?;
    Ok(Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned()))
}
