//! Frames that no client sends, and clients that hold on to what they get.

use std::time::Duration;

use bytes::{BufMut, BytesMut};
use chat_broker::{Broker, BrokerConfig, Limits};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{ApiVersionsRequest, MetadataRequest};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tokio::io::AsyncWriteExt;

use crate::raw::{Client, batch, fetch_request, produce_request, start, topic};

/// Whether a broker still does its work.
async fn assert_serves(broker: &Broker) {
    let mut client = Client::connect(broker.address()).await;
    assert_eq!(client.call(3, &ApiVersionsRequest::default()).await.error_code, 0);
}

/// Sends bytes and expects the end of the connection.
async fn assert_ends(broker: &Broker, bytes: &[u8]) {
    let mut client = Client::connect(broker.address()).await;
    // The broker may end the connection before it has taken everything.
    client.stream.write_all(bytes).await.ok();
    assert!(client.frame().await.is_none(), "{:?} was answered", &bytes[..bytes.len().min(40)]);
    assert_serves(broker).await;
}

fn frame(body: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
    frame.extend(body);
    frame
}

/// A request's header: kind, version, a correlation, no client name.
fn header(key: i16, version: i16) -> BytesMut {
    let mut out = BytesMut::new();
    out.put_i16(key);
    out.put_i16(version);
    out.put_i32(1);
    out.put_i16(-1);
    out
}

#[tokio::test]
async fn lengths_that_lie_end_the_connection() {
    let folder = tempfile::tempdir().unwrap();
    let broker = start(folder.path()).await;
    for length in [0, 1, 9, -1, i32::MIN, i32::MAX, (32 << 20) + 1] {
        assert_ends(&broker, &length.to_be_bytes()).await;
    }
    let http = b"GET / HTTP/1.1\r\nHost: broker\r\n\r\n";
    assert_ends(&broker, http).await;
    // A list of 2^31-1 entries, in each place where a list can be.
    for (key, version) in [(3, 1), (19, 2), (20, 1), (21, 0), (32, 1), (10, 4)] {
        let mut body = header(key, version);
        if key == 10 {
            body.put_slice(&[0, 1, 0xff, 0xff, 0xff, 0xff, 0x0f]);
        } else {
            body.put_i32(i32::MAX);
        }
        assert_ends(&broker, &frame(&body)).await;
    }
    let mut fetch = header(1, 4);
    fetch.put_slice(&[0; 17]);
    fetch.put_i32(i32::MAX);
    assert_ends(&broker, &frame(&fetch)).await;
    let mut produce = header(0, 3);
    produce.put_i16(-1);
    produce.put_slice(&[0; 6]);
    produce.put_i32(1);
    produce.put_i16(1);
    produce.put_u8(b't');
    produce.put_i32(1);
    produce.put_i32(0);
    produce.put_i32(i32::MAX);
    assert_ends(&broker, &frame(&produce)).await;
    // Compact lengths, and tagged fields without end.
    let mut compact = header(3, 12);
    compact.put_slice(&[0, 0xff, 0xff, 0xff, 0xff, 0x0f]);
    assert_ends(&broker, &frame(&compact)).await;
    let mut tags = header(18, 3);
    tags.put_slice(&[0, 1, 1, 0xff, 0xff, 0xff, 0xff, 0x0f]);
    assert_ends(&broker, &frame(&tags)).await;
    let mut unknown = header(999, 0);
    unknown.put_i32(0);
    assert_ends(&broker, &frame(&unknown)).await;
    assert_ends(&broker, &frame(&header(0, 0))).await;
}

#[tokio::test]
async fn half_a_frame_and_a_lost_client_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits::default().connections(4);
    let broker = Broker::start(BrokerConfig::new(folder.path()).limits(limits)).await.unwrap();
    for _ in 0..20 {
        let mut client = Client::connect(broker.address()).await;
        client.create("mail", 1, &[]).await;
        client.send(12, &fetch_request("mail", &[(0, 0)], 200_000)).await;
        client.stream.write_all(&[0, 1, 0, 0, 5]).await.unwrap();
        drop(client);
        // Its place is free again once the broker has noticed.
        loop {
            let mut next = Client::connect(broker.address()).await;
            next.send(0, &ApiVersionsRequest::default()).await;
            if next.frame().await.is_some() {
                break;
            }
        }
    }
}

#[tokio::test]
async fn slow_clients_are_let_go() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits::default().frame_time(Duration::from_millis(200));
    let broker = Broker::start(BrokerConfig::new(folder.path()).limits(limits)).await.unwrap();
    // A byte now and then.
    let mut slow = Client::connect(broker.address()).await;
    slow.stream.write_all(&1_000i32.to_be_bytes()).await.unwrap();
    while slow.stream.write_all(b"x").await.is_ok() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // One that never takes its answers: it is let go, and others are served meanwhile.
    let mut deaf = Client::connect(broker.address()).await;
    deaf.create("mail", 1, &[("max.message.bytes", "10000000")]).await;
    deaf.produce("mail", batch(&[&"x".repeat(4_000_000)])).await;
    let mut request = fetch_request("mail", &[(0, 0)], 0);
    request.topics[0].partitions[0].partition_max_bytes = 10_000_000;
    for _ in 0..10 {
        deaf.send(12, &request).await;
    }
    assert_serves(&broker).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut answers = 0;
    while deaf.frame().await.is_some() {
        answers += 1;
    }
    assert!(answers < 10, "the connection was kept");
    // Silence between requests has a limit of its own.
    let limits = Limits::default().idle_time(Duration::from_millis(50));
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::start(BrokerConfig::new(folder.path()).limits(limits)).await.unwrap();
    assert!(Client::connect(broker.address()).await.frame().await.is_none());
}

#[tokio::test]
async fn connections_and_entries_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits::default().connections(2).items(50);
    let broker = Broker::start(BrokerConfig::new(folder.path()).limits(limits)).await.unwrap();
    let mut first = Client::connect(broker.address()).await;
    let mut second = Client::connect(broker.address()).await;
    for client in [&mut first, &mut second] {
        client.call(0, &ApiVersionsRequest::default()).await;
    }
    assert!(Client::connect(broker.address()).await.frame().await.is_none());
    let topics = |count| {
        let topics = vec![MetadataRequestTopic::default().with_name(Some(topic("t"))); count];
        MetadataRequest::default().with_topics(Some(topics))
    };
    assert_eq!(first.call(9, &topics(50)).await.topics.len(), 50);
    first.send(9, &topics(51)).await;
    assert!(first.frame().await.is_none());
}

/// Who claims much and sends little holds up nobody.
#[tokio::test]
async fn claims_without_bytes_take_no_room() {
    let folder = tempfile::tempdir().unwrap();
    let broker = start(folder.path()).await;
    let mut admin = Client::connect(broker.address()).await;
    admin.create("mail", 1, &[]).await;
    let mut claims = Vec::new();
    for _ in 0..16 {
        let mut claim = Client::connect(broker.address()).await;
        claim.stream.write_all(&(32_u32 << 20).to_be_bytes()).await.unwrap();
        claim.stream.write_all(&vec![0; 64 * 1024]).await.unwrap();
        claims.push(claim);
    }
    for size in [10, 60_000, 900_000] {
        let value = batch(&[&"x".repeat(size)]);
        let response = admin.call(9, &produce_request("mail", 0, value)).await;
        assert_eq!(response.responses[0].partition_responses[0].error_code, 0);
    }
    for mut claim in claims {
        let nothing = tokio::time::timeout(Duration::from_millis(1), claim.frame()).await;
        assert!(nothing.is_err(), "it is still open");
    }
}

/// Large requests that hold parts of all the room do not wait for each other, and small ones pass.
#[tokio::test]
async fn large_requests_that_fill_the_room_are_all_done() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits::default().frame_bytes(2 << 20).in_flight_bytes(1 << 20);
    let broker = Broker::start(BrokerConfig::new(folder.path()).limits(limits)).await.unwrap();
    let mut admin = Client::connect(broker.address()).await;
    admin.create("mail", 1, &[("max.message.bytes", "2000000")]).await;
    let mut clients = Vec::new();
    for _ in 0..6 {
        let mut client = Client::connect(broker.address()).await;
        clients.push(tokio::spawn(async move {
            let large = batch(&[&"x".repeat(1_500_000)]);
            let response = client.call(9, &produce_request("mail", 0, large)).await;
            assert_eq!(response.responses[0].partition_responses[0].error_code, 0);
        }));
    }
    for _ in 0..20 {
        let response = admin.call(9, &produce_request("mail", 0, batch(&["small"]))).await;
        assert_eq!(response.responses[0].partition_responses[0].error_code, 0);
    }
    for client in clients {
        client.await.unwrap();
    }
    assert_eq!(admin.offset("mail", -1).await.offset, 26);
}

/// A silent connection makes room for a new one; one that waits for an answer does not.
#[tokio::test]
async fn silent_connections_make_room() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits::default().connections(2);
    let broker = Broker::start(BrokerConfig::new(folder.path()).limits(limits)).await.unwrap();
    let mut waiting = Client::connect(broker.address()).await;
    waiting.create("mail", 1, &[]).await;
    waiting.send(12, &fetch_request("mail", &[(0, 0)], 200_000)).await;
    let mut silent = Client::connect(broker.address()).await;
    silent.call(0, &ApiVersionsRequest::default()).await;
    let mut new = loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let mut new = Client::connect(broker.address()).await;
        new.send(0, &ApiVersionsRequest::default()).await;
        if new.frame().await.is_some() {
            break new;
        }
    };
    assert!(silent.frame().await.is_none(), "the silent one is gone");
    let produced = new.call(9, &produce_request("mail", 0, batch(&["for who waits"]))).await;
    assert_eq!(produced.responses[0].partition_responses[0].error_code, 0);
    assert!(waiting.frame().await.is_some(), "the waiting one was answered");
}

#[tokio::test]
async fn more_requests_at_once_than_there_is_room_for_are_all_done() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits::default().frame_bytes(300_000).in_flight_bytes(300_000).pipelined(2);
    let broker = Broker::start(BrokerConfig::new(folder.path()).limits(limits)).await.unwrap();
    let mut admin = Client::connect(broker.address()).await;
    admin.create("mail", 1, &[]).await;
    let mut clients = Vec::new();
    for _ in 0..10 {
        let address = broker.address();
        clients.push(tokio::spawn(async move {
            let mut client = Client::connect(address).await;
            for _ in 0..5 {
                let large = batch(&[&"x".repeat(200_000)]);
                let response = client.call(9, &produce_request("mail", 0, large)).await;
                assert_eq!(response.responses[0].partition_responses[0].error_code, 0);
            }
        }));
    }
    for client in clients {
        client.await.unwrap();
    }
    assert_eq!(admin.offset("mail", -1).await.offset, 50);
}

#[test]
fn any_frame_is_answered_or_ends_the_connection() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let broker = runtime.block_on(start(folder.path()));
    let keys = prop::sample::select(vec![0i16, 1, 2, 3, 10, 18, 19, 20, 21, 22, 23, 32, 60, 8, 11]);
    let case = (keys, 0..19i16, prop::collection::vec(any::<u8>(), 0..80));
    let mut runner = TestRunner::new(ProptestConfig::with_cases(400));
    let outcome = runner.run(&case, |(key, version, tail)| {
        let mut body = header(key, version);
        body.put_slice(&tail);
        runtime.block_on(async {
            let mut client = Client::connect(broker.address()).await;
            client.stream.write_all(&frame(&body)).await.ok();
            client.stream.shutdown().await.ok();
            while client.frame().await.is_some() {}
        });
        Ok(())
    });
    outcome.unwrap();
    runtime.block_on(assert_serves(&broker));
}
