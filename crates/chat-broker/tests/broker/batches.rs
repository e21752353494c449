//! Writing: sizes, formats, sequence numbers, acknowledgements, time.

use bytes::Bytes;
use chat_broker::{Broker, BrokerConfig, Limits};
use kafka_protocol::messages::{
    ApiVersionsRequest, FindCoordinatorRequest, InitProducerIdRequest, ProduceRequest,
};
use kafka_protocol::records::TimestampType;

use crate::raw::{
    Client, batch, batch_of, encode, fetch_request, produce_request, record, records, start, text,
    value,
};

const CORRUPT_MESSAGE: i16 = 2;
const MESSAGE_TOO_LARGE: i16 = 10;
const NOT_ENOUGH_REPLICAS: i16 = 19;
const INVALID_REQUIRED_ACKS: i16 = 21;
const OUT_OF_ORDER: i16 = 45;
const INVALID_PRODUCER_EPOCH: i16 = 47;
const INVALID_TXN_STATE: i16 = 48;
const NOT_AUTHORIZED_TXN: i16 = 53;
const INVALID_RECORD: i16 = 87;

async fn broker(configs: &[(&str, &str)]) -> (tempfile::TempDir, Broker, Client) {
    let folder = tempfile::tempdir().unwrap();
    let broker = start(folder.path()).await;
    let mut client = Client::connect(broker.address()).await;
    assert_eq!(client.create("mail", 2, configs).await, 0);
    (folder, broker, client)
}

#[tokio::test]
async fn every_version_writes_and_reads() {
    let (_folder, _broker, mut client) = broker(&[]).await;
    for version in 3..=12 {
        let request = produce_request("mail", 0, batch(&["x"]));
        let response = client.call(version, &request).await;
        let partition = &response.responses[0].partition_responses[0];
        assert_eq!((partition.error_code, partition.base_offset), (0, i64::from(version) - 3));
    }
    for version in 4..=12 {
        let mut request = fetch_request("mail", &[(0, 0)], 0);
        if version < 7 {
            request.session_epoch = -1;
        }
        let response = client.call(version, &request).await;
        assert_eq!(records(&response.responses[0].partitions[0]).len(), 10, "version {version}");
    }
}

#[tokio::test]
async fn bad_batches_get_the_protocols_errors_and_leave_nothing() {
    let (_folder, _broker, mut client) =
        broker(&[("max.message.bytes", "1000"), ("cleanup.policy", "compact")]).await;
    let keyed = |value: &str| {
        let mut record = record(0, value, (-1, -1, -1));
        record.key = Some(Bytes::from_static(b"k"));
        record
    };
    let good = encode(&[keyed("good")]);
    let mut flipped = good.to_vec();
    flipped[65] ^= 1;
    let mut old = good.to_vec();
    old[16] = 1;
    let transactional = {
        let mut r = keyed("x");
        r.transactional = true;
        encode(&[r])
    };
    let control = {
        let mut r = keyed("x");
        r.control = true;
        encode(&[r])
    };
    let cases = [
        (Bytes::new(), CORRUPT_MESSAGE),
        (Bytes::from_static(b"no batch"), CORRUPT_MESSAGE),
        (flipped.into(), CORRUPT_MESSAGE),
        (old.into(), INVALID_RECORD),
        ([good.clone(), good.clone()].concat().into(), INVALID_RECORD),
        (encode(&[keyed(&"x".repeat(1_000))]), MESSAGE_TOO_LARGE),
        (batch(&["no key"]), INVALID_RECORD),
        (transactional, INVALID_TXN_STATE),
        (control, INVALID_RECORD),
    ];
    for (bytes, error) in cases {
        let response = client.produce("mail", bytes.clone()).await;
        assert_eq!((response.error_code, response.base_offset), (error, -1), "{bytes:?}");
        assert!(response.error_message.is_some());
    }
    assert_eq!(client.offset("mail", -1).await.offset, 0);
    assert_eq!(client.produce("mail", good).await.error_code, 0);
    let unknown = client.call(9, &produce_request("none", 0, batch(&["x"]))).await;
    assert_eq!(unknown.responses[0].partition_responses[0].error_code, 3);
    let unknown = client.call(9, &produce_request("mail", 2, batch(&["x"]))).await;
    assert_eq!(unknown.responses[0].partition_responses[0].error_code, 3);
}

#[tokio::test]
async fn a_repeated_batch_is_written_once() {
    let (_folder, _broker, mut client) = broker(&[]).await;
    let id = client.call(4, &InitProducerIdRequest::default().with_transactional_id(None)).await;
    assert_eq!((id.error_code, id.producer_epoch), (0, 0));
    let send = |first: i32| batch_of(&["a", "b"], (id.producer_id.0, 0, first));
    for round in 0..2 {
        for first in [0, 2, 4, 6, 8] {
            let sent = client.produce("mail", send(first)).await;
            assert_eq!((sent.error_code, sent.base_offset), (0, first.into()), "round {round}");
        }
    }
    assert_eq!(client.offset("mail", -1).await.offset, 10);
    assert_eq!(client.produce("mail", send(12)).await.error_code, OUT_OF_ORDER);
    let newer = batch_of(&["c"], (id.producer_id.0, 1, 0));
    assert_eq!(client.produce("mail", newer).await.error_code, 0);
    assert_eq!(client.produce("mail", send(10)).await.error_code, INVALID_PRODUCER_EPOCH);
    // Both copies in one round of the log: sent before the first is acknowledged.
    let twice = produce_request("mail", 1, batch_of(&["d"], (77, 0, 0)));
    client.send(9, &twice).await;
    client.send(9, &twice).await;
    for _ in 0..2 {
        let response = client.receive::<ProduceRequest>(9).await;
        let partition = &response.responses[0].partition_responses[0];
        assert_eq!((partition.error_code, partition.base_offset), (0, 0));
    }
}

#[tokio::test]
async fn acknowledgements_are_as_asked() {
    let (_folder, _broker, mut client) = broker(&[]).await;
    let none = produce_request("mail", 0, batch(&["quiet"])).with_acks(0);
    client.send(9, &none).await;
    // The next answer belongs to the next request: nothing was said to the one before.
    let asked = client.call(0, &ApiVersionsRequest::default()).await;
    assert_eq!(asked.error_code, 0);
    let one = produce_request("mail", 0, batch(&["one"])).with_acks(1);
    let response = client.call(9, &one).await;
    assert_eq!(response.responses[0].partition_responses[0].base_offset, 1);
    let two = produce_request("mail", 0, batch(&["two"])).with_acks(2);
    let response = client.call(9, &two).await;
    assert_eq!(response.responses[0].partition_responses[0].error_code, INVALID_REQUIRED_ACKS);
    assert_eq!(client.values("mail", 0).await, ["quiet", "one"]);
    // A refusal that nobody asked to hear of ends the connection.
    let refused = produce_request("none", 0, batch(&["x"])).with_acks(0);
    client.send(9, &refused).await;
    assert!(client.frame().await.is_none());
}

#[tokio::test]
async fn a_topic_that_wants_more_copies_takes_no_safe_writes() {
    let (_folder, _broker, mut client) = broker(&[("min.insync.replicas", "2")]).await;
    let response = client.produce("mail", batch(&["x"])).await;
    assert_eq!(response.error_code, NOT_ENOUGH_REPLICAS);
}

#[tokio::test]
async fn the_broker_stamps_time_where_asked_and_finds_it_again() {
    let (_folder, _broker, mut client) =
        broker(&[("message.timestamp.type", "LogAppendTime")]).await;
    assert_eq!(client.create("own", 1, &[]).await, 0);
    let mut times = Vec::new();
    for value in ["a", "b", "c"] {
        let sent = client.produce("mail", batch(&[value, value])).await;
        times.push(sent.log_append_time_ms);
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert!(times.is_sorted() && times[0] > 1_600_000_000_000, "{times:?}");
    let fetched = client.fetch("mail", 0).await;
    for (record, time) in records(&fetched).chunks(2).zip(&times) {
        assert!(record.iter().all(|r| r.timestamp_type == TimestampType::LogAppend));
        // The batch's time counts, and every client takes it from the batch's header.
        assert_eq!(max_timestamp(&fetched.records.clone().unwrap(), record[0].offset), *time);
    }
    for (index, time) in (0..).zip(&times) {
        let found = client.offset("mail", *time).await;
        assert_eq!((found.offset, found.timestamp), (index * 2, *time));
        assert_eq!(client.offset("mail", time + 1).await.offset, [2, 4, -1][index as usize]);
    }
    assert_eq!(client.offset("mail", -3).await.offset, 4);

    let sent = client.produce("own", batch(&["x", "y", "z"])).await;
    assert_eq!(sent.log_append_time_ms, -1);
    let kept = client.fetch("own", 0).await;
    let kept: Vec<_> = records(&kept).iter().map(|r| (r.timestamp, value(r))).collect();
    assert_eq!(kept, [(1_000, "x".into()), (1_001, "y".into()), (1_002, "z".into())]);
    let found = client.offset("own", 1_001).await;
    assert_eq!((found.offset, found.timestamp), (1, 1_001));
    assert_eq!(client.offset("own", 0).await.offset, 0);
    assert_eq!(client.offset("own", 2_000).await.offset, -1);
}

/// The newest time of the batch that starts at an offset.
fn max_timestamp(mut bytes: &[u8], offset: i64) -> i64 {
    loop {
        let base = i64::from_be_bytes(bytes[..8].try_into().unwrap());
        if base == offset {
            return i64::from_be_bytes(bytes[35..43].try_into().unwrap());
        }
        let len = i32::from_be_bytes(bytes[8..12].try_into().unwrap());
        bytes = &bytes[12 + usize::try_from(len).unwrap()..];
    }
}

#[tokio::test]
async fn transactions_are_refused() {
    let (_folder, _broker, mut client) = broker(&[]).await;
    let id = InitProducerIdRequest::default().with_transactional_id(Some(text("t").into()));
    assert_eq!(client.call(4, &id).await.error_code, NOT_AUTHORIZED_TXN);
    let find = FindCoordinatorRequest::default();
    let find = find.with_key_type(1).with_coordinator_keys(vec![text("t")]);
    assert_eq!(client.call(4, &find).await.coordinators[0].error_code, NOT_AUTHORIZED_TXN);
    let request = produce_request("mail", 0, batch(&["x"]));
    let request = request.with_transactional_id(Some(text("t").into()));
    let response = client.call(9, &request).await;
    assert_eq!(response.responses[0].partition_responses[0].error_code, NOT_AUTHORIZED_TXN);
}

#[tokio::test]
async fn a_batch_at_the_limit_of_a_frame_goes_through_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits::default().frame_bytes(1 << 20).in_flight_bytes(1 << 20);
    let broker = Broker::start(BrokerConfig::new(folder.path()).limits(limits)).await.unwrap();
    let mut client = Client::connect(broker.address()).await;
    client.create("mail", 1, &[("max.message.bytes", "10000000")]).await;
    let large = "x".repeat(1_000_000);
    for offset in 0..3 {
        assert_eq!(client.produce("mail", batch(&[&large])).await.base_offset, offset);
    }
    // A first batch comes whatever the client allows, and alone.
    let mut request = fetch_request("mail", &[(0, 1)], 0);
    request.max_bytes = 10;
    let response = client.call(12, &request).await;
    let got = records(&response.responses[0].partitions[0]);
    assert_eq!((got.len(), got[0].offset), (1, 1));
    client.send(9, &produce_request("mail", 0, batch(&[&"x".repeat(1 << 20)]))).await;
    assert!(client.frame().await.is_none(), "a longer frame ends the connection");
}

#[tokio::test]
async fn many_writers_at_once_are_all_answered() {
    let (_folder, broker, _client) = broker(&[]).await;
    let mut writers = Vec::new();
    for writer in 0..20 {
        let address = broker.address();
        writers.push(tokio::spawn(async move {
            let mut client = Client::connect(address).await;
            for number in 0..20 {
                let value = format!("{writer} {number}");
                client.send(9, &produce_request("mail", writer % 2, batch(&[&value]))).await;
            }
            let mut offsets = Vec::new();
            for _ in 0..20 {
                let response = client.receive::<ProduceRequest>(9).await;
                offsets.push(response.responses[0].partition_responses[0].base_offset);
            }
            assert!(offsets.is_sorted(), "one connection's batches keep their order");
            (writer % 2, offsets)
        }));
    }
    let mut all = [Vec::new(), Vec::new()];
    for writer in writers {
        let (partition, offsets) = writer.await.unwrap();
        all[usize::try_from(partition).unwrap()].extend(offsets);
    }
    for offsets in &mut all {
        offsets.sort_unstable();
        assert_eq!(*offsets, (0..200).collect::<Vec<i64>>());
    }
}
