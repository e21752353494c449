//! The shapes of the requests that are served.

use kafka_protocol::messages::ApiKey;

use super::{Field, Kind, Shape, field, fixed, structs};

/// The shape of a request that is served; `None` for all others.
pub(crate) fn shape(key: ApiKey) -> Option<&'static Shape> {
    Some(match key {
        ApiKey::ApiVersions => &API_VERSIONS,
        ApiKey::Metadata => &METADATA,
        ApiKey::Produce => &PRODUCE,
        ApiKey::Fetch => &FETCH,
        ApiKey::ListOffsets => &LIST_OFFSETS,
        ApiKey::CreateTopics => &CREATE_TOPICS,
        ApiKey::DeleteTopics => &DELETE_TOPICS,
        ApiKey::DeleteRecords => &DELETE_RECORDS,
        ApiKey::InitProducerId => &INIT_PRODUCER_ID,
        ApiKey::OffsetForLeaderEpoch => &OFFSET_FOR_LEADER_EPOCH,
        ApiKey::DescribeConfigs => &DESCRIBE_CONFIGS,
        ApiKey::DescribeCluster => &DESCRIBE_CLUSTER,
        ApiKey::FindCoordinator => &FIND_COORDINATOR,
        ApiKey::DescribeTopicPartitions => &DESCRIBE_TOPIC_PARTITIONS,
        _ => return None,
    })
}

const TEXT: Field = field(Kind::Text);
const TEXTS: Field = field(Kind::Texts);
const BYTE: Field = fixed(1);
const SHORT: Field = fixed(2);
const INT: Field = fixed(4);
const INTS: Field = field(Kind::Fixeds(4));
const LONG: Field = fixed(8);
const UUID: Field = fixed(16);

const API_VERSIONS: Shape = Shape { flexible: 3, fields: &[TEXT.since(3), TEXT.since(3)] };

const METADATA: Shape = Shape {
    flexible: 9,
    fields: &[
        structs(&[UUID.since(10), TEXT]),
        BYTE.since(4),
        BYTE.since(8).until(10),
        BYTE.since(8),
    ],
};

const PRODUCE: Shape = Shape {
    flexible: 9,
    fields: &[
        TEXT,
        SHORT,
        INT,
        structs(&[TEXT.until(12), UUID.since(13), structs(&[INT, field(Kind::Blob)])]),
    ],
};

/// Up to version 16: later ones have tagged fields inside of lists, which only followers send.
const FETCH: Shape = Shape {
    flexible: 12,
    fields: &[
        INT.until(14),
        INT,
        INT,
        INT,
        BYTE,
        INT.since(7),
        INT.since(7),
        structs(&[
            TEXT.until(12),
            UUID.since(13),
            structs(&[INT, INT.since(9), LONG, INT.since(12), LONG.since(5), INT]),
        ]),
        structs(&[TEXT.until(12), UUID.since(13), INTS]).since(7),
        TEXT.since(11),
    ],
};

const LIST_OFFSETS: Shape = Shape {
    flexible: 6,
    fields: &[
        INT,
        BYTE.since(2),
        structs(&[TEXT, structs(&[INT, INT.since(4), LONG])]),
        INT.since(10),
    ],
};

const CREATE_TOPICS: Shape = Shape {
    flexible: 5,
    fields: &[
        structs(&[TEXT, INT, SHORT, structs(&[INT, INTS]), structs(&[TEXT, TEXT])]),
        INT,
        BYTE,
    ],
};

const DELETE_TOPICS: Shape =
    Shape { flexible: 4, fields: &[structs(&[TEXT, UUID]).since(6), TEXTS.until(5), INT] };

const DELETE_RECORDS: Shape =
    Shape { flexible: 2, fields: &[structs(&[TEXT, structs(&[INT, LONG])]), INT] };

const INIT_PRODUCER_ID: Shape =
    Shape { flexible: 2, fields: &[TEXT, INT, LONG.since(3), SHORT.since(3)] };

const OFFSET_FOR_LEADER_EPOCH: Shape =
    Shape { flexible: 4, fields: &[INT.since(3), structs(&[TEXT, structs(&[INT, INT, INT])])] };

const DESCRIBE_CONFIGS: Shape =
    Shape { flexible: 4, fields: &[structs(&[BYTE, TEXT, TEXTS]), BYTE, BYTE.since(3)] };

const DESCRIBE_CLUSTER: Shape =
    Shape { flexible: 0, fields: &[BYTE, BYTE.since(1), BYTE.since(2)] };

const FIND_COORDINATOR: Shape =
    Shape { flexible: 3, fields: &[TEXT.until(3), BYTE.since(1), TEXTS.since(4)] };

const DESCRIBE_TOPIC_PARTITIONS: Shape =
    Shape { flexible: 0, fields: &[structs(&[TEXT]), INT, field(Kind::Optional(&[TEXT, INT]))] };

#[cfg(test)]
mod tests {
    use bytes::{Bytes, BytesMut};
    use kafka_protocol::messages::create_topics_request::{
        CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
    };
    use kafka_protocol::messages::delete_records_request::{
        DeleteRecordsPartition, DeleteRecordsTopic,
    };
    use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
    use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
    use kafka_protocol::messages::describe_topic_partitions_request::{Cursor, TopicRequest};
    use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};
    use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
    use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
    use kafka_protocol::messages::offset_for_leader_epoch_request::{
        OffsetForLeaderPartition, OffsetForLeaderTopic,
    };
    use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
    use kafka_protocol::messages::{
        ApiVersionsRequest, BrokerId, CreateTopicsRequest, DeleteRecordsRequest,
        DeleteTopicsRequest, DescribeClusterRequest, DescribeConfigsRequest,
        DescribeTopicPartitionsRequest, FetchRequest, FindCoordinatorRequest,
        InitProducerIdRequest, ListOffsetsRequest, MetadataRequest, OffsetForLeaderEpochRequest,
        ProduceRequest, RequestKind, TopicName,
    };
    use kafka_protocol::protocol::StrBytes;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::api::versions;

    fn text(text: &'static str) -> StrBytes {
        StrBytes::from_static_str(text)
    }

    fn name() -> TopicName {
        TopicName(text("topic"))
    }

    /// A request of each kind with two entries in each list that its version has.
    fn request(key: ApiKey, version: i16) -> RequestKind {
        let since = |first: i16| version >= first;
        let id = Uuid::from_u128(7);
        match key {
            ApiKey::ApiVersions => {
                let request = ApiVersionsRequest::default();
                let named = request.clone().with_client_software_name(text("name"));
                if since(3) { named.into() } else { request.into() }
            }
            ApiKey::Metadata => {
                let topic = MetadataRequestTopic::default().with_name(Some(name()));
                let topic = if since(10) { topic.with_topic_id(id) } else { topic };
                MetadataRequest::default().with_topics(Some(vec![topic; 2])).into()
            }
            ApiKey::Produce => {
                let data = PartitionProduceData::default();
                let data = data.with_records(Some(Bytes::from_static(b"some records")));
                let topic = TopicProduceData::default().with_partition_data(vec![data; 2]);
                let topic =
                    if since(13) { topic.with_topic_id(id) } else { topic.with_name(name()) };
                ProduceRequest::default().with_topic_data(vec![topic; 2]).into()
            }
            ApiKey::Fetch => fetch(version, id),
            ApiKey::ListOffsets => {
                let topic = ListOffsetsTopic::default().with_name(name());
                let topic = topic.with_partitions(vec![ListOffsetsPartition::default(); 2]);
                ListOffsetsRequest::default().with_topics(vec![topic; 2]).into()
            }
            ApiKey::CreateTopics => {
                let assigned = CreatableReplicaAssignment::default();
                let assigned = assigned.with_broker_ids(vec![BrokerId(1); 2]);
                let config = CreatableTopicConfig::default().with_name(text("config"));
                let topic = CreatableTopic::default()
                    .with_name(name())
                    .with_assignments(vec![assigned; 2])
                    .with_configs(vec![config.clone().with_value(None), config]);
                CreateTopicsRequest::default().with_topics(vec![topic; 2]).into()
            }
            ApiKey::DeleteTopics if since(6) => {
                let topic = DeleteTopicState::default().with_topic_id(id);
                let topics = vec![topic.clone(), topic.with_name(None)];
                DeleteTopicsRequest::default().with_topics(topics).into()
            }
            ApiKey::DeleteTopics => {
                DeleteTopicsRequest::default().with_topic_names(vec![name(); 2]).into()
            }
            ApiKey::DeleteRecords => {
                let topic = DeleteRecordsTopic::default().with_name(name());
                let topic = topic.with_partitions(vec![DeleteRecordsPartition::default(); 2]);
                DeleteRecordsRequest::default().with_topics(vec![topic; 2]).into()
            }
            ApiKey::InitProducerId => InitProducerIdRequest::default().into(),
            ApiKey::OffsetForLeaderEpoch => {
                let topic = OffsetForLeaderTopic::default().with_topic(name());
                let topic = topic.with_partitions(vec![OffsetForLeaderPartition::default(); 2]);
                OffsetForLeaderEpochRequest::default().with_topics(vec![topic; 2]).into()
            }
            ApiKey::DescribeConfigs => {
                let all = DescribeConfigsResource::default().with_configuration_keys(None);
                let some = all.clone().with_configuration_keys(Some(vec![text("key"); 2]));
                DescribeConfigsRequest::default().with_resources(vec![all, some]).into()
            }
            ApiKey::DescribeCluster => DescribeClusterRequest::default().into(),
            ApiKey::FindCoordinator => {
                let request = FindCoordinatorRequest::default();
                let many = request.clone().with_coordinator_keys(vec![text("key"); 2]);
                if since(4) { many.into() } else { request.with_key(text("key")).into() }
            }
            ApiKey::DescribeTopicPartitions => {
                let topic = TopicRequest::default().with_name(name());
                let cursor = Cursor::default().with_topic_name(name()).with_partition_index(3);
                DescribeTopicPartitionsRequest::default()
                    .with_topics(vec![topic; 2])
                    .with_cursor(Some(cursor))
                    .into()
            }
            other => panic!("{other:?} is served and not tested"),
        }
    }

    fn fetch(version: i16, id: Uuid) -> RequestKind {
        let topic = FetchTopic::default().with_partitions(vec![FetchPartition::default(); 2]);
        let forgotten = ForgottenTopic::default().with_partitions(vec![1, 2]);
        let (topic, forgotten) = if version >= 13 {
            (topic.with_topic_id(id), forgotten.with_topic_id(id))
        } else {
            (topic.with_topic(name()), forgotten.with_topic(name()))
        };
        let request = FetchRequest::default().with_topics(vec![topic; 2]);
        let forgetful = request.clone().with_forgotten_topics_data(vec![forgotten; 2]);
        if version >= 7 { forgetful.into() } else { request.into() }
    }

    fn encoded() -> Vec<(ApiKey, i16, BytesMut)> {
        let mut all = Vec::new();
        for (key, range) in versions::served() {
            for version in range.min..=range.max {
                let mut body = BytesMut::new();
                request(*key, version).encode(&mut body, version).unwrap();
                all.push((*key, version, body));
            }
        }
        all
    }

    #[test]
    fn every_request_in_every_version_has_its_shape() {
        for (key, version, body) in encoded() {
            let walked = shape(key).unwrap().walk(version, &body, 100);
            assert_eq!(walked, Ok(0), "{key:?} {version}");
            for len in 0..body.len() {
                let walked = shape(key).unwrap().walk(version, &body[..len], 100);
                assert!(walked.is_err(), "{key:?} {version} cut to {len}");
            }
        }
    }

    #[test]
    fn entries_are_counted_over_all_lists() {
        for (key, version, body) in encoded() {
            let takes = |items| shape(key).unwrap().walk(version, &body, items).is_ok();
            let needed = (0..100).find(|items| takes(*items)).unwrap();
            assert!(needed == 0 || !takes(needed - 1), "{key:?} {version}");
            let lists = !matches!(
                key,
                ApiKey::ApiVersions | ApiKey::InitProducerId | ApiKey::DescribeCluster
            );
            let lists = lists && (key != ApiKey::FindCoordinator || version >= 4);
            assert_eq!(needed > 0, lists, "{key:?} {version}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// What the walk lets in, the codec reads without a list that is longer than the bytes.
        #[test]
        fn changed_requests_are_refused_or_decoded(
            pick in any::<prop::sample::Index>(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        ) {
            let all = encoded();
            let (key, version, mut body) = all[pick.index(all.len())].clone();
            for (at, value) in changes {
                let len = body.len().max(1);
                if let Some(byte) = body.get_mut(at.index(len)) {
                    *byte = value;
                }
            }
            if shape(key).unwrap().walk(version, &body, 100).is_ok() {
                drop(RequestKind::decode(key, &mut body.freeze(), version));
            }
        }
    }
}
