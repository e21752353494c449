//! What is removed by time and by size, and what outlives it.

use std::path::Path;
use std::time::Duration;

use chat_broker::{Broker, BrokerConfig};

use crate::raw::{Client, batch, batch_of};

/// A broker that looks for old records all the time.
async fn keen(folder: &Path) -> Broker {
    let config = BrokerConfig::new(folder).retention_check(Duration::from_millis(10));
    Broker::start(config).await.unwrap()
}

/// Waits until the log begins at or behind an offset, and says where.
async fn begins_at(client: &mut Client, offset: i64) -> i64 {
    loop {
        let start = client.offset("mail", -2).await.offset;
        if start >= offset {
            return start;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn logs(folder: &Path) -> Vec<u64> {
    let mut sizes = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "log") {
                sizes.push(entry.metadata().unwrap().len());
            }
        }
    }
    sizes
}

const OUT_OF_RANGE: i16 = 1;

#[tokio::test]
async fn records_leave_when_they_are_too_old() {
    let folder = tempfile::tempdir().unwrap();
    let broker = keen(folder.path()).await;
    let mut client = Client::connect(broker.address()).await;
    let times = ("message.timestamp.type", "LogAppendTime");
    client.create("mail", 1, &[("retention.ms", "300"), times]).await;
    client.create("kept", 1, &[("retention.ms", "-1"), times]).await;
    for name in ["mail", "kept"] {
        for value in ["0", "1", "2"] {
            assert_eq!(client.produce(name, batch(&[value])).await.error_code, 0);
        }
    }
    assert_eq!(begins_at(&mut client, 3).await, 3, "even the last file was left");
    assert_eq!(client.fetch("mail", 0).await.error_code, OUT_OF_RANGE);
    assert_eq!(client.values("kept", 0).await, ["0", "1", "2"]);
    // Only the file of what is kept stays, and the empty one that is written to.
    while logs(folder.path()).len() > 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(logs(folder.path()).iter().filter(|len| **len > 0).count(), 1);
    // Neither the start nor the next offset moves back, whatever happens then.
    broker.shutdown().await;
    let broker = crate::raw::start(folder.path()).await;
    let mut client = Client::connect(broker.address()).await;
    assert_eq!(client.offset("mail", -2).await.offset, 3);
    assert_eq!(client.produce("mail", batch(&["3"])).await.base_offset, 3);
    assert_eq!(client.values("mail", 3).await, ["3"]);
}

#[tokio::test]
async fn records_leave_when_there_are_too_many() {
    let folder = tempfile::tempdir().unwrap();
    let broker = keen(folder.path()).await;
    let mut client = Client::connect(broker.address()).await;
    let sizes = [("segment.bytes", "20000"), ("retention.bytes", "50000")];
    // The records of this test bear old times.
    client.create("mail", 1, &[sizes[0], sizes[1], ("retention.ms", "-1")]).await;
    for number in 0..100 {
        let value = format!("{number:03} {}", "x".repeat(2_000));
        assert_eq!(client.produce("mail", batch(&[&value])).await.error_code, 0);
    }
    let mut start = begins_at(&mut client, 60).await;
    // The last that has to go may still be going.
    while logs(folder.path()).iter().sum::<u64>() >= 75_000 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        start = client.offset("mail", -2).await.offset;
    }
    start = start.max(client.offset("mail", -2).await.offset);
    let mut kept = Vec::new();
    let mut next = start;
    while next < 100 {
        let values = client.values("mail", next).await;
        next += i64::try_from(values.len()).unwrap();
        kept.extend(values);
    }
    let expected: Vec<String> = (start..100).map(|number| format!("{number:03}")).collect();
    assert_eq!(kept.iter().map(|value| &value[..3]).collect::<Vec<_>>(), expected);
    broker.shutdown().await;
    let bytes: u64 = logs(folder.path()).iter().sum();
    assert!((50_000..75_000).contains(&bytes), "{bytes} bytes are left");
}

#[tokio::test]
async fn a_producer_is_known_longer_than_its_records() {
    let folder = tempfile::tempdir().unwrap();
    let broker = keen(folder.path()).await;
    let mut client = Client::connect(broker.address()).await;
    client.create("mail", 1, &[("retention.ms", "1")]).await;
    for sequence in 0..3 {
        let written = client.produce("mail", batch_of(&["x"], (7, 0, sequence))).await;
        assert_eq!((written.error_code, written.base_offset), (0, i64::from(sequence)));
    }
    begins_at(&mut client, 3).await;
    // As after a power cut: nothing is closed properly.
    drop(client);
    let copy = crate::restart::snapshot(folder.path());
    let broker_of_copy = crate::raw::start(copy.path()).await;
    let mut client = Client::connect(broker_of_copy.address()).await;
    let again = client.produce("mail", batch_of(&["x"], (7, 0, 2))).await;
    assert_eq!((again.error_code, again.base_offset), (0, 2), "it was appended before");
    let next = client.produce("mail", batch_of(&["x"], (7, 0, 3))).await;
    assert_eq!((next.error_code, next.base_offset), (0, 3));
    let gap = client.produce("mail", batch_of(&["x"], (7, 0, 9))).await;
    assert_eq!(gap.error_code, 45, "OUT_OF_ORDER_SEQUENCE_NUMBER");
    drop(broker);
}
