//! `store migrate`: another engine for a profile's store.

use chat_core::{Client, EngineKind};

use crate::context::Context;
use crate::failure::{Exit, Failure};

pub(crate) fn migrate(context: &Context, to: EngineKind) -> Result<Exit, Failure> {
    let name = context.profile_name()?;
    let folder = context.places.profile(&name);
    let passphrase = context.passphrase(&name)?;
    let from = Client::engine(&folder)?;
    let copied = Client::migrate_store(&folder, passphrase.as_ref(), to)?;
    if context.console.json {
        let (rows, bytes) = copied.map_or((0, 0), |copied| (copied.rows, copied.bytes));
        context.console.print_json(&serde_json::json!({
            "v": 1, "type": "store", "profile": name, "from": from.name(), "to": to.name(), "rows": rows, "bytes": bytes,
        }))?;
        return Ok(Exit::Done);
    }
    context.console.note(&match copied {
        Some(copied) => format!(
            "the store of {name} was moved from {from} to {to}: {} rows, {} bytes, compared one by one",
            copied.rows, copied.bytes
        ),
        None => format!("the store of {name} is of the engine {to} already"),
    });
    Ok(Exit::Done)
}
