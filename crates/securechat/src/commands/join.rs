//! `join`: into the network of an invite.

use chat_core::{Error, Invite, Joined};

use super::secret_line::SecretLine;
use crate::args::JoinArgs;
use crate::context::Context;
use crate::failure::{Exit, Failure};

pub(crate) fn run(context: &Context, args: &JoinArgs) -> Result<Exit, Failure> {
    let line = INVITE.read(context, args.from.as_deref())?;
    let invite: Invite = line.parse().map_err(Error::from)?;
    let opened = context.open()?;
    let joined = opened.client.join(&invite)?;
    let (namespace, brokers) = (invite.namespace(), invite.brokers().join(","));
    if context.console.json {
        context.console.print_json(&serde_json::json!({
            "v": 1, "type": "joined", "namespace": namespace.as_str(), "brokers": invite.brokers(),
            "already": joined != Joined::New, "new_key": joined == Joined::NewKey,
            "inviter": invite.inviter().map(|(handle, identity)| serde_json::json!({
                "handle": handle.as_str(), "fingerprint": identity.fingerprint().to_string(),
            })),
        }))?;
    } else if joined == Joined::NewKey {
        context.console.note(&format!("{} has the new key of network {namespace}", opened.name));
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

const INVITE: SecretLine = SecretLine {
    name: "an invite",
    prefix: "securechat1:",
    taken_by: "securechat join",
    made_by: "securechat invite",
    max: Invite::MAX_LEN,
};
