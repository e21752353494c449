//! The conformance suite on memory, on chat-broker over TCP, and on Apache Kafka where
//! SECURECHAT_TEST_BROKERS names one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "a test crate"
)]

use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chat_broker::{Broker, BrokerConfig};
use chat_transport::conformance::{Hook, Outcome, Report, Target, Wound, run};
use chat_transport::{
    KafkaConfig, KafkaTransport, MemoryTransport, Offset, Partition, Position, Security, Timeouts,
    TopicName, Transport, TransportAdmin, TransportError, async_trait,
};
use tokio::net::TcpListener;
use tokio::sync::Mutex;

struct Memory(MemoryTransport);

#[async_trait]
impl Target for Memory {
    async fn connect(&self) -> Result<Box<dyn TransportAdmin>, TransportError> {
        Ok(Box::new(self.0.clone()))
    }

    async fn leave_gap(&self, topic: &TopicName, partition: Partition) -> Hook<()> {
        self.0.skip_offsets(topic, partition, 3).unwrap();
        Hook::Done(())
    }

    async fn truncate(&self, topic: &TopicName, partition: Partition, end: Offset) -> Hook<()> {
        self.0.truncate(topic, partition, end).unwrap();
        Hook::Done(())
    }

    async fn damage(&self, topic: &TopicName, at: Position, _wound: Wound<'_>) -> Hook<()> {
        self.0.damage(topic, at.partition, at.offset.0..at.offset.0 + 1).unwrap();
        Hook::Done(())
    }

    async fn restart(&self) -> Hook<()> {
        self.0.set_offline(true);
        let refused = self.0.topic(&TopicName::new("any").unwrap()).await;
        assert!(matches!(refused, Err(TransportError::Unreachable { .. })), "{refused:?}");
        self.0.set_offline(false);
        Hook::Done(())
    }
}

/// chat-broker in this process.
struct Embedded {
    broker: Mutex<Option<Broker>>,
    folder: tempfile::TempDir,
    address: std::net::SocketAddr,
    mute: Mute,
}

impl Embedded {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Below the ports that outgoing connections get: nobody takes it while the broker is away.
        let mut port = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
        let broker = loop {
            let config = BrokerConfig::new(folder.path()).listen(([127, 0, 0, 1], port).into());
            match Broker::start(config).await {
                Ok(broker) => break broker,
                Err(error) => assert!(port < 32_768, "{error}"),
            }
            port += 1;
        };
        let address = broker.address();
        Self { broker: Mutex::new(Some(broker)), folder, address, mute: Mute::start().await }
    }
}

#[async_trait]
impl Target for Embedded {
    async fn connect(&self) -> Result<Box<dyn TransportAdmin>, TransportError> {
        connect(&self.address.to_string()).await
    }

    async fn restart(&self) -> Hook<()> {
        let mut broker = self.broker.lock().await;
        broker.take().unwrap().shutdown().await;
        let config = BrokerConfig::new(self.folder.path()).listen(self.address);
        *broker = Some(Broker::start(config).await.unwrap());
        Hook::Done(())
    }

    async fn damage(&self, _topic: &TopicName, at: Position, wound: Wound<'_>) -> Hook<()> {
        flip_a_bit(self.folder.path(), at.offset, wound);
        Hook::Done(())
    }

    async fn mute(&self) -> Hook<Box<dyn Transport>> {
        Hook::Done(self.mute.client())
    }
}

/// Changes a bit of a record in the log file of a broker that runs.
fn flip_a_bit(folder: &Path, offset: Offset, wound: Wound<'_>) {
    let mut folders = vec![folder.to_owned()];
    let mut flipped = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "log") {
                flipped += usize::from(flip_in(&entry, offset, wound));
            }
        }
    }
    assert_eq!(flipped, 1, "{wound:?} must be in one log");
}

fn flip_in(log: &Path, offset: Offset, wound: Wound<'_>) -> bool {
    let bytes = std::fs::read(log).unwrap();
    let (Wound::Value(value) | Wound::Header(value)) = wound;
    let value = value.as_bytes();
    let Some(found) = bytes.windows(value.len()).position(|window| window == value) else {
        return false;
    };
    let at = match wound {
        Wound::Value(_) => found + value.len() / 2,
        // A batch begins with the offset of its first record; the format's number is its 17th byte.
        Wound::Header(_) => {
            let base = offset.0.to_be_bytes();
            let start = bytes[..found].windows(base.len()).rposition(|window| window == base);
            start.unwrap() + 16
        }
    };
    let file = std::fs::OpenOptions::new().write(true).open(log).unwrap();
    file.write_all_at(&[bytes[at] ^ 1], u64::try_from(at).unwrap()).unwrap();
    true
}

/// Apache Kafka, started by somebody else.
struct Kafka {
    addresses: String,
    folder: Option<String>,
    mute: Mute,
}

#[async_trait]
impl Target for Kafka {
    async fn connect(&self) -> Result<Box<dyn TransportAdmin>, TransportError> {
        connect(&self.addresses).await
    }

    async fn restart(&self) -> Hook<()> {
        let Some(folder) = self.folder.clone() else {
            return Hook::Unsupported(NO_FOLDER);
        };
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/kafka");
        let restarted = tokio::task::spawn_blocking(move || {
            Command::new(script).args(["restart", "--dir", &folder]).status().unwrap()
        });
        assert!(restarted.await.unwrap().success(), "scripts/kafka restart failed");
        Hook::Done(())
    }

    async fn damage(&self, _topic: &TopicName, at: Position, wound: Wound<'_>) -> Hook<()> {
        match &self.folder {
            None => Hook::Unsupported(NO_FOLDER),
            Some(folder) => {
                flip_a_bit(Path::new(folder), at.offset, wound);
                Hook::Done(())
            }
        }
    }

    /// The end of a transaction is a marker, at an offset of its own, and no record.
    async fn leave_gap(&self, topic: &TopicName, partition: Partition) -> Hook<()> {
        let transport = self.connect().await.unwrap();
        let end = async || transport.bounds(topic, &[partition]).await.unwrap()[0].end;
        let before = end().await;
        let client = krafka::Kafka::builder(self.addresses.clone()).connect().await.unwrap();
        let producer = client.producer().build_transactional(topic.as_str()).await.unwrap();
        producer.begin().unwrap();
        let record = krafka::Record::new(topic.as_str(), "aborted");
        let record = record.partition(i32::try_from(partition.0).unwrap());
        drop(producer.send(record).await.unwrap());
        producer.abort().await.unwrap();
        // The broker writes the marker a moment after it has answered.
        while end().await.0 < before.0 + 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Hook::Done(())
    }

    async fn mute(&self) -> Hook<Box<dyn Transport>> {
        Hook::Done(self.mute.client())
    }
}

const NO_FOLDER: &str = "SECURECHAT_TEST_KAFKA does not name the folder of scripts/kafka";

/// Accepts connections, keeps them, and never answers.
struct Mute {
    address: std::net::SocketAddr,
}

impl Mute {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let mut kept = Vec::new();
            loop {
                kept.push(listener.accept().await.unwrap());
            }
        });
        Self { address }
    }

    fn client(&self) -> Box<dyn Transport> {
        let second = Duration::from_secs(1);
        let timeouts = Timeouts { connect: second, request: second, delivery: second * 2 };
        let config = config(&self.address.to_string()).with_timeouts(timeouts);
        Box::new(KafkaTransport::new(config))
    }
}

fn config(addresses: &str) -> KafkaConfig {
    let bootstrap: Vec<String> = addresses.split(',').map(str::to_owned).collect();
    KafkaConfig::new(&bootstrap, Security::LoopbackOnly).unwrap()
}

async fn connect(addresses: &str) -> Result<Box<dyn TransportAdmin>, TransportError> {
    Ok(Box::new(KafkaTransport::connect(config(addresses)).await?))
}

fn judge(report: &Report, may_skip: &[&str]) {
    print!("{report}");
    assert!(report.cases().any(|(_, outcome)| *outcome == Outcome::Passed));
    assert!(report.failed().is_empty(), "{report}");
    assert_eq!(report.skipped(), may_skip, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn memory() {
    let report = run(&Memory(MemoryTransport::new()), "conformance").await;
    judge(&report, &["a_broker_that_never_answers_times_out"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn chat_broker() {
    let report = run(&Embedded::start().await, "conformance").await;
    judge(&report, &["offsets_without_records_are_passed", "a_log_that_was_cut_is_noticed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn apache_kafka() {
    let Ok(addresses) = std::env::var("SECURECHAT_TEST_BROKERS") else {
        println!("skipped: SECURECHAT_TEST_BROKERS names no Apache Kafka");
        return;
    };
    let folder = std::env::var("SECURECHAT_TEST_KAFKA").ok();
    let mut may_skip = vec!["a_log_that_was_cut_is_noticed"];
    if folder.is_none() {
        may_skip.push("a_restarted_broker_is_found_again");
        may_skip.push("damaged_records_are_stepped_over");
        may_skip.push("a_damaged_header_is_stepped_over");
    }
    // Topics of an earlier run may be there still.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let target = Kafka { addresses, folder, mute: Mute::start().await };
    judge(&run(&target, &format!("conformance-{now}")).await, &may_skip);
}

/// The suite must be able to fail: a transport that forgets what it acknowledged.
#[tokio::test]
async fn a_broken_transport_fails_by_name() {
    struct Forgetful(MemoryTransport);

    #[async_trait]
    impl Target for Forgetful {
        async fn connect(&self) -> Result<Box<dyn TransportAdmin>, TransportError> {
            self.0.lose_acks(1);
            Ok(Box::new(self.0.clone()))
        }
    }

    let failed = run(&Forgetful(MemoryTransport::new()), "broken").await.failed();
    assert!(failed.contains(&"records_keep_their_order"), "{failed:?}");
}
