//! A new key for the network.

use chat_core::{
    Client, CodecId, CoverSource, Draft, Hiding, HistoryItem, Item, Joined, KeyOffer, KeyRotation,
    Message, MessageState, NetworkKeyChanged, Protection, SendOutcome, WhyLeftOut,
};

use crate::crowd::Crowd;
use crate::people::{LONG, handle};

fn items(client: &Client) -> Vec<Item> {
    let all = client.history(&Default::default(), |_| true).unwrap();
    all.into_iter().map(|HistoryItem { what, .. }| what).collect()
}

/// What somebody was told of network keys.
fn keys(client: &Client) -> Vec<NetworkKeyChanged> {
    let key = |item| match item {
        Item::NetworkKeyChanged(changed) => Some(changed),
        _ => None,
    };
    items(client).into_iter().filter_map(key).collect()
}

fn messages(client: &Client) -> Vec<Message> {
    let message = |item| match item {
        Item::Message(message) => Some(message),
        _ => None,
    };
    items(client).into_iter().filter_map(message).collect()
}

fn has(client: &Client, text: &str) -> bool {
    let count = messages(client).iter().filter(|one| one.text.expose() == text).count();
    assert!(count < 2, "{text} is there {count} times");
    count == 1
}

fn key_id(client: &Client) -> String {
    client.network().unwrap().unwrap().key_id().to_string()
}

/// Nothing was lost on the way.
fn nothing_is_missed(clients: &[&Client]) {
    for client in clients {
        let is_odd = |item: &Item| {
            matches!(item, Item::Missing(_) | Item::Conflict(_) | Item::Gap(_) | Item::Unsent(_))
        };
        let odd: Vec<Item> = items(client).into_iter().filter(is_odd).collect();
        assert_eq!(odd, [], "{}", client.handle());
    }
}

async fn says(from: &Client, to: &str, text: &str) {
    let sent = from.send(Draft::text(handle(to), text), LONG).await.unwrap();
    // Whoever listens delivers too.
    let is_sent = matches!(sent.outcome, SendOutcome::Acked(_) | SendOutcome::ByOther);
    assert!(is_sent, "{:?}", sent.outcome);
}

impl Crowd {
    /// A profile that joins with somebody's invite.
    fn newcomer(&self, name: &str, inviter: &Client) -> Client {
        let client = Client::create(&self.folder.path().join(name), &handle(name), None).unwrap();
        let client = self.connect(&client);
        client.join(&inviter.invite(None).unwrap()).unwrap();
        client
    }
}

/// Alice, who has invited bob and carol, has heard from both.
async fn three(partitions: u32) -> (Crowd, [Client; 3]) {
    let mut crowd = Crowd::over(partitions, &["alice", "bob", "carol"]).await;
    let three = ["alice", "bob", "carol"].map(|name| crowd.client(name));
    let [alice, bob, carol] = &three;
    says(bob, "alice", "bob is here").await;
    says(carol, "alice", "carol is here").await;
    crowd.until(async || has(alice, "bob is here") && has(alice, "carol is here")).await;
    (crowd, three)
}

/// Alice makes a key and gives it to bob, who takes it.
async fn rotated(crowd: &mut Crowd, [alice, bob, _]: &[Client; 3]) -> KeyRotation {
    let rotation = alice.rotate_network_key(&[handle("bob")], LONG).await.unwrap();
    alice.spread_network_key(LONG).await.unwrap();
    let new = rotation.key_id.to_string();
    crowd.until(async || key_id(bob) == new).await;
    rotation
}

#[tokio::test]
async fn a_new_key_reaches_whom_it_is_given_to_and_nobody_else() {
    for partitions in [1, 4] {
        let (mut crowd, three) = three(partitions).await;
        let [alice, bob, carol] = &three;
        let old = key_id(alice);
        let rotation = rotated(&mut crowd, &three).await;
        assert_eq!(rotation.number, 2);
        assert_eq!(rotation.sent_to, [handle("bob")]);
        let [left] = &rotation.left_out[..] else { panic!("{rotation:?}") };
        assert_eq!((left.handle.as_str(), left.why), ("carol", WhyLeftOut::NotVerified));
        assert_eq!((key_id(alice), key_id(carol)), (rotation.key_id.to_string(), old));
        for client in [alice, bob] {
            let [told] = &keys(client)[..] else { panic!("{:?}", keys(client)) };
            assert_eq!((told.by.as_str(), told.number), ("alice", 2));
            assert_eq!((&told.key, told.offer), (&rotation.key_id.to_string(), KeyOffer::Taken));
        }
        assert_eq!(keys(carol), []);

        // Conversations go on, under either key.
        says(alice, "bob", "after").await;
        says(bob, "alice", "heard").await;
        says(carol, "alice", "carol still writes").await;
        let heard = async || has(bob, "after") && has(alice, "heard");
        crowd.until(heard).await;
        crowd.until(async || has(alice, "carol still writes")).await;

        // Who joins now is found by those who hold the new key, and by nobody else.
        let dave =
            Client::create(&crowd.folder.path().join("dave"), &handle("dave"), None).unwrap();
        let dave = crowd.connect(&dave);
        dave.join(&alice.invite(None).unwrap()).unwrap();
        crowd.joins(&dave);
        says(&dave, "bob", "dave is new").await;
        crowd.until(async || has(bob, "dave is new")).await;
        says(bob, "dave", "welcome").await;
        crowd.until(async || has(&dave, "welcome")).await;
        // Carol lacks it: what MLS protects reaches her still, what the network key alone protects does not.
        says(&dave, "carol", "in MLS").await;
        crowd.until(async || has(carol, "in MLS")).await;
        says(carol, "dave", "carol hears").await;
        crowd.until(async || has(&dave, "carol hears")).await;
        let erin = crowd.newcomer("erin", alice);
        erin.use_shared_key(&handle("carol"), true).unwrap();
        crowd.joins(&erin);
        says(&erin, "carol", "under the key alone").await;
        says(&dave, "carol", "after it").await;
        crowd.until(async || has(carol, "after it")).await;
        assert!(!has(carol, "under the key alone"), "she lacks the key");
        // Nor does a new member of a group put her out of it.
        let group = alice.create_group("ops", &[handle("bob"), handle("carol")]).unwrap().group;
        let all = [alice, bob, carol];
        crowd.until(async || all.iter().all(|one| one.groups().unwrap().len() == 1)).await;
        let found = async || {
            let found = alice.lookup(dave.handle(), LONG).await;
            found.is_ok_and(|found| found.key_package_made_at_ms().is_some())
        };
        crowd.until(found).await;
        alice.invite_to(&group, &[handle("dave")]).unwrap();
        crowd.until(async || dave.groups().unwrap().len() == 1).await;
        let draft = Draft::text_to(group.clone(), "to all of us");
        carol.send(draft, LONG).await.unwrap();
        crowd.until(async || [alice, bob, &dave].iter().all(|one| has(one, "to all of us"))).await;

        // What was written to her meanwhile is there once she has it.
        let shared = alice.share_network_key(&[handle("carol")], LONG).await.unwrap();
        assert_eq!((shared.number, shared.sent_to), (2, vec![handle("carol")]));
        alice.spread_network_key(LONG).await.unwrap();
        crowd.until(async || has(carol, "under the key alone")).await;
        assert_eq!(key_id(carol), rotation.key_id.to_string());
        nothing_is_missed(&[alice, bob, carol, &dave]);
    }
}

#[tokio::test]
async fn whoever_is_away_takes_the_key_and_reads_what_came_before_it() {
    let (mut crowd, three) = three(1).await;
    let [alice, bob, _] = &three;
    // Bob has a group with alice in the one partition, which is read far beyond where his new inbox begins.
    says(alice, "bob", "before").await;
    crowd.until(async || has(bob, "before")).await;
    crowd.leaves("bob");
    alice.rotate_network_key(&[handle("bob")], LONG).await.unwrap();
    says(alice, "bob", "after").await;
    for (name, shared_key) in [("dave", false), ("erin", true)] {
        let client = crowd.newcomer(name, alice);
        crowd.joins(&client);
        client.use_shared_key(&handle("bob"), shared_key).unwrap();
        says(&client, "bob", &format!("{name} is new")).await;
    }
    crowd.until(async || alice.outbox().unwrap().is_empty()).await;
    for round in 0..3 {
        says(alice, "carol", &format!("noise {round}")).await;
    }
    crowd.joins(bob);
    crowd.until(async || has(bob, "dave is new") && has(bob, "erin is new")).await;
    assert!(has(bob, "after"));
    assert_eq!(key_id(bob), key_id(alice));
    let protections = ["dave is new", "erin is new"].map(|text| {
        let all = messages(bob);
        all.iter().find(|one| one.text.expose() == text).unwrap().protection
    });
    assert_eq!(protections, [Protection::Mls, Protection::SignedSharedKey]);
    nothing_is_missed(&[bob]);
}

/// Guards `TakeAnyNetworkKey`.
#[tokio::test]
async fn keys_from_somebody_who_was_never_compared_are_shown_and_not_used() {
    let (mut crowd, three) = three(4).await;
    let [_, bob, carol] = &three;
    says(bob, "carol", "bob here").await;
    says(carol, "bob", "carol here").await;
    crowd.until(async || has(carol, "bob here") && has(bob, "carol here")).await;
    let old = key_id(carol);
    let rotation = bob.rotate_network_key(&[handle("carol")], LONG).await.unwrap();
    assert!(rotation.sent_to.contains(&handle("carol")), "{rotation:?}");
    bob.spread_network_key(LONG).await.unwrap();
    crowd.until(async || !keys(carol).is_empty()).await;
    let [told] = &keys(carol)[..] else { panic!("{:?}", keys(carol)) };
    assert_eq!((told.by.as_str(), told.offer), ("bob", KeyOffer::Refused));
    assert_eq!(told.key, rotation.key_id.to_string());
    assert_eq!(key_id(carol), old);

    // Once she has compared his key, it counts.
    let number = bob.verification(carol.handle()).unwrap().safety_number();
    carol.verify_number(&handle("bob"), &number).unwrap();
    bob.share_network_key(&[handle("carol")], LONG).await.unwrap();
    bob.spread_network_key(LONG).await.unwrap();
    let new = rotation.key_id.to_string();
    crowd.until(async || key_id(carol) == new).await;
}

#[tokio::test]
async fn an_invite_brings_the_key_to_whoever_lacks_it() {
    let (mut crowd, three) = three(4).await;
    let [alice, bob, carol] = &three;
    let before = alice.invite(None).unwrap();
    let rotation = rotated(&mut crowd, &three).await;
    assert_eq!(carol.join(&before).unwrap(), Joined::Already);
    assert_eq!(carol.join(&alice.invite(None).unwrap()).unwrap(), Joined::NewKey);
    assert_eq!(carol.join(&alice.invite(None).unwrap()).unwrap(), Joined::Already);
    assert_eq!(key_id(carol), rotation.key_id.to_string());
    says(carol, "bob", "with the new key").await;
    crowd.until(async || has(bob, "with the new key")).await;
    let [told] = &keys(carol)[..] else { panic!("{:?}", keys(carol)) };
    assert_eq!((told.by.as_str(), told.number), ("carol", 2));
    nothing_is_missed(&[alice, bob, carol]);
}

#[tokio::test]
async fn there_is_no_key_to_hand_on_but_a_new_one() {
    let (_, [alice, ..]) = three(4).await;
    let refused = alice.share_network_key(&[handle("bob")], LONG).await.unwrap_err();
    assert_eq!(refused.kind(), chat_core::ErrorKind::InvalidInput);
    for number in 2..=5 {
        assert_eq!(alice.rotate_network_key(&[], LONG).await.unwrap().number, number);
    }
}

/// What waits in the outbox is for an inbox of the older key: it is sealed, hidden and taken back under that one.
#[tokio::test]
async fn what_was_accepted_before_the_key_changed_arrives() {
    let (mut crowd, [alice, ..]) = three(4).await;
    let (dave, erin) = (crowd.newcomer("dave", &alice), crowd.newcomer("erin", &alice));
    crowd.joins(&erin);
    dave.use_shared_key(&handle("erin"), true).unwrap();
    let photo = concat!(env!("CARGO_MANIFEST_DIR"), "/../../images/think.jpg");
    let cover = CoverSource::Bytes(std::fs::read(photo).unwrap());
    let hidden = Hiding::in_cover(cover).with_codec(CodecId::JpegJuniward).insist();
    let queued = dave
        .enqueue(vec![
            Draft::text(handle("erin"), "taken back"),
            Draft::text(handle("erin"), "in a picture").hidden(hidden),
            Draft::text(handle("erin"), "in words"),
        ])
        .unwrap();
    dave.rotate_network_key(&[], LONG).await.unwrap();
    dave.withdraw(queued[0].id).unwrap();
    says(&dave, "erin", "under the new key").await;
    crowd.until(async || has(&erin, "in a picture") && has(&erin, "in words")).await;
    assert!(messages(&erin).iter().any(|one| one.state == MessageState::Withdrawn));
    assert!(!has(&erin, "under the new key"), "she lacks it");
    nothing_is_missed(&[&erin]);
}

/// What is published is there for those too who lack the newest key.
#[tokio::test]
async fn whoever_lacks_the_newest_key_sees_what_others_publish_since() {
    let (mut crowd, [alice, bob, carol]) = three(4).await;
    alice.rotate_network_key(&[handle("bob")], LONG).await.unwrap();
    crowd.until(async || key_id(&bob) == key_id(&alice)).await;
    let phone = crowd.link("alice", "phone").await;
    says(&alice, "carol", "I have a phone").await;
    let changes = |client: &Client| {
        let is_one =
            |item: &Item| matches!(item, Item::DevicesChanged(one) if one.added.len() == 1);
        items(client).iter().filter(|item| is_one(item)).count()
    };
    crowd.until(async || changes(&carol) == 1).await;
    // Carol founds a group with a KeyPackage that was published since.
    let group = carol.create_group("ops", &[handle("alice")]).unwrap().group;
    let all = [&alice, &phone, &carol];
    crowd.until(async || all.iter().all(|one| !one.groups().unwrap().is_empty())).await;
    carol.send(Draft::text_to(group, "to both of you"), LONG).await.unwrap();
    crowd.until(async || has(&alice, "to both of you")).await;
    // Carol is a stranger on the new device.
    phone.accept_request(&phone.requests().unwrap()[0].name).unwrap();
    crowd.until(async || has(&phone, "to both of you")).await;
    for client in all {
        let is_fork = |item: &Item| matches!(item, Item::DirectoryFork(_));
        assert!(!items(client).iter().any(is_fork), "{}", client.handle());
    }
    nothing_is_missed(&all);
}

/// The code was made before, the letters come after.
#[tokio::test]
async fn a_device_that_is_linked_while_the_key_changes_gets_it() {
    let (mut crowd, [alice, bob, _]) = three(4).await;
    let code = alice.offer_device(std::time::Duration::from_secs(60)).unwrap();
    let code = code.to_line().parse().unwrap();
    alice.rotate_network_key(&[handle("bob")], LONG).await.unwrap();
    let folder = crowd.folder.path().join("phone");
    let engine = chat_core::EngineKind::default();
    let phone = Client::create_device(engine, &folder, (&code, "phone"), None).unwrap();
    let phone = crowd.connect(&phone);
    let linking = phone.clone();
    let linked = tokio::spawn(async move { linking.link(LONG).await.unwrap() });
    crowd.until(async || linked.is_finished()).await;
    crowd.joins(&phone);
    let is_in = async || {
        let devices = alice.devices().unwrap();
        let can_join = devices.len() == 2 && devices.iter().all(|one| one.can_join);
        can_join && alice.groups_behind().unwrap() == 0
    };
    crowd.until(is_in).await;
    crowd.until(async || key_id(&phone) == key_id(&alice)).await;
    says(&bob, "alice", "to both").await;
    crowd.until(async || has(&alice, "to both") && has(&phone, "to both")).await;
}
