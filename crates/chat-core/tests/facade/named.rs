//! Groups of several people, over one log.

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
struct Crowd {
    _folder: tempfile::TempDir,
    clients: Vec<Client>,
    listeners: Vec<Listener>,
}

impl Crowd {
    async fn new(names: &[&str]) -> Self {
        let (folder, log) = (tempfile::tempdir().unwrap(), MemoryTransport::new());
        let profile = |name: &&str| {
            let client = Client::create(&folder.path().join(name), &handle(name), None).unwrap();
            client.connect(Arc::new(log.clone()))
        };
        let clients: Vec<Client> = names.iter().map(profile).collect();
        let mut network =
            NewNetwork::new("test".parse().unwrap(), vec!["localhost:9092".to_owned()]);
        network.partitions = NonZeroU32::new(4);
        clients[0].create_network(&log, network).await.unwrap();
        for client in &clients[1..] {
            client.join(&clients[0].invite(None).unwrap()).unwrap();
        }
        let listen = |client: &Client| client.listen(ListenFrom::After(Seq::ZERO)).unwrap();
        let listeners = clients.iter().map(listen).collect();
        let mut crowd = Self { _folder: folder, clients, listeners };
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
    async fn until(&mut self, mut is_so: impl AsyncFnMut() -> bool) {
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

    fn client(&self, name: &str) -> Client {
        self.clients.iter().find(|client| client.handle().as_str() == name).unwrap().clone()
    }

    async fn say(&self, from: &str, group: &GroupName, text: &str) {
        let draft = Draft::text_to(group.clone(), text);
        let sent = self.client(from).send(draft, LONG).await.unwrap();
        assert!(matches!(sent.outcome, SendOutcome::Acked(_)), "{:?}", sent.outcome);
    }

    fn texts(&self, name: &str) -> Vec<String> {
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

    fn events(&self, name: &str) -> Vec<GroupEvent> {
        let all = self.client(name).history(&Default::default(), |_| true).unwrap();
        let event = |item: &chat_core::HistoryItem| match &item.what {
            Item::GroupChanged(changed) => Some(changed.what.clone()),
            Item::Message(_) => None,
            other => panic!("{other:?}"),
        };
        all.iter().filter_map(event).collect()
    }

    async fn until_heard(&mut self, name: &str, texts: &[&str]) {
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
}

#[tokio::test]
async fn a_group_of_three_talks_and_whoever_is_removed_reads_nothing_after() {
    let mut crowd = Crowd::new(&["alice", "bob", "carol"]).await;
    let alice = crowd.client("alice");
    let ops = alice.create_group("ops", &[handle("bob"), handle("carol")]).unwrap().group;
    crowd.say("alice", &ops, "welcome").await;
    crowd.until_heard("bob", &["welcome"]).await;
    // Alice is known to both by her invite, so nobody has to say yes.
    crowd.until_heard("carol", &["welcome"]).await;
    crowd.say("bob", &ops, "hello").await;
    crowd.until_heard("alice", &["hello"]).await;
    crowd.until_heard("carol", &["welcome", "hello"]).await;

    let carol = crowd.client("carol");
    let is_out = async || carol.groups().unwrap().is_empty();
    // A renewal may be on its way just now; then the change waits for it.
    let removed = async || alice.remove_from(&ops, &[handle("carol")]).is_ok();
    crowd.until(removed).await;
    crowd.until(is_out).await;
    crowd.say("alice", &ops, "she is gone").await;
    crowd.until_heard("bob", &["welcome", "she is gone"]).await;
    crowd.say("bob", &ops, "so she is").await;
    crowd.until_heard("alice", &["hello", "so she is"]).await;
    assert_eq!(crowd.texts("carol"), ["welcome", "hello"]);
    let gone = GroupEvent::Removed(vec![handle("carol")]);
    for name in ["alice", "bob", "carol"] {
        assert_eq!(crowd.events(name).last(), Some(&gone), "{name}");
    }
    let refused = carol.send(Draft::text_to(ops, "let me in"), LONG).await;
    assert!(refused.is_err());
}

#[tokio::test]
async fn members_come_go_and_are_told_of_what_happens() {
    let mut crowd = Crowd::new(&["alice", "bob", "carol"]).await;
    let (alice, bob) = (crowd.client("alice"), crowd.client("bob"));
    let ops = alice.create_group("ops", &[handle("bob")]).unwrap().group;
    let joined = async || bob.groups().unwrap().len() == 1;
    crowd.until(joined).await;
    crowd.until(async || alice.rename_group(&ops, "night shift").is_ok()).await;
    let renamed = async || {
        bob.groups().unwrap().iter().any(|group| group.name.name().expose() == "night shift")
    };
    crowd.until(renamed).await;
    crowd.until(async || alice.invite_to(&ops, &[handle("carol")]).is_ok()).await;
    let carol = crowd.client("carol");
    crowd.until(async || carol.groups().unwrap().len() == 1).await;
    crowd.say("carol", &ops, "here I am").await;
    crowd.until_heard("alice", &["here I am"]).await;
    crowd.until_heard("bob", &["here I am"]).await;
    crowd.until(async || bob.leave_group(&ops).is_ok()).await;
    crowd.until(async || bob.groups().unwrap().is_empty()).await;
    crowd.say("alice", &ops, "two of us").await;
    crowd.until_heard("carol", &["two of us"]).await;
    assert_eq!(crowd.texts("bob"), ["here I am"]);
    let left = GroupEvent::Left(vec![handle("bob")]);
    let alice_saw = crowd.events("alice");
    assert!(alice_saw.contains(&left), "{alice_saw:?}");
    assert!(alice_saw.contains(&GroupEvent::Added(vec![handle("carol")])), "{alice_saw:?}");
}
