//! What is refused, by all alike.

use super::*;

/// All others refuse a Commit for this reason, and go on as if it had not been there.
fn all_refuse(all: &mut [Client], by: usize, plan: &CommitPlan<'_>, reason: Refusal) {
    let own = all[by].commit(plan);
    assert!(matches!(&own, Err(CommitError::Refused(r)) if *r == reason), "{own:?}");
    let pending = all[by].commit_unchecked(plan);
    for (n, other) in all.iter_mut().enumerate() {
        if n != by {
            let refused = other.process(&pending.commit);
            let alike = matches!(&refused, Err(ProcessError::Refused(r)) if *r == reason);
            assert!(alike, "member {n}: {refused:?}");
        }
    }
    all[by].with(|_, group, overlay| group.as_mut().unwrap().drop_pending(overlay).unwrap());
    let message = all[by].encrypt("still here");
    let update = all[by].commit(&CommitPlan::new()).unwrap();
    for (n, other) in all.iter_mut().enumerate() {
        if n != by {
            assert_eq!(other.read(&message), "still here");
        }
    }
    merge_all(all, &update.commit);
    assert_together(all);
}

#[test]
fn who_is_no_admin_adds_nobody() {
    let mut all = group_of(&["alice", "bob", "carol"], &["alice"]);
    let package = Client::new("dave").key_package();
    all_refuse(&mut all, 1, &CommitPlan::new().adding(&package), Refusal::NotAdmin);
}

#[test]
fn who_is_no_admin_removes_nobody() {
    let mut all = group_of(&["alice", "bob", "carol"], &["alice"]);
    for handle in ["alice", "carol"] {
        let leaf = all[1].leaf_of(handle);
        all_refuse(&mut all, 1, &CommitPlan::new().removing(leaf), Refusal::NotAdmin);
    }
}

#[test]
fn who_is_no_admin_puts_nobody_else_in_a_place() {
    let mut all = group_of(&["alice", "bob", "carol"], &["alice"]);
    let package = Client::new("dave").key_package();
    let leaf = all[1].leaf_of("carol");
    let plan = CommitPlan::new().removing(leaf).adding(&package);
    all_refuse(&mut all, 1, &plan, Refusal::NotAdmin);
}

#[test]
fn who_is_no_admin_puts_back_only_the_device_that_has_signed_for_it() {
    let mut all = group_of(&["alice", "bob", "carol"], &["alice"]);
    let (package, other) = (all[2].key_package(), all[2].key_package());
    let wish = all[2].with(|me, group, overlay| {
        group.as_mut().unwrap().view(overlay).unwrap().sign_return(me, &package).unwrap()
    });
    let wish = Return::from_bytes(&wish.to_bytes());
    let who = all[1].view(|view| view.returning((&wish, &package), &Checker)).unwrap();
    assert_eq!(who.name.handle, "carol");
    assert_eq!(all[1].view(|view| view.returning((&wish, &other), &Checker)), None);
    let leaf = all[1].leaf_of("carol");
    let signed = CommitPlan::new().removing(leaf).with_return(wish.clone());
    // Put out, and not back: with nothing, or with keys that nobody has signed for.
    all_refuse(&mut all, 1, &signed, Refusal::AdditionalData);
    all_refuse(&mut all, 1, &signed.clone().adding(&other), Refusal::AdditionalData);
    let departure = Departure::from_bytes(&wish.to_bytes());
    let gone = CommitPlan::new().removing(leaf).with_departure(departure);
    all_refuse(&mut all, 1, &gone, Refusal::AdditionalData);
    let dave = Client::new("dave").key_package();
    let more = signed.clone().adding(&package).adding(&dave);
    all_refuse(&mut all, 1, &more, Refusal::NotAdmin);

    let leaf = all[1].leaf_of("carol");
    let wish = all[2].with(|me, group, overlay| {
        group.as_mut().unwrap().view(overlay).unwrap().sign_return(me, &package).unwrap()
    });
    let plan = CommitPlan::new().removing(leaf).adding(&package).with_return(wish.clone());
    let pending = all[1].commit(&plan).unwrap();
    merge_all(&mut all[..2], &pending.commit);
    let (tree, id) = (all[1].tree(), all[1].view(|view| view.id()));
    all[2].join_as(&pending.welcome.unwrap(), &tree, Rejoin::Asked(id)).unwrap();
    assert_together(&mut all);
    // Once: the leaf has other keys by now.
    assert_eq!(all[1].view(|view| view.returning((&wish, &package), &Checker)), None);
}

#[test]
fn nobody_comes_back_under_another_handle() {
    let mut all = group_of(&["alice", "bob", "carol"], &["alice"]);
    let mut other = Client::new("carol");
    other.renew_credential_as("carol", "caroline");
    let package = other.key_package();
    let leaf = all[0].leaf_of("carol");
    let plan = CommitPlan::new().removing(leaf).adding(&package);
    all_refuse(&mut all, 0, &plan, Refusal::IdentityChanged);
}

#[test]
fn who_is_no_admin_puts_nobody_back_who_may_not_have_asked_for_it() {
    let mut all = group_of(&["alice", "bob", "carol"], &["alice"]);
    let package = Client::new("carol").key_package();
    let leaf = all[1].leaf_of("carol");
    all_refuse(&mut all, 1, &CommitPlan::new().removing(leaf).adding(&package), Refusal::NotAdmin);
}

/// Whatever somebody who is no admin puts together: nobody takes it, the one who made it neither.
#[test]
fn of_a_thousand_changes_by_who_is_no_admin_none_is_taken() {
    let mut all = group_of(&["alice", "bob", "carol", "dave"], &["alice"]);
    let strangers = ["erin", "frank", "dave"].map(|handle| Client::new(handle).key_package());
    let mut named = facts(&["alice"]);
    named.name = "bob's".to_owned();
    let changed = [
        named,
        facts(&["alice", "bob"]),
        facts(&["bob"]),
        GroupFacts { generation: 7, ..facts(&["alice"]) },
    ];
    let departure = all[3].with(|me, group, overlay| {
        group.as_mut().unwrap().view(overlay).unwrap().sign_departure(me).unwrap()
    });
    // All sets of additions, removals, one change of the facts or none, and a departure or none.
    let mut tried = 0;
    for set in 0..8_usize * 8 * 5 * 2 * 2 {
        let (by, set) = (1 + set / 640, set % 640);
        let (adds, removes, facts, departs) = (set % 8, set / 8 % 8, set / 64 % 5, set / 320 == 1);
        let chosen = |bits: usize, at: usize| bits >> at & 1 == 1;
        let only_leaving = adds == 0 && facts == 0 && departs && matches!(removes, 0 | 4);
        if adds + removes + facts == 0 || only_leaving {
            continue;
        }
        let others =
            ["alice", ["carol", "bob"][by - 1], "dave"].map(|handle| all[by].leaf_of(handle));
        let mut plan = CommitPlan::new();
        for (_, package) in strangers.iter().enumerate().filter(|(at, _)| chosen(adds, *at)) {
            plan = plan.adding(package);
        }
        for (_, leaf) in others.iter().enumerate().filter(|(at, _)| chosen(removes, *at)) {
            plan = plan.removing(*leaf);
        }
        if let Some(facts) = facts.checked_sub(1) {
            plan = plan.with_facts(changed[facts].clone());
        }
        if departs {
            plan = plan.with_departure(departure.clone());
        }
        let own = all[by].commit(&plan);
        assert!(matches!(own, Err(CommitError::Refused(_))), "{by}, {set}: {:?}", own.err());
        let made = all[by].commit_unchecked(&plan);
        let taken = all[0].process(&made.commit);
        assert!(matches!(taken, Err(ProcessError::Refused(_))), "{by}, {set}: {:?}", taken.err());
        all[by].with(|_, group, overlay| group.as_mut().unwrap().drop_pending(overlay).unwrap());
        tried += 1;
    }
    assert_eq!(tried, 1274);
    assert_eq!(all[0].handles(), ["alice", "bob", "carol", "dave"]);
    assert_together(&mut all);
}

#[test]
fn the_group_of_two_people_stays_theirs_alone() {
    let mut bob = Client::new("bob");
    let mut alice = Client::new("alice");
    let pair = GroupFacts { name: String::new(), ..facts(&["alice", "bob"]) };
    let (welcome, tree) = alice.found(pair.clone(), vec![&bob.key_package()]);
    bob.join(&welcome, &tree).unwrap();
    let mut all = vec![alice, bob];
    let carol = Client::new("carol").key_package();
    all_refuse(&mut all, 0, &CommitPlan::new().adding(&carol), Refusal::Pair);
    let named = GroupFacts { name: "ours".to_owned(), ..pair.clone() };
    all_refuse(&mut all, 1, &CommitPlan::new().with_facts(named), Refusal::Pair);
    let alone = GroupFacts { admins: facts(&["alice"]).admins, ..pair };
    all_refuse(&mut all, 0, &CommitPlan::new().with_facts(alone), Refusal::Pair);
}

#[test]
fn who_is_no_admin_changes_no_facts() {
    let mut all = group_of(&["alice", "bob", "carol"], &["alice"]);
    let mut named = facts(&["alice"]);
    named.name = "mine".to_owned();
    for wanted in
        [named, facts(&["alice", "bob"]), GroupFacts { generation: 2, ..facts(&["alice"]) }]
    {
        all_refuse(&mut all, 1, &CommitPlan::new().with_facts(wanted), Refusal::NotAdmin);
    }
}

#[test]
fn not_even_an_admin_moves_the_mailbox() {
    let mut all = group_of(&["alice", "bob"], &["alice"]);
    let mut wanted = facts(&["alice"]);
    wanted.mailbox.tag = MailboxTag::from_bytes([1; 16]);
    all_refuse(&mut all, 0, &CommitPlan::new().with_facts(wanted), Refusal::Tag);
    let mut wanted = facts(&["alice"]);
    wanted.mailbox.partition += 1;
    all_refuse(&mut all, 0, &CommitPlan::new().with_facts(wanted), Refusal::Facts);
    let older = GroupFacts { generation: 0, ..facts(&["alice"]) };
    all_refuse(&mut all, 0, &CommitPlan::new().with_facts(older), Refusal::Facts);
}

#[test]
fn a_departure_frees_nobody_else() {
    let mut all = group_of(&["alice", "bob", "carol", "dave"], &["alice"]);
    let departure = all[3].with(|me, group, overlay| {
        group.as_mut().unwrap().view(overlay).unwrap().sign_departure(me).unwrap()
    });
    let carol = all[1].leaf_of("carol");
    let plan = CommitPlan::new().removing(carol).with_departure(departure.clone());
    all_refuse(&mut all, 1, &plan, Refusal::AdditionalData);
    let dave = all[1].leaf_of("dave");
    let plan = CommitPlan::new().removing(carol).removing(dave).with_departure(departure.clone());
    all_refuse(&mut all, 1, &plan, Refusal::NotAdmin);
    let mut forged = departure.to_bytes();
    forged[10] ^= 1;
    let plan = CommitPlan::new().removing(dave).with_departure(Departure::from_bytes(&forged));
    all_refuse(&mut all, 1, &plan, Refusal::AdditionalData);
    // It is over once Dave has renewed his leaf.
    let update = all[3].commit(&CommitPlan::new()).unwrap();
    merge_all(&mut all, &update.commit);
    let plan = CommitPlan::new().removing(dave).with_departure(departure);
    all_refuse(&mut all, 1, &plan, Refusal::AdditionalData);
}

#[test]
fn a_leaf_keeps_its_owner() {
    let mut all = group_of(&["alice", "bob", "carol"], &["alice", "bob"]);
    all[1].renew_credential("carol", "");
    let pending = all[1].commit_unchecked(&CommitPlan::new());
    for n in [0, 2] {
        let refused = all[n].process(&pending.commit);
        let alike = matches!(refused, Err(ProcessError::Refused(Refusal::IdentityChanged)));
        assert!(alike, "{refused:?}");
    }
}

#[test]
fn a_refused_credential_comes_in_by_no_way() {
    // A KeyPackage.
    let bytes = Client::new("mal!ory").key_package_bytes();
    assert!(matches!(KeyPackage::parse(&bytes, &Checker), Err(KeyPackageError::Leaf(_))));
    // An Add: everybody's checker says so, if the inviter's does not.
    let package = KeyPackage::parse(&bytes, &Lenient).unwrap();
    let mut all = group_of(&["alice", "bob", "carol"], &["alice"]);
    let pending = all[0].commit_unchecked(&CommitPlan::new().adding(&package));
    for n in [1, 2] {
        let refused = all[n].process(&pending.commit);
        assert!(matches!(refused, Err(ProcessError::Refused(Refusal::Leaf(_)))), "{refused:?}");
    }
    // An Update.
    all[0].with(|_, group, overlay| group.as_mut().unwrap().drop_pending(overlay).unwrap());
    all[1].renew_credential("bob!", "");
    let pending = all[1].commit_unchecked(&CommitPlan::new());
    for n in [0, 2] {
        let refused = all[n].process(&pending.commit);
        assert!(matches!(refused, Err(ProcessError::Refused(Refusal::Leaf(_)))), "{refused:?}");
    }
    // A Welcome, into a group with such a leaf.
    let mut dave = Client::new("dave");
    let packages = [package, dave.key_package()];
    let plan = FoundingPlan { facts: facts(&["alice"]), members: packages.iter().collect() };
    let mut alice = Client::new("alice");
    let founded = alice.with(|me, _, overlay| MlsGroup::found(overlay, me, &plan, &Lenient));
    let founded = founded.unwrap();
    let refused = dave.join(&founded.welcome.unwrap(), &founded.tree);
    assert!(matches!(refused, Err(JoinError::Refused(Refusal::Leaf(_)))), "{refused:?}");
    assert!(dave.group.is_none());
}

/// Takes every credential of the tests' form.
struct Lenient;

impl CheckLeaf for Lenient {
    fn check(&self, credential: &[u8], _: &[u8]) -> Result<LeafName, RefusedLeaf> {
        let identity = credential[..32].try_into().unwrap();
        Ok(LeafName { identity, handle: String::from_utf8_lossy(&credential[64..]).into_owned() })
    }
}

#[test]
fn a_founder_must_be_an_admin() {
    let package = Client::new("bob").key_package();
    let plan = FoundingPlan { facts: facts(&["bob"]), members: vec![&package] };
    let founded =
        Client::new("alice").with(|me, _, overlay| MlsGroup::found(overlay, me, &plan, &Checker));
    assert!(matches!(founded, Err(CommitError::Refused(Refusal::NotAdmin))));
}

#[test]
fn an_outsider_makes_no_first_contact() {
    let mut bob = Client::new("bob");
    let package = bob.key_package();
    let mut outsider = Client::new("mallory");
    outsider.secrets = vec![JoinSecret::new(&NetworkKey::from_bytes([9; 32]))];
    let (welcome, tree) = outsider.found(facts(&["mallory"]), vec![&package]);
    let refused = bob.join(&welcome, &tree);
    assert!(matches!(refused, Err(JoinError::NetworkSecret)), "{refused:?}");
    // Nor with the right name of a secret that is another.
    let mut forged = JoinSecret::new(&NetworkKey::from_bytes([9; 32]));
    forged.rename_to(&JoinSecret::new(&network()));
    outsider.secrets = vec![forged];
    let (welcome, tree) = outsider.found(facts(&["mallory"]), vec![&package]);
    let refused = bob.join(&welcome, &tree);
    assert!(matches!(refused, Err(JoinError::Invalid(_))), "{refused:?}");
    // Nor without any.
    outsider.secrets = Vec::new();
    let plan = FoundingPlan { facts: facts(&["mallory"]), members: vec![&package] };
    let none = outsider.with(|me, _, overlay| MlsGroup::found(overlay, me, &plan, &Checker));
    assert!(matches!(none, Err(CommitError::Refused(Refusal::NetworkSecret))), "{none:?}");
}

#[test]
fn an_older_network_key_still_opens_and_a_missing_one_is_named() {
    let newer = JoinSecret::new(&NetworkKey::from_bytes([0x4f; 32]));
    let mut all = group_of(&["alice", "bob", "carol"], &["alice"]);
    all[0].secrets.insert(0, newer.clone());
    all[1].secrets.push(newer);
    let package = Client::new("dave").key_package();
    let pending = all[0].commit(&CommitPlan::new().adding(&package)).unwrap();
    all[1].merge(&pending.commit);
    let missing = all[2].process(&pending.commit);
    assert!(matches!(missing, Err(ProcessError::UnknownNetworkKey)), "{missing:?}");
}

#[test]
fn a_message_of_another_group_is_none_of_ours() {
    let (mut alice, _) = pair();
    let (mut other, _) = pair();
    let message = other.encrypt("elsewhere");
    assert!(matches!(alice.process(&message), Err(ProcessError::OtherGroup)));
}

#[test]
fn a_group_takes_256_members_and_no_more() {
    let mut alice = Client::new("alice");
    let packages: Vec<_> = (0..256).map(|n| Client::new(&format!("m{n}")).key_package()).collect();
    let plan = |count: usize| FoundingPlan {
        facts: facts(&["alice"]),
        members: packages[..count].iter().collect(),
    };
    let (many, most) = (plan(256), plan(255));
    let refused = alice.with(|me, _, overlay| MlsGroup::found(overlay, me, &many, &Checker));
    assert!(matches!(refused, Err(CommitError::Refused(Refusal::TooMany))));
    alice.with(|me, _, overlay| MlsGroup::found(overlay, me, &most, &Checker)).unwrap();
}
