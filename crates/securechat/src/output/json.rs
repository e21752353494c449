//! Rows of the history as JSON lines. The same from `listen` and `history`.

use std::path::Path;

use chat_core::{GapCause, HistoryItem, Item, Message, MessageState};
use serde::Serialize;

use super::console::to_line;
use super::human::{self, event_row};
use crate::failure::Failure;
use crate::time::rfc3339;

/// One row as a JSON line; `image` is where the picture of the message was written.
pub(crate) fn row(item: &HistoryItem, image: Option<&Path>) -> Result<String, Failure> {
    match &item.what {
        Item::Message(message) if human::taken_back(message) => {
            let detail = serde_json::json!({
                "id": message.id.to_string(), "from": message.from.as_str(), "with": message.with.as_str(),
            });
            event_line(item, "withdrawn", &detail)
        }
        Item::Message(message) => to_line(&message_row(item, message, image)),
        what => event(item, what),
    }
}

#[derive(Serialize)]
struct MessageRow<'a> {
    v: u8,
    #[serde(rename = "type")]
    kind: &'static str,
    seq: u64,
    id: String,
    with: &'a str,
    from: &'a str,
    sent_at: String,
    ts_ms: i64,
    received_at: String,
    text: &'a str,
    carrier: &'static str,
    protection: &'static str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    conflict: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    broken_chain: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a Path>,
}

fn message_row<'a>(
    item: &HistoryItem,
    message: &'a Message,
    image: Option<&'a Path>,
) -> MessageRow<'a> {
    MessageRow {
        v: 1,
        kind: "message",
        seq: item.seq.get(),
        id: message.id.to_string(),
        with: message.with.as_str(),
        from: message.from.as_str(),
        sent_at: rfc3339(message.sent_at_ms),
        ts_ms: message.sent_at_ms,
        received_at: rfc3339(item.received_at_ms),
        text: message.text.expose(),
        carrier: message.carrier.as_str(),
        protection: message.protection.as_str(),
        conflict: message.conflict,
        broken_chain: message.broken_chain,
        state: match message.state {
            MessageState::Withdrawn => Some("withdrawn"),
            MessageState::Failed { .. } => Some("failed"),
            _ => None,
        },
        image,
    }
}

#[derive(Serialize)]
struct EventRow<'a, T> {
    v: u8,
    #[serde(rename = "type")]
    kind: &'static str,
    seq: u64,
    received_at: String,
    message: String,
    #[serde(flatten)]
    detail: &'a T,
}

fn event(item: &HistoryItem, what: &Item) -> Result<String, Failure> {
    match what {
        Item::Gap(gap) => {
            // Another topic counts anew: how far the old one went is not known.
            let to_offset = (gap.cause != GapCause::TopicReplaced).then_some(gap.to_offset);
            let detail = serde_json::json!({
                "cause": gap.cause.as_str(), "partition": gap.partition, "from_offset": gap.from_offset,
                "to_offset": to_offset, "after": gap.after_ms.map(rfc3339), "before": gap.before_ms.map(rfc3339),
            });
            event_line(item, "gap", &detail)
        }
        Item::Missing(missing) => event_line(item, "missing", missing),
        Item::Found(found) => event_line(item, "found", found),
        Item::Conflict(conflict) => {
            let ids: Vec<String> = conflict.ids.iter().map(ToString::to_string).collect();
            let detail = serde_json::json!({
                "from": conflict.from.as_str(), "with": conflict.with.as_str(), "number": conflict.number, "ids": ids,
            });
            event_line(item, "conflict", &detail)
        }
        Item::Unsent(unsent) => event_line(item, "unsent", unsent),
        Item::Newer(newer) => event_line(item, "newer", newer),
        Item::Restored(restored) => event_line(item, "restored", restored),
        Item::Lost(lost) => event_line(item, "lost", lost),
        _ => event_line(item, "unknown", &serde_json::json!({})),
    }
}

fn event_line(
    item: &HistoryItem,
    kind: &'static str,
    detail: &impl Serialize,
) -> Result<String, Failure> {
    let received_at = rfc3339(item.received_at_ms);
    to_line(&EventRow {
        v: 1,
        kind,
        seq: item.seq.get(),
        received_at,
        message: event_row(&item.what),
        detail,
    })
}
