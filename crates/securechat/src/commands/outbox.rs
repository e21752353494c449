//! `outbox`: messages that wait.

use std::time::Duration;

use super::block_on;
use crate::args::OutboxCommand;
use crate::context::{Context, Opened};
use crate::failure::{Exit, Failure};
use crate::time::{local, rfc3339};

pub(crate) fn run(context: &Context, command: &OutboxCommand) -> Result<Exit, Failure> {
    let opened = context.open()?;
    match command {
        OutboxCommand::List => {
            let items = opened.client.outbox()?;
            if items.is_empty() {
                context.console.note("the outbox is empty");
            }
            for item in items {
                let state = if item.withdrawn { "withdrawn" } else { item.state.as_str() };
                if context.console.json {
                    context.console.print_json(&serde_json::json!({
                        "v": 1, "type": "outbox", "number": item.id, "seq": item.seq.get(),
                        "id": item.message_id.to_string(), "to": item.to.as_str(), "carrier": item.carrier.as_str(),
                        "state": state, "queued_at": rfc3339(item.queued_at_ms),
                    }))?;
                } else {
                    let queued = local(item.queued_at_ms);
                    let carrier = item.carrier.as_str();
                    context.console.print(&format!(
                        "{:>4}  {queued}  to {}  {carrier}, {state}",
                        item.id, item.to
                    ))?;
                }
            }
        }
        OutboxCommand::Drop { id } => {
            opened.client.withdraw(*id).map_err(|error| {
                Failure::from(error).hint("see what waits: securechat outbox list")
            })?;
            context.console.note(&format!(
                "message {id} is withdrawn; if an attempt had reached the log, it stands"
            ));
        }
        OutboxCommand::Retry { timeout } => return block_on(retry(context, &opened, *timeout)),
    }
    Ok(Exit::Done)
}

/// Sends what waits; says how much of it is on the log.
async fn retry(context: &Context, opened: &Opened, timeout: Duration) -> Result<Exit, Failure> {
    let before = opened.client.outbox()?.len();
    let client = opened.connect(context.console)?;
    let delivery = client.deliver(&[], timeout).await?;
    let waiting = opened.client.outbox()?.len();
    if context.console.json {
        context.console.print_json(&serde_json::json!({
            "v": 1, "type": "retry", "sent": delivery.others, "outbox": waiting,
        }))?;
    }
    context.console.note(&format!(
        "{before} messages waited, {} are sent, {waiting} are in the outbox",
        delivery.others
    ));
    match delivery.failure {
        Some(error) if waiting > 0 => {
            let failure = Failure::from(error);
            let exit = if failure.exit == Exit::Store { Exit::Store } else { Exit::Broker };
            Err(Failure { exit, ..failure })
        }
        _ => Ok(Exit::Done),
    }
}
