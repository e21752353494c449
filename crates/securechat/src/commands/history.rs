//! `history`: messages of the past.

use chat_core::{HistoryItem, HistoryQuery, Item};
use regex::Regex;

use super::{handle, peer};
use crate::args::HistoryArgs;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::{human, json};

pub(crate) fn run(context: &Context, args: &HistoryArgs) -> Result<Exit, Failure> {
    let pattern = args.grep.as_deref().map(compile).transpose()?;
    if let Some(with) = args.with.as_deref().filter(|with| !with.starts_with('#')) {
        handle(with)?;
    }
    let opened = context.open()?;
    let with = args.with.as_deref().map(|with| peer(&opened.client, with)).transpose()?;
    let mut query = HistoryQuery::default();
    (query.with, query.limit, query.since_ms, query.until_ms) =
        (with, Some(args.limit), args.since, args.until);
    let items = opened.client.history(&query, |item| keeps(pattern.as_ref(), item))?;
    if items.is_empty() {
        return Err(Failure::new(Exit::Nothing, "nothing_found", "no message was found")
            .hint("receive what is on the log first: securechat listen --timeout 5s"));
    }
    for item in &items {
        let line = if context.console.json {
            json::row(item, None)?
        } else {
            human::row(item, context.console.color)
        };
        context.console.print(&line)?;
    }
    Ok(Exit::Done)
}

fn compile(pattern: &str) -> Result<Regex, Failure> {
    Regex::new(pattern).map_err(|error| {
        let reason = error.to_string();
        let last = reason.lines().last().unwrap_or_default().to_owned();
        Failure::usage(format!("{pattern:?} is no regular expression: {last}"))
            .hint("find it as it stands: securechat history --grep 'a\\.b'")
    })
}

fn keeps(pattern: Option<&Regex>, item: &HistoryItem) -> bool {
    match (pattern, &item.what) {
        (None, _) => true,
        (Some(pattern), Item::Message(message)) => pattern.is_match(message.text.expose()),
        (Some(_), _) => false,
    }
}
