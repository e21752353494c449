//! Two people on one network.

use std::num::NonZeroU32;
use std::time::Duration;

use chat_core::chat_transport::{
    MemoryTransport, Partition, Record, StoredRecord, TopicName, Transport,
};
use chat_core::{
    Client, Draft, Event, Handle, HistoryItem, HistoryQuery, Item, ListenFrom, Listener,
    NewNetwork, SendOutcome, Seq,
};
use std::sync::Arc;

/// A guard against hanging: far longer than anything here takes.
pub(crate) const LONG: Duration = Duration::from_secs(20);

pub(crate) struct People {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) log: MemoryTransport,
    pub(crate) alice: Client,
    pub(crate) bob: Client,
}

impl People {
    /// Two people, one partition, so that every record is where a test can find it.
    pub(crate) async fn new() -> Self {
        Self::with_partitions(NonZeroU32::MIN).await
    }

    pub(crate) async fn with_partitions(partitions: NonZeroU32) -> Self {
        let (folder, log) = (tempfile::tempdir().unwrap(), MemoryTransport::new());
        let profile = |name: &str| {
            let client = Client::create(&folder.path().join(name), &handle(name), None).unwrap();
            client.connect(Arc::new(log.clone()))
        };
        let (alice, bob) = (profile("alice"), profile("bob"));
        let mut network =
            NewNetwork::new("test".parse().unwrap(), vec!["localhost:9092".to_owned()]);
        network.partitions = Some(partitions);
        alice.create_network(&log, network).await.unwrap();
        bob.join(&alice.invite(None).unwrap()).unwrap();
        Self { folder, log, alice, bob }
    }

    pub(crate) fn topic(&self) -> TopicName {
        self.alice.network().unwrap().unwrap().mail_topic()
    }

    pub(crate) fn records(&self) -> Vec<StoredRecord> {
        self.log.dump(&self.topic(), Partition(0)).unwrap()
    }

    /// Writes a record as anybody on the cluster can.
    pub(crate) async fn append(&self, key: Option<&[u8]>, value: &[u8]) {
        let record =
            Record { key: key.map(|key| key.to_vec().into()), value: value.to_vec().into() };
        self.log.append(&self.topic(), Partition(0), vec![record]).await.unwrap();
    }

    pub(crate) async fn send(&self, text: &str) {
        let sent = self.alice.send(Draft::text(handle("bob"), text), LONG).await.unwrap();
        assert!(matches!(sent.outcome, SendOutcome::Acked(_)), "{:?}", sent.outcome);
    }

    /// Listens as bob until everything is read; what is above `after` comes back.
    pub(crate) async fn read_as_bob(&self, after: Seq) -> Vec<HistoryItem> {
        let mut listener = self.bob.listen(ListenFrom::After(after)).unwrap();
        until_caught_up(&mut listener).await.0
    }

    pub(crate) fn history(&self, client: &Client) -> Vec<Item> {
        client
            .history(&HistoryQuery::default(), |_| true)
            .unwrap()
            .into_iter()
            .map(|item| item.what)
            .collect()
    }
}

pub(crate) fn handle(name: &str) -> Handle {
    name.parse().unwrap()
}

/// Rows, and how many records were refused, until everything on the log is read.
pub(crate) async fn until_caught_up(listener: &mut Listener) -> (Vec<HistoryItem>, u64) {
    let (mut items, mut refused) = (Vec::new(), 0);
    loop {
        match tokio::time::timeout(LONG, listener.next()).await.expect("nothing happens").unwrap() {
            Event::Item(item) => items.push(item),
            Event::Skipped(skipped) => {
                refused += skipped.unreadable
                    + skipped.malformed
                    + skipped.wrong_context
                    + skipped.dropped;
            }
            Event::CaughtUp => return (items, refused),
            _ => {}
        }
    }
}

/// The texts among rows.
pub(crate) fn texts(items: &[HistoryItem]) -> Vec<String> {
    let text = |item: &HistoryItem| match &item.what {
        Item::Message(message) => Some(message.text.expose().to_owned()),
        _ => None,
    };
    items.iter().filter_map(text).collect()
}
