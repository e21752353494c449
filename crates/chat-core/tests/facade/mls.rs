//! Two people who have published their keys: MLS from the first message on.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use chat_core::{
    Client, Draft, Item, ListenFrom, Message, Protection, SendOutcome, SenderTrust, Seq,
};

use crate::people::{LONG, People, handle, texts, until_caught_up};

impl People {
    /// Both have listened, so that their keys are in the directory.
    async fn published(partitions: u32) -> Self {
        let people = Self::with_partitions(NonZeroU32::new(partitions).unwrap()).await;
        for (client, other) in [(&people.alice, &people.bob), (&people.bob, &people.alice)] {
            publish(client, other).await;
        }
        people
    }

    fn messages(&self, client: &Client) -> Vec<Message> {
        let items = self.history(client).into_iter();
        let message = |item| match item {
            Item::Message(message) => Some(message),
            _ => None,
        };
        items.filter_map(message).collect()
    }

    /// The same profile, opened anew.
    fn reopened(&self, name: &str) -> Client {
        let client = Client::open(&self.folder.path().join(name), None).unwrap();
        client.connect(Arc::new(self.log.clone()))
    }
}

/// Listens until others find what it takes to invite this person.
async fn publish(client: &Client, other: &Client) {
    let mut listener = client.listen(ListenFrom::After(Seq::ZERO)).unwrap();
    let is_found = async || {
        let found = other.lookup(client.handle(), LONG).await;
        found.is_ok_and(|published| published.key_package_made_at_ms().is_some())
    };
    let published = async {
        while !is_found().await {
            drop(tokio::time::timeout(Duration::from_millis(50), listener.next()).await);
        }
    };
    tokio::time::timeout(LONG, published).await.expect("nothing is published");
}

/// Listens for a while, until everything is read and everything that waits is sent.
async fn listen(client: &Client) -> Vec<String> {
    let mut listener = client.listen(ListenFrom::After(Seq::ZERO)).unwrap();
    let mut items = until_caught_up(&mut listener).await.0;
    // What was joined or renewed goes out, and comes back.
    for _ in 0..8 {
        while let Ok(event) =
            tokio::time::timeout(Duration::from_millis(120), listener.next()).await
        {
            if let chat_core::Event::Item(item) = event.unwrap() {
                items.push(item);
            }
        }
    }
    texts(&items)
}

async fn say(from: &Client, to: &str, text: &str) {
    let sent = from.send(Draft::text(handle(to), text), LONG).await.unwrap();
    assert!(matches!(sent.outcome, SendOutcome::Acked(_)), "{:?}", sent.outcome);
}

#[tokio::test]
async fn the_first_message_to_somebody_who_is_away_is_protected_by_mls() {
    let people = People::published(4).await;
    say(&people.alice, "bob", "hello").await;
    let sent = people.messages(&people.alice);
    assert_eq!(sent.iter().map(|m| m.protection).collect::<Vec<_>>(), [Protection::Mls]);
    assert_eq!(listen(&people.bob).await, ["hello"]);
    let received = people.messages(&people.bob);
    assert_eq!(received[0].protection, Protection::Mls);
    assert_eq!(received[0].sender, SenderTrust::Introduced, "she has invited him");
    say(&people.bob, "alice", "hello yourself").await;
    listen(&people.alice).await;
    let all = people.messages(&people.alice);
    assert_eq!(all.last().map(|m| m.text.expose()), Some("hello yourself"));
    assert!(all.iter().all(|m| m.protection == Protection::Mls && !m.conflict && !m.broken_chain));
}

/// Who writes again and again reads nothing in between while the log holds only what they have said; a change of the
/// group is no such thing, be it their own.
#[tokio::test]
async fn our_own_change_of_a_group_is_read_before_more_is_said() {
    let people = People::published(1).await;
    let alice = &people.alice;
    let ops = alice.create_group("ops", &[handle("bob")]).unwrap().group;
    let say = async |text: &str| {
        let sent = alice.send(Draft::text_to(ops.clone(), text), LONG).await.unwrap();
        assert!(matches!(sent.outcome, SendOutcome::Acked(_)), "{:?}", sent.outcome);
    };
    for text in ["one", "two", "three"] {
        say(text).await;
    }
    alice.rename_group(&ops, "night shift").unwrap();
    say("four").await;
    let name = || alice.groups().unwrap()[0].name.name().expose().to_owned();
    assert_eq!(name(), "ops", "the change is on its way with the message");
    say("five").await;
    assert_eq!(name(), "night shift");
    say("six").await;
    assert_eq!(listen(&people.bob).await, ["one", "two", "three", "four", "five", "six"]);
}

#[tokio::test]
async fn many_messages_both_ways_over_restarts_come_once_and_in_order() {
    let people = People::published(3).await;
    let (mut alice, mut bob) = (people.alice.clone(), people.bob.clone());
    for round in 0..4 {
        for n in 0..3 {
            say(&alice, "bob", &format!("a{round}.{n}")).await;
            say(&bob, "alice", &format!("b{round}.{n}")).await;
        }
        listen(&bob).await;
        listen(&alice).await;
        (alice, bob) = (people.reopened("alice"), people.reopened("bob"));
    }
    let expected = |letter: char| {
        (0..4)
            .flat_map(move |r| (0..3).map(move |n| format!("{letter}{r}.{n}")))
            .collect::<Vec<_>>()
    };
    let incoming = |client: &Client| {
        let all = people.messages(client);
        let theirs = all.iter().filter(|m| !m.outgoing);
        theirs.map(|m| m.text.expose().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(incoming(&bob), expected('a'));
    assert_eq!(incoming(&alice), expected('b'));
    for client in [&alice, &bob] {
        let all = people.messages(client);
        assert!(all.iter().all(|m| m.protection == Protection::Mls), "{all:?}");
        let rows = people.history(client);
        assert!(rows.iter().all(|row| matches!(row, Item::Message(_))), "{rows:?}");
    }
}

#[tokio::test]
async fn two_who_write_at_once_end_in_one_group_and_lose_nothing() {
    let people = People::published(4).await;
    for (client, other) in [(&people.alice, "bob"), (&people.bob, "alice")] {
        client.refresh(&handle(other), LONG).await.unwrap();
    }
    let drafts = |to: &str, text: &str| vec![Draft::text(handle(to), text)];
    people.alice.enqueue(drafts("bob", "from alice")).unwrap();
    people.bob.enqueue(drafts("alice", "from bob")).unwrap();
    for client in [&people.alice, &people.bob, &people.alice, &people.bob] {
        listen(client).await;
    }
    say(&people.alice, "bob", "and on").await;
    say(&people.bob, "alice", "and on too").await;
    listen(&people.alice).await;
    listen(&people.bob).await;
    let heard = |client: &Client| {
        let all = people.messages(client);
        let theirs = all.iter().filter(|m| !m.outgoing);
        theirs.map(|m| m.text.expose().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(heard(&people.alice), ["from bob", "and on too"]);
    assert_eq!(heard(&people.bob), ["from alice", "and on"]);
}

#[tokio::test]
async fn what_is_written_offline_goes_out_with_its_invitation() {
    let people = People::published(2).await;
    people.alice.refresh(&handle("bob"), LONG).await.unwrap();
    let offline = Client::open(&people.folder.path().join("alice"), None).unwrap();
    let queued = offline.enqueue(vec![Draft::text(handle("bob"), "written on a train")]).unwrap();
    assert_eq!(offline.outbox().unwrap().len(), 1, "the invitation is no message");
    let delivery = people.alice.deliver(&queued, LONG).await.unwrap();
    assert_eq!((delivery.delivered, delivery.waiting, delivery.others), (1, 0, 0));
    assert_eq!(listen(&people.bob).await, ["written on a train"]);
    assert_eq!(people.messages(&people.bob)[0].protection, Protection::Mls);
}

#[tokio::test]
async fn a_weaker_message_in_the_name_of_somebody_who_uses_mls_is_no_message() {
    let people = People::published(2).await;
    say(&people.alice, "bob", "hello").await;
    listen(&people.bob).await;
    // The same person, under the shared key: as if the broker had hidden her group from her.
    people.alice.use_shared_key(&handle("bob"), true).unwrap();
    say(&people.alice, "bob", "under the shared key").await;
    assert_eq!(listen(&people.bob).await, ["hello"]);
    let rows = people.history(&people.bob);
    assert!(rows.iter().any(|row| matches!(row, Item::Downgraded(_))), "{rows:?}");
}

#[tokio::test]
async fn a_message_taken_back_among_many_takes_no_other_with_it() {
    let people = People::published(2).await;
    say(&people.alice, "bob", "first").await;
    listen(&people.bob).await;
    let offline = Client::open(&people.folder.path().join("alice"), None).unwrap();
    let drafts = (0..20).map(|n| Draft::text(handle("bob"), format!("{n}"))).collect();
    let queued = offline.enqueue(drafts).unwrap();
    offline.withdraw(queued[1].id).unwrap();
    let delivery = people.alice.deliver(&queued, LONG).await.unwrap();
    assert_eq!((delivery.delivered, delivery.waiting), (19, 0), "{delivery:?}");
    listen(&people.bob).await;
    let received: Vec<String> = people
        .messages(&people.bob)
        .iter()
        .filter(|message| message.state == chat_core::MessageState::Normal)
        .map(|message| message.text.expose().to_owned())
        .collect();
    let kept = (0..20).filter(|n| *n != 1).map(|n| n.to_string());
    assert_eq!(received, ["first".to_owned()].into_iter().chain(kept).collect::<Vec<_>>());
    let rows = people.history(&people.bob);
    assert!(!rows.iter().any(|row| matches!(row, Item::LogForked(_) | Item::Gap(_))), "{rows:?}");
}

#[tokio::test]
async fn a_message_that_lands_when_its_epoch_is_over_is_sent_again() {
    let people = People::published(2).await;
    say(&people.alice, "bob", "first").await;
    listen(&people.bob).await;
    listen(&people.alice).await;
    let offline = Client::open(&people.folder.path().join("alice"), None).unwrap();
    let queued = offline.enqueue(vec![Draft::text(handle("bob"), "from long ago")]).unwrap();
    // Meanwhile bob has renewed his keys more often than old ones are kept.
    for round in 0..5 {
        let drafts = (0..100).map(|n| Draft::text(handle("alice"), format!("{round}.{n}")));
        let many = people.bob.enqueue(drafts.collect()).unwrap();
        assert_eq!(people.bob.deliver(&many, LONG).await.unwrap().waiting, 0);
        listen(&people.bob).await;
    }
    assert_eq!(people.alice.deliver(&queued, LONG).await.unwrap().delivered, 1);
    assert!(!people.messages(&people.bob).iter().any(|m| m.text.expose() == "from long ago"));
    listen(&people.bob).await;
    // Alice reads that it came too late, and it goes again.
    listen(&people.alice).await;
    listen(&people.alice).await;
    listen(&people.bob).await;
    let texts: Vec<String> =
        people.messages(&people.bob).iter().map(|m| m.text.expose().to_owned()).collect();
    assert_eq!(texts.iter().filter(|text| *text == "from long ago").count(), 1, "{texts:?}");
    let all = people.messages(&people.alice);
    assert_eq!(all.iter().filter(|message| !message.outgoing).count(), 500);
}
