//! People who all listen at once, over one log.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use chat_core::chat_transport::MemoryTransport;
use chat_core::{
    Client, Draft, Event, GroupEvent, GroupName, Item, ListenFrom, Listener, NewNetwork,
    Protection, SendOutcome, Seq,
};

use crate::people::{LONG, handle};

/// People who all listen at once, and have published their keys.
pub(crate) struct Crowd {
    pub(crate) folder: tempfile::TempDir,
    log: MemoryTransport,
    clients: Vec<Client>,
    listeners: Vec<Listener>,
}

impl Crowd {
    pub(crate) async fn new(names: &[&str]) -> Self {
        Self::over(4, names).await
    }

    pub(crate) async fn over(partitions: u32, names: &[&str]) -> Self {
        let (folder, log) = (tempfile::tempdir().unwrap(), MemoryTransport::new());
        let profile = |name: &&str| {
            let client = Client::create(&folder.path().join(name), &handle(name), None).unwrap();
            client.connect(Arc::new(log.clone()))
        };
        let clients: Vec<Client> = names.iter().map(profile).collect();
        let mut network =
            NewNetwork::new("test".parse().unwrap(), vec!["localhost:9092".to_owned()]);
        network.partitions = NonZeroU32::new(partitions);
        clients[0].create_network(&log, network).await.unwrap();
        for client in &clients[1..] {
            client.join(&clients[0].invite(None).unwrap()).unwrap();
        }
        let listen = |client: &Client| client.listen(ListenFrom::After(Seq::ZERO)).unwrap();
        let listeners = clients.iter().map(listen).collect();
        let mut crowd = Self { folder, log, clients, listeners };
        for at in 0..crowd.clients.len() {
            let (name, others) = (crowd.clients[at].handle().clone(), crowd.clients.clone());
            crowd
                .until(async || {
                    for other in others.iter().filter(|other| *other.handle() != name) {
                        let found = other.lookup(&name, LONG).await;
                        if !found.is_ok_and(|found| found.key_package_made_at_ms().is_some()) {
                            return false;
                        }
                    }
                    true
                })
                .await;
        }
        crowd
    }

    /// Lets everybody listen until something is so.
    pub(crate) async fn until(&mut self, mut is_so: impl AsyncFnMut() -> bool) {
        let waiting = async {
            while !is_so().await {
                for listener in &mut self.listeners {
                    let step = tokio::time::timeout(Duration::from_millis(20), listener.next());
                    if let Ok(event) = step.await {
                        assert!(!matches!(event.unwrap(), Event::Disconnected { .. }));
                    }
                }
            }
        };
        tokio::time::timeout(LONG * 3, waiting).await.expect("it never comes to be so");
    }

    pub(crate) fn client(&self, name: &str) -> Client {
        self.clients.iter().find(|client| client.handle().as_str() == name).unwrap().clone()
    }

    pub(crate) async fn say(&self, from: &str, group: &GroupName, text: &str) {
        let draft = Draft::text_to(group.clone(), text);
        let sent = self.client(from).send(draft, LONG).await.unwrap();
        assert!(matches!(sent.outcome, SendOutcome::Acked(_)), "{:?}", sent.outcome);
    }

    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        let all = self.client(name).history(&Default::default(), |_| true).unwrap();
        let text = |item: &chat_core::HistoryItem| match &item.what {
            Item::Message(message) if !message.outgoing => {
                assert_eq!(message.protection, Protection::Mls);
                Some(message.text.expose().to_owned())
            }
            _ => None,
        };
        all.iter().filter_map(text).collect()
    }

    pub(crate) fn events(&self, name: &str) -> Vec<GroupEvent> {
        let all = self.client(name).history(&Default::default(), |_| true).unwrap();
        let event = |item: &chat_core::HistoryItem| match &item.what {
            Item::GroupChanged(changed) => Some(changed.what.clone()),
            Item::Message(_) => None,
            other => panic!("{other:?}"),
        };
        all.iter().filter_map(event).collect()
    }

    pub(crate) async fn until_heard(&mut self, name: &str, texts: &[&str]) {
        let client = self.client(name);
        let heard = async || {
            let all = client.history(&Default::default(), |_| true).unwrap();
            let count = all
                .iter()
                .filter(|item| matches!(&item.what, Item::Message(message) if !message.outgoing));
            count.count() >= texts.len()
        };
        self.until(heard).await;
        assert_eq!(self.texts(name), texts);
    }

    /// Somebody listens no more.
    pub(crate) fn leaves(&mut self, name: &str) {
        let at = self.clients.iter().position(|one| one.handle().as_str() == name).unwrap();
        self.clients.remove(at);
        drop(self.listeners.remove(at));
    }

    /// One more who listens from now on.
    pub(crate) fn joins(&mut self, client: &Client) {
        self.listeners.push(client.listen(ListenFrom::After(Seq::ZERO)).unwrap());
        self.clients.push(client.clone());
    }

    /// A profile on the same log.
    pub(crate) fn connect(&self, client: &Client) -> Client {
        client.connect(Arc::new(self.log.clone()))
    }
}
