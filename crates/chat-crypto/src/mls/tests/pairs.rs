//! Two people.

use super::*;

#[test]
fn a_pair_talks_both_ways_from_the_first_message() {
    let mut bob = Client::new("bob");
    let package = bob.key_package();
    assert_eq!(package.leaf().name.handle, "bob");
    let mut alice = Client::new("alice");
    let (welcome, tree) = alice.found(facts(&["alice", "bob"]), vec![&package]);
    let first = alice.encrypt("hello before you have joined");
    let inviter = bob.join(&welcome, &tree).unwrap();
    assert_eq!((inviter.name.handle.as_str(), alice.epoch(), bob.epoch()), ("alice", 1, 1));
    assert_eq!(bob.read(&first), "hello before you have joined");
    let answer = bob.encrypt("hello");
    assert_eq!(alice.read(&answer), "hello");
    assert_together(&mut [alice, bob]);
}

#[test]
fn both_know_members_and_facts() {
    let (mut alice, mut bob) = pair();
    assert_eq!(alice.handles(), ["alice", "bob"]);
    assert_eq!(bob.handles(), ["alice", "bob"]);
    let expected = facts(&["alice", "bob"]);
    assert_eq!(alice.view(|view| view.facts().unwrap()), expected);
    assert_eq!(bob.view(|view| view.facts().unwrap()), expected);
    assert_eq!(alice.view(|view| view.id()), bob.view(|view| view.id()));
    let start = bob.start();
    assert_eq!((start.epoch, start.authenticator.len()), (1, 48));
}

#[test]
fn one_may_be_alone() {
    let mut alice = Client::new("alice");
    let (welcome, _) = alice.found(facts(&["alice"]), Vec::new());
    assert_eq!((welcome.len(), alice.epoch()), (0, 1));
    alice.encrypt("a note");
    assert_eq!(alice.handles(), ["alice"]);
}

#[test]
fn an_update_renews_keys_and_keeps_the_identity() {
    let (alice, bob) = pair();
    let mut all = [alice, bob];
    let before = all[0].start();
    let pending = all[1].commit(&CommitPlan::new()).unwrap();
    assert!(pending.welcome.is_none());
    let change = merge_all(&mut all, &pending.commit);
    assert_eq!(change.by, change.updated);
    assert_eq!((change.by.name.handle.as_str(), change.added.len()), ("bob", 0));
    assert_ne!(all[0].start().wrap_key, before.wrap_key);
    assert_together(&mut all);
}

#[test]
fn a_renewed_credential_comes_with_an_update() {
    let (mut alice, mut bob) = pair();
    bob.renew_credential("bob", "2");
    let pending = bob.commit(&CommitPlan::new()).unwrap();
    let change = alice.merge(&pending.commit).change;
    assert_eq!(change.updated.credential, bob.me.credential());
    assert_eq!(change.updated.name, change.by.name);
    assert_ne!(change.updated.credential, change.by.credential);
}

#[test]
fn nothing_is_merged_before_it_came_back() {
    let (mut alice, mut bob) = pair();
    let pending = alice.commit(&CommitPlan::new()).unwrap();
    assert_eq!((alice.epoch(), alice.view(|view| view.pending())), (1, Some(pending.hash)));
    let meanwhile = alice.encrypt("sent while a Commit is pending");
    assert!(matches!(alice.commit(&CommitPlan::new()), Err(CommitError::Pending)));
    let wrong = alice.with(|_, group, overlay| {
        group.as_mut().unwrap().merge_pending(overlay, &[0; 32], &Checker)
    });
    assert!(matches!(wrong, Err(MergeError::NotNext)), "{wrong:?}");
    assert!(
        matches!(alice.process(&pending.commit), Ok(Processed::OwnCommit(h)) if h == pending.hash)
    );
    let merged = alice.merge(&pending.commit);
    assert_eq!(merged.start, Some(alice.start()));
    assert_eq!(alice.view(|view| view.pending()), None);
    bob.merge(&pending.commit);
    assert_eq!(bob.read(&meanwhile), "sent while a Commit is pending");
    assert_together(&mut [alice, bob]);
}

#[test]
fn a_pending_commit_can_be_dropped_and_survives_a_restart() {
    let (mut alice, _) = pair();
    let pending = alice.commit(&CommitPlan::new()).unwrap();
    let id = alice.group.take().unwrap().id();
    alice.with(|_, group, overlay| *group = Some(MlsGroup::load(overlay, id).unwrap()));
    assert_eq!(alice.view(|view| view.pending()), Some(pending.hash));
    alice.with(|_, group, overlay| group.as_mut().unwrap().drop_pending(overlay).unwrap());
    assert_eq!(alice.view(|view| view.pending()), None);
    alice.commit(&CommitPlan::new()).unwrap();
}

#[test]
fn the_first_commit_of_an_epoch_wins_for_everybody() {
    let (mut alice, mut bob) = pair();
    let from_alice = alice.commit(&CommitPlan::new()).unwrap();
    let from_bob = bob.commit(&CommitPlan::new()).unwrap();
    // The log has Bob's first.
    let merged = alice.merge(&from_bob.commit);
    assert_eq!(merged.change.by.name.handle, "bob");
    assert_eq!(alice.view(|view| view.pending()), None, "Alice's has lost");
    bob.merge(&from_bob.commit);
    for late in [&mut alice, &mut bob] {
        let late = late.process(&from_alice.commit);
        assert!(matches!(late, Err(ProcessError::OldEpoch { epoch: 1, current: 2 })), "{late:?}");
    }
    let again = alice.commit(&CommitPlan::new()).unwrap();
    let mut all = [alice, bob];
    merge_all(&mut all, &again.commit);
    assert_together(&mut all);
}

#[test]
fn three_past_epochs_can_be_read_and_no_more() {
    let (alice, bob) = pair();
    let mut all = [alice, bob];
    let mut sent = vec![all[1].encrypt("epoch 1")];
    for epoch in 2..=5 {
        let pending = all[1].commit(&CommitPlan::new()).unwrap();
        merge_all(&mut all, &pending.commit);
        sent.push(all[1].encrypt(&format!("epoch {epoch}")));
    }
    let too_old = all[0].process(&sent[0]);
    assert!(matches!(too_old, Err(ProcessError::OldEpoch { epoch: 1, current: 5 })), "{too_old:?}");
    for (epoch, message) in (2..).zip(&sent[1..]) {
        let Processed::Content(content) = all[0].process(message).unwrap() else { panic!() };
        assert_eq!((content.epoch, content.leaf.number()), (epoch, 1));
        assert_eq!(content.credential, all[1].me.credential());
    }
}

#[test]
fn what_is_missed_is_a_future_epoch() {
    let (mut alice, mut bob) = pair();
    let pending = bob.commit(&CommitPlan::new()).unwrap();
    bob.merge(&pending.commit);
    let ahead = bob.encrypt("from epoch 2");
    let early = alice.process(&ahead);
    assert!(matches!(early, Err(ProcessError::FutureEpoch { epoch: 2, current: 1 })), "{early:?}");
    alice.merge(&pending.commit);
    assert_eq!(alice.read(&ahead), "from epoch 2");
}

#[test]
fn a_message_opens_once() {
    let (mut alice, mut bob) = pair();
    let message = alice.encrypt("once");
    assert_eq!(bob.read(&message), "once");
    let again = bob.process(&message);
    assert!(matches!(again, Err(ProcessError::Replayed)), "{again:?}");
    let own = alice.process(&message);
    assert!(matches!(own, Err(ProcessError::OwnMessage)), "{own:?}");
}

#[test]
fn a_few_out_of_order_are_found_and_older_ones_not() {
    let (mut alice, mut bob) = pair();
    let sent: Vec<_> = (0..8).map(|n| alice.encrypt(&format!("{n}"))).collect();
    assert_eq!(bob.read(&sent[7]), "7");
    for n in (3..7).rev() {
        assert_eq!(bob.read(&sent[n]), n.to_string());
    }
    for late in &sent[..3] {
        let late = bob.process(late);
        assert!(matches!(late, Err(ProcessError::Replayed)), "{late:?}");
    }
}

#[test]
fn a_gap_of_the_forward_distance_is_bridged_and_a_longer_one_not() {
    let (mut alice, mut bob) = pair();
    let mut overlay = Overlay::new(&alice.disk, &alice.secrets);
    let group = alice.group.as_mut().unwrap();
    let mut last = [Vec::new(), Vec::new()];
    for _ in 0..=FORWARD_DISTANCE + 1 {
        last =
            [std::mem::take(&mut last[1]), group.encrypt(&mut overlay, &alice.me, b"x").unwrap()];
    }
    let too_far = bob.process(&last[1]);
    assert!(matches!(too_far, Err(ProcessError::TooFarAhead)), "{too_far:?}");
    assert_eq!(bob.read(&last[0]), "x");
    assert_eq!(bob.read(&last[1]), "x");
}

#[test]
fn an_overlay_that_was_not_written_never_happened() {
    let (mut alice, mut bob) = pair();
    let mut overlay = Overlay::new(&alice.disk, &alice.secrets);
    let group = alice.group.as_mut().unwrap();
    group.encrypt(&mut overlay, &alice.me, b"lost").unwrap();
    group.commit(&mut overlay, &alice.me, &CommitPlan::new(), &Checker).unwrap();
    drop(overlay);
    assert_eq!(alice.view(|view| view.pending()), None);
    let sent = alice.encrypt("kept");
    assert_eq!(bob.read(&sent), "kept");
}

#[test]
fn a_group_in_memory_follows_another_process() {
    let (mut alice, mut bob) = pair();
    let id = alice.group.as_ref().unwrap().id();
    let ours = alice.encrypt("from the first process");
    let theirs = alice.with(|me, _, overlay| {
        let mut other = MlsGroup::load(overlay, id).unwrap();
        other.encrypt(overlay, me, b"from the second").unwrap()
    });
    let again = alice.encrypt("from the first again");
    for message in [&ours, &theirs, &again] {
        bob.read(message);
    }
}

#[test]
fn an_operation_that_fails_leaves_its_overlay_as_it_was() {
    let (mut alice, mut bob) = pair();
    let (one, two) = (alice.encrypt("one"), alice.encrypt("two"));
    let mut overlay = Overlay::new(&bob.disk, &bob.secrets);
    let group = bob.group.as_mut().unwrap();
    group.process(&mut overlay, &one, &Checker).unwrap();
    assert!(group.process(&mut overlay, &one, &Checker).is_err());
    let mut broken = two.clone();
    *broken.last_mut().unwrap() ^= 1;
    assert!(matches!(
        group.process(&mut overlay, &broken, &Checker),
        Err(ProcessError::Invalid(_))
    ));
    group.process(&mut overlay, &two, &Checker).unwrap();
    let changes = overlay.into_changes();
    bob.disk.write(changes);
    let three = alice.encrypt("three");
    assert_eq!(bob.read(&three), "three");
}

#[test]
fn a_deleted_group_is_gone_with_all_its_rows() {
    let mut alice = Client::new("alice");
    alice.found(facts(&["alice"]), Vec::new());
    assert!(alice.disk.bytes() > 1000);
    let id = alice.group.as_ref().unwrap().id();
    alice.with(|_, group, overlay| group.take().unwrap().delete(overlay).unwrap());
    let gone = alice.with(|_, _, overlay| MlsGroup::load(overlay, id).map(|_| ()));
    assert!(matches!(gone, Err(LoadError::NoGroup)));
    assert!(alice.disk.bytes() < 200, "{} bytes are left", alice.disk.bytes());
}

#[test]
fn secrets_do_not_show() {
    let (mut alice, bob) = pair();
    let id = format!("{:?}", bob.group.as_ref().unwrap().id());
    assert_eq!(format!("{:?}", bob.group), format!("Some(MlsGroup({id}, epoch 1, [redacted]))"));
    assert_eq!(format!("{:?}", alice.start()), "EpochStart(1, [redacted])");
    let me = format!("{:?}", alice.me);
    assert!(me.ends_with(".., credential of 70 bytes, [redacted])") && me.len() < 70, "{me}");
    assert!(format!("{:?}", alice.secrets).starts_with("[JoinSecret(id "));
    assert_eq!(format!("{:?}", Overlay::new(&alice.disk, &[])), "Overlay(0 changes)");
}

#[test]
fn the_length_of_a_message_is_known_before_it_is_made() {
    let (mut alice, _) = pair();
    for len in [0, 1, 60, 63, 64, 200, 16_000, 16_300, 16_319, 16_383, 16_384, 70_000, 1_048_576] {
        let message = alice.encrypt(&"x".repeat(len));
        assert_eq!(message.len(), MlsGroup::message_len(len), "{len} bytes");
    }
}
