//! Compacted topics: of each key the newest record stays, at its offset.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use chat_broker::{Broker, BrokerConfig};
use kafka_protocol::records::Record;

use crate::raw::{Client, encode, record, records, start};
use crate::restart::snapshot;

async fn keen(folder: &Path) -> Broker {
    let config = BrokerConfig::new(folder).retention_check(Duration::from_millis(10));
    Broker::start(config).await.unwrap()
}

fn keyed(key: &str, value: Option<&str>) -> Record {
    let mut keyed = record(0, value.unwrap_or_default(), (-1, -1, -1));
    keyed.key = Some(Bytes::copy_from_slice(key.as_bytes()));
    keyed.value = value.map(|value| Bytes::copy_from_slice(value.as_bytes()));
    keyed
}

async fn write(client: &mut Client, key: &str, value: Option<&str>) -> i64 {
    let written = client.produce("directory", encode(&[keyed(key, value)])).await;
    assert_eq!(written.error_code, 0);
    written.base_offset
}

/// Every record of the topic: offset, key and value.
async fn everything(client: &mut Client) -> Vec<(i64, String, Option<String>)> {
    let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    let (mut found, mut next) = (Vec::new(), client.offset("directory", -2).await.offset);
    let end = client.offset("directory", -1).await.offset;
    while next < end {
        let page = records(&client.fetch("directory", next).await);
        let Some(last) = page.last() else { break };
        next = last.offset + 1;
        let one =
            |r: &Record| (r.offset, text(r.key.as_ref().unwrap()), r.value.as_ref().map(text));
        found.extend(page.iter().map(one));
    }
    found
}

const SMALL: [(&str, &str); 4] = [
    ("cleanup.policy", "compact"),
    ("segment.bytes", "1024"),
    ("min.cleanable.dirty.ratio", "0"),
    ("delete.retention.ms", "0"),
];

#[tokio::test]
async fn of_each_key_the_newest_record_stays_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let broker = keen(folder.path()).await;
    let mut client = Client::connect(broker.address()).await;
    client.create("directory", 1, &SMALL).await;
    let mut newest = BTreeMap::new();
    for number in 0..200 {
        let (key, value) = (format!("key {}", number % 7), format!("value {number}"));
        let offset = write(&mut client, &key, Some(&value)).await;
        newest.insert(key, (offset, value));
    }
    let kept = loop {
        let kept = everything(&mut client).await;
        if kept.len() < 30 {
            break kept;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    let holds_the_newest = |kept: &[(i64, String, Option<String>)]| {
        assert!(kept.is_sorted_by(|a, b| a.0 < b.0), "{kept:?}");
        for (key, (offset, value)) in &newest {
            let last = kept.iter().rev().find(|(_, of, _)| of == key).unwrap();
            assert_eq!((last.0, last.2.as_deref()), (*offset, Some(value.as_str())), "{key}");
        }
    };
    holds_the_newest(&kept);
    // The same after a crash at any moment, and after a start that reads everything again.
    for _ in 0..3 {
        let copy = snapshot(folder.path());
        let again = start(copy.path()).await;
        let mut client = Client::connect(again.address()).await;
        // The first one may have gone on meanwhile: nothing comes back, and the newest stay.
        let found = everything(&mut client).await;
        assert!(found.iter().all(|record| kept.contains(record)), "{found:?}");
        holds_the_newest(&found);
        assert_eq!(client.offset("directory", -1).await.offset, 200);
        assert_eq!(write(&mut client, "another", Some("x")).await, 200);
    }
    broker.shutdown().await;
}

#[tokio::test]
async fn a_key_that_was_taken_back_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let broker = keen(folder.path()).await;
    let mut client = Client::connect(broker.address()).await;
    client.create("directory", 1, &SMALL).await;
    write(&mut client, "gone", Some("was here")).await;
    write(&mut client, "gone", None).await;
    let mut number = 0;
    while everything(&mut client).await.iter().any(|(_, key, _)| key == "gone") {
        let value = format!("value {number}");
        write(&mut client, "stays", Some(&value)).await;
        number += 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let kept = everything(&mut client).await;
    assert_eq!(kept.last().map(|last| last.2.clone()), Some(Some(format!("value {}", number - 1))));
}

#[tokio::test]
async fn what_a_crash_left_of_a_compaction_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let broker = start(folder.path()).await;
    let mut client = Client::connect(broker.address()).await;
    client.create("directory", 1, &SMALL).await;
    write(&mut client, "key", Some("value")).await;
    broker.shutdown().await;
    let log = crate::restart::files(folder.path(), "log").remove(0);
    let left = log.with_extension("compacting");
    std::fs::write(&left, "half of a batch").unwrap();
    let broker = start(folder.path()).await;
    let mut client = Client::connect(broker.address()).await;
    assert_eq!(everything(&mut client).await.len(), 1);
    assert!(!left.exists());
}
