//! `outbox`: messages that wait.

use std::time::Duration;

use chat_core::{Client, OutboxItem};

use super::block_on;
use crate::args::OutboxCommand;
use crate::context::{Context, Opened};
use crate::failure::{Exit, Failure};
use crate::output::{Console, human};
use crate::time::{local, rfc3339};

pub(crate) fn run(context: &Context, command: &OutboxCommand) -> Result<Exit, Failure> {
    let opened = context.open()?;
    match command {
        OutboxCommand::List => {
            let items = opened.client.outbox()?;
            if items.is_empty() {
                context.console.note("the outbox is empty");
            }
            items.iter().try_for_each(|item| print(context.console, item))?;
        }
        OutboxCommand::Drop { which } => drop_one(context, &opened, which)?,
        OutboxCommand::Retry { timeout } => return block_on(retry(context, &opened, *timeout)),
    }
    Ok(Exit::Done)
}

fn print(console: Console, item: &OutboxItem) -> Result<(), Failure> {
    let state = if item.withdrawn { "withdrawn" } else { item.state.as_str() };
    let carrier = item.carrier.as_str();
    if console.json {
        let mut line = serde_json::json!({
            "v": 1, "type": "outbox", "number": item.id, "seq": item.seq.get(),
            "id": item.message_id.to_string(), "to": item.to.to_text().expose(), "carrier": carrier,
            "state": state, "queued_at": rfc3339(item.queued_at_ms),
        });
        if let (Some(group), Some(fields)) = (item.to.group(), line.as_object_mut()) {
            fields.insert("group".to_owned(), group.id().into());
        }
        if let (Some((piece, pieces)), Some(fields)) = (item.piece, line.as_object_mut()) {
            fields.insert("piece".to_owned(), piece.into());
            fields.insert("pieces".to_owned(), pieces.into());
        }
        return console.print_json(&line);
    }
    let queued = local(item.queued_at_ms);
    let carrier = match item.piece {
        Some((piece, pieces)) => format!("{carrier} {piece} of {pieces}"),
        None => carrier.to_owned(),
    };
    console.print(&format!(
        "{:>4}  {queued}  to {}  {carrier}, {state}",
        item.id,
        human::peer(&item.to)
    ))
}

/// Takes a message back, by its number in the outbox or by its id.
fn drop_one(context: &Context, opened: &Opened, which: &str) -> Result<(), Failure> {
    const LOOK: &str = "see what waits: securechat outbox list";
    let item = |client: &Client| -> Result<Option<OutboxItem>, Failure> {
        let items = client.outbox()?.into_iter();
        let named = |item: &OutboxItem| {
            which.parse() == Ok(item.id) || which == item.message_id.to_string()
        };
        Ok(items.into_iter().find(named))
    };
    let found = item(&opened.client)?.ok_or_else(|| {
        Failure::new(Exit::Nothing, "not_found", format!("message {which:?} is not in the outbox"))
            .hint(LOOK)
    })?;
    let dropped = opened.client.withdraw(found.id);
    dropped.map_err(|error| Failure::from(error).hint(LOOK))?;
    if let (true, Some(item)) = (context.console.json, item(&opened.client)?) {
        print(context.console, &item)?;
    }
    context.console.note(&format!(
        "message {} is withdrawn; if an attempt had reached the log, it stands",
        found.id
    ));
    Ok(())
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
        None if waiting > 0 => Err(Failure::new(
            Exit::Broker,
            "not_sent",
            format!("{waiting} messages are still in the outbox: another process is sending, or more came"),
        )
        .hint("see which: securechat outbox list")),
        _ => Ok(Exit::Done),
    }
}
