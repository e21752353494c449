//! Rows of the history for people.

use anstyle::{AnsiColor, Style};
use chat_core::{
    Conflict, DevicesChanged, Downgraded, Found, Gap, GapCause, GroupChanged, GroupEvent,
    GroupName, Handle, HistoryItem, Item, KeyOffer, Message, MessageState, Missing,
    NetworkKeyChanged, Newer, Partial, Peer, Restored, SenderTrust, Unsent,
};

use super::escape::{indented, one_line};
use crate::time::local;

/// One row; a message of several lines is printed over several lines.
pub(crate) fn row(item: &HistoryItem, color: bool) -> String {
    let time = local(item.received_at_ms);
    let time = painted(&time, Style::new().dimmed(), color);
    match &item.what {
        Item::Message(message) if !taken_back(message) => {
            format!("{time} {}", message_row(message, color))
        }
        what => {
            let line = format!("-- {}", event_row(what));
            format!("{time} {}", painted(&line, AnsiColor::Yellow.on_default(), color))
        }
    }
}

fn message_row(message: &Message, color: bool) -> String {
    let who = match (&message.with, message.outgoing) {
        (with, true) => format!("you to {}", peer(with)),
        (Peer::Group(name), false) => format!("{} {}", group(name), message.from),
        (_, false) => message.from.to_string(),
    };
    let paint = if message.outgoing { AnsiColor::Blue } else { AnsiColor::Green };
    let who = painted(&who, paint.on_default().bold(), color);
    let text = indented(message.text.expose(), "    ");
    let marks = painted(&marks(message), Style::new().dimmed(), color);
    format!("{who}: {text}  {marks}")
}

/// What a reader must know of a message: its carrier, its protection, what is odd about it.
fn marks(message: &Message) -> String {
    let mut marks =
        vec![message.carrier.as_str().to_owned(), message.protection.as_str().replace('-', " ")];
    if message.sender == SenderTrust::OwnDevice {
        marks.push("from another device of yours".to_owned());
    } else if !message.outgoing {
        marks.push(match message.sender {
            SenderTrust::Changed => format!("CHANGED KEY: this may not be {}", message.from),
            SenderTrust::RemovedDevice => {
                format!("REMOVED DEVICE: {} has removed the device that signed this", message.from)
            }
            trust => trust.as_str().to_owned(),
        });
    }
    if message.conflict {
        marks.push("CONFLICT: somebody claims the same place with another message".to_owned());
    }
    if message.broken_chain {
        marks.push("BROKEN CHAIN: it does not follow the message before it".to_owned());
    }
    match &message.state {
        MessageState::Withdrawn => marks.push("withdrawn".to_owned()),
        MessageState::Failed { reason } => marks.push(format!("NOT SENT: {}", one_line(reason))),
        _ => {}
    }
    format!("[{}]", marks.join(", "))
}

/// Whether its sender withdrew it before it was ever sent: all that came is the note of that.
pub(crate) fn taken_back(message: &Message) -> bool {
    !message.outgoing && message.state == MessageState::Withdrawn
}

/// Something about messages, in words.
pub(crate) fn event_row(item: &Item) -> String {
    match item {
        Item::Message(message) => format!("{} took a message back", message.from),
        Item::Gap(gap) => gap_row(gap),
        Item::Missing(Missing { from, first, last, .. }) if first == last => {
            format!("message {first} of {from} is missing")
        }
        Item::Missing(Missing { from, first, last, .. }) => {
            format!("messages {first} to {last} of {from} are missing")
        }
        Item::Found(Found { from, number, .. }) => {
            format!("message {number} of {from}, once missing, was found")
        }
        Item::Conflict(Conflict { from, number, ids, .. }) => {
            format!("{} different messages claim to be message {number} of {from}", ids.len())
        }
        Item::Unsent(Unsent { message, partition, offset, .. }) => format!(
            "the log lost your message {message} (partition {partition}, offset {offset}), and it is too old to be sent again"
        ),
        Item::Newer(Newer { partition, offset, .. }) => {
            format!(
                "a message at partition {partition}, offset {offset} needs a newer securechat; it is kept"
            )
        }
        Item::Restored(Restored { changes: Some(changes), .. }) => format!(
            "this profile's data is an older copy, or lost its end ({changes} changes at least): what it received since then is read again, and what it sends from now on is a new stream"
        ),
        Item::Restored(_) => {
            "this profile's data is a copy: what it sends from now on is a new stream; use one copy only".to_owned()
        }
        Item::Partial(partial) => partial_row(partial),
        Item::KeyChanged(changed) => {
            format!("the key of {} has changed: compare safety numbers", changed.handle)
        }
        Item::DevicesChanged(changed) => devices_row(changed),
        Item::NetworkKeyChanged(changed) => network_key_row(changed),
        Item::DirectoryFork(fork) => format!(
            "the directory shows different people different keys of {}: somebody who can write to it lies, or {0} uses two copies of one identity",
            fork.handle
        ),
        Item::Downgraded(Downgraded { from, text, .. }) => format!(
            "somebody wrote in the name of {from} with less protection than {from} uses: {}",
            one_line(text.expose())
        ),
        Item::GroupChanged(changed) => group_row(changed),
        Item::LogForked(forked) => format!(
            "{} has read another log than this profile: the broker shows different people different things",
            forked.from
        ),
        Item::Lost(_) => "damage to the store has taken what was here".to_owned(),
        _ => "something that this version cannot show".to_owned(),
    }
}

/// A new key of the network, in words.
fn network_key_row(changed: &NetworkKeyChanged) -> String {
    let NetworkKeyChanged { by, key, offer, .. } = changed;
    match offer {
        KeyOffer::Taken => format!("the network has a new key, from {by}: {key}"),
        _ => format!(
            "{by} sent a new key of the network ({key}), which is not used: compare their key first (securechat contact verify {by}), and have them send it again (securechat network share-key)"
        ),
    }
}

/// Devices that came and went, in words.
fn devices_row(changed: &DevicesChanged) -> String {
    let DevicesChanged { handle, added, removed, .. } = changed;
    let count = |ids: &[String], verb: &str| match ids {
        [] => None,
        [one] => Some(format!("{verb} a device ({one})")),
        several => Some(format!("{verb} {} devices ({})", several.len(), several.join(", "))),
    };
    let more = count(added, "added").into_iter().chain(count(removed, "removed"));
    format!("{handle} has {}", more.collect::<Vec<_>>().join(" and "))
}

/// A change of a group, in words.
fn group_row(changed: &GroupChanged) -> String {
    let GroupChanged { group: name, by, what, .. } = changed;
    let name = group(name);
    let what = match what {
        GroupEvent::Founded(others) if others.is_empty() => "made the group".to_owned(),
        GroupEvent::Founded(others) => format!("made the group with {}", names(others)),
        GroupEvent::Joined => "brought you in".to_owned(),
        GroupEvent::Added(who) => format!("brought in {}", names(who)),
        GroupEvent::Removed(who) => format!("put out {}", names(who)),
        GroupEvent::PutBack(who) => format!("gave {} new keys", names(who)),
        GroupEvent::Left(who) => return format!("{name}: {} left", names(who)),
        GroupEvent::Renamed(new) => format!("called it #{}", one_line(new.expose())),
        GroupEvent::AdminsChanged { added, removed } => {
            let more = (!added.is_empty()).then(|| format!("made {} admin", names(added)));
            let fewer = (!removed.is_empty()).then(|| format!("unmade {} admin", names(removed)));
            more.into_iter().chain(fewer).collect::<Vec<_>>().join(" and ")
        }
        GroupEvent::NotMade(why) => {
            return format!("{name}: your change was not made: {}", one_line(why));
        }
        _ => "changed it in a way that this version cannot show".to_owned(),
    };
    format!("{name}: {by} {what}")
}

fn names(handles: &[Handle]) -> String {
    handles.iter().map(Handle::as_str).collect::<Vec<_>>().join(", ")
}

/// A person or a group, safe to print.
pub(crate) fn peer(peer: &Peer) -> String {
    one_line(peer.to_text().expose()).into_owned()
}

/// A group, safe to print.
pub(crate) fn group(group: &GroupName) -> String {
    one_line(group.to_text().expose()).into_owned()
}

fn partial_row(partial: &Partial) -> String {
    let Partial { from, pieces, missing, .. } = partial;
    let named = match missing.as_slice() {
        [one] => format!("picture {one} is missing"),
        many => {
            let many = many.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            format!("pictures {many} are missing")
        }
    };
    format!("a message of {from} comes in {pieces} pictures: {named}")
}

fn gap_row(gap: &Gap) -> String {
    let why = match gap.cause {
        GapCause::Retention => "the cluster deleted them before they were read",
        GapCause::Truncation => "the cluster lost what was there; what had been read of it stays",
        GapCause::TopicReplaced => "the topic was made anew",
        GapCause::NoRecord => "no record is there",
        GapCause::Damaged => "the cluster's copy of them is damaged",
        _ => "unknown cause",
    };
    let Gap { partition, from_offset, .. } = gap;
    let offsets = match gap.to_offset.checked_sub(1) {
        // Another topic counts anew: how far the old one went is not known.
        _ if gap.cause == GapCause::TopicReplaced => format!("offsets from {from_offset} on"),
        Some(last) if last == *from_offset => format!("offset {last}"),
        Some(last) => format!("offsets {from_offset} to {last}"),
        None => format!("offsets from {from_offset} on"),
    };
    let times = match (gap.after_ms, gap.before_ms) {
        (None, None) => String::new(),
        (after, before) => {
            let time = |ms: Option<i64>| ms.map_or("?".to_owned(), local);
            match before {
                Some(_) => format!(", between {} and {}", time(after), time(before)),
                None => format!(", after {}", time(after)),
            }
        }
    };
    // What a cluster loses may have been read before.
    let what = match gap.cause {
        GapCause::Truncation => "cannot be read again",
        _ => "cannot be read",
    };
    format!("gap: {offsets} of partition {partition} {what}: {why}{times}")
}

/// `text` in `style`, if colours are wanted.
pub(crate) fn painted(text: &str, style: Style, color: bool) -> String {
    if color { format!("{style}{text}{style:#}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn group_names_are_escaped() {
        let item: Item = serde_json::from_value(serde_json::json!({"GroupChanged": {
            "group": format!("#{}/a\u{1b}[2Jb", "ab".repeat(16)), "by": "bob",
            "what": {"Renamed": "x\u{202e}\ny"},
        }}))
        .unwrap();
        let row = event_row(&item);
        assert!(!row.contains(['\u{1b}', '\u{202e}', '\n']), "{row:?}");
        assert!(row.starts_with("#a\\u{1b}[2Jb: bob called it #x"), "{row}");
    }

    #[test]
    fn a_group_and_its_writer_are_both_shown() {
        let item: Item = serde_json::from_value(serde_json::json!({"Message": {
            "id": vec![7; 16], "with": format!("#{}/ops", "ab".repeat(16)), "from": "bob", "outgoing": false,
            "sent_at_ms": 5, "text": "hello", "carrier": "Plain", "protection": "Mls", "conflict": false,
            "broken_chain": false, "state": "Normal",
        }}))
        .unwrap();
        let Item::Message(message) = item else { panic!() };
        assert!(message_row(&message, false).starts_with("#ops bob: hello"));
    }
}
