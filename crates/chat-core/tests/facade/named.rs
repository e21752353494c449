//! Groups of several people, over one log.

use chat_core::{Draft, GroupEvent};

use crate::crowd::Crowd;
use crate::people::{LONG, handle};

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
