//! Putting leaves back: who cannot go on in a group asks a member, who gives the leaf new keys in one Commit.
//!
//! An admin may do it, and who is none may if whoever asks has signed it with the leaf that the group has. A request
//! names the newest epoch that its sender knows, and when it was made. It is void if both are from before the sender's
//! leaf was put back, or out, the last time. So none counts twice, whoever sends it again.

mod answer;
mod ask;
mod early;
mod wish;

use chat_crypto::mls::Leaf;
use serde::{Deserialize, Serialize};

pub(crate) use self::answer::Answer;
pub(crate) use self::ask::{MOST_ASKED, NewKeys};
pub(crate) use self::wish::Wish;
use super::letter::{Finding, RejoinReason};
use super::{GroupRow, GroupState};
use crate::clock::now_ms;

/// What a profile keeps of leaves that are to be put back, or were.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Repair {
    doubt: Option<Doubt>,
    /// Whom we have asked to put us back, or who has done so already.
    asked: Vec<[u8; 32]>,
    /// When we have asked last: our clock, milliseconds since 1970.
    asked_ms: i64,
    /// When the Commit was read that puts us back: its invitation is waited for longer.
    put_back_ms: i64,
    /// Whom we have asked then and who has not answered, and what the others have said.
    unanswered: Vec<[u8; 32]>,
    said: Option<Finding>,
    /// Who has asked us.
    wishes: Vec<Wish>,
    /// Who was put back, or out.
    returned: Vec<Returned>,
    /// Whom we have answered that nothing is to be done, and to a request of when.
    answered: Vec<(Device, i64)>,
    /// The epoch in which we came ourselves, and when.
    since: (u64, i64),
    /// From which offset on an invitation reads that came before the Commit which puts us out. It is kept apart: it may
    /// be long, and this is written with each message.
    early: Option<u64>,
    /// The epoch in which a Commit came under a network key that we lack.
    keyless_epoch: Option<u64>,
    /// Whether another copy of this profile may have joined with the same invitation.
    pub(crate) is_copy: bool,
}

/// Records were passed over, which may have changed the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Doubt {
    /// The newest epoch that we knew before: those that follow may be in a branch of our own.
    epoch: u64,
    /// Whether it is to be asked about.
    is_due: bool,
    /// When the last gap was seen: our clock, milliseconds since 1970.
    since_ms: i64,
}

/// Whose leaf it is: an identity, and the key of one of its devices.
type Device = ([u8; 32], [u8; 32]);

/// A device that was put back, or out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Returned {
    device: Device,
    /// The epoch that began with it.
    epoch: u64,
    /// What was asked until then counts no more: our clock, or the device's where that is ahead.
    until_ms: i64,
}

impl Repair {
    /// That of a group in which we are new, or new again.
    ///
    /// * `epoch` - in which we came
    /// * `before` - what was kept of the group
    pub(super) fn joined((epoch, now_ms): (u64, i64), before: Option<&Self>) -> Self {
        let before = before.cloned().unwrap_or_default();
        let Self { asked_ms, returned, answered, .. } = before;
        Self { asked_ms, returned, answered, since: (epoch, now_ms), ..Self::default() }
    }

    /// Whether a record that no key of ours opens says anything: junk does not open either, and alone it is nothing.
    pub(crate) fn tells_of_gap(&self) -> bool {
        self.doubt.is_some_and(|doubt| !doubt.is_due)
    }

    /// Such a record came behind a gap.
    pub(crate) fn note_unopened(&mut self) {
        if let Some(doubt) = &mut self.doubt {
            doubt.is_due = true;
        }
    }

    /// Whether the group may be another one by now.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.doubt.is_some()
    }

    /// Whether we have asked this identity to put us back.
    pub(super) fn has_asked(&self, identity: &[u8; 32]) -> bool {
        self.asked.contains(identity)
    }

    /// Whether somebody is still to answer what we have asked at a time.
    fn awaits(&self, identity: &[u8; 32], made_at_ms: i64) -> bool {
        self.unanswered.contains(identity) && made_at_ms == self.asked_ms
    }

    /// Somebody whom we have asked has answered. What is said against what others have said is ignored: one of them
    /// may be out by now, and lie.
    ///
    /// Returns whether all have said the same by now.
    fn note_said(&mut self, identity: &[u8; 32], finding: Finding) -> bool {
        if *self.said.get_or_insert(finding) != finding {
            return false;
        }
        self.unanswered.retain(|asked| asked != identity);
        self.unanswered.is_empty()
    }

    /// Whether something is to be asked about.
    fn is_due(&self) -> bool {
        self.doubt.is_some_and(|doubt| doubt.is_due)
    }

    /// Nobody is to put us back any more.
    pub(super) fn forget_asking(&mut self) {
        self.asked.clear();
        self.unanswered.clear();
    }

    fn note_asked(&mut self, identity: [u8; 32]) {
        if !self.asked.contains(&identity) {
            self.asked.push(identity);
        }
        let over = self.asked.len().saturating_sub(MOST_REMEMBERED);
        self.asked.drain(..over);
    }

    /// Whether a device was put back since it has asked for it, or we are newer than what it says.
    fn is_void(&self, wish: &Wish) -> bool {
        let (epoch, until_ms) = self.since;
        let back = self.returned.iter().filter(|back| back.device == wish.device());
        let mut ends = back.map(|back| (back.epoch, back.until_ms)).chain([(epoch, until_ms)]);
        // Clocks differ a little.
        let until = |until_ms: i64| until_ms.saturating_add(ASK_AGAIN_MS);
        ends.any(|(epoch, until_ms)| wish.epoch < epoch && wish.made_at_ms <= until(until_ms))
    }

    /// Keeps a wish, in place of an earlier one of the same device.
    fn keep(&mut self, wish: Wish) -> Answer {
        self.wishes.retain(|kept| kept.device() != wish.device());
        if self.wishes.len() >= MOST_WISHES {
            return Answer::None;
        }
        self.wishes.push(wish);
        Answer::Kept
    }

    /// The wish that is to be done next.
    pub(super) fn next(&self) -> Option<&Wish> {
        self.wishes.first()
    }

    pub(super) fn forget(&mut self, wish: &Wish) {
        self.wishes.retain(|kept| kept != wish);
    }

    pub(super) fn has(&self, wish: &Wish) -> bool {
        self.wishes.contains(wish)
    }

    /// Whether this very request, or one after it, was answered already.
    fn was_answered(&self, wish: &Wish) -> bool {
        let device = wish.device();
        self.answered.iter().any(|(one, at)| *one == device && wish.made_at_ms <= *at)
    }

    /// Notes an answer; whether it is the first to a request, or to those after it.
    fn note_answered(&mut self, wish: &Wish) -> bool {
        if self.was_answered(wish) {
            return false;
        }
        let device = wish.device();
        self.wishes.retain(|kept| kept.device() != device);
        self.answered.retain(|(one, _)| *one != device);
        self.answered.push((device, wish.made_at_ms));
        let over = self.answered.len().saturating_sub(MOST_REMEMBERED);
        self.answered.drain(..over);
        true
    }

    /// A device was put back or out with the Commit that began an epoch.
    fn note_returned(&mut self, device: Device, (epoch, now_ms): (u64, i64)) {
        let theirs = self.wishes.iter().find(|wish| wish.device() == device);
        let until_ms = theirs.map_or(now_ms, |wish| wish.made_at_ms.max(now_ms));
        self.wishes.retain(|wish| wish.device() != device);
        self.returned.retain(|back| back.device != device);
        self.returned.push(Returned { device, epoch, until_ms });
        let over = self.returned.len().saturating_sub(MOST_REMEMBERED);
        self.returned.drain(..over);
    }
}

impl GroupRow {
    /// Records of the group's partition were passed over.
    pub(super) fn doubt(&mut self) {
        let (epoch, since_ms) = (self.newest_epoch(), now_ms());
        let doubt = self.repair.doubt.get_or_insert(Doubt { epoch, is_due: false, since_ms });
        doubt.since_ms = since_ms;
        // A named group may have moved to a mailbox that we do not know. That of a pair does not: what comes tells.
        doubt.is_due |= matches!(self.kind, super::GroupKind::Named(_));
    }

    /// A Commit mixes in a network key that we lack: what comes next cannot be read either. Whoever makes keys up holds
    /// nothing up by that but once in an epoch.
    pub(super) fn lacks_network_key(&mut self) {
        let epoch = Some(self.newest_epoch());
        if self.repair.keyless_epoch != epoch {
            self.repair.keyless_epoch = epoch;
            self.pass_over();
        }
    }

    /// A Commit takes our own leaf out and brings it in again. It is not taken over: we keep what we have until the
    /// invitation of whoever made it is there, and ask for another one where it does not come.
    pub(super) fn is_put_back(&mut self, by: [u8; 32]) {
        self.doubt();
        self.repair.note_asked(by);
        self.repair.put_back_ms = self.repair.asked_ms.max(now_ms());
    }

    /// Everything that was asked before is nothing any more.
    pub(super) fn ask_anew(&mut self) {
        self.repair.forget_asking();
        (self.repair.asked_ms, self.repair.put_back_ms) = (0, 0);
    }

    /// The other of two has written in an epoch. Where it began behind all that was passed over, we share its keys. In
    /// a named group that proves nothing: somebody else may be in the same branch.
    pub(super) fn heard_in(&mut self, epoch: u64) {
        let is_followed =
            self.chains().iter().any(|chain| chain.epoch == epoch && chain.is_followed());
        if is_followed && self.repair.is_in_doubt() && !self.is_named() {
            self.settle_doubt();
        }
    }

    /// Nothing was missed.
    pub(super) fn settle_doubt(&mut self) {
        self.repair.doubt = None;
        if self.state != GroupState::Stranded && !self.repair.asked.is_empty() {
            self.repair.forget_asking();
            // What we have signed to be put back with is for a leaf that we have no more.
            self.renewed_ms = 0;
        }
    }

    /// The epoch that was the newest before anything came into doubt.
    pub(super) fn doubted_epoch(&self) -> Option<u64> {
        self.repair.doubt.map(|doubt| doubt.epoch)
    }

    /// Why we have to be put back, if we have to.
    pub(crate) fn rejoin_reason(&self) -> Option<RejoinReason> {
        let is_doubted = self.repair.is_due() || (self.repair.is_in_doubt() && self.is_named());
        match self.state {
            GroupState::Stranded => Some(RejoinReason::Restored),
            GroupState::Member if is_doubted => Some(RejoinReason::OutOfStep),
            _ => None,
        }
    }

    /// Whether changes of ours wait until we know whether we are in step: otherwise they may lie in a branch that
    /// nobody else is in. Not for ever: everybody may be in doubt, or nobody there to say.
    pub(super) fn holds_back(&self, now_ms: i64) -> bool {
        let is_new = |doubt: Doubt| (0..ANSWER_MS).contains(&now_ms.saturating_sub(doubt.since_ms));
        self.repair.doubt.is_some_and(is_new) && self.is_named()
    }

    /// Whether it is time to ask for it, once more or for the first time.
    pub(crate) fn is_asking_due(&self, now_ms: i64) -> bool {
        let since = now_ms.saturating_sub(self.repair.asked_ms);
        let is_urgent = self.state == GroupState::Stranded || self.repair.is_due();
        let pause = if is_urgent { ASK_AGAIN_MS } else { ANSWER_MS };
        let is_coming = (0..ANSWER_MS).contains(&now_ms.saturating_sub(self.repair.put_back_ms));
        self.rejoin_reason().is_some() && !is_coming && !(0..pause).contains(&since)
    }

    /// Notes that something was done about it.
    pub(crate) fn note_asking(&mut self, asked: Vec<[u8; 32]>, now_ms: i64) {
        asked.iter().for_each(|identity| self.repair.note_asked(*identity));
        (self.repair.unanswered, self.repair.said) = (asked, None);
        self.repair.asked_ms = now_ms;
        if let Some(doubt) = &mut self.repair.doubt {
            // What comes after that and opens with no key asks again.
            doubt.is_due = false;
        }
    }

    /// Whether it is going to be time within seconds.
    pub(crate) fn asks_soon(&self, now_ms: i64) -> bool {
        self.rejoin_reason().is_some() && self.is_asking_due(now_ms.saturating_add(KEYS_SOON_MS))
    }

    /// Nothing could be done yet: it is tried again after a while, in milliseconds.
    pub(crate) fn ask_after(&mut self, now_ms: i64, wait_ms: i64) {
        self.repair.asked_ms = now_ms.saturating_sub(ASK_AGAIN_MS).saturating_add(wait_ms);
    }
}

fn device_of(leaf: &Leaf) -> Option<Device> {
    Some((leaf.name.identity, leaf.signature_key.as_slice().try_into().ok()?))
}

/// How long an answer is waited for before others are asked.
const ASK_AGAIN_MS: i64 = 10 * 60 * 1000;
/// How long new keys of our own are waited for, which a running listener publishes.
pub(super) const KEYS_SOON_MS: i64 = 2 * 1000;
/// How long is waited where nobody can be asked.
pub(super) const NOBODY_MS: i64 = 60 * 1000;
/// How long own changes wait for an answer, and how long a doubt rests that nobody has answered: an hour.
const ANSWER_MS: i64 = 60 * 60 * 1000;
/// Wishes that are kept at once; whoever is not among them asks again.
const MOST_WISHES: usize = 16;
/// Devices that were put back or out, requests that were answered, and people who were asked, that are remembered.
const MOST_REMEMBERED: usize = 64;
