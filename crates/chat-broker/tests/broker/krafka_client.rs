//! A real client, over TCP.

use std::time::Duration;

use chat_broker::Broker;
use krafka::Kafka;
use krafka::admin::{
    ConfigResource, CreateTopicsOptions, DeleteRecordsOptions, DeleteTopicsOptions,
    DescribeConfigsOptions, DescribeTopicsOptions, ListOffsetsOptions, NewTopic, OffsetSpec,
    TopicPartition,
};
use krafka::consumer::{AutoOffsetReset, Consumer};
use krafka::producer::{Acks, Producer};

use crate::raw::{LONG, start};

async fn open(broker: &Broker) -> Kafka {
    Kafka::builder(broker.address().to_string())
        .allow_auto_create_topics(false)
        .connect()
        .await
        .unwrap()
}

async fn create(kafka: &Kafka, name: &str, partitions: i32) {
    let topic = NewTopic::new(name, partitions, -1).unwrap();
    let topic = topic.with_config("message.timestamp.type", "LogAppendTime");
    let options = CreateTopicsOptions::default();
    let made = kafka.admin().create_topics([topic], options).await.unwrap();
    made.into_values().next().unwrap().unwrap();
}

async fn producer(kafka: &Kafka) -> Producer {
    let producer = kafka.producer().acks(Acks::All).idempotent(true).linger(Duration::ZERO);
    producer.build().await.unwrap()
}

async fn consumer(kafka: &Kafka, topic: &str, at: &[(i32, i64)]) -> Consumer {
    let consumer = kafka
        .consumer_without_group()
        .auto_offset_reset(AutoOffsetReset::None)
        .enable_auto_commit(false)
        .fetch_max_wait(Duration::from_secs(20))
        .build()
        .await
        .unwrap();
    consumer.assign(topic, at.iter().map(|at| at.0).collect()).await.unwrap();
    for (partition, offset) in at {
        consumer.seek(topic, *partition, *offset).await.unwrap();
    }
    consumer
}

/// Polls until there are so many records; returns partition, offset and value of each.
async fn read(consumer: &Consumer, count: usize) -> Vec<(i32, i64, Vec<u8>)> {
    let mut found = Vec::new();
    let polling = async {
        while found.len() < count {
            for record in consumer.poll(Duration::from_secs(20)).await.unwrap() {
                let value = record.value.unwrap_or_default().to_vec();
                found.push((record.partition, record.offset, value));
            }
        }
    };
    tokio::time::timeout(LONG, polling).await.expect("records do not come");
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn krafka_creates_writes_reads_and_deletes() {
    let folder = tempfile::tempdir().unwrap();
    let broker = start(folder.path()).await;
    let kafka = open(&broker).await;
    let admin = kafka.admin();
    create(&kafka, "mail", 3).await;
    let described = admin.describe_topics(["mail"], DescribeTopicsOptions::default()).await;
    let described = described.unwrap().into_values().next().unwrap().unwrap();
    assert_eq!(described.partitions.len(), 3);
    assert_ne!(described.topic_id, [0; 16]);

    let producer = producer(&kafka).await;
    for number in 0..10 {
        let record = krafka::Record::new("mail", format!("message {number}")).partition(1);
        let sent = producer.send(record).await.unwrap();
        assert_eq!(sent.offset, number);
    }
    let consumer = consumer(&open(&broker).await, "mail", &[(1, 4)]).await;
    let records = read(&consumer, 6).await;
    let expected: Vec<_> = (4..10).map(|n| (1, n, format!("message {n}").into_bytes())).collect();
    assert_eq!(records, expected);

    let at = TopicPartition::new("mail", 1);
    let before = [(at.clone(), 7)];
    admin.delete_records(before, DeleteRecordsOptions::default()).await.unwrap();
    for (spec, expected) in [(OffsetSpec::Earliest, 7), (OffsetSpec::Latest, 10)] {
        let listed = admin.list_offsets([(at.clone(), spec)], ListOffsetsOptions::default()).await;
        let listed = listed.unwrap().into_values().next().unwrap().unwrap();
        assert_eq!(listed.offset, expected);
    }
    let resource = [ConfigResource::topic("mail")];
    let configs =
        admin.describe_configs(resource, DescribeConfigsOptions::default()).await.unwrap();
    let configs = configs.into_values().next().unwrap().unwrap();
    let time = configs.iter().find(|config| config.name == "message.timestamp.type").unwrap();
    assert_eq!(time.value.as_deref(), Some("LogAppendTime"));

    let deleted = admin.delete_topics(["mail"], DeleteTopicsOptions::default()).await.unwrap();
    deleted.into_values().next().unwrap().unwrap();
    create(&kafka, "mail", 3).await;
    let again = admin.describe_topics(["mail"], DescribeTopicsOptions::default()).await;
    let again = again.unwrap().into_values().next().unwrap().unwrap();
    assert_ne!(again.topic_id, described.topic_id);
    broker.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_reader_gets_what_another_client_writes_to_any_partition() {
    let folder = tempfile::tempdir().unwrap();
    let broker = start(folder.path()).await;
    let kafka = open(&broker).await;
    create(&kafka, "mail", 4).await;
    let positions: Vec<_> = (0..4).map(|partition| (partition, 0)).collect();
    let consumer = consumer(&open(&broker).await, "mail", &positions).await;
    let reading = tokio::spawn(async move { read(&consumer, 8).await });
    let producer = producer(&kafka).await;
    for number in 0..8 {
        let record = krafka::Record::new("mail", format!("{number}")).partition(number % 4);
        let sent = producer.send(record).await.unwrap();
        assert_eq!(sent.partition, number % 4);
    }
    let mut records = reading.await.unwrap();
    records.sort();
    let mut values: Vec<_> = records.into_iter().map(|record| record.2).collect();
    values.sort();
    assert_eq!(values, (0..8).map(|n| n.to_string().into_bytes()).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_writers_lose_nothing_and_share_an_order() {
    let folder = tempfile::tempdir().unwrap();
    let broker = start(folder.path()).await;
    let kafka = open(&broker).await;
    create(&kafka, "mail", 1).await;
    let mut writers = Vec::new();
    for writer in 0..2 {
        let producer = producer(&open(&broker).await).await;
        writers.push(tokio::spawn(async move {
            let mut offsets = Vec::new();
            for number in 0..100 {
                let value = format!("{writer} {number}");
                let sent = producer.send(krafka::Record::new("mail", value.clone()).partition(0));
                offsets.push((sent.await.unwrap().offset, value.into_bytes()));
            }
            offsets
        }));
    }
    let mut acked = Vec::new();
    for writer in writers {
        acked.extend(writer.await.unwrap());
    }
    acked.sort();
    let consumer = consumer(&kafka, "mail", &[(0, 0)]).await;
    let records = read(&consumer, 200).await;
    let read: Vec<_> = records.into_iter().map(|(_, offset, value)| (offset, value)).collect();
    assert_eq!(read, acked);
}
