//! Topics, settings, versions, addresses.

use std::net::{Ipv4Addr, SocketAddr};

use chat_broker::{Broker, BrokerConfig, Limits};
use kafka_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_topic_partitions_request::{Cursor, TopicRequest};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, ApiVersionsResponse, BrokerId, CreateTopicsRequest,
    DeleteRecordsRequest, DeleteTopicsRequest, DescribeClusterRequest, DescribeConfigsRequest,
    DescribeTopicPartitionsRequest, FindCoordinatorRequest, HeartbeatRequest, ListGroupsRequest,
    MetadataRequest, OffsetCommitRequest, ResponseHeader,
};
use kafka_protocol::protocol::Decodable;

use crate::raw::{Client, batch, everything, start, text, topic};

const UNKNOWN_TOPIC: i16 = 3;
const COORDINATOR_NOT_AVAILABLE: i16 = 15;
const INVALID_TOPIC: i16 = 17;
const UNSUPPORTED_VERSION: i16 = 35;
const TOPIC_EXISTS: i16 = 36;
const INVALID_PARTITIONS: i16 = 37;
const INVALID_REPLICATION: i16 = 38;
const INVALID_ASSIGNMENT: i16 = 39;
const INVALID_CONFIG: i16 = 40;
const INVALID_REQUEST: i16 = 42;
const POLICY_VIOLATION: i16 = 44;
const UNKNOWN_TOPIC_ID: i16 = 100;

pub(crate) async fn delete(client: &mut Client, name: &str) {
    let request = DeleteTopicsRequest::default().with_topic_names(vec![topic(name)]);
    assert_eq!(client.call(5, &request).await.responses[0].error_code, 0);
}

#[tokio::test]
async fn versions_are_listed_and_the_unknown_is_answered_in_the_oldest_form() {
    let folder = tempfile::tempdir().unwrap();
    let broker = start(folder.path()).await;
    let mut client = Client::connect(broker.address()).await;
    let request = ApiVersionsRequest::default();
    for version in 0..=4 {
        let request = match version {
            3.. => request.clone().with_client_software_name(text("x")),
            _ => request.clone(),
        };
        let response = client.call(version, &request).await;
        let keys: Vec<_> = response.api_keys.iter().map(|key| key.api_key).collect();
        assert_eq!(keys, [0, 1, 2, 3, 10, 18, 19, 20, 21, 22, 23, 32, 60, 75], "version {version}");
    }
    // Version 9 of the request, which nobody knows yet.
    let frame = [0, 0, 0, 12, 0, 18, 0, 9, 0, 0, 0, 7, 0xff, 0xff, 0, 1];
    tokio::io::AsyncWriteExt::write_all(&mut client.stream, &frame).await.unwrap();
    let mut frame = client.frame().await.unwrap();
    assert_eq!(ResponseHeader::decode(&mut frame, 0).unwrap().correlation_id, 7);
    let response = ApiVersionsResponse::decode(&mut frame, 0).unwrap();
    assert_eq!(response.error_code, UNSUPPORTED_VERSION);
    assert!(response.api_keys.iter().any(|key| key.api_key == 18 && key.max_version == 4));
}

#[tokio::test]
async fn what_is_not_served_gets_the_protocols_error() {
    let folder = tempfile::tempdir().unwrap();
    let broker = start(folder.path()).await;
    let mut client = Client::connect(broker.address()).await;
    for version in 0..=4 {
        let response = client.call(version, &HeartbeatRequest::default()).await;
        assert_eq!(response.error_code, UNSUPPORTED_VERSION);
    }
    for version in 0..=3 {
        let response = client.call(version, &ListGroupsRequest::default()).await;
        assert_eq!(response.error_code, UNSUPPORTED_VERSION);
    }
    for version in 0..=6 {
        let request = FindCoordinatorRequest::default();
        let error = if version < 4 {
            client.call(version, &request.with_key(text("group"))).await.error_code
        } else {
            let request = request.with_coordinator_keys(vec![text("group")]);
            client.call(version, &request).await.coordinators[0].error_code
        };
        assert_eq!(error, COORDINATOR_NOT_AVAILABLE);
    }
    // This one's answer has no place for an error as a whole.
    client.send(8, &OffsetCommitRequest::default()).await;
    assert!(client.frame().await.is_none());
}

#[tokio::test]
async fn topics_are_made_as_asked_or_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits::default().topics(3).partitions(20);
    let broker = Broker::start(BrokerConfig::new(folder.path()).limits(limits)).await.unwrap();
    let mut client = Client::connect(broker.address()).await;
    let asked = |name: &str, partitions: i32, replication: i16| {
        let asked = CreatableTopic::default().with_name(topic(name));
        asked.with_num_partitions(partitions).with_replication_factor(replication)
    };
    let config = |name: &str, value: &str| {
        let config = CreatableTopicConfig::default().with_name(text(name));
        vec![config.with_value(Some(text(value)))]
    };
    let assigned = |brokers: &[i32]| {
        let brokers = brokers.iter().map(|id| BrokerId(*id)).collect();
        vec![CreatableReplicaAssignment::default().with_broker_ids(brokers)]
    };
    let cases = [
        (asked("mail", 16, 1), 0),
        (asked("mail", 16, 1), TOPIC_EXISTS),
        (asked("", 1, 1), INVALID_TOPIC),
        (asked("..", 1, 1), INVALID_TOPIC),
        (asked("a/b", 1, 1), INVALID_TOPIC),
        (asked("x", 0, 1), INVALID_PARTITIONS),
        (asked("x", -2, 1), INVALID_PARTITIONS),
        (asked("x", 1, 2), INVALID_REPLICATION),
        (asked("x", 1, 0), INVALID_REPLICATION),
        (asked("x", 1, 1).with_configs(config("no.such", "1")), INVALID_CONFIG),
        (asked("x", 1, 1).with_configs(config("retention.ms", "soon")), INVALID_CONFIG),
        (asked("x", -1, -1).with_assignments(assigned(&[2])), INVALID_ASSIGNMENT),
        (asked("x", 5, -1), POLICY_VIOLATION),
        (asked("x", i32::MAX, -1), POLICY_VIOLATION),
        (asked("assigned", -1, -1).with_assignments(assigned(&[1])), 0),
        (asked("default", -1, -1).with_configs(config("cleanup.policy", "compact,delete")), 0),
        (asked("fourth", 1, 1), POLICY_VIOLATION),
    ];
    for (asked, error) in cases {
        let request = CreateTopicsRequest::default().with_topics(vec![asked.clone()]);
        let made = &client.call(7, &request).await.topics[0];
        assert_eq!(made.error_code, error, "{asked:?}: {:?}", made.error_message);
        assert_eq!(made.error_message.is_some(), error != 0);
        assert_eq!(made.topic_id.is_nil(), error != 0);
    }
    let twice =
        CreateTopicsRequest::default().with_topics(vec![asked("y", 1, 1), asked("y", 1, 1)]);
    let response = client.call(7, &twice).await;
    assert_eq!((response.topics.len(), response.topics[0].error_code), (1, INVALID_REQUEST));
    let names: Vec<_> = client.call(12, &everything()).await.topics;
    let names: Vec<_> =
        names.iter().map(|t| (t.name.clone().unwrap(), t.partitions.len())).collect();
    assert_eq!(names, [(topic("assigned"), 1), (topic("default"), 1), (topic("mail"), 16)]);
}

#[tokio::test]
async fn every_version_makes_describes_and_deletes_topics() {
    let folder = tempfile::tempdir().unwrap();
    let broker = start(folder.path()).await;
    let mut client = Client::connect(broker.address()).await;
    for version in 2..=7 {
        let asked = CreatableTopic::default().with_name(topic("t")).with_num_partitions(2);
        let asked = asked.with_replication_factor(1);
        let check = CreateTopicsRequest::default().with_topics(vec![asked]);
        let only = check.clone().with_validate_only(true);
        assert_eq!(client.call(version, &only).await.topics[0].error_code, 0);
        assert_eq!(client.call(version, &check).await.topics[0].error_code, 0);
        let delete = DeleteTopicsRequest::default();
        let (delete_version, delete) = match version {
            7 => {
                let state = DeleteTopicState::default().with_name(Some(topic("t")));
                (6, delete.with_topics(vec![state]))
            }
            _ => (version - 1, delete.with_topic_names(vec![topic("t")])),
        };
        assert_eq!(client.call(delete_version, &delete).await.responses[0].error_code, 0);
        let again = client.call(delete_version, &delete).await;
        assert_eq!(again.responses[0].error_code, UNKNOWN_TOPIC);
    }
    client.create("kept", 2, &[]).await;
    let id = client.call(12, &everything()).await.topics[0].topic_id;
    for version in 0..=13 {
        let named = MetadataRequestTopic::default().with_name(Some(topic("kept")));
        let unknown = MetadataRequestTopic::default().with_name(Some(topic("none")));
        let request = MetadataRequest::default().with_topics(Some(vec![named, unknown]));
        let response = client.call(version, &request).await;
        assert_eq!((response.topics[0].error_code, response.topics[0].partitions.len()), (0, 2));
        assert_eq!(response.topics[1].error_code, UNKNOWN_TOPIC, "no topic makes itself");
        let all = if version == 0 { Some(Vec::new()) } else { None };
        let all = client.call(version, &MetadataRequest::default().with_topics(all)).await;
        assert_eq!(all.topics.len(), 1, "version {version}");
    }
    let by_id = |id| DeleteTopicState::default().with_name(None).with_topic_id(id);
    let request = DeleteTopicsRequest::default().with_topics(vec![by_id(id), by_id(id)]);
    let response = client.call(6, &request).await;
    let codes: Vec<_> = response.responses.iter().map(|topic| topic.error_code).collect();
    assert_eq!(codes, [0, UNKNOWN_TOPIC_ID]);
    let unknown = MetadataRequestTopic::default().with_name(None).with_topic_id(id);
    let request = MetadataRequest::default().with_topics(Some(vec![unknown]));
    for version in 10..=13 {
        let response = client.call(version, &request).await;
        assert_eq!(response.topics[0].error_code, UNKNOWN_TOPIC_ID);
    }
}

#[tokio::test]
async fn settings_are_told_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let broker = start(folder.path()).await;
    let mut client = Client::connect(broker.address()).await;
    client.create("mail", 1, &[("retention.ms", "1234"), ("max.message.bytes", "8388608")]).await;
    let resource = |kind: i8, name: &str| {
        let resource = DescribeConfigsResource::default().with_resource_type(kind);
        resource.with_resource_name(text(name)).with_configuration_keys(None)
    };
    let some = resource(2, "mail").with_configuration_keys(Some(vec![text("retention.ms")]));
    for version in 1..=4 {
        let request = DescribeConfigsRequest::default().with_resources(vec![
            resource(2, "mail"),
            resource(2, "mail"),
            resource(2, "none"),
            resource(4, "1"),
            resource(4, "9"),
            resource(99, "x"),
        ]);
        let response = client.call(version, &request.with_include_synonyms(true)).await;
        let codes: Vec<_> = response.results.iter().map(|result| result.error_code).collect();
        assert_eq!(codes, [0, UNKNOWN_TOPIC, 0, INVALID_REQUEST, INVALID_REQUEST]);
        let told = |name: &str| {
            let entry = response.results[0].configs.iter().find(|entry| entry.name == *name);
            let entry = entry.unwrap();
            (entry.value.clone().unwrap().to_string(), entry.config_source)
        };
        assert_eq!(told("retention.ms"), ("1234".into(), 1));
        assert_eq!(told("max.message.bytes"), ("8388608".into(), 1));
        assert_eq!(told("cleanup.policy"), ("delete".into(), 5));
        let auto =
            response.results[2].configs.iter().find(|c| c.name == *"auto.create.topics.enable");
        assert_eq!(auto.unwrap().value, Some(text("false")));
        let request = DescribeConfigsRequest::default().with_resources(vec![some.clone()]);
        assert_eq!(client.call(version, &request).await.results[0].configs.len(), 1);
    }
}

#[tokio::test]
async fn deleted_records_stay_deleted_and_their_files_go() {
    let folder = tempfile::tempdir().unwrap();
    let broker = start(folder.path()).await;
    let mut client = Client::connect(broker.address()).await;
    client.create("mail", 1, &[("segment.bytes", "1024")]).await;
    client.create("compacted", 1, &[("cleanup.policy", "compact")]).await;
    for number in 0..40 {
        client.produce("mail", batch(&[&format!("{number}")])).await;
    }
    let request = |name: &str, offset| {
        let partition = DeleteRecordsPartition::default().with_offset(offset);
        let asked = DeleteRecordsTopic::default().with_name(topic(name));
        let asked = asked.with_partitions(vec![partition]);
        DeleteRecordsRequest::default().with_topics(vec![asked])
    };
    let cases = [
        ("mail", 25, 0, 25),
        ("mail", 10, 0, 25),
        ("mail", 41, 1, -1),
        ("mail", -2, 1, -1),
        ("none", 1, UNKNOWN_TOPIC, -1),
        ("compacted", 0, POLICY_VIOLATION, -1),
    ];
    for (version, (name, offset, error, low)) in [0, 1, 2, 0, 1, 2].into_iter().zip(cases) {
        let response = client.call(version, &request(name, offset)).await;
        let partition = &response.topics[0].partitions[0];
        assert_eq!(
            (partition.error_code, partition.low_watermark),
            (error, low),
            "{name} {offset}"
        );
    }
    assert_eq!(client.fetch("mail", 24).await.error_code, 1);
    assert_eq!(client.offset("mail", -2).await.offset, 25);
    assert_eq!(client.offset("mail", 0).await.offset, 25, "by time, too");
    broker.shutdown().await;
    let broker = start(folder.path()).await;
    let mut client = Client::connect(broker.address()).await;
    assert_eq!(client.offset("mail", -2).await.offset, 25);
    assert_eq!(client.fetch("mail", 24).await.error_code, 1);
    let first = &client.values("mail", 25).await[0];
    assert_eq!(first, "25");
    // -1 stands for the end: everything goes, and offsets go on.
    let response = client.call(2, &request("mail", -1)).await;
    assert_eq!(response.topics[0].partitions[0].low_watermark, 40);
    assert_eq!(client.produce("mail", batch(&["40"])).await.base_offset, 40);
    broker.shutdown().await;
    let broker = start(folder.path()).await;
    let mut client = Client::connect(broker.address()).await;
    assert_eq!(client.values("mail", 40).await, ["40"]);
}

#[tokio::test]
async fn each_client_is_told_the_address_that_it_came_to() {
    let folder = tempfile::tempdir().unwrap();
    let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let broker = Broker::start(BrokerConfig::new(folder.path()).listen(everywhere)).await.unwrap();
    let port = broker.address().port();
    let mut hosts = vec!["127.0.0.1"];
    // All of 127/8 is this machine on Linux only.
    if cfg!(target_os = "linux") {
        hosts.push("127.0.0.2");
    }
    for host in hosts {
        let mut client = Client::connect(format!("{host}:{port}").parse().unwrap()).await;
        let told = client.call(12, &everything()).await.brokers[0].clone();
        assert_eq!((told.host.as_str(), told.port), (host, i32::from(port)));
        for version in 0..=2 {
            let cluster = client.call(version, &DescribeClusterRequest::default()).await;
            assert_eq!((cluster.error_code, cluster.brokers[0].host.as_str()), (0, host));
        }
    }
    assert_eq!(ApiKey::DescribeCluster as i16, 60);
}

#[tokio::test]
async fn it_listens_on_loopback_unless_told_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let broker = start(folder.path()).await;
    assert!(broker.address().ip().is_loopback() && broker.address().port() != 0);
}

#[tokio::test]
async fn partitions_are_described_page_by_page() {
    let folder = tempfile::tempdir().unwrap();
    let broker = start(folder.path()).await;
    let mut client = Client::connect(broker.address()).await;
    client.create("a", 3, &[]).await;
    client.create("b", 2, &[]).await;
    let names = ["b", "nowhere", "a"].map(|name| TopicRequest::default().with_name(topic(name)));
    let mut request = DescribeTopicPartitionsRequest::default()
        .with_topics(names.to_vec())
        .with_response_partition_limit(2);
    let mut seen = Vec::new();
    loop {
        let page = client.call(0, &request).await;
        for described in &page.topics {
            let name = described.name.as_ref().unwrap().0.to_string();
            let numbers: Vec<i32> =
                described.partitions.iter().map(|p| p.partition_index).collect();
            assert!(
                described.partitions.iter().all(|p| p.leader_epoch >= 0 && p.isr_nodes.len() == 1)
            );
            seen.push((name, described.error_code, numbers));
        }
        let Some(next) = page.next_cursor else { break };
        let cursor = Cursor::default().with_topic_name(next.topic_name);
        request = request.with_cursor(Some(cursor.with_partition_index(next.partition_index)));
    }
    let expected = [
        ("a", 0, vec![0, 1]),
        ("a", 0, vec![2]),
        ("b", 0, vec![0]),
        ("b", 0, vec![1]),
        ("nowhere", 3, vec![]),
    ];
    assert_eq!(seen, expected.map(|(name, error, numbers)| (name.to_owned(), error, numbers)));
}
