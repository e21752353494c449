//! Keys that change, and how they come to count.

use std::sync::Arc;

use chat_core::{
    Client, Compared, Draft, Error, ErrorKind, Item, SendError, SenderTrust, Seq, TrustPolicy,
    TrustState,
};

use crate::people::{LONG, People, handle};

impl People {
    /// Somebody else who calls himself alice, on the same network.
    fn another_alice(&self) -> Client {
        let client = Client::create(&self.folder.path().join("another"), &handle("alice"), None);
        let client = client.unwrap().connect(Arc::new(self.log.clone()));
        client.join(&self.bob.invite(None).unwrap()).unwrap();
        client
    }

    /// Bob knows alice, and then somebody else writes in her name.
    async fn with_a_changed_key() -> (Self, Client) {
        let people = Self::new().await;
        people.send("it is me").await;
        people.read_as_bob(Seq::ZERO).await;
        let another = people.another_alice();
        let sent = another.send(Draft::text(handle("bob"), "no, me"), LONG).await;
        sent.unwrap();
        people.read_as_bob(Seq::ZERO).await;
        (people, another)
    }
}

#[tokio::test]
async fn nothing_is_sent_to_a_changed_key_until_it_is_accepted() {
    let (people, another) = People::with_a_changed_key().await;
    let bob = &people.bob;
    let draft = || vec![Draft::text(handle("alice"), "are you?")];
    let refused = bob.enqueue(draft()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::KeyChanged);
    let Error::Send(SendError::KeyChanged { old, new, .. }) = &refused else { panic!("{refused}") };
    assert_eq!(&old.0, people.alice.identity().unwrap().as_bytes());
    assert_eq!(&new.0, another.identity().unwrap().as_bytes());
    assert!(bob.outbox().unwrap().is_empty());
    assert_eq!(bob.contact(&handle("alice")).unwrap().trust, TrustState::Changed);
    // Accepted unseen, it is no more than that.
    assert_eq!(bob.trust(&handle("alice")).unwrap().trust, TrustState::Unverified);
    bob.enqueue(draft()).unwrap();
    bob.set_trust_policy(TrustPolicy::AlwaysVerify);
    assert_eq!(bob.enqueue(draft()).unwrap_err().kind(), ErrorKind::NotTrusted);
}

#[tokio::test]
async fn a_message_says_what_was_known_of_its_sender_when_it_came() {
    let (people, another) = People::with_a_changed_key().await;
    let trust: Vec<SenderTrust> = people
        .history(&people.bob)
        .iter()
        .filter_map(|item| match item {
            Item::Message(message) => Some(message.sender),
            _ => None,
        })
        .collect();
    assert_eq!(trust, [SenderTrust::Introduced, SenderTrust::Changed]);
    // What the new one shows is compared with what came last.
    another.read_bobs_key(&people).await;
    let number = another.verification(&handle("bob")).unwrap().safety_number();
    let compared = people.bob.verify_number(&handle("alice"), &number).unwrap();
    assert_eq!(compared, Compared::Match);
    assert_eq!(people.bob.contact(&handle("alice")).unwrap().trust, TrustState::Verified);
}

/// What a client learns in a test.
trait Learns {
    async fn read_bobs_key(&self, people: &People);
}

impl Learns for Client {
    /// Bob writes to alice's inbox, accepting whoever reads it, and the client reads that.
    async fn read_bobs_key(&self, people: &People) {
        people.bob.trust(&handle("alice")).unwrap();
        people.bob.send(Draft::text(handle("alice"), "here I am"), LONG).await.unwrap();
        let from = chat_core::ListenFrom::After(Seq::ZERO);
        crate::people::until_caught_up(&mut self.listen(from).unwrap()).await;
    }
}
