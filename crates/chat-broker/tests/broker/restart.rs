//! What is on the disk: restarts, crashes, damage.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use chat_broker::{Broker, BrokerConfig, StartError};
use kafka_protocol::messages::InitProducerIdRequest;
use kafka_protocol::records::RecordBatchDecoder;

use crate::raw::{Client, batch, batch_of, everything, start};

/// All files below a folder with an extension, sorted.
pub(crate) fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|is| is == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Copies a folder as a crash at this moment would leave it.
pub(crate) fn snapshot(from: &Path) -> tempfile::TempDir {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            let target = to.join(path.file_name().unwrap());
            if path.is_dir() {
                copy(&path, &target);
            } else {
                fs::copy(&path, &target).unwrap();
            }
        }
    }
    let to = tempfile::tempdir().unwrap();
    copy(from, to.path());
    to
}

async fn write(broker: &Broker, values: std::ops::Range<usize>) {
    let mut client = Client::connect(broker.address()).await;
    for number in values {
        let produced = client.produce("mail", batch(&[&format!("value {number}")])).await;
        assert_eq!((produced.error_code, produced.base_offset), (0, number.try_into().unwrap()));
    }
}

/// A broker with a topic `mail` that holds `value 0`, `value 1`, ...
async fn with_values(folder: &Path, count: usize, configs: &[(&str, &str)]) -> Broker {
    let broker = start(folder).await;
    let mut client = Client::connect(broker.address()).await;
    assert_eq!(client.create("mail", 1, configs).await, 0);
    write(&broker, 0..count).await;
    broker
}

async fn values(broker: &Broker) -> Vec<String> {
    let mut client = Client::connect(broker.address()).await;
    let mut all = Vec::new();
    loop {
        // One answer holds records of one segment.
        let more = client.values("mail", i64::try_from(all.len()).unwrap()).await;
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}

fn expected(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("value {number}")).collect()
}

#[tokio::test]
async fn everything_survives_a_restart_and_the_epoch_rises() {
    let folder = tempfile::tempdir().unwrap();
    let broker = with_values(folder.path(), 5, &[("retention.ms", "1234")]).await;
    let ask = everything();
    let mut client = Client::connect(broker.address()).await;
    let before = client.call(12, &ask).await;
    let ids = InitProducerIdRequest::default().with_transactional_id(None);
    let first_id = client.call(4, &ids).await.producer_id;
    let first_epoch = broker.report().leader_epoch;
    assert_eq!(before.topics[0].partitions[0].leader_epoch, first_epoch);
    broker.shutdown().await;

    let broker = start(folder.path()).await;
    assert_eq!((broker.report().topics, broker.report().partitions), (1, 1));
    assert!(broker.report().torn_tails.is_empty());
    let mut client = Client::connect(broker.address()).await;
    let after = client.call(12, &ask).await;
    assert_eq!(after.topics[0].topic_id, before.topics[0].topic_id);
    assert_eq!(after.cluster_id, before.cluster_id);
    let epoch = after.topics[0].partitions[0].leader_epoch;
    assert!(epoch > before.topics[0].partitions[0].leader_epoch);
    assert!(client.call(4, &ids).await.producer_id > first_id);
    assert_eq!(values(&broker).await, expected(5));
    assert_eq!(client.offset("mail", -1).await.leader_epoch, epoch);
    assert_eq!(client.offset("mail", -2).await.leader_epoch, first_epoch);
    write(&broker, 5..7).await;
    assert_eq!(values(&broker).await, expected(7));
}

#[tokio::test]
async fn a_crash_keeps_everything_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let broker = with_values(folder.path(), 20, &[("segment.bytes", "1024")]).await;
    assert!(files(folder.path(), "log").len() > 1, "several segments");
    let crashed = snapshot(folder.path());
    write(&broker, 20..25).await;
    let again = start(crashed.path()).await;
    assert_eq!(values(&again).await, expected(20));
    write(&again, 20..22).await;
    // Checkpoints only save time.
    let without = snapshot(crashed.path());
    for checkpoint in files(without.path(), "checkpoint") {
        fs::remove_file(checkpoint).unwrap();
    }
    assert_eq!(values(&start(without.path()).await).await, expected(22));
}

#[tokio::test]
async fn dropping_the_broker_frees_the_folder_and_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let broker = if round == 0 {
            with_values(folder.path(), 3, &[]).await
        } else {
            start(folder.path()).await
        };
        assert_eq!(values(&broker).await, expected(3));
    }
}

#[tokio::test]
async fn a_torn_tail_is_cut_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let broker = with_values(folder.path(), 3, &[]).await;
    let whole = files(folder.path(), "log")[0].metadata().unwrap().len();
    let torn: [&[u8]; 4] = [b"x", &[0; 5_000], &[0xff; 100], &batch(&["unfinished"])[..60]];
    for tail in torn {
        let crashed = snapshot(folder.path());
        let log = files(crashed.path(), "log").remove(0);
        OpenOptions::new().append(true).open(&log).unwrap().write_all(tail).unwrap();
        let again = start(crashed.path()).await;
        let cut = &again.report().torn_tails[0];
        assert_eq!((cut.topic.as_str(), cut.partition, cut.offset), ("mail", 0, 3));
        assert_eq!((cut.bytes, &cut.file), (tail.len() as u64, &log));
        assert_eq!(log.metadata().unwrap().len(), whole);
        assert_eq!(values(&again).await, expected(3));
        write(&again, 3..4).await;
    }
    // A batch that did not reach the disk as a whole goes as well, and nothing before it.
    let crashed = snapshot(folder.path());
    let log = files(crashed.path(), "log").remove(0);
    OpenOptions::new().write(true).open(&log).unwrap().set_len(whole - 1).unwrap();
    let again = start(crashed.path()).await;
    assert_eq!(again.report().torn_tails[0].offset, 2);
    assert_eq!(values(&again).await, expected(2));
    drop(broker);
}

#[tokio::test]
async fn damage_to_acknowledged_records_stops_the_start_and_names_the_place() {
    let folder = tempfile::tempdir().unwrap();
    with_values(folder.path(), 10, &[]).await.shutdown().await;
    let log = files(folder.path(), "log").remove(0);
    let whole = fs::read(&log).unwrap();
    let batch_len = whole.len() / 10;
    for at in [4 * batch_len + 3, 4 * batch_len + 16, 4 * batch_len + 70] {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x40;
        fs::write(&log, &damaged).unwrap();
        let error = Broker::start(BrokerConfig::new(folder.path())).await.unwrap_err();
        let StartError::Damaged { file, position, offset, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!((file, *position, *offset), (&log, 4 * batch_len as u64, 4), "byte {at}");
        assert_eq!(fs::read(&log).unwrap(), damaged, "nothing is cut");
    }
    fs::write(&log, &whole[..whole.len() - 1]).unwrap();
    let error = Broker::start(BrokerConfig::new(folder.path())).await.unwrap_err();
    assert!(matches!(error, StartError::Damaged { .. }), "{error}");
    fs::write(&log, whole).unwrap();
    assert_eq!(values(&start(folder.path()).await).await, expected(10));
}

#[tokio::test]
async fn damage_in_an_older_segment_stops_the_start_too() {
    let folder = tempfile::tempdir().unwrap();
    with_values(folder.path(), 30, &[("segment.bytes", "1024")]).await.shutdown().await;
    let log = files(folder.path(), "log").remove(0);
    fs::remove_file(log.with_extension("checkpoint")).unwrap();
    let mut bytes = fs::read(&log).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&log, bytes).unwrap();
    let error = Broker::start(BrokerConfig::new(folder.path())).await.unwrap_err();
    assert!(matches!(error, StartError::Damaged { .. }), "{error}");
}

#[tokio::test]
async fn damage_that_appears_while_running_is_for_the_client_to_see() {
    let folder = tempfile::tempdir().unwrap();
    let broker = with_values(folder.path(), 3, &[]).await;
    let log = files(folder.path(), "log").remove(0);
    let mut bytes = fs::read(&log).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&log, bytes).unwrap();
    let mut client = Client::connect(broker.address()).await;
    // The batch comes as it is, with the CRC that gives it away, as Apache Kafka does it: a client can
    // tell where it ends, and step over it.
    let served = client.fetch("mail", 2).await;
    assert_eq!(served.error_code, 0);
    let mut batch = served.records.unwrap();
    let refused = RecordBatchDecoder::decode_all(&mut batch).unwrap_err();
    assert!(refused.to_string().contains("Cyclic redundancy check failed"), "{refused}");
}

#[tokio::test]
async fn one_broker_uses_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let broker = start(folder.path()).await;
    let error = Broker::start(BrokerConfig::new(folder.path())).await.unwrap_err();
    assert!(matches!(&error, StartError::Locked { folder: locked } if locked == folder.path()));
    assert!(error.to_string().contains("another broker uses"), "{error}");
    broker.shutdown().await;
    start(folder.path()).await;
}

#[tokio::test]
async fn a_start_that_cannot_be_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let broker = start(folder.path()).await;
    let other = tempfile::tempdir().unwrap();
    let config = BrokerConfig::new(other.path()).listen(broker.address());
    let error = Broker::start(config).await.unwrap_err();
    assert!(matches!(error, StartError::Listen { address, .. } if address == broker.address()));
    let file = other.path().join("a file");
    fs::write(&file, "x").unwrap();
    let error = Broker::start(BrokerConfig::new(&file)).await.unwrap_err();
    assert!(matches!(error, StartError::Data { .. }), "{error}");
    broker.shutdown().await;
    let state = folder.path().join("broker");
    fs::write(&state, "chat-broker 2\ncrc32c 00000000\n").unwrap();
    let error = Broker::start(BrokerConfig::new(folder.path())).await.unwrap_err();
    assert!(matches!(error, StartError::Newer { found: 2, .. }), "{error}");
    fs::write(&state, "nonsense").unwrap();
    let error = Broker::start(BrokerConfig::new(folder.path())).await.unwrap_err();
    assert!(matches!(error, StartError::Unreadable { .. }), "{error}");
}

#[tokio::test]
async fn repeated_batches_are_known_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let broker = start(folder.path()).await;
    let mut client = Client::connect(broker.address()).await;
    client.create("mail", 1, &[]).await;
    client.produce("mail", batch_of(&["a", "b"], (9, 0, 0))).await;
    client.produce("mail", batch_of(&["c"], (9, 0, 2))).await;
    for checkpointed in [false, true] {
        let crashed = snapshot(folder.path());
        if checkpointed {
            start(crashed.path()).await.shutdown().await;
        }
        let again = start(crashed.path()).await;
        let mut client = Client::connect(again.address()).await;
        let repeated = client.produce("mail", batch_of(&["c"], (9, 0, 2))).await;
        assert_eq!((repeated.error_code, repeated.base_offset), (0, 2));
        let gap = client.produce("mail", batch_of(&["e"], (9, 0, 4))).await;
        assert_eq!(gap.error_code, 45, "OUT_OF_ORDER_SEQUENCE_NUMBER");
        let next = client.produce("mail", batch_of(&["d"], (9, 0, 3))).await;
        assert_eq!((next.error_code, next.base_offset), (0, 3));
        assert_eq!(client.values("mail", 0).await, ["a", "b", "c", "d"]);
    }
}

#[tokio::test]
async fn unfinished_creations_and_deletions_are_tidied_up() {
    let folder = tempfile::tempdir().unwrap();
    let broker = with_values(folder.path(), 2, &[]).await;
    broker.shutdown().await;
    let topics = folder.path().join("topics");
    let topic = fs::read_dir(&topics).unwrap().next().unwrap().unwrap().path();
    fs::create_dir_all(topics.join("00ff.new/0")).unwrap();
    fs::rename(&topic, topic.with_extension("deleted")).unwrap();
    let broker = start(folder.path()).await;
    assert_eq!(broker.report().topics, 0);
    assert_eq!(fs::read_dir(&topics).unwrap().count(), 0);
}

/// Whoever has shut it down can start it again at once, at the same address.
#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_frees_the_address() {
    let folder = tempfile::tempdir().unwrap();
    // Below the ports that outgoing connections get: nobody takes it while the broker is away.
    let mut port = 30_000 + u16::try_from(std::process::id() % 2000).unwrap();
    let mut broker = loop {
        let config = BrokerConfig::new(folder.path()).listen(([127, 0, 0, 1], port).into());
        match Broker::start(config).await {
            Ok(broker) => break broker,
            Err(error) => assert!(port < 32_768, "{error}"),
        }
        port += 1;
    };
    let address = broker.address();
    for _ in 0..100 {
        broker.shutdown().await;
        broker = Broker::start(BrokerConfig::new(folder.path()).listen(address)).await.unwrap();
    }
}
