//! Rows of the history as JSON lines. The same from `listen` and `history`.

use std::path::Path;

use chat_core::{
    GapCause, GroupChanged, GroupEvent, GroupName, Handle, HistoryItem, IdentityPublic, Item,
    KeyOffer, Message, MessageState, Peer, SenderTrust,
};
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
                "id": message.id.to_string(), "from": message.from.as_str(), "with": text_of(&message.with),
            });
            event_line(Place::of(item), &item.what, "withdrawn", &of_group(&message.with, detail))
        }
        Item::Message(message) => to_line(&message_row(item, message, image)),
        what => event(Place::of(item), what),
    }
}

#[derive(Serialize)]
struct MessageRow<'a> {
    v: u8,
    #[serde(rename = "type")]
    kind: &'static str,
    seq: u64,
    id: String,
    with: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    from: &'a str,
    sent_at: String,
    ts_ms: i64,
    received_at: String,
    text: &'a str,
    carrier: &'static str,
    protection: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender: Option<&'static str>,
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
        with: text_of(&message.with),
        group: group_of(&message.with),
        from: message.from.as_str(),
        sent_at: rfc3339(message.sent_at_ms),
        ts_ms: message.sent_at_ms,
        received_at: rfc3339(item.received_at_ms),
        text: message.text.expose(),
        carrier: message.carrier.as_str(),
        protection: message.protection.as_str(),
        sender: (!message.outgoing || message.sender == SenderTrust::OwnDevice)
            .then(|| message.sender.as_str()),
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

fn event(place: Place, what: &Item) -> Result<String, Failure> {
    match what {
        Item::Gap(gap) => {
            // Another topic counts anew: how far the old one went is not known.
            let to_offset = (gap.cause != GapCause::TopicReplaced).then_some(gap.to_offset);
            let detail = serde_json::json!({
                "cause": gap.cause.as_str(), "partition": gap.partition, "from_offset": gap.from_offset,
                "to_offset": to_offset, "after": gap.after_ms.map(rfc3339), "before": gap.before_ms.map(rfc3339),
            });
            event_line(place, what, "gap", &detail)
        }
        Item::Missing(missing) => {
            let detail = serde_json::json!({
                "from": missing.from.as_str(), "with": text_of(&missing.with),
                "first": missing.first, "last": missing.last,
            });
            event_line(place, what, "missing", &of_group(&missing.with, detail))
        }
        Item::Found(found) => {
            let detail = serde_json::json!({
                "from": found.from.as_str(), "with": text_of(&found.with),
                "number": found.number,
            });
            event_line(place, what, "found", &of_group(&found.with, detail))
        }
        Item::Conflict(conflict) => {
            let ids: Vec<String> = conflict.ids.iter().map(ToString::to_string).collect();
            let detail = serde_json::json!({
                "from": conflict.from.as_str(), "with": text_of(&conflict.with), "number": conflict.number, "ids": ids,
            });
            event_line(place, what, "conflict", &of_group(&conflict.with, detail))
        }
        Item::Unsent(unsent) => {
            let detail = serde_json::json!({
                "message_seq": unsent.message, "partition": unsent.partition, "offset": unsent.offset,
            });
            event_line(place, what, "unsent", &detail)
        }
        Item::Newer(newer) => event_line(place, what, "newer", newer),
        Item::Restored(restored) => event_line(place, what, "restored", restored),
        Item::Lost(lost) => event_line(place, what, "lost", lost),
        Item::KeyChanged(changed) => {
            let fingerprint = |key: &[u8; 32]| {
                IdentityPublic::from_bytes(key).ok().map(|key| key.fingerprint().to_string())
            };
            let detail = serde_json::json!({
                "handle": changed.handle.as_str(), "old": fingerprint(&changed.old), "new": fingerprint(&changed.new),
            });
            event_line(place, what, "key_changed", &detail)
        }
        Item::DevicesChanged(changed) => event_line(place, what, "devices_changed", changed),
        Item::NetworkKeyChanged(changed) => {
            let detail = serde_json::json!({
                "by": changed.by.as_str(), "key_id": changed.key, "number": changed.number,
                "taken": changed.offer == KeyOffer::Taken,
            });
            event_line(place, what, "network_key", &detail)
        }
        Item::DirectoryFork(fork) => event_line(place, what, "directory_fork", fork),
        Item::Downgraded(downgraded) => {
            let detail = serde_json::json!({
                "from": downgraded.from.as_str(), "with": text_of(&downgraded.with),
                "protection": downgraded.protection.as_str(), "text": downgraded.text.expose(),
            });
            event_line(place, what, "downgraded", &of_group(&downgraded.with, detail))
        }
        Item::Partial(partial) => {
            let detail = serde_json::json!({
                "id": partial.id.to_string(), "from": partial.from.as_str(), "with": text_of(&partial.with),
                "pieces": partial.pieces, "missing": partial.missing,
            });
            event_line(place, what, "partial", &of_group(&partial.with, detail))
        }
        Item::GroupChanged(changed) => group_changed(place, what, changed),
        Item::LogForked(forked) => {
            let detail =
                serde_json::json!({ "from": forked.from.as_str(), "with": text_of(&forked.with) });
            event_line(place, what, "log_forked", &of_group(&forked.with, detail))
        }
        _ => event_line(place, what, "unknown", &serde_json::json!({})),
    }
}

fn group_changed(place: Place, what: &Item, changed: &GroupChanged) -> Result<String, Failure> {
    let people = |handles: &[Handle]| handles.iter().map(ToString::to_string).collect::<Vec<_>>();
    let detail = serde_json::json!({
        "with": changed.group.to_text().expose(), "group": changed.group.id(), "by": changed.by.as_str(),
        "what": changed.what.as_str(),
    });
    let more = match &changed.what {
        GroupEvent::Founded(who)
        | GroupEvent::Added(who)
        | GroupEvent::Removed(who)
        | GroupEvent::PutBack(who)
        | GroupEvent::Left(who) => serde_json::json!({ "people": people(who) }),
        GroupEvent::AdminsChanged { added, removed } => {
            serde_json::json!({ "people": people(added), "no_longer": people(removed) })
        }
        GroupEvent::NotMade(reason) => serde_json::json!({ "reason": reason }),
        _ => serde_json::json!({}),
    };
    let detail = match (detail, more) {
        (serde_json::Value::Object(mut fields), serde_json::Value::Object(more)) => {
            fields.extend(more);
            serde_json::Value::Object(fields)
        }
        (detail, _) => detail,
    };
    event_line(place, what, "group_changed", &detail)
}

fn text_of(peer: &Peer) -> String {
    peer.to_text().expose().to_owned()
}

/// What is told of a message, with the id of its group, if it has one.
fn of_group(peer: &Peer, mut detail: serde_json::Value) -> serde_json::Value {
    if let (Some(group), Some(fields)) = (peer.group(), detail.as_object_mut()) {
        fields.insert("group".to_owned(), group.id().into());
    }
    detail
}

/// The id of the group, if it is one.
fn group_of(peer: &Peer) -> Option<String> {
    peer.group().map(GroupName::id)
}

fn event_line(
    place: Place,
    what: &Item,
    kind: &'static str,
    detail: &impl Serialize,
) -> Result<String, Failure> {
    let received_at = rfc3339(place.received_at_ms);
    to_line(&EventRow { v: 1, kind, seq: place.seq, received_at, message: event_row(what), detail })
}

/// Where a row stands, and since when.
#[derive(Clone, Copy)]
struct Place {
    seq: u64,
    received_at_ms: i64,
}

impl Place {
    fn of(item: &HistoryItem) -> Self {
        Self { seq: item.seq.get(), received_at_ms: item.received_at_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No key twice in a line, a sentence for people in each, and every type and key in the documentation.
    #[test]
    fn every_event_has_its_keys_once_and_is_documented() {
        let page = include_str!("../../../../docs/scripts-and-bots.md");
        let id = serde_json::json!(vec![7; 16]);
        let events = [
            serde_json::json!({"Gap": {"cause": "Retention", "partition": 1, "from_offset": 2, "to_offset": 3,
                "after_ms": 4, "before_ms": null}}),
            serde_json::json!({"Missing": {"from": "bob", "with": "bob", "first": 1, "last": 2}}),
            serde_json::json!({"Found": {"from": "bob", "with": "bob", "number": 1}}),
            serde_json::json!({"Conflict": {"from": "bob", "with": "bob", "number": 1, "ids": [id, id]}}),
            serde_json::json!({"Newer": {"partition": 1, "offset": 2}}),
            serde_json::json!({"Unsent": {"message": 9, "partition": 1, "offset": 2}}),
            serde_json::json!({"Restored": {"changes": null}}),
            serde_json::json!({"Lost": {}}),
            serde_json::json!({"KeyChanged": {"handle": "bob", "old": vec![1; 32], "new": vec![2; 32]}}),
            serde_json::json!({"DirectoryFork": {"handle": "bob"}}),
            serde_json::json!({"NetworkKeyChanged": {"by": "bob", "key": "ab", "number": 2, "offer": "Refused"}}),
            serde_json::json!({"DevicesChanged": {"handle": "bob", "added": ["07"], "removed": []}}),
            serde_json::json!({"Downgraded": {"from": "bob", "with": "bob", "protection": "SharedKey", "text": "hi"}}),
            serde_json::json!({"GroupChanged": {"group": format!("#{}/ops", "ab".repeat(16)), "by": "bob",
                "what": {"Added": ["carol"]}}}),
            serde_json::json!({"GroupChanged": {"group": format!("#{}/ops", "ab".repeat(16)), "by": "bob",
                "what": {"AdminsChanged": {"added": ["carol"], "removed": ["bob"]}}}}),
            serde_json::json!({"GroupChanged": {"group": format!("#{}/ops", "ab".repeat(16)), "by": "bob",
                "what": {"NotMade": "too late"}}}),
            serde_json::json!({"Partial": {"id": id, "from": "bob", "with": "bob", "pieces": 3, "missing": [2]}}),
        ];
        for event in events {
            let what: Item = serde_json::from_value(event).unwrap();
            let line = super::event(Place { seq: 1, received_at_ms: 2 }, &what).unwrap();
            let fields: serde_json::Map<String, serde_json::Value> =
                serde_json::from_str(&line).unwrap();
            for key in fields.keys() {
                assert_eq!(line.matches(&format!("\"{key}\":")).count(), 1, "{key} in {line}");
                assert!(page.contains(&format!("`{key}`")), "{key} is not documented");
            }
            let kind = fields["type"].as_str().unwrap();
            assert!(page.contains(&format!("| `{kind}` |")), "{kind} is not documented");
            assert!(!fields["message"].as_str().unwrap().is_empty(), "{line}");
        }
    }
}
