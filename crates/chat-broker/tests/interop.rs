//! Clients that others wrote: kcat (librdkafka), kafka-python and confluent-kafka.
//!
//! Without the programs these tests print that they are skipped. `SECURECHAT_REQUIRE_INTEROP=1`
//! makes that a failure.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "a test crate"
)]

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use chat_broker::{Broker, BrokerConfig};
use tempfile::TempDir;

/// A program that may be missing.
fn need(what: &str, found: Option<PathBuf>) -> Option<PathBuf> {
    if found.is_none() {
        let required = std::env::var("SECURECHAT_REQUIRE_INTEROP").is_ok_and(|value| value == "1");
        assert!(!required, "{what} is missing and SECURECHAT_REQUIRE_INTEROP=1");
        println!("skipped: {what} is missing");
    }
    found
}

fn kcat() -> Option<PathBuf> {
    let works = Command::new("kcat").arg("-V").output().is_ok_and(|output| output.status.success());
    need("kcat", works.then(|| "kcat".into()))
}

fn python() -> Option<PathBuf> {
    let set = std::env::var_os("SECURECHAT_KAFKA_PYTHON").map(PathBuf::from);
    need("SECURECHAT_KAFKA_PYTHON (scripts/kafka-python-env)", set)
}

async fn start() -> (TempDir, Broker) {
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::start(BrokerConfig::new(folder.path())).await.unwrap();
    (folder, broker)
}

/// Runs a program to its end and returns what it printed.
async fn run(mut command: Command, input: &str) -> String {
    let input = input.to_owned();
    let run = move || {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{command:?} failed: {errors}");
        String::from_utf8(output.stdout).unwrap()
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

fn kcat_command(broker: &Broker, arguments: &[&str]) -> Command {
    let mut command = Command::new("kcat");
    command.args(["-q", "-b", &broker.address().to_string(), "-m", "20"]).args(arguments);
    command
}

async fn python_script(python: &PathBuf, broker: &Broker, script: &str) -> String {
    let mut command = Command::new(python);
    command.args(["-c", script, &broker.address().to_string()]);
    run(command, "").await
}

/// kcat makes no topics, and the broker makes none by itself.
async fn create_topics(broker: &Broker, topics: &[(&str, &[(&str, &str)])]) {
    let kafka = krafka::Kafka::builder(broker.address().to_string()).connect().await.unwrap();
    for (name, configs) in topics {
        let topic = krafka::admin::NewTopic::new(*name, 2, 1).unwrap();
        let topic = configs.iter().fold(topic, |topic, (k, v)| topic.with_config(*k, *v));
        let options = krafka::admin::CreateTopicsOptions::default();
        let made = kafka.admin().create_topics([topic], options).await.unwrap();
        made.into_values().next().unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kcat_writes_reads_and_asks() {
    let Some(_) = kcat() else { return };
    let (_folder, broker) = start().await;
    create_topics(
        &broker,
        &[("mail", &[]), ("timed", &[("message.timestamp.type", "LogAppendTime")])],
    )
    .await;
    let listed = run(kcat_command(&broker, &["-L", "-J"]), "").await;
    assert!(listed.contains(r#""topic":"mail""#), "{listed}");
    assert!(listed.contains(&format!(r#""name":"{}""#, broker.address())), "{listed}");

    let lines: String = (0..1_000).map(|number| format!("k{number}:value {number}\n")).collect();
    let produce = ["-P", "-t", "mail", "-p", "1", "-K:"];
    run(kcat_command(&broker, &produce), &lines).await;
    let consume = ["-C", "-t", "mail", "-p", "1", "-o", "beginning", "-e", "-K:"];
    assert_eq!(run(kcat_command(&broker, &consume), "").await, lines);
    let tail = ["-C", "-t", "mail", "-p", "1", "-o", "998", "-e", "-f", "%o %k %s\n"];
    let expected = "998 k998 value 998\n999 k999 value 999\n";
    assert_eq!(run(kcat_command(&broker, &tail), "").await, expected);

    let before = run(kcat_command(&broker, &["-Q", "-t", "mail:1:0"]), "").await;
    assert!(before.contains("offset 0"), "{before}");
    let after = run(kcat_command(&broker, &["-Q", "-t", "mail:1:9999999999999"]), "").await;
    assert!(after.contains("offset -1") || after.contains("offset 1000"), "{after}");

    run(kcat_command(&broker, &["-P", "-t", "timed", "-p", "0"]), "now\n").await;
    let time = ["-C", "-t", "timed", "-p", "0", "-o", "beginning", "-e", "-f", "%T"];
    let time: u128 = run(kcat_command(&broker, &time), "").await.parse().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    assert!(time.abs_diff(now.as_millis()) < 600_000, "{time}");
    broker.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kcat_writes_idempotently_and_in_every_compression() {
    let Some(_) = kcat() else { return };
    let (folder, broker) = start().await;
    create_topics(&broker, &[("mail", &[])]).await;
    let lines: String = (0..500).map(|number| format!("{number} {}\n", "x".repeat(100))).collect();
    let mut expected = String::new();
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let settings = format!("compression.codec={codec}");
        let produce =
            ["-P", "-t", "mail", "-p", "0", "-X", "enable.idempotence=true", "-X", &settings];
        run(kcat_command(&broker, &produce), &lines).await;
        expected.push_str(&lines);
    }
    let read = ["-C", "-t", "mail", "-p", "0", "-o", "beginning", "-e"];
    assert_eq!(run(kcat_command(&broker, &read), "").await, expected);
    // Compression reached the disk: five times the lines need far less than five times the bytes.
    let bytes = log_bytes(folder.path());
    assert!(bytes < 2 * lines.len() as u64, "{bytes} bytes for {} lines", expected.len());
    broker.shutdown().await;
    let broker = Broker::start(BrokerConfig::new(folder.path())).await.unwrap();
    assert_eq!(run(kcat_command(&broker, &read), "").await, expected);
}

fn log_bytes(folder: &std::path::Path) -> u64 {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            bytes += log_bytes(&path);
        } else if path.extension().is_some_and(|extension| extension == "log") {
            bytes += path.metadata().unwrap().len();
        }
    }
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn kafka_python_does_everything_that_is_served() {
    let Some(python) = python() else { return };
    let (_folder, broker) = start().await;
    let printed = python_script(&python, &broker, EVERYTHING).await;
    assert_eq!(printed.lines().last(), Some("all good"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn confluent_kafka_does_everything_that_is_served() {
    let Some(python) = python() else { return };
    let (_folder, broker) = start().await;
    let printed = python_script(&python, &broker, CONFLUENT).await;
    assert_eq!(printed.lines().last(), Some("all good"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn kafka_python_and_kcat_read_each_other() {
    let (Some(python), Some(_)) = (python(), kcat()) else { return };
    let (_folder, broker) = start().await;
    create_topics(&broker, &[("mail", &[])]).await;
    python_script(&python, &broker, WRITE_TEN).await;
    let read = ["-C", "-t", "mail", "-p", "0", "-o", "beginning", "-e", "-f", "%k=%s %h\n"];
    let read = run(kcat_command(&broker, &read), "").await;
    let expected: String = (0..10).map(|n| format!("k{n}=from python {n} h=v\n")).collect();
    assert_eq!(read, expected);
    run(kcat_command(&broker, &["-P", "-t", "mail", "-p", "1"]), "from kcat\n").await;
    let printed = python_script(&python, &broker, READ_ONE).await;
    assert_eq!(printed.trim(), "from kcat");
}

const WRITE_TEN: &str = r#"
import sys
from kafka import KafkaProducer
producer = KafkaProducer(bootstrap_servers=sys.argv[1], acks='all')
for n in range(10):
    producer.send('mail', key=b'k%d' % n, value=b'from python %d' % n, partition=0,
                  headers=[('h', b'v')]).get(timeout=20)
producer.close()
"#;

const READ_ONE: &str = r#"
import sys
from kafka import KafkaConsumer, TopicPartition
consumer = KafkaConsumer(bootstrap_servers=sys.argv[1], group_id=None, consumer_timeout_ms=20000)
consumer.assign([TopicPartition('mail', 1)])
consumer.seek(TopicPartition('mail', 1), 0)
print(next(consumer).value.decode())
consumer.close()
"#;

const EVERYTHING: &str = r#"
import sys, time
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic
from kafka.errors import TopicAlreadyExistsError

server = sys.argv[1]
admin = KafkaAdminClient(bootstrap_servers=server)
admin.create_topics([NewTopic('mail', num_partitions=3, replication_factor=1,
    topic_configs={'retention.ms': '60000', 'message.timestamp.type': 'LogAppendTime'})])
assert 'mail' in admin.list_topics(), admin.list_topics()
try:
    admin.create_topics([NewTopic('mail', num_partitions=3, replication_factor=1)])
    raise SystemExit('a topic was made twice')
except TopicAlreadyExistsError:
    pass
described = admin.describe_topics(['mail'])
assert len(described[0]['partitions']) == 3, described
configs = str(admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, 'mail')]))
assert 'retention.ms' in configs and '60000' in configs, configs
cluster = admin.describe_cluster()
assert len(cluster['brokers']) == 1, cluster

first = int(time.time() * 1000)
producer = KafkaProducer(bootstrap_servers=server, acks='all')
for n in range(50):
    sent = producer.send('mail', b'value %d' % n, partition=2).get(timeout=20)
    assert sent.offset == n, sent
    assert abs(sent.timestamp - first) < 600000, sent
producer.send('mail', b'big' * 100000, partition=1).get(timeout=20)
quiet = KafkaProducer(bootstrap_servers=server, acks=0, enable_idempotence=False)
quiet.send('mail', b'no ack', partition=0)
quiet.flush()
quiet.close()
producer.close()

at = TopicPartition('mail', 2)
consumer = KafkaConsumer(bootstrap_servers=server, group_id=None, consumer_timeout_ms=20000)
consumer.assign([at])
consumer.seek(at, 45)
values = [next(consumer).value for _ in range(5)]
assert values == [b'value %d' % n for n in range(45, 50)], values
assert consumer.beginning_offsets([at])[at] == 0
assert consumer.end_offsets([at])[at] == 50
found = consumer.offsets_for_times({at: first - 600000})[at]
assert found.offset == 0, found
assert consumer.offsets_for_times({at: first + 6000000})[at] is None

admin.delete_records({at: 40})
assert consumer.beginning_offsets([at])[at] == 40
zero = TopicPartition('mail', 0)
consumer.assign([zero])
consumer.seek(zero, 0)
assert next(consumer).value == b'no ack'
consumer.close()
admin.delete_topics(['mail'])
assert 'mail' not in admin.list_topics()
admin.close()
print('all good')
"#;

const CONFLUENT: &str = r#"
import sys, time
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, OffsetSpec

server = sys.argv[1]
admin = AdminClient({'bootstrap.servers': server})
new = lambda: NewTopic('mail', num_partitions=3, replication_factor=1,
                       config={'retention.ms': '60000', 'message.timestamp.type': 'LogAppendTime'})
admin.create_topics([new()])['mail'].result(20)
try:
    admin.create_topics([new()])['mail'].result(20)
    raise SystemExit('a topic was made twice')
except KafkaException as error:
    assert error.args[0].name() == 'TOPIC_ALREADY_EXISTS', error
assert len(admin.list_topics(timeout=20).topics['mail'].partitions) == 3
resource = ConfigResource(ConfigResource.Type.TOPIC, 'mail')
configs = admin.describe_configs([resource])[resource].result(20)
assert configs['retention.ms'].value == '60000', configs
assert len(admin.describe_cluster().result(20).nodes) == 1

delivered = []
def on_delivery(error, message):
    assert error is None, error
    delivered.append(message.offset())
for settings in ({'acks': 'all'}, {'acks': 'all', 'enable.idempotence': True}, {'acks': 1},
                 {'acks': 'all', 'compression.type': 'zstd'}):
    producer = Producer({'bootstrap.servers': server, 'linger.ms': 0, **settings})
    for n in range(25):
        producer.produce('mail', b'value %d' % n, key=b'k', partition=2,
                         headers=[('h', b'v')], on_delivery=on_delivery)
    assert producer.flush(20) == 0
assert sorted(delivered) == list(range(100)), delivered

consumer = Consumer({'bootstrap.servers': server, 'group.id': 'unused',
                     'enable.auto.commit': False, 'auto.offset.reset': 'error'})
at = TopicPartition('mail', 2)
assert consumer.get_watermark_offsets(at, timeout=20) == (0, 100)
now = int(time.time() * 1000)
found = consumer.offsets_for_times([TopicPartition('mail', 2, now - 600000)], timeout=20)
assert found[0].offset == 0, found
consumer.assign([TopicPartition('mail', 2, 90)])
values = [consumer.poll(20) for _ in range(10)]
assert [m.value() for m in values] == [b'value %d' % n for n in range(15, 25)], values
assert values[0].headers() == [('h', b'v')]

admin.delete_records([TopicPartition('mail', 2, 40)])[at].result(20)
assert consumer.get_watermark_offsets(at, timeout=20) == (40, 100)
ends = admin.list_offsets({at: OffsetSpec.latest()})[at].result(20)
assert ends.offset == 100, ends
consumer.close()
admin.delete_topics(['mail'])['mail'].result(20)
assert 'mail' not in admin.list_topics(timeout=20).topics
print('all good')
"#;
