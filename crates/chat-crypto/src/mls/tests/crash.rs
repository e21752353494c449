//! The process dies, or the store fails, at every point where it can: nothing is lost, doubled or
//! unreadable, and all stay together.
//!
//! Points are every read of the store, and before and after every flush. After each of them the
//! device goes on twice: once as a new process that knows what was flushed, once as the same one.

use super::*;

/// The log of the group, and Bob's inbox and directory.
#[derive(Default)]
struct Broker {
    log: Vec<Vec<u8>>,
    invitation: Option<(Vec<u8>, Vec<u8>)>,
    package: Option<Vec<u8>>,
}

/// A device with its application's rows, written in one transaction with those of MLS.
struct App {
    client: Client,
    rows: Rows,
}

#[derive(Clone, Default)]
struct Rows {
    id: Option<GroupId>,
    package: Option<Vec<u8>>,
    invitation: Option<(Vec<u8>, Vec<u8>)>,
    /// `(name, bytes)`; the name makes a repeated step find its own work.
    outbox: Vec<(&'static str, Vec<u8>)>,
    done: BTreeSet<&'static str>,
    history: Vec<String>,
    seen: BTreeSet<Vec<u8>>,
    cursor: usize,
    wraps: BTreeMap<u64, [u8; 32]>,
}

/// What kept a step from its end.
#[derive(Debug)]
struct Died;

impl App {
    fn new(handle: &str) -> Self {
        Self { client: Client::new(handle), rows: Rows::default() }
    }

    /// One transaction: the operation's rows and those of MLS are written together or not at all.
    fn transaction(
        &mut self,
        operation: impl FnOnce(
            &MlsMember,
            &mut Option<MlsGroup>,
            &mut Overlay<'_>,
            &mut Rows,
        ) -> Result<(), Died>,
    ) -> Result<(), Died> {
        let Client { me, disk, secrets, group, .. } = &mut self.client;
        let (mut overlay, mut rows) = (Overlay::new(disk, secrets), self.rows.clone());
        if let (None, Some(id)) = (&group, rows.id) {
            *group = Some(MlsGroup::load(&mut overlay, id).map_err(|_| Died)?);
        }
        operation(me, group, &mut overlay, &mut rows)?;
        let changes = overlay.into_changes();
        disk.pass().map_err(|_| Died)?;
        disk.write(changes);
        self.rows = rows;
        disk.pass().map_err(|_| Died)
    }

    fn make_package(&mut self) -> Result<(), Died> {
        if self.rows.package.is_some() {
            return Ok(());
        }
        self.transaction(|me, _, overlay, rows| {
            rows.package = Some(me.make_key_package(overlay).map_err(|_| Died)?.bytes);
            Ok(())
        })
    }

    fn found(&mut self, package: &[u8]) -> Result<(), Died> {
        if self.rows.id.is_some() {
            return Ok(());
        }
        self.transaction(|me, group, overlay, rows| {
            let package = KeyPackage::parse(package, &Checker).map_err(|_| Died)?;
            let plan = FoundingPlan { facts: facts(&["alice", "bob"]), members: vec![&package] };
            let founded = MlsGroup::found(overlay, me, &plan, &Checker).map_err(|_| Died)?;
            rows.id = Some(founded.group.id());
            rows.invitation = Some((founded.welcome.unwrap(), founded.tree));
            rows.wraps.insert(founded.start.epoch, *founded.start.wrap_key.expose_bytes());
            *group = Some(founded.group);
            Ok(())
        })
    }

    fn join(&mut self, (welcome, tree): &(Vec<u8>, Vec<u8>)) -> Result<(), Died> {
        if self.rows.id.is_some() {
            return Ok(());
        }
        self.transaction(|me, group, overlay, rows| {
            let invitation = Invitation { welcome, tree, rejoin: Rejoin::No };
            let joined = MlsGroup::join(overlay, me, &invitation, &Checker).map_err(|_| Died)?;
            rows.id = Some(joined.group.id());
            rows.wraps.insert(joined.start.epoch, *joined.start.wrap_key.expose_bytes());
            *group = Some(joined.group);
            Ok(())
        })
    }

    fn send(&mut self, text: &'static str) -> Result<(), Died> {
        if self.rows.done.contains(text) {
            return Ok(());
        }
        self.transaction(|me, group, overlay, rows| {
            let group = group.as_mut().unwrap();
            let bytes = group.encrypt(overlay, me, text.as_bytes()).map_err(|_| Died)?;
            rows.seen.insert(bytes.clone());
            rows.outbox.push((text, bytes));
            rows.history.push(text.to_owned());
            rows.done.insert(text);
            Ok(())
        })
    }

    fn commit(&mut self, name: &'static str) -> Result<(), Died> {
        if self.rows.done.contains(name) {
            return Ok(());
        }
        self.transaction(|me, group, overlay, rows| {
            let group = group.as_mut().unwrap();
            let plan = CommitPlan::new();
            let pending = group.commit(overlay, me, &plan, &Checker).map_err(|_| Died)?;
            rows.outbox.push((name, pending.commit));
            rows.done.insert(name);
            Ok(())
        })
    }

    /// Appends first and forgets then, so that a record may come twice.
    fn publish(&mut self, broker: &mut Broker) -> Result<(), Died> {
        while let Some((_, bytes)) = self.rows.outbox.first() {
            self.client.disk.pass().map_err(|_| Died)?;
            broker.log.push(bytes.clone());
            self.transaction(|_, _, _, rows| {
                rows.outbox.remove(0);
                Ok(())
            })?;
        }
        Ok(())
    }

    fn receive(&mut self, broker: &Broker) -> Result<(), Died> {
        while let Some(record) = broker.log.get(self.rows.cursor) {
            self.transaction(|_, group, overlay, rows| {
                take(group.as_mut().unwrap(), overlay, rows, record)
            })?;
        }
        Ok(())
    }
}

/// One record of the log.
fn take(
    group: &mut MlsGroup,
    overlay: &mut Overlay<'_>,
    rows: &mut Rows,
    record: &[u8],
) -> Result<(), Died> {
    rows.cursor += 1;
    if !rows.seen.insert(record.to_vec()) {
        return Ok(());
    }
    let merged = match group.process(overlay, record, &Checker) {
        Ok(Processed::Content(received)) => {
            rows.history.push(String::from_utf8(received.content.to_vec()).unwrap());
            return Ok(());
        }
        Ok(Processed::Commit(staged)) => group.merge(overlay, staged),
        Ok(Processed::OwnCommit(hash)) => group.merge_pending(overlay, &hash, &Checker),
        Err(ProcessError::OldEpoch { .. }) => return Ok(()),
        Err(ProcessError::Load(_)) => return Err(Died),
        Err(lost) => panic!("{lost:?}"),
    };
    let start = match merged {
        Ok(merged) => merged.start.unwrap(),
        Err(MergeError::Load(_)) => return Err(Died),
        Err(lost) => panic!("{lost:?}"),
    };
    rows.wraps.insert(start.epoch, *start.wrap_key.expose_bytes());
    Ok(())
}

#[derive(Clone, Copy)]
enum Who {
    Alice,
    Bob,
}

/// The walk: each step can be repeated until it succeeds.
type Step = (Who, fn(&mut App, &mut Broker) -> Result<(), Died>);

const WALK: [Step; 24] = [
    (Who::Bob, |bob, _| bob.make_package()),
    (Who::Bob, |bob, broker| {
        broker.package = bob.rows.package.clone();
        Ok(())
    }),
    (Who::Alice, |alice, broker| alice.found(broker.package.as_ref().unwrap())),
    (Who::Alice, |alice, _| alice.send("a1, before Bob has joined")),
    (Who::Alice, |alice, broker| {
        broker.invitation = alice.rows.invitation.clone();
        alice.publish(broker)
    }),
    (Who::Bob, |bob, broker| bob.join(broker.invitation.as_ref().unwrap())),
    (Who::Bob, |bob, _| bob.commit("Bob's first update")),
    (Who::Alice, |alice, _| alice.send("a2, of the first epoch")),
    (Who::Bob, |bob, broker| bob.publish(broker)),
    (Who::Alice, |alice, broker| alice.publish(broker)),
    (Who::Bob, |bob, broker| bob.receive(broker)),
    (Who::Alice, |alice, broker| alice.receive(broker)),
    (Who::Bob, |bob, _| bob.send("b1")),
    // A race: both from the same epoch.
    (Who::Alice, |alice, _| alice.commit("Alice's update")),
    (Who::Bob, |bob, _| bob.commit("Bob's second update")),
    (Who::Alice, |alice, _| alice.send("a3, while a Commit is pending")),
    (Who::Alice, |alice, broker| alice.publish(broker)),
    (Who::Bob, |bob, broker| bob.publish(broker)),
    (Who::Bob, |bob, broker| bob.receive(broker)),
    (Who::Alice, |alice, broker| alice.receive(broker)),
    (Who::Bob, |bob, _| bob.send("b2")),
    (Who::Bob, |bob, broker| bob.publish(broker)),
    (Who::Alice, |alice, broker| alice.receive(broker)),
    (Who::Bob, |bob, broker| bob.receive(broker)),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    /// Memory is lost.
    Dies,
    /// The same objects go on.
    GoesOn,
}

/// Walks with a failure at one point, if at all; gives the points passed.
fn walk(point: Option<u32>, then: Then) -> u32 {
    let (mut alice, mut bob, mut broker) = (App::new("alice"), App::new("bob"), Broker::default());
    let mut left = point;
    let mut passed = 0;
    for (who, step) in WALK {
        let app = match who {
            Who::Alice => &mut alice,
            Who::Bob => &mut bob,
        };
        app.client.disk.fuse.set(left);
        let before = app.client.disk.points.get();
        let mut failures = 0;
        while step(app, &mut broker).is_err() {
            failures += 1;
            assert!(failures == 1 && point.is_some(), "more than the one failure");
            if then == Then::Dies {
                app.client.group = None;
            }
        }
        let points = app.client.disk.points.get() - before;
        left = left.and_then(|left| left.checked_sub(points));
        passed += points;
    }
    check(&mut alice, &mut bob);
    passed
}

fn check(alice: &mut App, bob: &mut App) {
    for app in [&mut *alice, &mut *bob] {
        app.client.disk.fuse.set(None);
        app.transaction(|_, _, _, _| Ok(())).unwrap();
        let mut history = app.rows.history.clone();
        history.sort();
        let all = ["a1, before Bob has joined", "a2, of the first epoch"];
        let all = [&all[..], &["a3, while a Commit is pending", "b1", "b2"]].concat();
        assert_eq!(history, all, "nothing is lost or doubled");
        assert_eq!(app.client.view(|view| view.pending()), None);
    }
    let mut bobs = bob.rows.wraps.clone();
    bobs.retain(|epoch, _| alice.rows.wraps.contains_key(epoch));
    assert_eq!(alice.rows.wraps, bobs, "the same wrap keys");
    assert_eq!(alice.client.start(), bob.client.start());
    let last = alice.client.encrypt("the last");
    assert_eq!(bob.client.read(&last), "the last");
}

#[test]
fn no_point_of_failure_loses_or_doubles_anything() {
    let points = walk(None, Then::Dies);
    assert!(points > 100, "{points} points");
    for point in 0..points {
        walk(Some(point), Then::Dies);
        walk(Some(point), Then::GoesOn);
    }
    println!("{points} points, twice each: 0 bad");
}

#[test]
fn a_store_that_does_not_answer_is_never_a_verdict() {
    let (mut alice, mut bob) = pair();
    let pending = alice.commit(&CommitPlan::new()).unwrap();
    let id = bob.group.take().unwrap().id();
    for point in 0.. {
        bob.disk.fuse.set(Some(point));
        let mut overlay = Overlay::new(&bob.disk, &bob.secrets);
        let taken = MlsGroup::load(&mut overlay, id)
            .map_err(ProcessError::from)
            .and_then(|mut group| group.process(&mut overlay, &pending.commit, &Checker));
        match taken {
            Ok(_) if bob.disk.fuse.take().is_some() => {
                assert!(point > 5, "only {point} points");
                break;
            }
            Err(ProcessError::Load(LoadError::State(_))) => {}
            other => panic!("point {point}: {other:?}"),
        }
    }
}

/// Encrypts as one of many.
fn encrypt_in_run(client: &mut Client, texts: &[&str], settle: bool) -> Vec<Vec<u8>> {
    client.with(|me, group, overlay| {
        let group = group.as_mut().unwrap();
        let sent: Vec<_> = texts
            .iter()
            .map(|text| group.encrypt_in_run(overlay, me, text.as_bytes()).unwrap())
            .collect();
        if settle {
            group.settle(overlay).unwrap();
        }
        sent
    })
}

#[test]
fn a_run_is_written_as_its_last_message_left_the_group() {
    let (mut alice, mut bob) = pair();
    let before = alice.encrypt("before");
    let run = encrypt_in_run(&mut alice, &["one", "two", "three"], true);
    // Another process goes on from what is stored, and an epoch ends before its messages are read.
    let id = alice.group.as_ref().unwrap().id();
    alice.group = Some(alice.with(|_, _, overlay| MlsGroup::load(overlay, id).unwrap()));
    let after = alice.encrypt("after");
    let commit = alice.commit(&CommitPlan::new()).unwrap().commit;
    alice.merge(&commit);
    bob.merge(&commit);
    let late = encrypt_in_run(&mut alice, &["late"], true);
    let all = std::iter::once(&before).chain(&run).chain([&after]).chain(&late);
    let texts: Vec<_> = all.map(|message| bob.read(message)).collect();
    assert_eq!(texts, ["before", "one", "two", "three", "after", "late"]);
}

#[test]
fn a_run_that_is_not_written_leaves_the_group_as_it_was() {
    let (mut alice, mut bob) = pair();
    let mut overlay = Overlay::new(&alice.disk, &alice.secrets);
    let group = alice.group.as_mut().unwrap();
    group.encrypt_in_run(&mut overlay, &alice.me, b"lost").unwrap();
    group.settle(&mut overlay).unwrap();
    drop(overlay);
    let sent = alice.encrypt("kept");
    assert_eq!(bob.read(&sent), "kept");
}

/// Older keys would encrypt twice: what is written unsettled can never be loaded, nor can what another operation
/// finds after one that failed.
#[test]
fn a_run_that_is_written_unsettled_is_no_group_any_more() {
    let (mut alice, _) = pair();
    encrypt_in_run(&mut alice, &["one"], false);
    let id = alice.group.as_ref().unwrap().id();
    let loaded = alice.with(|_, _, overlay| MlsGroup::load(overlay, id).map(|_| ()));
    assert!(matches!(loaded, Err(LoadError::Damaged)), "{loaded:?}");
}

#[test]
fn whatever_comes_behind_a_run_finds_its_secrets() {
    let (mut alice, mut bob) = pair();
    let answer = bob.encrypt("answer");
    let sent = alice.with(|me, group, overlay| {
        let group = group.as_mut().unwrap();
        let first = group.encrypt_in_run(overlay, me, b"first").unwrap();
        assert!(matches!(group.process(overlay, &answer, &Checker), Ok(Processed::Content(_))));
        [first, group.encrypt(overlay, me, b"second").unwrap()]
    });
    let id = alice.group.as_ref().unwrap().id();
    alice.group = Some(alice.with(|_, _, overlay| MlsGroup::load(overlay, id).unwrap()));
    let third = alice.encrypt("third");
    let texts: Vec<_> = sent.iter().chain([&third]).map(|message| bob.read(message)).collect();
    assert_eq!(texts, ["first", "second", "third"]);
}
