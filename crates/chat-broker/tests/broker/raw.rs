//! A client that sends what it is told, right or wrong.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use chat_broker::{Broker, BrokerConfig};
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::list_offsets_response::ListOffsetsPartitionResponse;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::PartitionProduceResponse;
use kafka_protocol::messages::{
    CreateTopicsRequest, FetchRequest, ListOffsetsRequest, MetadataRequest, ProduceRequest,
    RequestHeader, ResponseHeader, TopicName,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use kafka_protocol::records::{
    Compression, NO_PARTITION_LEADER_EPOCH, Record, RecordBatchDecoder, RecordBatchEncoder,
    RecordEncodeOptions, TimestampType,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A guard against hanging: far longer than anything here takes.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// A connection.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    correlation: i32,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, correlation: 0 }
    }

    pub(crate) async fn send<Q: Request>(&mut self, version: i16, request: &Q) {
        self.correlation += 1;
        let header = RequestHeader::default()
            .with_request_api_key(Q::KEY)
            .with_request_api_version(version)
            .with_correlation_id(self.correlation);
        let mut out = BytesMut::new();
        out.put_i32(0);
        header.encode(&mut out, Q::header_version(version)).unwrap();
        request.encode(&mut out, version).unwrap();
        let len = i32::try_from(out.len() - 4).unwrap();
        out[..4].copy_from_slice(&len.to_be_bytes());
        self.stream.write_all(&out).await.unwrap();
    }

    /// The next answer, without its length; `None` if the broker ended the connection.
    pub(crate) async fn frame(&mut self) -> Option<Bytes> {
        let read = async {
            let len = self.stream.read_i32().await.ok()?;
            let mut bytes = vec![0; usize::try_from(len).unwrap()];
            self.stream.read_exact(&mut bytes).await.ok()?;
            Some(Bytes::from(bytes))
        };
        tokio::time::timeout(LONG, read).await.expect("the broker neither answers nor closes")
    }

    pub(crate) async fn receive<Q: Request>(&mut self, version: i16) -> Q::Response {
        let mut frame = self.frame().await.expect("the broker closed the connection");
        ResponseHeader::decode(&mut frame, Q::Response::header_version(version)).unwrap();
        let response = Q::Response::decode(&mut frame, version).unwrap();
        assert!(!frame.has_remaining(), "bytes behind an answer");
        response
    }

    pub(crate) async fn call<Q: Request>(&mut self, version: i16, request: &Q) -> Q::Response {
        self.send(version, request).await;
        self.receive::<Q>(version).await
    }

    /// Makes a topic; returns its error code.
    pub(crate) async fn create(
        &mut self,
        name: &str,
        partitions: i32,
        configs: &[(&str, &str)],
    ) -> i16 {
        let config = |(name, value): &(&str, &str)| {
            let config = CreatableTopicConfig::default().with_name(text(name));
            config.with_value(Some(text(value)))
        };
        let topic = CreatableTopic::default()
            .with_name(topic(name))
            .with_num_partitions(partitions)
            .with_replication_factor(1)
            .with_configs(configs.iter().map(config).collect());
        let request = CreateTopicsRequest::default().with_topics(vec![topic]);
        self.call(7, &request).await.topics[0].error_code
    }

    /// Sends a batch to partition 0 and waits for the outcome.
    pub(crate) async fn produce(&mut self, name: &str, batch: Bytes) -> PartitionProduceResponse {
        let response = self.call(9, &produce_request(name, 0, batch)).await;
        response.responses[0].partition_responses[0].clone()
    }

    /// Fetches partition 0 without waiting.
    pub(crate) async fn fetch(&mut self, name: &str, offset: i64) -> PartitionData {
        let response = self.call(12, &fetch_request(name, &[(0, offset)], 0)).await;
        response.responses[0].partitions[0].clone()
    }

    /// The values of partition 0 from an offset on.
    pub(crate) async fn values(&mut self, name: &str, offset: i64) -> Vec<String> {
        records(&self.fetch(name, offset).await).into_iter().map(|r| value(&r)).collect()
    }

    /// Asks for an offset of partition 0 by time; -1 is the end, -2 the start.
    pub(crate) async fn offset(&mut self, name: &str, time: i64) -> ListOffsetsPartitionResponse {
        let partition = ListOffsetsPartition::default().with_timestamp(time);
        let asked = ListOffsetsTopic::default();
        let asked = asked.with_name(topic(name)).with_partitions(vec![partition]);
        let request = ListOffsetsRequest::default().with_topics(vec![asked]);
        self.call(7, &request).await.topics[0].partitions[0].clone()
    }
}

pub(crate) fn text(value: &str) -> StrBytes {
    StrBytes::from_string(value.to_owned())
}

pub(crate) fn topic(name: &str) -> TopicName {
    TopicName(text(name))
}

pub(crate) fn produce_request(name: &str, partition: i32, batch: Bytes) -> ProduceRequest {
    let data = PartitionProduceData::default().with_index(partition).with_records(Some(batch));
    let data = TopicProduceData::default().with_name(topic(name)).with_partition_data(vec![data]);
    ProduceRequest::default().with_acks(-1).with_timeout_ms(1_000).with_topic_data(vec![data])
}

pub(crate) fn fetch_request(name: &str, at: &[(i32, i64)], wait_ms: i32) -> FetchRequest {
    let partition = |(partition, offset): &(i32, i64)| {
        let wanted = FetchPartition::default().with_partition(*partition);
        wanted.with_fetch_offset(*offset).with_partition_max_bytes(1 << 20)
    };
    let partitions = at.iter().map(partition).collect();
    let wanted = FetchTopic::default().with_topic(topic(name)).with_partitions(partitions);
    FetchRequest::default()
        .with_max_wait_ms(wait_ms)
        .with_min_bytes(1)
        .with_max_bytes(1 << 24)
        .with_session_epoch(-1)
        .with_topics(vec![wanted])
}

/// Asks for all topics.
pub(crate) fn everything() -> MetadataRequest {
    MetadataRequest::default().with_topics(None)
}

/// A record of a producer: its id, epoch and sequence number; -1 stands for none.
pub(crate) fn record(index: i32, value: &str, producer: (i64, i16, i32)) -> Record {
    Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
        producer_id: producer.0,
        producer_epoch: producer.1,
        timestamp_type: TimestampType::Creation,
        offset: i64::from(index),
        sequence: if producer.0 < 0 { -1 } else { producer.2 } + index,
        timestamp: 1_000 + i64::from(index),
        key: None,
        value: Some(Bytes::copy_from_slice(value.as_bytes())),
        headers: Default::default(),
    }
}

pub(crate) fn encode(records: &[Record]) -> Bytes {
    let mut out = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut out, records, &options).unwrap();
    out.freeze()
}

/// A batch of keyless records without a producer id.
pub(crate) fn batch(values: &[&str]) -> Bytes {
    batch_of(values, (-1, -1, -1))
}

/// A batch of an idempotent producer.
pub(crate) fn batch_of(values: &[&str], producer: (i64, i16, i32)) -> Bytes {
    let records: Vec<_> = (0..).zip(values).map(|(i, v)| record(i, v, producer)).collect();
    encode(&records)
}

pub(crate) fn records(data: &PartitionData) -> Vec<Record> {
    assert_eq!(data.error_code, 0);
    let mut bytes = data.records.clone().unwrap_or_default();
    let sets = RecordBatchDecoder::decode_all(&mut bytes).unwrap();
    sets.into_iter().flat_map(|set| set.records).collect()
}

pub(crate) fn value(record: &Record) -> String {
    String::from_utf8(record.value.clone().unwrap().to_vec()).unwrap()
}

/// A broker on a folder.
pub(crate) async fn start(folder: &std::path::Path) -> Broker {
    Broker::start(BrokerConfig::new(folder)).await.unwrap()
}
