//! Records and topics that are taken from under people: what is gone is named, what was acknowledged and is
//! still known comes again, and nothing is shown twice.

use std::sync::Arc;

use chat_core::chat_transport::{
    KafkaConfig, KafkaTransport, Offset, Partition, Security, TopicName, Transport, TransportAdmin,
};

use crate::house::{BrokerHouse, House};
use crate::listener::Listening;

/// An administrator of the broker.
struct Admin {
    runtime: tokio::runtime::Runtime,
    transport: Arc<KafkaTransport>,
    topic: TopicName,
}

impl Admin {
    fn new(broker: &BrokerHouse, house: &House) -> Self {
        let address = broker.address().to_string();
        let config = KafkaConfig::new(&[address], Security::LoopbackOnly).unwrap();
        let topic = TopicName::new(&format!("{}.mail", house.namespace())).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let transport = runtime.block_on(async { Arc::new(KafkaTransport::new(config)) });
        Self { runtime, transport, topic }
    }

    /// The partition with records, and its end.
    fn log(&self) -> (Partition, u64) {
        let all: Vec<Partition> = (0..4).map(Partition).collect();
        let bounds = self.runtime.block_on(self.transport.bounds(&self.topic, &all)).unwrap();
        let written = bounds.iter().find(|bounds| bounds.end.0 > 0).unwrap();
        (written.partition, written.end.0)
    }

    fn delete_records(&self, partition: Partition, before: u64) {
        let deleted = self.transport.delete_records(&self.topic, partition, Offset(before));
        self.runtime.block_on(deleted).unwrap();
    }

    fn delete_topic(&self) {
        self.runtime.block_on(self.transport.delete_topic(&self.topic)).unwrap();
    }
}

#[test]
fn records_that_were_deleted_unread_are_named() {
    let broker = BrokerHouse::start();
    let house = House::on_shared_key(broker.address());
    house.send("alice", "bob", "read").exit(0);
    assert_eq!(house.receive("bob", 1).exit(0).texts(), ["read"]);
    for text in ["gone", "gone too", "stays"] {
        house.send("alice", "bob", text).exit(0);
    }
    let admin = Admin::new(&broker, &house);
    let (partition, end) = admin.log();
    admin.delete_records(partition, end - 1);
    let said = house.receive("bob", 1).exit(0);
    assert_eq!(said.texts(), ["stays"]);
    let of = |kind: &str| said.json().into_iter().filter(|line| line["type"] == kind).collect();
    let (gaps, missing): (Vec<_>, Vec<_>) = (of("gap"), of("missing"));
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!(gaps[0]["cause"], "retention");
    assert_eq!(
        (gaps[0]["from_offset"].as_u64(), gaps[0]["to_offset"].as_u64()),
        (Some(end - 3), Some(end - 1))
    );
    assert!(gaps[0]["after"].is_string(), "{gaps:?}");
    assert_eq!(missing.len(), 1, "{missing:?}");
    assert_eq!((&missing[0]["first"], &missing[0]["last"]), (&1.into(), &2.into()));
}

#[test]
fn a_topic_that_is_made_anew_under_a_running_listener() {
    let broker = BrokerHouse::start();
    let house = House::on_shared_key(broker.address());
    let mut listening = Listening::start(&house, "bob");
    house.send("alice", "bob", "before").exit(0);
    listening.until("before");
    let admin = Admin::new(&broker, &house);
    admin.delete_topic();
    house.run_as("alice", &["send", "--to", "bob", "-m", "meanwhile", "--timeout", "3s"]).exit(3);
    let address = broker.address().to_string();
    house.create_network("alice", &address, &["--partitions", "4"]).exit(0);
    house.send("alice", "bob", "after").exit(0);
    listening.until("after");
    assert_eq!(listening.texts, ["before", "meanwhile", "after"]);
    let gaps: Vec<_> = listening.others.iter().filter(|line| line["type"] == "gap").collect();
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!(gaps[0]["cause"], "topic_replaced");
    // What was acknowledged on the old topic is on the new one as well, with what came later behind it.
    assert_eq!(admin.log().1, 3);
}
