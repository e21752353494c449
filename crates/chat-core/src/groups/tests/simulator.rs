//! A group under everything that can happen to it at once, chosen by a seed: people write, change the group, crash, stay
//! away for long, restore copies; the broker repeats records and mixes junk among them. In the end all who are in the
//! group agree on it, and everybody has read what they were to read, once and in order, and nothing else.
//!
//! One person reads everything at once and is never restored: what she has seen is what was so.
//! `SECURECHAT_TEST_SEED=N` runs one seed, `SECURECHAT_TEST_SEEDS=N` so many: 30 if nobody says, 200 in CI.

use std::collections::VecDeque;
use std::path::PathBuf;

use chat_crypto::InboxPublic;
use chat_crypto::mls::GroupId;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use super::named::crowd_of;
use super::*;
use crate::item::Item;

/// Somebody in the group, or on the way there.
struct Member {
    /// `None` only while it is being replaced.
    person: Option<Person>,
    kept: Kept,
    /// What was kept of it at some moment, and where its store lies since.
    copy: Option<(Kept, PathBuf)>,
    /// Letters below this came before the last restore.
    restored_at: usize,
}

/// What goes back in time when a copy is restored.
#[derive(Clone, Default)]
struct Kept {
    outbox: VecDeque<Out>,
    log_at: usize,
    inbox_at: usize,
    /// What was read, and where.
    heard: Vec<(usize, String)>,
}

/// A record on its way.
#[derive(Clone)]
enum Out {
    Log(Vec<u8>),
    Letter(usize, Vec<u8>),
}

/// Between which offsets somebody was in the group, as the observer has it.
#[derive(Clone, Default)]
struct Stay {
    spans: Vec<Span>,
    /// In which epoch each of them began.
    since: Vec<u64>,
    /// Where copies of them were restored: what they have missed by then is lost.
    holes: Vec<Span>,
}

/// From one offset to another, or on and on.
type Span = (usize, Option<usize>);

struct World {
    seed: u64,
    rng: StdRng,
    id: GroupId,
    members: Vec<Member>,
    log: Vec<Vec<u8>>,
    inboxes: Vec<Vec<Vec<u8>>>,
    stays: Vec<Stay>,
    /// In which epoch each text was written.
    written: Vec<u64>,
    now_ms: i64,
    copies: tempfile::TempDir,
    done: Vec<String>,
}

impl Member {
    fn person(&self) -> &Person {
        self.person.as_ref().unwrap()
    }
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let all = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"];
        let people = crowd_of(&all[..rng.random_range(2..=all.len())]);
        for person in &people {
            people.iter().for_each(|other| person.knows(other));
        }
        let first = rng.random_range(1..people.len().max(2)).min(people.len() - 1);
        let others: Vec<Invitee> = people[1..=first].iter().map(Person::invitee).collect();
        let founded = people[0].founds_at(0, "ops", &others).unwrap();
        let mut inboxes = vec![Vec::new(); people.len()];
        for held in &founded.letters {
            let to = people.iter().position(|person| *person.client.handle() == held.to).unwrap();
            inboxes[to].push(held.letter.body().to_vec());
        }
        let stay = |n: usize| Stay {
            spans: if n <= first { vec![(0, None)] } else { Vec::new() },
            since: if n <= first { vec![0] } else { Vec::new() },
            holes: Vec::new(),
        };
        let stays = (0..people.len()).map(stay).collect();
        let member = |person| Member {
            person: Some(person),
            kept: Kept::default(),
            copy: None,
            restored_at: 0,
        };
        Self {
            seed,
            rng,
            id: founded.id,
            members: people.into_iter().map(member).collect(),
            log: Vec::new(),
            inboxes,
            stays,
            written: Vec::new(),
            now_ms: crate::clock::now_ms(),
            copies: tempfile::tempdir().unwrap(),
            done: Vec::new(),
        }
    }

    fn person(&self, n: usize) -> &Person {
        self.members[n].person()
    }

    fn state(&self, n: usize) -> Option<GroupState> {
        let row =
            self.person(n).client.profile.store.read(|tx| GroupRow::of::<GroupError>(tx, self.id));
        row.unwrap().map(|row| row.state)
    }

    fn is_member(&self, n: usize) -> bool {
        self.state(n) == Some(GroupState::Member)
    }

    fn index_of(&self, handle: &crate::handle::Handle) -> usize {
        let is_it = |member: &Member| member.person().client.handle() == handle;
        self.members.iter().position(is_it).unwrap()
    }

    fn note(&mut self, what: String) {
        self.done.push(what);
    }

    /// One thing happens.
    fn step(&mut self) {
        let n = self.rng.random_range(0..self.members.len());
        match self.rng.random_range(0..100) {
            0..30 => self.says(n),
            30..45 => self.changes(n),
            45..60 => self.delivers(n),
            60..80 => {
                let most = self.rng.random_range(1..6);
                self.reads(n, most);
            }
            80..86 => self.reads_inbox(n),
            86..90 => self.does_what_is_due(n),
            90..93 => self.restarts(n),
            93..95 => self.keeps_a_copy(n),
            95..97 => self.restores(n),
            97 => self.log.push(b"junk that nobody can read".to_vec()),
            98 if self.rng.random() => self.misses(n),
            98 => self.leaves(n),
            _ => self.repeats(),
        }
        // The observer is always there.
        self.reads(0, usize::MAX);
        self.reads_inbox(0);
    }

    fn says(&mut self, n: usize) {
        if !self.is_member(n) {
            return;
        }
        let text = format!("{n}.{}", self.written.len());
        let sealed = self.person(n).says(self.id, &text);
        self.note(format!("{n} says {text}"));
        self.written.push(self.person(n).row(self.id).newest_epoch());
        self.members[n].kept.outbox.push_back(Out::Log(sealed));
    }

    fn changes(&mut self, n: usize) {
        if !self.is_member(n) {
            return;
        }
        let other = self.rng.random_range(1..self.members.len());
        let name = self.person(other).name();
        let what = self.rng.random_range(0..6);
        let mut invitees = Vec::new();
        let intent = match what {
            0 => Intent::Renew,
            1 | 2 => {
                invitees.push(self.person(other).invitee());
                Intent::Add(vec![name])
            }
            3 => Intent::Remove(vec![name]),
            4 => {
                let from = self.person(n).row(self.id).name().name().expose().to_owned();
                Intent::rename(
                    &from,
                    &GroupTitle::parse(&format!("ops {}", self.log.len())).unwrap(),
                )
            }
            _ => Intent::SetAdmins { add: vec![name], remove: Vec::new() },
        };
        if self.person(n).row(self.id).wanted.is_some() {
            return;
        }
        if let Ok(Some(commit)) = self.person(n).tries(self.id, &intent, &invitees) {
            self.note(format!("{n} commits {intent:?} to {other}"));
            self.members[n].kept.outbox.push_back(Out::Log(commit));
        }
    }

    fn leaves(&mut self, n: usize) {
        if n == 0 || !self.is_member(n) {
            return;
        }
        let parting = self.person(n).work(|ratchets, tx| ratchets.leave(tx, self.id));
        if let Ok(Parting::Asked(handshake)) = parting {
            self.note(format!("{n} leaves"));
            self.members[n].kept.outbox.push_back(Out::Log(handshake.envelope.into_bytes()));
        }
    }

    /// Sends the oldest record that waits; now and then without hearing that it has arrived.
    fn delivers(&mut self, n: usize) {
        let Some(out) = self.members[n].kept.outbox.pop_front() else { return };
        if self.rng.random_range(0..8) == 0 {
            self.members[n].kept.outbox.push_front(out.clone());
        }
        match out {
            Out::Log(bytes) => {
                self.note(format!("{n} delivers to {}", self.log.len()));
                self.log.push(bytes);
            }
            Out::Letter(to, bytes) => {
                self.note(format!("{n} writes to {to}"));
                self.inboxes[to].push(bytes);
            }
        }
    }

    fn repeats(&mut self) {
        if !self.log.is_empty() {
            let one = self.rng.random_range(0..self.log.len());
            self.note(format!("{one} is repeated at {}", self.log.len()));
            self.log.push(self.log[one].clone());
        }
    }

    fn reads(&mut self, n: usize, most: usize) {
        for _ in 0..most {
            let at = self.members[n].kept.log_at;
            if at >= self.log.len() || self.state(n).is_none() {
                return;
            }
            self.members[n].kept.log_at = at + 1;
            if self.state(n) == Some(GroupState::Gone) {
                continue;
            }
            let Ok(_) = chat_crypto::Envelope::parse(&self.log[at]) else {
                self.opens_nothing(n);
                continue;
            };
            let record = self.log[at].clone();
            match self.person(n).read_at(self.id, &record, at as u64) {
                Read::Content(content) => {
                    let Body::Text(text) = content.content.body else { panic!("no text") };
                    assert!(!content.forked, "there is one log: {}", self.story());
                    self.members[n].kept.heard.push((at, text));
                }
                Read::Changed(changed) => self.settles(n, at, &changed),
                Read::Refused(Refusal::Unreadable) => self.opens_nothing(n),
                Read::PutBack => {
                    self.note(format!("{n} reads at {at} that they are put back"));
                    self.joins_early(n);
                }
                Read::Passed | Read::Leaving(_) | Read::TooLate | Read::Withheld => {}
                other => panic!("{other:?}: {}", self.story()),
            }
        }
    }

    /// Records are gone before somebody has read them.
    fn misses(&mut self, n: usize) {
        let at = self.members[n].kept.log_at;
        if n == 0 || at >= self.log.len() || self.state(n).is_none() {
            return;
        }
        let to = self.rng.random_range(at..self.log.len()) + 1;
        self.members[n].kept.log_at = to;
        let id = self.id;
        self.person(n).work(|r, tx| r.change(tx, id, GroupRow::pass_over)).unwrap();
        self.stays[n].holes.push((at, None));
        self.note(format!("{n} misses {at} to {to}"));
    }

    fn opens_nothing(&self, n: usize) {
        let noted = self.person(n).work(|ratchets, tx| {
            if ratchets.row(tx, self.id)?.repair.tells_of_gap() {
                ratchets.change(tx, self.id, |row| row.repair.note_unopened())?;
            }
            Ok(())
        });
        noted.unwrap();
    }

    fn settles(&mut self, n: usize, at: usize, changed: &Changed) {
        if n == 0 {
            self.observes(at, changed);
        }
        let landing = Landing { topic_id: [5; 16], offset: at as u64 };
        let id = self.id;
        let settled = self.person(n).work(|ratchets, tx| ratchets.settle(tx, id, changed, landing));
        let settled = settled.unwrap_or_else(|error| panic!("{error}: {}", self.story()));
        for held in settled.letters {
            let to = self.index_of(&held.to);
            self.members[n].kept.outbox.push_back(Out::Letter(to, held.letter.body().to_vec()));
        }
        if changed.change.removes_us {
            self.note(format!("{n} reads at {at} that they are out"));
            self.joins_early(n);
        }
    }

    /// Takes the invitation that came before its Commit, if one did.
    fn joins_early(&mut self, n: usize) {
        let id = self.id;
        let early = self.person(n).work(|ratchets, tx| ratchets.take_early(tx, id)).unwrap();
        if let Some((invitation, sender)) = early {
            let is_copy = self.person(n).row(id).repair.is_copy;
            self.joins(n, (&invitation, &sender), is_copy);
        }
    }

    /// Who is in the group from here on.
    fn observes(&mut self, at: usize, changed: &Changed) {
        let of = |leaf: &chat_crypto::mls::Leaf| leaf.name.handle.parse().unwrap();
        for leaf in &changed.change.removed {
            let who = self.index_of(&of(leaf));
            if let Some((_, end)) = self.stays[who].spans.last_mut() {
                *end = Some(at);
            }
        }
        let epoch = self.person(0).row(self.id).newest_epoch();
        for leaf in &changed.change.added {
            let who = self.index_of(&of(leaf));
            self.stays[who].spans.push((at + 1, None));
            self.stays[who].since.push(epoch);
            if let Some((_, end)) = self.stays[who].holes.last_mut() {
                end.get_or_insert(at);
            }
        }
        self.note(format!("at {at}: {:?}", changed.change));
    }

    fn reads_inbox(&mut self, n: usize) {
        while let Some(letter) = self.inboxes[n].get(self.members[n].kept.inbox_at).cloned() {
            let is_copy = self.members[n].kept.inbox_at < self.members[n].restored_at;
            self.members[n].kept.inbox_at += 1;
            let person = self.person(n);
            let identity = person.own.identity();
            let me = Addressee { namespace: &person.own.namespace, identity: &identity };
            let keys = std::slice::from_ref(&person.inbox_key);
            let ReceivedLetter { letter, sender } = Letter::open(&letter, keys, me).unwrap();
            match letter {
                Letter::Invitation(invitation) => self.joins(n, (&invitation, &sender), is_copy),
                Letter::RejoinRequest(request) => {
                    let answer =
                        person.work(|r, tx| r.note_request(tx, (&request, &sender))).unwrap();
                    self.note(format!("{n} is asked by {}: {answer:?}", sender.handle()));
                    if let Answer::Said(held) = answer {
                        let out = Out::Letter(self.index_of(&held.to), held.letter.body().to_vec());
                        self.members[n].kept.outbox.push_back(out);
                    }
                }
                Letter::RejoinAnswer(answer) => {
                    let told = person.work(|r, tx| r.note_answer(tx, (&answer, &sender))).unwrap();
                    self.note(format!("{n} hears {:?}: {}", answer.finding, told.len()));
                }
                other => panic!("nobody has written {other:?}"),
            }
        }
    }

    fn joins(
        &mut self,
        n: usize,
        (invitation, sender): (&Invitation, &chat_crypto::DeviceCertificate),
        is_copy: bool,
    ) {
        let partitions = std::num::NonZeroU32::new(16).unwrap();
        let arrival = Arrival { partitions, topic_id: [5; 16], is_copy };
        let mut joined = None;
        let work = self.person(n).work(|ratchets, tx| {
            joined = Some(ratchets.join(tx, (invitation, sender), arrival));
            Ok(())
        });
        work.unwrap();
        match joined.unwrap() {
            Ok(joined) => {
                let start = usize::try_from(self.person(n).row(self.id).start).unwrap();
                // The mailbox is read from its start, wherever its partition was read to.
                self.members[n].kept.log_at = start;
                self.note(format!("{n} joins from {start}, {:?}", joined.state));
            }
            Err(error) => self.note(format!("{n} does not join: {error}")),
        }
    }

    fn does_what_is_due(&mut self, n: usize) {
        if self.state(n).is_none() {
            return;
        }
        self.asks(n);
        if !self.is_member(n) {
            return;
        }
        let Some(intent) = self.person(n).due(self.id) else { return };
        let mut invitees = Vec::new();
        if let Intent::Add(names) = &intent {
            let targets: Vec<usize> =
                names.iter().map(|name| self.index_of(&name.handle)).collect();
            invitees.extend(targets.into_iter().map(|target| self.person(target).invitee()));
        }
        if let Intent::PutBack(wish) = &intent {
            invitees.extend(wish.invitee(&self.person(n).own));
        }
        let id = self.id;
        match self.person(n).tries(id, &intent, &invitees) {
            Ok(Some(commit)) => {
                self.note(format!("{n} commits what is due: {intent:?}"));
                self.members[n].kept.outbox.push_back(Out::Log(commit));
            }
            Ok(None) => {}
            Err(why) => {
                let given = |r: &mut Ratchets, tx: &chat_store::ReadTxn<'_>| {
                    r.give_up(tx, id, (&intent, &why))
                };
                let _told: Vec<Item> = self.person(n).work(given).unwrap();
            }
        }
    }

    /// Asks to be put back, where it is time to.
    fn asks(&mut self, n: usize) {
        let (id, now) = (self.id, self.now_ms);
        if !self.person(n).row(id).is_asking_due(now) {
            return;
        }
        let Ok(mut whom) = self.person(n).work(|ratchets, tx| ratchets.whom_to_ask(tx, id)) else {
            return;
        };
        whom.shuffle(&mut self.rng);
        let known: Vec<(MemberName, InboxPublic)> = whom
            .into_iter()
            .take(MOST_ASKED)
            .map(|name| {
                let to = self.index_of(&name.handle);
                (name, self.person(to).inbox_key.public())
            })
            .collect();
        let key_package = self.person(n).key_package();
        let inbox_key = self.person(n).inbox_key.public();
        let keys = NewKeys { inbox_key, key_package };
        let letters = self.person(n).work(|r, tx| r.ask(tx, id, (&known, &keys), now)).unwrap();
        let names: Vec<&str> = known.iter().map(|(name, _)| name.handle.as_str()).collect();
        let told = format!("{n} asks {names:?} to be put back");
        self.note(told);
        for held in letters {
            let to = self.index_of(&held.to);
            self.members[n].kept.outbox.push_back(Out::Letter(to, held.letter.body().to_vec()));
        }
    }

    fn restarts(&mut self, n: usize) {
        let person = self.members[n].person.take().unwrap();
        self.members[n].person = Some(person.reopened());
    }

    fn keeps_a_copy(&mut self, n: usize) {
        if n == 0 {
            return;
        }
        let place = self.copies.path().join(format!("{n}.{}", self.done.len()));
        let person = self.members[n].person.take().unwrap();
        self.members[n].person = Some(person.copied_to(&place));
        self.members[n].copy = Some((self.members[n].kept.clone(), place));
        self.note(format!("a copy of {n} is kept"));
    }

    fn restores(&mut self, n: usize) {
        let Some((kept, place)) = self.members[n].copy.clone() else { return };
        let person = self.members[n].person.take().unwrap();
        self.members[n].person = Some(person.restored_from(&place));
        self.members[n].kept = kept;
        self.members[n].restored_at = self.inboxes[n].len();
        // What it reads until it is put back may be in part, and what waited in its outbox may be gone.
        self.stays[n].holes.push((self.members[n].kept.log_at, None));
        self.note(format!("{n} is restored"));
    }

    /// Everybody reads, sends and does what is due until nothing happens any more.
    fn settle_down(&mut self) {
        for _ in 0..40 {
            let before = (self.log.len(), self.inboxes.iter().map(Vec::len).sum::<usize>());
            for n in 0..self.members.len() {
                self.reads_inbox(n);
                self.reads(n, usize::MAX);
                self.does_what_is_due(n);
                while !self.members[n].kept.outbox.is_empty() {
                    self.delivers(n);
                }
                self.reads(0, usize::MAX);
                self.reads_inbox(0);
            }
            self.now_ms += 11 * 60 * 1000;
            let after = (self.log.len(), self.inboxes.iter().map(Vec::len).sum::<usize>());
            if before == after {
                return;
            }
        }
        panic!("it never settles down: {}", self.story());
    }

    fn check(&self) {
        self.all_agree();
        let truth: Vec<(usize, String)> = self.truth();
        for n in 0..self.members.len() {
            self.has_read_what_was_for_them(n, &truth);
        }
    }

    /// Who thinks that they are in the group is in it, and has the same group as all others.
    fn all_agree(&self) {
        let roster = |n: usize| {
            let roster = self.person(n).work(|ratchets, tx| ratchets.roster(tx, self.id)).unwrap();
            (roster.epoch, roster.authenticator.clone(), roster.facts.clone(), roster.people())
        };
        let seen = roster(0);
        for n in 1..self.members.len() {
            let is_in = seen.3.contains(&self.person(n).name());
            let thinks = self.state(n);
            // A copy from before somebody was invited does not know of it.
            let may_not_know = self.members[n].restored_at > 0;
            let agrees = match thinks {
                Some(GroupState::Member | GroupState::Leaving) => is_in && roster(n) == seen,
                Some(GroupState::Stranded) => false,
                _ => !is_in || may_not_know,
            };
            assert!(agrees, "{n} is {thinks:?}, in the group: {is_in}: {}", self.story());
        }
    }

    /// All that counts as said, where it was read: what the observer heard, and what she has written herself.
    fn truth(&self) -> Vec<(usize, String)> {
        let mut truth = self.members[0].kept.heard.clone();
        for other in &self.members[1..] {
            truth.extend(
                other.kept.heard.iter().filter(|(_, text)| text.starts_with("0.")).cloned(),
            );
        }
        truth.sort();
        truth.dedup();
        truth
    }

    fn has_read_what_was_for_them(&self, n: usize, truth: &[(usize, String)]) {
        let (stay, heard) = (&self.stays[n], &self.members[n].kept.heard);
        let mut texts: Vec<&String> = heard.iter().map(|(_, text)| text).collect();
        assert!(heard.is_sorted_by_key(|(at, _)| *at), "{n}, in order: {}", self.story());
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), heard.len(), "{n}, once: {}", self.story());
        for (at, text) in heard {
            // Who has missed Commits still has the keys of what comes too late for all others.
            let is_true = truth.contains(&(*at, text.clone())) || within(&stay.holes, *at);
            assert!(n == 0 || is_true, "{n} has read {text} at {at}: {}", self.story());
            let may = n == 0 || within(&stay.spans, *at);
            assert!(may, "{n} was not in when {text} was written at {at}: {}", self.story());
        }
        let own = format!("{n}.");
        for (at, text) in truth.iter().filter(|(_, text)| !text.starts_with(&own)) {
            // What was written before they came is not for them, wherever it lies.
            let number = text.split_once('.').unwrap().1.parse::<usize>().unwrap();
            let mut stays = stay.spans.iter().zip(&stay.since);
            let is_for_them =
                stays.any(|(span, since)| covers(span, *at) && self.written[number] >= *since);
            let excused = within(&stay.holes, *at);
            let has = heard.iter().any(|(_, one)| one == text);
            assert!(has || excused || !is_for_them, "{n} misses {text} of {at}: {}", self.story());
        }
    }

    fn story(&self) -> String {
        let told = self.done.join("\n");
        format!("seed {}; SECURECHAT_TEST_SEED={0} runs it again\n{told}", self.seed)
    }
}

fn covers((from, to): &Span, at: usize) -> bool {
    at >= *from && to.is_none_or(|to| at <= to)
}

fn within(spans: &[Span], at: usize) -> bool {
    spans.iter().any(|span| covers(span, at))
}

impl Person {
    /// A fresh KeyPackage, as bytes.
    pub(super) fn key_package(&self) -> Vec<u8> {
        let package = self.client.profile.store.write::<_, GroupError>(|tx| {
            let state = StoreState::stored(tx);
            let mut overlay = chat_crypto::mls::Overlay::new(&state, &[]);
            let package = self.own.member.make_key_package(&mut overlay).unwrap();
            let made = overlay.into_changes();
            write_changes(tx, &made)?;
            Ok(package)
        });
        package.unwrap().bytes
    }
}

fn simulate(seed: u64) {
    let mut world = World::new(seed);
    let steps = world.rng.random_range(40..160);
    for _ in 0..steps {
        world.step();
    }
    // Whoever has missed something notices by what comes after.
    world.says(0);
    world.delivers(0);
    world.settle_down();
    world.check();
}

#[test]
fn whatever_happens_all_agree_and_nothing_is_lost_or_doubled() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    if let Some(seed) = number("SECURECHAT_TEST_SEED") {
        return simulate(seed);
    }
    (0..number("SECURECHAT_TEST_SEEDS").unwrap_or(30)).for_each(simulate);
}
