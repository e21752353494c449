//! Groups of five.

use super::*;

const FIVE: [&str; 5] = ["alice", "bob", "carol", "dave", "erin"];

#[test]
fn all_of_five_read_all() {
    let mut all = group_of(&FIVE, &["alice"]);
    assert_together(&mut all);
    for sender in 0..5 {
        let message = all[sender].encrypt(FIVE[sender]);
        for (n, reader) in all.iter_mut().enumerate() {
            if n != sender {
                assert_eq!(reader.read(&message), FIVE[sender]);
            }
        }
    }
    assert_eq!(all[4].handles(), FIVE);
}

#[test]
fn somebody_added_reads_from_then_on() {
    let mut all = group_of(&FIVE[..4], &["alice", "bob"]);
    let before = all[0].encrypt("before erin");
    let mut erin = Client::new("erin");
    let package = erin.key_package();
    let pending = all[1].commit(&CommitPlan::new().adding(&package)).unwrap();
    let change = merge_all(&mut all, &pending.commit);
    assert_eq!(change.added.len(), 1);
    assert_eq!((change.added[0].name.handle.as_str(), change.added[0].index), ("erin", None));
    let tree = all[1].tree();
    let inviter = erin.join(&pending.welcome.unwrap(), &tree).unwrap();
    assert_eq!(inviter.name.handle, "bob");
    let earlier = erin.process(&before);
    assert!(matches!(earlier, Err(ProcessError::OldEpoch { .. })), "{earlier:?}");
    all.push(erin);
    assert_together(&mut all);
    let update = all[4].commit(&CommitPlan::new()).unwrap();
    merge_all(&mut all, &update.commit);
    assert_together(&mut all);
    assert_eq!(all[0].handles(), FIVE);
}

#[test]
fn somebody_removed_reads_nothing_after() {
    let mut all = group_of(&FIVE, &["alice"]);
    let leaf = all[0].leaf_of("carol");
    let before = all[0].view(|view| view.facts().unwrap());
    let pending = all[0].commit(&CommitPlan::new().removing(leaf)).unwrap();
    let mut carol = all.remove(2);
    let change = merge_all(&mut all, &pending.commit);
    assert_eq!(change.removed[0].name.handle, "carol");
    assert_ne!(change.facts.mailbox.tag, before.mailbox.tag, "a new tag");
    assert_eq!(change.facts.mailbox.partition, before.mailbox.partition);
    assert_together(&mut all);
    let after = all[0].encrypt("without carol");
    assert!(matches!(carol.process(&after), Err(ProcessError::FutureEpoch { .. })));
    let merged = carol.merge(&pending.commit);
    assert!(merged.change.removes_us && merged.start.is_none());
    assert!(matches!(carol.process(&after), Err(ProcessError::Removed)));
    let own = carol.with(|me, group, overlay| group.as_mut().unwrap().encrypt(overlay, me, b"x"));
    assert!(matches!(own, Err(EncryptError::Removed)));
    assert!(matches!(carol.commit(&CommitPlan::new()), Err(CommitError::Removed)));
    assert!(carol.view(|view| !view.is_member() && view.epoch_start().is_none()));
    assert_eq!(all[3].handles(), ["alice", "bob", "dave", "erin"]);
    assert_eq!(all[3].read(&after), "without carol");
}

#[test]
fn a_removed_person_can_come_back() {
    let (alice, bob) = pair();
    let mut all = vec![alice, bob];
    let leaf = all[0].leaf_of("bob");
    let pending = all[0].commit(&CommitPlan::new().removing(leaf)).unwrap();
    merge_all(&mut all, &pending.commit);
    let package = all[1].key_package();
    let pending = all[0].commit(&CommitPlan::new().adding(&package)).unwrap();
    merge_all(&mut all[..1], &pending.commit);
    let tree = all[0].tree();
    all[1].join(&pending.welcome.unwrap(), &tree).unwrap();
    assert_together(&mut all);
}

#[test]
fn a_lost_device_is_put_back_in_one_commit_by_an_admin() {
    let mut all = group_of(&FIVE, &["alice", "bob"]);
    // Dave has lost everything but his identity and a new KeyPackage.
    let id = all[0].view(|view| view.id());
    let mut dave = Client::new("dave");
    let package = dave.key_package();
    let leaf = all[1].leaf_of("dave");
    let plan = CommitPlan::new().removing(leaf).adding(&package);
    let pending = all[1].commit(&plan).unwrap();
    all.remove(3);
    let change = merge_all(&mut all, &pending.commit);
    assert_eq!(change.removed[0].name, change.added[0].name);
    let (welcome, tree) = (pending.welcome.unwrap(), all[1].tree());
    dave.join_as(&welcome, &tree, Rejoin::Asked(id)).unwrap();
    all.push(dave);
    assert_together(&mut all);
    let message = all[4].encrypt("back again");
    assert_eq!(all[0].read(&message), "back again");
}

#[test]
fn a_device_with_state_is_put_back_only_when_it_asked() {
    let (alice, bob) = pair();
    let mut all = vec![alice, bob];
    let id = all[0].view(|view| view.id());
    let package = all[1].key_package();
    let leaf = all[0].leaf_of("bob");
    let pending = all[0].commit(&CommitPlan::new().removing(leaf).adding(&package)).unwrap();
    merge_all(&mut all[..1], &pending.commit);
    let (welcome, tree) = (pending.welcome.unwrap(), all[0].tree());
    assert!(matches!(all[1].join(&welcome, &tree), Err(JoinError::Exists(_))));
    let other = Rejoin::Asked(GroupId::from_bytes([0; 16]));
    assert!(matches!(all[1].join_as(&welcome, &tree, other), Err(JoinError::Exists(_))));
    assert_eq!(all[1].epoch(), 1, "nothing was changed");
    all[1].join_as(&welcome, &tree, Rejoin::Asked(id)).unwrap();
    assert_together(&mut all);
}

#[test]
fn one_keypackage_serves_two_inviters_until_it_is_deleted() {
    let mut bob = Client::new("bob");
    let new = bob.with(|me, _, overlay| me.make_key_package(overlay).unwrap());
    let package = KeyPackage::parse(&new.bytes, &Checker).unwrap();
    for inviter in ["alice", "carol"] {
        let mut inviter_client = Client::new(inviter);
        let (welcome, tree) = inviter_client.found(facts(&[inviter]), vec![&package]);
        bob.join(&welcome, &tree).unwrap();
    }
    bob.with(|_, _, overlay| delete_key_package(overlay, &new.reference).unwrap());
    let (welcome, tree) = Client::new("dave").found(facts(&["dave"]), vec![&package]);
    assert!(matches!(bob.join(&welcome, &tree), Err(JoinError::NotForUs)));
}

#[test]
fn facts_are_changed_for_all() {
    let mut all = group_of(&FIVE[..3], &["alice"]);
    let mut wanted = facts(&["alice", "bob"]);
    wanted.name = "another name".to_owned();
    let pending = all[0].commit(&CommitPlan::new().with_facts(wanted.clone())).unwrap();
    assert_eq!(merge_all(&mut all, &pending.commit).facts, wanted);
    assert_together(&mut all);
    wanted.name = "by the new admin".to_owned();
    let pending = all[1].commit(&CommitPlan::new().with_facts(wanted.clone())).unwrap();
    merge_all(&mut all, &pending.commit);
    assert_eq!(all[2].view(|view| view.facts().unwrap()), wanted);
}

#[test]
fn whoever_leaves_is_removed_by_anybody() {
    let mut all = group_of(&FIVE, &["alice"]);
    let departure = all[3].with(|me, group, overlay| {
        group.as_mut().unwrap().view(overlay).unwrap().sign_departure(me).unwrap()
    });
    let departure = Departure::from_bytes(&departure.to_bytes());
    let who = all[1].view(|view| view.departing(&departure, &Checker)).unwrap();
    assert_eq!((who.name.handle.as_str(), who.index), ("dave", Some(departure.leaf())));
    let leaf = all[1].leaf_of("dave");
    let plan = CommitPlan::new().removing(leaf).with_departure(departure);
    let pending = all[1].commit(&plan).unwrap();
    let change = merge_all(&mut all, &pending.commit);
    assert_eq!(change.removed[0].name.handle, "dave");
    all.remove(3);
    assert_together(&mut all);
}

#[test]
fn own_devices_come_and_go_without_an_admin() {
    let mut all = group_of(&FIVE[..3], &["alice"]);
    let mut phone = Client::new("bob");
    let package = phone.key_package();
    let pending = all[1].commit(&CommitPlan::new().adding(&package)).unwrap();
    merge_all(&mut all, &pending.commit);
    let tree = all[1].tree();
    phone.join(&pending.welcome.unwrap(), &tree).unwrap();
    assert_eq!(all[0].handles(), ["alice", "bob", "carol", "bob"]);
    let leaf = phone.view(|view| view.own_leaf());
    all.push(phone);
    assert_together(&mut all);
    let pending = all[1].commit(&CommitPlan::new().removing(leaf)).unwrap();
    merge_all(&mut all, &pending.commit);
    assert_eq!(all[0].handles(), ["alice", "bob", "carol"]);
}
