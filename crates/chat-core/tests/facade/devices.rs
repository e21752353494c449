//! Several devices of one person.

use std::time::Duration;

use chat_core::{
    Client, DeviceCodeError, Draft, EngineKind, Error, ErrorKind, HistoryItem, Item, LinkOutcome,
    Message, OfferState, ProfileError, SendOutcome, SenderTrust,
};

use crate::crowd::Crowd;
use crate::people::{LONG, handle};

const HOUR: Duration = Duration::from_secs(60 * 60);

impl Crowd {
    /// Links a new device of the first who has this name, and lets it listen with all others.
    pub(crate) async fn link(&mut self, name: &str, label: &str) -> Client {
        let code = self.client(name).offer_device(HOUR).unwrap();
        let code = code.to_line().parse().unwrap();
        let folder = self.folder.path().join(label);
        let device = Client::create_device(EngineKind::default(), &folder, (&code, label), None);
        let device = self.connect(&device.unwrap());
        let linking = device.clone();
        let mut linked = tokio::spawn(async move { linking.link(LONG).await.unwrap() });
        let first = self.client(name);
        self.until(async || linked.is_finished()).await;
        assert_eq!((&mut linked).await.unwrap(), LinkOutcome::Linked);
        self.joins(&device);
        self.until(async || {
            first.devices().unwrap().iter().all(|one| one.can_join)
                && first.groups_behind().unwrap() == 0
        })
        .await;
        device
    }

    async fn says(&self, from: &Client, to: &str, text: &str) {
        let sent = from.send(Draft::text(handle(to), text), LONG).await.unwrap();
        assert!(matches!(sent.outcome, SendOutcome::Acked(_)), "{:?}", sent.outcome);
    }

    /// Lets everybody listen until each of these has a message.
    async fn until_all_have(&mut self, who: &[&Client], text: &str) {
        self.until(async || who.iter().all(|one| message(one, text).is_some())).await;
    }
}

/// A message of a history, which must have it once.
fn message(client: &Client, text: &str) -> Option<Message> {
    let all = client.history(&Default::default(), |_| true).unwrap().into_iter();
    let found: Vec<Message> = all
        .filter_map(|item| match item.what {
            Item::Message(message) if message.text.expose() == text => Some(message),
            _ => None,
        })
        .collect();
    assert!(found.len() < 2, "{text} is there {} times", found.len());
    found.into_iter().next()
}

/// How often devices have come and gone, by a history.
fn device_changes(client: &Client, whose: &str) -> (usize, usize) {
    let all = client.history(&Default::default(), |_| true).unwrap().into_iter();
    let changes = all.filter_map(|item| match item.what {
        Item::DevicesChanged(changed) if changed.handle.as_str() == whose => {
            Some((changed.added.len(), changed.removed.len()))
        }
        _ => None,
    });
    changes.fold((0, 0), |(added, removed), (more, fewer)| (added + more, removed + fewer))
}

#[tokio::test]
async fn a_second_device_reads_and_writes_where_the_first_does() {
    let mut crowd = Crowd::new(&["alice", "bob", "carol"]).await;
    let (laptop, bob, carol) = (crowd.client("alice"), crowd.client("bob"), crowd.client("carol"));
    let ops = laptop.create_group("ops", &[handle("bob")]).unwrap().group;
    crowd.says(&laptop, "bob", "before").await;
    crowd.says(&bob, "alice", "heard").await;
    crowd.until_all_have(&[&laptop], "heard").await;
    let phone = crowd.link("alice", "phone").await;
    crowd.until(async || phone.groups().unwrap().len() == 1).await;
    assert_eq!(phone.identity().unwrap(), laptop.identity().unwrap());
    assert_eq!(message(&phone, "heard"), None, "what was said before stays where it is");

    crowd.says(&bob, "alice", "to both").await;
    crowd.until_all_have(&[&laptop, &phone], "to both").await;
    crowd.says(&phone, "bob", "from the phone").await;
    crowd.until_all_have(&[&bob, &laptop], "from the phone").await;
    let at_bob = message(&bob, "from the phone").unwrap();
    assert_eq!((at_bob.from.as_str(), at_bob.outgoing), ("alice", false));
    let on_laptop = message(&laptop, "from the phone").unwrap();
    assert_eq!(on_laptop.with, handle("bob").into());
    assert_eq!((on_laptop.outgoing, on_laptop.sender), (true, SenderTrust::OwnDevice));
    crowd.says(&laptop, "bob", "from the laptop").await;
    crowd.until_all_have(&[&bob, &phone], "from the laptop").await;

    let draft = Draft::text_to(ops.clone(), "to all of us");
    phone.send(draft, LONG).await.unwrap();
    crowd.until_all_have(&[&bob, &laptop], "to all of us").await;
    assert!(message(&laptop, "to all of us").unwrap().outgoing);

    // A conversation that begins on one device is there on the other, whoever begins it.
    crowd.says(&phone, "carol", "hello carol").await;
    crowd.until_all_have(&[&carol, &laptop], "hello carol").await;
    crowd.says(&carol, "alice", "hello alice").await;
    crowd.until_all_have(&[&phone, &laptop], "hello alice").await;
    crowd.says(&laptop, "carol", "both of us").await;
    crowd.until_all_have(&[&carol, &phone], "both of us").await;
    assert_eq!(message(&phone, "both of us").unwrap().with, handle("carol").into());

    assert_eq!(device_changes(&laptop, "alice"), (1, 0));
    // Alice's messages say how long her list of changes is: whoever reads one looks.
    crowd.until(async || device_changes(&bob, "alice") == (1, 0)).await;
    for one in [&laptop, &phone, &bob, &carol] {
        let all = one.history(&Default::default(), |_| true).unwrap();
        let is_odd = |item: &&HistoryItem| {
            matches!(item.what, Item::Missing(_) | Item::Conflict(_) | Item::Gap(_))
        };
        assert_eq!(all.iter().find(is_odd), None, "nothing is missed");
    }
    let labels: Vec<_> = laptop.devices().unwrap().into_iter().map(|one| one.label).collect();
    assert_eq!(labels[1].as_ref().map(|label| label.expose()), Some("phone"));
    let kind = |error: Error| error.kind();
    assert_eq!(phone.identity_words().map_err(kind), Err(ErrorKind::LinkedDevice));
    assert_eq!(phone.offer_device(HOUR).map(drop).map_err(kind), Err(ErrorKind::LinkedDevice));
}

#[tokio::test]
async fn a_device_that_is_removed_reads_nothing_after() {
    let mut crowd = Crowd::new(&["alice", "bob", "carol"]).await;
    let (laptop, bob, carol) = (crowd.client("alice"), crowd.client("bob"), crowd.client("carol"));
    let ops = laptop.create_group("ops", &[handle("bob")]).unwrap().group;
    crowd.says(&bob, "alice", "before").await;
    let phone = crowd.link("alice", "phone").await;
    let tablet = crowd.link("alice", "tablet").await;
    crowd.says(&bob, "alice", "to three").await;
    crowd.until_all_have(&[&laptop, &phone, &tablet], "to three").await;

    let id = laptop.devices().unwrap()[1].id.clone();
    let kind = |error: Error| error.kind();
    assert_eq!(tablet.remove_device(&id).map(drop).map_err(kind), Err(ErrorKind::LinkedDevice));
    assert_eq!(laptop.remove_device("zz").map(drop).map_err(kind), Err(ErrorKind::NotFound));
    let own = laptop.devices().unwrap()[0].id.clone();
    assert_eq!(laptop.remove_device(&own).map(drop).map_err(kind), Err(ErrorKind::InvalidInput));
    assert_eq!(laptop.remove_device(&id).unwrap().id, id);
    assert!(laptop.spread_devices(LONG).await.unwrap());
    crowd.until(async || laptop.groups_behind().unwrap() == 0).await;
    crowd.until(async || phone.groups().unwrap().is_empty()).await;

    crowd.says(&bob, "alice", "to two").await;
    bob.send(Draft::text_to(ops, "to two of us"), LONG).await.unwrap();
    crowd.until_all_have(&[&laptop, &tablet], "to two").await;
    crowd.until_all_have(&[&laptop, &tablet], "to two of us").await;
    // The inbox has another key, and the devices that stay have it.
    crowd.says(&carol, "alice", "a new conversation").await;
    crowd.until_all_have(&[&laptop, &tablet], "a new conversation").await;
    for text in ["to two", "to two of us", "a new conversation"] {
        assert_eq!(message(&phone, text), None);
    }
    assert_eq!(device_changes(&laptop, "alice"), (2, 1));
    phone.refresh(&handle("alice"), LONG).await.unwrap();
    crowd
        .until(async || {
            let sent = phone.send(Draft::text(handle("bob"), "let me in"), LONG).await;
            matches!(sent, Err(error) if error.kind() == ErrorKind::DeviceRemoved)
        })
        .await;
}

#[tokio::test]
async fn a_code_is_good_once_and_in_time() {
    let mut crowd = Crowd::new(&["alice", "bob"]).await;
    let laptop = crowd.client("alice");
    let short = laptop.offer_device(Duration::ZERO).unwrap();
    let make = |code, name: &str| {
        let folder = crowd.folder.path().join(name);
        Client::create_device(EngineKind::default(), &folder, (code, name), None)
    };
    let late = make(&short, "late").unwrap_err();
    assert!(matches!(late, Error::DeviceCode(DeviceCodeError::Expired)), "{late:?}");
    let code = laptop.offer_device(HOUR).unwrap();
    for label in ["", "a\nb", &"x".repeat(65)] {
        let folder = crowd.folder.path().join("bad");
        let made = Client::create_device(EngineKind::default(), &folder, (&code, label), None);
        assert_eq!(made.unwrap_err().kind(), ErrorKind::InvalidInput, "{label:?}");
    }
    let [first, second] =
        ["first", "second"].map(|name| crowd.connect(&make(&code, name).unwrap()));
    for waiting in [&first, &second] {
        let refused = waiting.send(Draft::text(handle("bob"), "too early"), LONG).await;
        assert!(matches!(refused, Err(error) if error.kind() == ErrorKind::Linking));
        let refused = waiting.listen(chat_core::ListenFrom::After(chat_core::Seq::ZERO));
        assert!(matches!(refused, Err(Error::Profile(ProfileError::Linking))));
    }
    let linking = first.clone();
    let linked = tokio::spawn(async move { linking.link(LONG).await.unwrap() });
    crowd.until(async || linked.is_finished()).await;
    assert_eq!(linked.await.unwrap(), LinkOutcome::Linked);
    assert_eq!(laptop.offer_state(&code).unwrap(), OfferState::Taken);
    assert_eq!(laptop.offer_state(&short).unwrap(), OfferState::Gone);
    let back = laptop.offer_device(HOUR).unwrap();
    assert_eq!(laptop.offer_state(&back).unwrap(), OfferState::Open);
    laptop.withdraw_offer(&back).unwrap();
    assert_eq!(laptop.offer_state(&back).unwrap(), OfferState::Gone);
    let linking = second.clone();
    let linked = tokio::spawn(async move { linking.link(Duration::from_secs(3)).await.unwrap() });
    crowd.until(async || linked.is_finished()).await;
    assert_eq!(linked.await.unwrap(), LinkOutcome::Waiting);
    assert!(second.is_linking().unwrap());
    assert_eq!(laptop.devices().unwrap().len(), 2);
}
