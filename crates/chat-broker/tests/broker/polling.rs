//! Reading and waiting.

use std::time::Duration;

use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::{FetchRequest, OffsetForLeaderEpochRequest, ProduceRequest};
use tokio::time::timeout;

use crate::raw::{
    Client, LONG, batch, everything, fetch_request, produce_request, records, start, topic, value,
};

const OFFSET_OUT_OF_RANGE: i16 = 1;
const UNKNOWN_TOPIC: i16 = 3;
const SESSION_NOT_FOUND: i16 = 70;
const FENCED_EPOCH: i16 = 74;
const UNKNOWN_EPOCH: i16 = 75;
const UNKNOWN_TOPIC_ID: i16 = 100;

/// A wait that is longer than any test: an answer before its end was woken.
const WAIT_MS: i32 = 200_000;

#[tokio::test]
async fn a_waiting_fetch_is_woken_by_a_write_to_any_of_its_partitions() {
    let folder = tempfile::tempdir().unwrap();
    let broker = start(folder.path()).await;
    let mut writer = Client::connect(broker.address()).await;
    writer.create("mail", 16, &[]).await;
    let mut reader = Client::connect(broker.address()).await;
    let positions: Vec<_> = (0..16).map(|partition| (partition, 0)).collect();
    reader.send(12, &fetch_request("mail", &positions, WAIT_MS)).await;
    let silent = timeout(Duration::from_millis(200), reader.stream.readable()).await;
    assert!(silent.is_err(), "there is nothing to read yet");
    writer.call(9, &produce_request("mail", 11, batch(&["news"]))).await;
    let response = reader.receive::<FetchRequest>(12).await;
    let partitions = &response.responses[0].partitions;
    assert_eq!(partitions.len(), 16);
    for partition in partitions {
        let values: Vec<_> = records(partition).iter().map(value).collect();
        let expected: &[&str] = if partition.partition_index == 11 { &["news"] } else { &[] };
        assert_eq!(values, expected);
    }
    assert_eq!(partitions[11].high_watermark, 1);
}

#[tokio::test]
async fn a_fetch_waits_for_as_many_bytes_as_it_asks_for() {
    let folder = tempfile::tempdir().unwrap();
    let broker = start(folder.path()).await;
    let mut writer = Client::connect(broker.address()).await;
    writer.create("mail", 1, &[]).await;
    let one = batch(&["x"]);
    let mut reader = Client::connect(broker.address()).await;
    let mut request = fetch_request("mail", &[(0, 0)], WAIT_MS);
    request.min_bytes = i32::try_from(one.len() * 3).unwrap();
    reader.send(12, &request).await;
    for _ in 0..2 {
        writer.produce("mail", one.clone()).await;
        let silent = timeout(Duration::from_millis(100), reader.stream.readable()).await;
        assert!(silent.is_err(), "too few bytes yet");
    }
    writer.produce("mail", one).await;
    let response = reader.receive::<FetchRequest>(12).await;
    assert_eq!(records(&response.responses[0].partitions[0]).len(), 3);
    // Where there is less to come, the time ends the wait.
    request.max_wait_ms = 50;
    request.min_bytes = 1 << 20;
    assert_eq!(records(&reader.call(12, &request).await.responses[0].partitions[0]).len(), 3);
}

#[tokio::test]
async fn a_write_on_a_connection_whose_fetch_waits_is_done_and_wakes_it() {
    let folder = tempfile::tempdir().unwrap();
    let broker = start(folder.path()).await;
    let mut client = Client::connect(broker.address()).await;
    client.create("mail", 1, &[]).await;
    client.send(12, &fetch_request("mail", &[(0, 0)], WAIT_MS)).await;
    client.send(9, &produce_request("mail", 0, batch(&["x"]))).await;
    let fetched = client.receive::<FetchRequest>(12).await;
    assert_eq!(records(&fetched.responses[0].partitions[0]).len(), 1);
    let produced = client.receive::<ProduceRequest>(9).await;
    assert_eq!(produced.responses[0].partition_responses[0].error_code, 0);
}

#[tokio::test]
async fn offsets_outside_of_the_log_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let broker = start(folder.path()).await;
    let mut client = Client::connect(broker.address()).await;
    client.create("mail", 1, &[]).await;
    client.produce("mail", batch(&["a", "b", "c"])).await;
    // The batch that holds an offset comes as a whole.
    assert_eq!(client.values("mail", 1).await, ["a", "b", "c"]);
    assert!(client.values("mail", 3).await.is_empty());
    for offset in [-1, 4, i64::MAX, i64::MIN] {
        assert_eq!(client.fetch("mail", offset).await.error_code, OFFSET_OUT_OF_RANGE, "{offset}");
    }
    assert_eq!(client.fetch("none", 0).await.error_code, UNKNOWN_TOPIC);
}

#[tokio::test]
async fn a_deleted_topic_ends_a_wait_and_its_id_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let broker = start(folder.path()).await;
    let mut admin = Client::connect(broker.address()).await;
    admin.create("mail", 1, &[]).await;
    let id = admin.call(12, &everything()).await.topics[0].topic_id;
    let by_id = |wait| {
        let wanted = FetchPartition::default().with_partition_max_bytes(1 << 20);
        let wanted = FetchTopic::default().with_topic_id(id).with_partitions(vec![wanted]);
        let request = fetch_request("", &[], wait);
        request.with_topics(vec![wanted])
    };
    let mut reader = Client::connect(broker.address()).await;
    assert_eq!(reader.call(13, &by_id(0)).await.responses[0].topic_id, id);
    reader.send(13, &by_id(WAIT_MS)).await;
    let mut named = Client::connect(broker.address()).await;
    named.send(12, &fetch_request("mail", &[(0, 0)], WAIT_MS)).await;
    crate::admin::delete(&mut admin, "mail").await;
    let ended = reader.receive::<FetchRequest>(13).await;
    assert_eq!(ended.responses[0].partitions[0].error_code, UNKNOWN_TOPIC_ID);
    let ended = named.receive::<FetchRequest>(12).await;
    assert_eq!(ended.responses[0].partitions[0].error_code, UNKNOWN_TOPIC);
    // Made anew, it is another topic: the old id stays unknown.
    admin.create("mail", 1, &[]).await;
    let again = admin.call(12, &everything()).await.topics[0].topic_id;
    assert_ne!(again, id);
    let old = reader.call(13, &by_id(0)).await;
    assert_eq!(old.responses[0].partitions[0].error_code, UNKNOWN_TOPIC_ID);
    assert_eq!(admin.offset("mail", -1).await.offset, 0);
}

#[tokio::test]
async fn fetch_sessions_are_declined() {
    let folder = tempfile::tempdir().unwrap();
    let broker = start(folder.path()).await;
    let mut client = Client::connect(broker.address()).await;
    client.create("mail", 1, &[]).await;
    let mut request = fetch_request("mail", &[(0, 0)], 0);
    request.session_epoch = 0;
    assert_eq!(client.call(12, &request).await.session_id, 0);
    request.session_id = 5;
    request.session_epoch = 1;
    assert_eq!(client.call(12, &request).await.error_code, SESSION_NOT_FOUND);
}

#[tokio::test]
async fn a_client_of_an_earlier_start_finds_out_where_logs_part() {
    let folder = tempfile::tempdir().unwrap();
    let broker = start(folder.path()).await;
    let first = broker.report().leader_epoch;
    let mut client = Client::connect(broker.address()).await;
    client.create("mail", 1, &[]).await;
    client.produce("mail", batch(&["a", "b"])).await;
    broker.shutdown().await;
    let broker = start(folder.path()).await;
    let second = broker.report().leader_epoch;
    let mut client = Client::connect(broker.address()).await;
    client.produce("mail", batch(&["c"])).await;
    let epochs: Vec<_> =
        records(&client.fetch("mail", 0).await).iter().map(|r| r.partition_leader_epoch).collect();
    assert_eq!(epochs, [first, first, second]);

    let mut ends = Vec::new();
    for epoch in [first, second, second + 1] {
        let asked = OffsetForLeaderPartition::default().with_leader_epoch(epoch);
        let asked = asked.with_current_leader_epoch(second);
        let asked =
            OffsetForLeaderTopic::default().with_topic(topic("mail")).with_partitions(vec![asked]);
        let request = OffsetForLeaderEpochRequest::default().with_topics(vec![asked]);
        let answer = client.call(4, &request).await.topics[0].partitions[0].clone();
        ends.push((answer.error_code, answer.leader_epoch, answer.end_offset));
    }
    assert_eq!(ends, [(0, first, 2), (0, second, 3), (0, -1, -1)]);

    let mut fetch = async |known: i32, last: i32, offset: i64| {
        let mut request = fetch_request("mail", &[(0, offset)], 0);
        request.topics[0].partitions[0].current_leader_epoch = known;
        request.topics[0].partitions[0].last_fetched_epoch = last;
        client.call(12, &request).await.responses[0].partitions[0].clone()
    };
    assert_eq!(fetch(first, -1, 0).await.error_code, FENCED_EPOCH);
    assert_eq!(fetch(second + 1, -1, 0).await.error_code, UNKNOWN_EPOCH);
    assert_eq!(records(&fetch(second, first, 2).await).len(), 1);
    // It read a third record in the first epoch, which this log does not have.
    let parted = fetch(second, first, 3).await;
    let end = &parted.diverging_epoch;
    assert_eq!((parted.error_code, end.epoch, end.end_offset), (0, first, 2));
}

#[tokio::test]
async fn a_shutdown_ends_waiting_clients() {
    let folder = tempfile::tempdir().unwrap();
    let broker = start(folder.path()).await;
    let mut client = Client::connect(broker.address()).await;
    client.create("mail", 1, &[]).await;
    client.send(12, &fetch_request("mail", &[(0, 0)], WAIT_MS)).await;
    let _idle = Client::connect(broker.address()).await;
    timeout(LONG, broker.shutdown()).await.expect("the shutdown waits for clients");
    assert!(client.frame().await.is_none());
}

#[tokio::test]
async fn reading_goes_through_all_segments() {
    let folder = tempfile::tempdir().unwrap();
    let broker = start(folder.path()).await;
    let mut client = Client::connect(broker.address()).await;
    client.create("mail", 1, &[("segment.bytes", "1024")]).await;
    for number in 0..100 {
        client.produce("mail", batch(&[&format!("{number}")])).await;
    }
    let mut read = Vec::new();
    while read.len() < 100 {
        let offset = i64::try_from(read.len()).unwrap();
        let more = client.values("mail", offset).await;
        assert!(!more.is_empty());
        read.extend(more);
    }
    assert_eq!(read, (0..100).map(|n| n.to_string()).collect::<Vec<_>>());
}
