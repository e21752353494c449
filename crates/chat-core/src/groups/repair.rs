//! Putting leaves back: who cannot go on in a group asks a member, who gives the leaf new keys in one Commit.
//!
//! An admin may do it, and who is none may if whoever asks has signed it with the leaf that the group has.
//!
//! A request names the newest epoch that its sender knows, and when it was made. It is void if both are from before the
//! sender's leaf was put back the last time. So none counts twice, whoever sends it again.

use chat_crypto::mls::{Departure, GroupId, KeyPackage, Leaf};
use chat_crypto::{DeviceCertificate, InboxPublic};
use chat_store::ReadTxn;
use serde::{Deserialize, Serialize};

use super::intent::departure_of;
use super::letter::{Invitation, Letter, NotAMember, RejoinReason, RejoinRequest};
use super::ratchets::Ratchets;
use super::roster::{MemberName, Roster};
use super::settle::HeldLetter;
use super::{GroupError, GroupRow, GroupState, Invitee};
use crate::item::{GroupChanged, GroupEvent, Item};
use crate::mutant::{Mutant, breaks};

/// What a profile keeps of leaves that are to be put back, or were.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Repair {
    /// Whether we still know the group's present keys.
    step: Step,
    /// Whom we have asked to put us back, and when we did so last: our clock, milliseconds since 1970.
    asked: Vec<[u8; 32]>,
    asked_ms: i64,
    /// Who has asked us.
    wishes: Vec<Wish>,
    /// Who was put back.
    returned: Vec<Returned>,
    /// An invitation that came before the Commit which puts us out.
    early: Option<Early>,
    /// Whether another copy of this profile may have joined with the same invitation.
    pub(super) is_copy: bool,
}

/// Whether we know the present keys of a group, as far as can be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Step {
    /// Nothing says otherwise.
    #[default]
    In,
    /// Records were passed over, which may have changed the group.
    Unknown,
    /// What came after them opens with no key of ours.
    Out,
}

/// Whose leaf it is: an identity, and the key of one of its devices.
type Device = ([u8; 32], [u8; 32]);

/// A device that asks to be put back, with all that it takes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wish {
    pub(super) name: MemberName,
    pub(super) device_key: [u8; 32],
    why: RejoinReason,
    epoch: u64,
    state: [u8; 32],
    made_at_ms: i64,
    #[serde(with = "serde_bytes")]
    departure: Vec<u8>,
    #[serde(with = "serde_bytes")]
    inbox_key: Vec<u8>,
    #[serde(with = "serde_bytes")]
    key_package: Vec<u8>,
}

/// A device that was put back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Returned {
    device: Device,
    /// The epoch in which it came.
    epoch: u64,
    /// What was asked until then counts no more: our clock, or the device's where that is ahead.
    until_ms: i64,
}

/// An invitation that came before the Commit which puts us out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Early {
    /// The first offset that it is for.
    start: u64,
    #[serde(with = "serde_bytes")]
    invitation: Vec<u8>,
    /// The device certificate of its sender.
    #[serde(with = "serde_bytes")]
    sender: Vec<u8>,
}

/// What becomes of a request to be put back.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It is done when it is its turn.
    Kept,
    /// It is not ours to do, nothing is to be done, or it was done already.
    None,
    /// Who asks is no member: for their inbox.
    NotAMember(HeldLetter),
}

/// The keys that a request to be put back brings along.
pub(crate) struct NewKeys {
    pub(crate) inbox_key: InboxPublic,
    pub(crate) key_package: Vec<u8>,
}

impl Repair {
    /// Records of the group's partition were passed over.
    pub(super) fn pass_over(&mut self) {
        if self.step == Step::In {
            self.step = Step::Unknown;
        }
    }

    /// Whether a record that no key of ours opens says anything: junk does not open either, and alone it is nothing.
    pub(crate) fn tells_of_gap(&self) -> bool {
        self.step == Step::Unknown
    }

    /// Such a record came behind a gap.
    pub(crate) fn note_unopened(&mut self) {
        self.step = Step::Out;
    }

    /// Somebody else was read in an epoch that began behind the gap: we share its keys.
    pub(super) fn note_in_step(&mut self) {
        self.step = Step::In;
    }

    /// Whether we have asked this identity to put us back.
    pub(super) fn has_asked(&self, identity: &[u8; 32]) -> bool {
        self.asked.contains(identity)
    }

    /// Whether a device was put back since it has asked for it.
    fn is_void(&self, wish: &Wish) -> bool {
        let is_before =
            |back: &Returned| wish.epoch < back.epoch && wish.made_at_ms <= back.until_ms;
        self.returned.iter().any(|back| back.device == wish.device() && is_before(back))
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
}

impl GroupRow {
    /// Why we have to be put back, if we have to.
    pub(crate) fn rejoin_reason(&self) -> Option<RejoinReason> {
        match self.state {
            GroupState::Stranded => Some(RejoinReason::Restored),
            GroupState::Member if self.repair.step == Step::Out => Some(RejoinReason::OutOfStep),
            _ => None,
        }
    }

    /// Whether it is time to ask for it, once more or for the first time.
    pub(crate) fn is_asking_due(&self, now_ms: i64) -> bool {
        let since = now_ms.saturating_sub(self.repair.asked_ms);
        self.rejoin_reason().is_some() && !(0..ASK_AGAIN_MS).contains(&since)
    }

    /// Notes that something was done about it.
    pub(crate) fn note_asking(&mut self, asked: Vec<[u8; 32]>, now_ms: i64) {
        (self.repair.asked, self.repair.asked_ms) = (asked, now_ms);
        if self.repair.step == Step::Out {
            // Where nothing was missed nobody answers: what comes after that opens with no key asks again.
            self.repair.step = Step::Unknown;
        }
    }

    /// Nothing could be done yet: it is tried again soon.
    pub(crate) fn ask_soon(&mut self, now_ms: i64) {
        self.repair.asked_ms = now_ms.saturating_sub(ASK_AGAIN_MS).saturating_add(TRY_AGAIN_MS);
    }
}

impl Wish {
    fn of(request: &RejoinRequest, sender: &DeviceCertificate) -> Option<Self> {
        Some(Self {
            name: MemberName {
                handle: sender.handle().parse().ok()?,
                identity: *sender.identity().as_bytes(),
            },
            device_key: *sender.device_key().as_bytes(),
            why: request.why,
            epoch: request.epoch,
            state: request.state,
            made_at_ms: request.made_at_ms,
            departure: request.departure.to_bytes().to_vec(),
            inbox_key: request.inbox_key.as_bytes().to_vec(),
            key_package: request.key_package.clone(),
        })
    }

    fn device(&self) -> Device {
        (self.name.identity, self.device_key)
    }

    /// The device, as somebody who can be brought in; `None` if its keys are none.
    pub(crate) fn invitee(&self, own: &super::OwnLeaf) -> Option<Invitee> {
        let package = KeyPackage::parse(&self.key_package, &own.check).ok()?;
        Some(Invitee {
            handle: self.name.handle.clone(),
            identity: self.name.identity,
            inbox_key: InboxPublic::from_bytes(&self.inbox_key).ok()?,
            key_packages: vec![package],
        })
    }

    /// Whether there is nothing to be done, by the group as it is now: nothing was missed.
    pub(super) fn is_idle(&self, roster: &Roster) -> bool {
        self.why == RejoinReason::OutOfStep && self.state == roster.state()
    }

    /// What lets somebody do it who is no admin.
    pub(super) fn departure(&self) -> Option<Departure> {
        departure_of(&self.departure)
    }

    /// Whether a leaf is the one that is to be put back.
    pub(super) fn is_of(&self, leaf: &Leaf) -> bool {
        device_of(leaf) == Some(self.device())
    }
}

impl std::fmt::Debug for Wish {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Wish({}, epoch {})", self.name.handle, self.epoch)
    }
}

impl std::fmt::Debug for Early {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Early({} bytes)", self.invitation.len())
    }
}

impl Ratchets {
    /// Who can put us back: the group's admins, and where we are its only one, everybody else.
    pub(crate) fn whom_to_ask(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
    ) -> Result<Vec<MemberName>, GroupError> {
        let roster = self.roster(tx, id)?;
        let mut people = roster.people();
        people.retain(|name| !roster.is_us(&name.identity));
        let is_admin = |name: &MemberName| roster.is_admin(&name.identity);
        if people.iter().any(is_admin) {
            people.retain(is_admin);
        }
        Ok(people)
    }

    /// Asks members to put us back: a letter for each.
    pub(crate) fn ask(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        (members, keys): (&[(MemberName, InboxPublic)], &NewKeys),
        now_ms: i64,
    ) -> Result<Vec<HeldLetter>, GroupError> {
        let row = self.row(tx, id)?;
        let why = row.rejoin_reason().ok_or(GroupError::NoGroup)?;
        let (epoch, _) = row.newest_wrap().ok_or(GroupError::NoGroup)?;
        let state = self.roster(tx, id)?.state();
        let departure = self.step::<_, GroupError>(tx, id, |group, overlay, own| {
            group.view(overlay)?.sign_departure(&own.member).ok_or(GroupError::Left)
        })?;
        let NewKeys { inbox_key, key_package } = keys;
        let (inbox_key, key_package) = (inbox_key.clone(), key_package.clone());
        let request = RejoinRequest {
            group: id,
            why,
            epoch,
            state,
            made_at_ms: now_ms,
            departure,
            inbox_key,
            key_package,
        };
        let letter = Letter::RejoinRequest(request);
        let letters = members.iter().map(|(name, inbox_key)| {
            let letter = letter.seal(&self.own, (inbox_key, &name.identity))?;
            Ok(HeldLetter { to: name.handle.clone(), letter })
        });
        let letters = letters.collect::<Result<_, GroupError>>()?;
        let asked = members.iter().map(|(name, _)| name.identity).collect();
        self.change(tx, id, |row| row.note_asking(asked, now_ms))?;
        Ok(letters)
    }

    /// Somebody asks to be put back. It is kept if we can do it and it still counts; [`due`](Self::due) then asks us
    /// to.
    pub(crate) fn note_request(
        &mut self,
        tx: &ReadTxn<'_>,
        (request, sender): (&RejoinRequest, &DeviceCertificate),
    ) -> Result<Answer, GroupError> {
        let id = request.group;
        let Some(row) = self.known(tx, id)?.cloned() else { return Ok(Answer::None) };
        let Some(wish) = Wish::of(request, sender) else { return Ok(Answer::None) };
        let is_void = row.repair.is_void(&wish) && !breaks(Mutant::PutBackAgain);
        if row.state != GroupState::Member || !row.is_named() || is_void {
            return Ok(Answer::None);
        }
        let roster = self.roster(tx, id)?;
        if !roster.leaves.iter().any(|leaf| wish.is_of(leaf)) {
            // Who knows the group was in it. An admin who has read on knows better than they do.
            let is_sure = roster.are_we_admin() && roster.epoch > wish.epoch;
            let answer = NotAMember { group: id, made_at_ms: wish.made_at_ms };
            let to = (&request.inbox_key, &wish.name.identity);
            return Ok(match is_sure && !roster.has(&wish.name.identity) {
                true => Answer::NotAMember(HeldLetter {
                    letter: Letter::NotAMember(answer).seal(&self.own, to)?,
                    to: wish.name.handle,
                }),
                false => Answer::None,
            });
        }
        let signed = self.step::<_, GroupError>(tx, id, |group, overlay, own| {
            Ok(group.view(overlay)?.departing(&request.departure, &own.check))
        })?;
        let may = roster.are_we_admin() || signed.is_some_and(|leaf| wish.is_of(&leaf));
        let invitee = wish.invitee(&self.own);
        let is_own = invitee.is_some_and(|invitee| {
            invitee.key_packages.iter().all(|package| wish.is_of(package.leaf()))
        });
        if !may || !is_own || wish.is_idle(&roster) {
            return Ok(Answer::None);
        }
        self.change(tx, id, |row| row.repair.keep(wish))
    }

    /// An admin whom we have asked says that we are no member: the Commit that has put us out is one that we have
    /// missed.
    ///
    /// Returns what is to be told.
    pub(crate) fn note_no_member(
        &mut self,
        tx: &ReadTxn<'_>,
        (answer, sender): (&NotAMember, &DeviceCertificate),
    ) -> Result<Vec<Item>, GroupError> {
        let id = answer.group;
        let Some(row) = self.known(tx, id)?.cloned() else { return Ok(Vec::new()) };
        let is_asked = row.repair.has_asked(sender.identity().as_bytes());
        let is_ours = matches!(row.state, GroupState::Member | GroupState::Stranded);
        if !is_ours || !is_asked || answer.made_at_ms != row.repair.asked_ms {
            return Ok(Vec::new());
        }
        if !self.roster(tx, id)?.is_admin(sender.identity().as_bytes()) {
            return Ok(Vec::new());
        }
        self.change(tx, id, GroupRow::end)?;
        self.wipe(tx, id)?;
        let by = sender.handle().parse().map_err(|_| GroupError::NoGroup)?;
        let what = GroupEvent::Removed(vec![self.own.handle()?]);
        Ok(vec![Item::GroupChanged(GroupChanged { group: row.name(), by, what })])
    }

    /// A Commit was taken over: devices that it has taken out and brought in again are back, and who is gone wishes
    /// for nothing.
    pub(super) fn note_returned(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        (removed, added): (&[Leaf], &[Leaf]),
        now_ms: i64,
    ) -> Result<(), GroupError> {
        if removed.is_empty() {
            return Ok(());
        }
        let (epoch, _) = self.row(tx, id)?.newest_wrap().ok_or(GroupError::NoGroup)?;
        let came: Vec<Device> = added.iter().filter_map(device_of).collect();
        self.change(tx, id, |row| {
            let Repair { returned, wishes, .. } = &mut row.repair;
            for device in removed.iter().filter_map(device_of) {
                let is_theirs = |wish: &Wish| wish.device() == device;
                let made_at = wishes.iter().find(|wish| is_theirs(wish)).map(|w| w.made_at_ms);
                let until_ms = made_at.map_or(now_ms, |made_at| made_at.max(now_ms));
                wishes.retain(|wish| !is_theirs(wish));
                returned.retain(|back| back.device != device);
                if came.contains(&device) {
                    returned.push(Returned { device, epoch, until_ms });
                }
            }
        })
    }

    /// An invitation to a named group that we are in: it may come before the Commit which puts us out. It is kept until
    /// then, if it comes from an admin and is for later than the one that we have joined with.
    ///
    /// Returns whether it is kept.
    pub(super) fn keep_early(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        (invitation, sender): (&Invitation, &DeviceCertificate),
    ) -> Result<bool, GroupError> {
        let Some(row) = self.known(tx, id)? else { return Ok(false) };
        let kept = row.repair.early.as_ref().map(|early| early.start);
        let is_later = invitation.start > kept.unwrap_or(row.start);
        if row.state == GroupState::Gone || !row.is_named() || !is_later {
            return Ok(false);
        }
        let roster = self.roster(tx, id)?;
        let identity = sender.identity().as_bytes();
        if !roster.is_admin(identity) || !roster.has(identity) {
            return Ok(false);
        }
        let (start, invitation) = (invitation.start, invitation.encode().to_vec());
        let early = Early { start, invitation, sender: sender.as_bytes().to_vec() };
        self.change(tx, id, |row| row.repair.early = Some(early))?;
        Ok(true)
    }

    /// The invitation that came before we were put out, if one did.
    pub(crate) fn take_early(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
    ) -> Result<Option<(Invitation, DeviceCertificate)>, GroupError> {
        let Some(early) = self.row(tx, id)?.repair.early.clone() else { return Ok(None) };
        self.change(tx, id, |row| row.repair.early = None)?;
        let namespace = self.own.namespace.as_str();
        let invitation = Invitation::decode(&early.invitation).ok();
        Ok(invitation.zip(DeviceCertificate::parse(&early.sender, namespace).ok()))
    }

    /// What is kept of a group, if anything is.
    pub(super) fn known(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
    ) -> Result<Option<&GroupRow>, GroupError> {
        match self.row(tx, id) {
            Ok(row) => Ok(Some(row)),
            Err(GroupError::NoGroup) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn device_of(leaf: &Leaf) -> Option<Device> {
    Some((leaf.name.identity, leaf.signature_key.as_slice().try_into().ok()?))
}

/// How long an answer is waited for before others are asked.
const ASK_AGAIN_MS: i64 = 10 * 60 * 1000;
/// How long is waited where nobody could be asked.
const TRY_AGAIN_MS: i64 = 15 * 1000;
/// Wishes that are kept at once; whoever is not among them asks again.
const MOST_WISHES: usize = 16;
/// Members that are asked at once.
pub(crate) const MOST_ASKED: usize = 3;
