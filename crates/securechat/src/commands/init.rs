//! `init`: a new profile.

use chat_core::Client;

use super::handle;
use crate::args::InitArgs;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::passphrase::{self, Purpose};

pub(crate) fn run(context: &Context, args: &InitArgs) -> Result<Exit, Failure> {
    let me = handle(&args.handle)?;
    let name = context.globals.profile.as_deref().unwrap_or(me.as_str());
    let name = handle(name)?;
    let folder = context.places.profile(name.as_str());
    if context.places.profiles()?.iter().any(|profile| profile == name.as_str()) {
        return Err(Failure::new(
            Exit::Usage,
            "profile_exists",
            format!("there is a profile {name} already"),
        )
        .hint(format!("take another name for it: securechat init {me} --profile NAME"))
        .hint(format!("or use the one that is there: securechat --profile {name} network show")));
    }
    let passphrase = match args.no_passphrase {
        true => None,
        false => Some(passphrase::obtain(&context.globals, name.as_str(), Purpose::Create)?),
    };
    Client::create_with(args.store, &folder, &me, passphrase.as_ref())?;
    if args.no_passphrase {
        context.console.note(
            "the profile has no passphrase: whoever can read its folder has its keys and messages",
        );
    }
    if context.console.json {
        let line = serde_json::json!({"v": 1, "type": "profile", "profile": name.as_str(), "handle": me.as_str(), "folder": folder});
        context.console.print_json(&line)?;
    } else {
        context.console.note(&format!("profile {name} is in {}", folder.display()));
        context
            .console
            .note("next: securechat network create --brokers HOST:9092, or securechat join FILE");
    }
    Ok(Exit::Done)
}
