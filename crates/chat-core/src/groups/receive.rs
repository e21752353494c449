//! Reading what lies in a group's mailbox.

use chat_crypto::DeviceId;
use chat_crypto::mls::PAST_EPOCHS;
use chat_crypto::mls::{
    Departure, GroupFacts, GroupId, GroupView, LoadError, Merged, ProcessError, Processed,
    ReceivedContent, StagedChange,
};
use chat_store::ReadTxn;
use zeroize::Zeroizing;

use super::changed::Changed;
use super::intent::departure_of;
use super::join::mailbox_of;
use super::newer::NewerContent;
use super::payload::{Notes, Payload};
use super::ratchets::Ratchets;
use super::roster::MemberName;
use super::{GroupError, GroupKind, GroupRow, GroupState, OwnLeaf};
use crate::clock::now_ms;
use crate::content::{Content, Decoded};
use crate::conversation::Conversation;
use crate::directory::SeenHead;
use crate::hash::sha256;
use crate::inbound::Refusal;
use crate::mutant::{Mutant, breaks};

/// What a record of a group came to.
#[derive(Debug)]
pub(crate) enum Read {
    Content(Box<GroupContent>),
    /// The group has changed: a new epoch has begun, or we are out. [`settle`](Ratchets::settle) says what follows.
    Changed(Box<Changed>),
    /// Our own leaf was taken out and brought in again: the invitation that goes with it may be here already.
    PutBack,
    /// A content in a group that nobody has said yes to: it is kept, and is not to be shown.
    Withheld,
    /// A member leaves. The row keeps it until somebody has committed it; [`due`](Ratchets::due) asks us to.
    Leaving(MemberName),
    /// It is our own, and landed when nobody could read it any more.
    TooLate,
    /// It is of a later version.
    Newer(Box<NewerContent>),
    /// Nothing is to be done about it: it is our own, was read before, lost its race, or came too late.
    Passed,
    /// It counts for nothing, and is counted.
    Refused(Refusal),
}

/// A content that a member wrote.
#[derive(Debug)]
pub(crate) struct GroupContent {
    /// Whether its sender has read another log than we have.
    pub(crate) forked: bool,
    pub(crate) content: Content,
    pub(crate) encoded: Zeroizing<Vec<u8>>,
    /// The identity of its sender.
    pub(crate) identity: [u8; 32],
    /// Its sender's device, where that is known still.
    pub(crate) device: Option<DeviceId>,
    /// The end of its sender's own list of changes in the directory, by their word.
    pub(crate) head: Option<SeenHead>,
}

/// What processing a message gave.
enum Step {
    Content(ReceivedContent),
    Merged(Box<(Merged, Before)>),
}

/// A group before a Commit was merged.
struct Before {
    facts: GroupFacts,
    departed: Vec<MemberName>,
    /// Whether the Commit is our own.
    own: Option<[u8; 32]>,
}

impl Ratchets {
    /// Reads a message of a group, and takes over what it changes.
    pub(crate) fn read(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        (message, offset): (&[u8], u64),
    ) -> Result<Read, GroupError> {
        let row = self.row(tx, id)?;
        if row.state == GroupState::Gone {
            return Ok(Read::Passed);
        }
        let departures = row.departures.clone();
        let is_in = matches!(row.state, GroupState::Member | GroupState::Stranded);
        let hash = sha256(&[message]);
        if let Some(epoch) = self.take_own(tx, id, &hash)? {
            let current = self.row(tx, id)?.newest_wrap().map_or(epoch, |(current, _)| current);
            if epoch.saturating_add(PAST_EPOCHS as u64) < current {
                return Ok(Read::TooLate);
            }
            self.follow(tx, id, (epoch, offset, &hash))?;
            return Ok(Read::Passed);
        }
        let step = self.step::<_, Failed>(tx, id, |group, overlay, own| {
            match group.process(overlay, message, &own.check)? {
                Processed::Content(content) => Ok(Step::Content(content)),
                Processed::OwnCommit(hash) => {
                    let before = Before::of(&group.view(overlay)?, own, &departures)?;
                    let merged = group.merge_pending(overlay, &hash, &own.check)?;
                    Ok(Step::Merged(Box::new((merged, Before { own: Some(hash), ..before }))))
                }
                Processed::Commit(staged) if is_in && puts_back(&staged, own) => {
                    Err(Failed::PutsBack(staged.change().by.name.identity))
                }
                Processed::Commit(staged) => {
                    let before = Before::of(&group.view(overlay)?, own, &departures)?;
                    Ok(Step::Merged(Box::new((group.merge(overlay, staged)?, before))))
                }
            }
        });
        match step {
            Ok(Step::Content(content)) => {
                let read = self.content(tx, id, (&content, offset));
                self.follow(tx, id, (content.epoch, offset, &hash))?;
                // What another device of ours says does not tell that we are where the others are.
                if !is_from(&content, &self.own) {
                    self.change(tx, id, |row| row.heard_in(content.epoch))?;
                }
                read
            }
            Ok(Step::Merged(merged)) => {
                let epoch = self.row(tx, id)?.newest_wrap().map_or(0, |(epoch, _)| epoch);
                self.follow(tx, id, (epoch, offset, &hash))?;
                self.merged(tx, id, *merged)
            }
            Err(Failed::Group(error)) => Err(error),
            Err(Failed::Process(ProcessError::UnknownNetworkKey)) => {
                self.change(tx, id, GroupRow::lacks_network_key)?;
                Ok(Read::Passed)
            }
            Err(Failed::Process(error)) => Ok(passed_over(id, &error)),
            Err(Failed::PutsBack(by)) => {
                self.change(tx, id, |row| row.is_put_back(by))?;
                Ok(Read::PutBack)
            }
        }
    }

    pub(super) fn content(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        (received, offset): (&ReceivedContent, u64),
    ) -> Result<Read, GroupError> {
        let refused = |refusal| Ok(Read::Refused(refusal));
        let newer = || Read::Newer(Box::new(NewerContent::of(id, received)));
        let (encoded, Notes { mark, head }) = match Payload::parse(&received.content) {
            Some(Payload::Content(encoded, notes)) => (encoded, notes),
            Some(Payload::Departure(departure)) => {
                return self.departure(tx, id, (received, &departure));
            }
            Some(Payload::Newer) => return Ok(newer()),
            None => return refused(Refusal::Malformed),
        };
        let Ok(sender) = self.own.check.certificate(&received.credential) else {
            return refused(Refusal::Forged);
        };
        let content = match Content::decode(encoded) {
            Ok(Decoded::Content(content)) => content,
            Ok(Decoded::Newer) => return Ok(newer()),
            Err(_) => return refused(Refusal::Malformed),
        };
        if content.sender.as_str() != sender.handle() {
            return refused(Refusal::Forged);
        }
        let identity = *sender.identity().as_bytes();
        if !self.belongs(tx, id, (&content, &identity))? && !breaks(Mutant::AcceptForeignContext) {
            return refused(Refusal::WrongContext);
        }
        let encoded = Zeroizing::new(encoded.to_vec());
        let forked = match &mark {
            Some(mark) => self.is_fork(tx, id, (mark, offset))?,
            None => false,
        };
        let device = sender.device_id();
        let content =
            GroupContent { forked, content, encoded, identity, device: Some(device), head };
        match self.row(tx, id)?.state {
            GroupState::Requested if !breaks(Mutant::ShowRequests) => {
                self.withhold(tx, id, &content).map(|()| Read::Withheld)
            }
            GroupState::Declined => Ok(Read::Withheld),
            _ => Ok(Read::Content(Box::new(content))),
        }
    }

    /// A member says that they leave; nobody else can say it for them.
    fn departure(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        (received, departure): (&ReceivedContent, &Departure),
    ) -> Result<Read, GroupError> {
        let sender = self.own.check.certificate(&received.credential);
        let (Ok(sender), true) = (sender, received.leaf == departure.leaf()) else {
            return Ok(Read::Refused(Refusal::Forged));
        };
        let Ok(handle) = sender.handle().parse() else { return Ok(Read::Refused(Refusal::Forged)) };
        let name = MemberName { handle, identity: *sender.identity().as_bytes() };
        let holds = self.note_departure(tx, id, departure)?;
        // Their leaf was renewed since: they have to say it again.
        Ok(if holds { Read::Leaving(name) } else { Read::Passed })
    }

    /// A pair's content counts only in the group of this pair, a group's only in this group.
    ///
    /// * `identity` - its sender's, which may be our own, on another device
    fn belongs(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        (content, identity): (&Content, &[u8; 32]),
    ) -> Result<bool, GroupError> {
        let me = self.own.signer.certificate.handle().to_owned();
        let is_ours = *identity == self.own.identity();
        let namespace = self.own.namespace.clone();
        let row = self.row(tx, id)?;
        Ok(match (&content.conversation, &row.kind) {
            (conversation @ Conversation::Pair { .. }, GroupKind::Pair(peer, _)) => {
                let Ok(me) = me.parse() else { return Ok(false) };
                Conversation::pair(&namespace, &me, peer).as_ref() == Some(conversation)
                    && (content.sender == *peer) != is_ours
            }
            (Conversation::Group { namespace: of, group }, GroupKind::Named(_)) => {
                *of == namespace && group == id.as_bytes()
            }
            _ => false,
        })
    }

    /// A Commit was taken over.
    fn merged(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        (merged, before): (Merged, Before),
    ) -> Result<Read, GroupError> {
        let Merged { change, start } = merged;
        let was = self.row(tx, id)?.state;
        match start {
            Some(start) => {
                self.enter(tx, id, (&start, mailbox_of(&change.facts)))?;
                self.change(tx, id, |row| row.rename(&change.facts.name))?;
                self.note_returned(tx, id, &change.removed, now_ms())?;
                if !change.added.is_empty() || change.facts.admins != before.facts.admins {
                    self.change(tx, id, GroupRow::look_at_devices)?;
                }
            }
            None => {
                self.change(tx, id, GroupRow::end)?;
                self.wipe(tx, id)?;
            }
        }
        if change.by.signature_key == self.own.member.signature_key() {
            self.change(tx, id, |row| (row.renewed_ms, row.sent_since) = (now_ms(), 0))?;
        }
        let Before { facts: before, departed, own } = before;
        Ok(Read::Changed(Box::new(Changed { change, before, was, own, departed })))
    }
}

impl Before {
    fn of(
        view: &GroupView<'_>,
        own: &OwnLeaf,
        departures: &[serde_bytes::ByteBuf],
    ) -> Result<Self, LoadError> {
        let departing = departures.iter().filter_map(|bytes| departure_of(bytes));
        let departed = departing
            .filter_map(|one| view.departing(&one, &own.check))
            .filter_map(|leaf| MemberName::of(&leaf.name));
        Ok(Self { facts: view.facts()?, departed: departed.collect(), own: None })
    }
}

/// Why a message gave nothing.
enum Failed {
    Group(GroupError),
    Process(ProcessError),
    /// It takes our leaf out and brings it in again, with keys that are still to come: who made it.
    PutsBack([u8; 32]),
}

/// Whether a device of this identity has sent it.
fn is_from(content: &ReceivedContent, own: &OwnLeaf) -> bool {
    let sender = own.check.certificate(&content.credential);
    sender.is_ok_and(|sender| *sender.identity().as_bytes() == own.identity())
}

/// Whether a Commit takes our own leaf out and brings it in again.
fn puts_back(staged: &StagedChange, own: &OwnLeaf) -> bool {
    let (change, key) = (staged.change(), own.member.signature_key().as_slice());
    change.removes_us && change.added.iter().any(|leaf| leaf.signature_key == key)
}

impl From<LoadError> for Failed {
    fn from(error: LoadError) -> Self {
        Self::Group(error.into())
    }
}

impl From<ProcessError> for Failed {
    fn from(error: ProcessError) -> Self {
        match error {
            ProcessError::Load(error) => Self::Group(error.into()),
            other => Self::Process(other),
        }
    }
}

impl From<chat_crypto::mls::MergeError> for Failed {
    fn from(error: chat_crypto::mls::MergeError) -> Self {
        Self::Group(error.into())
    }
}

/// What is to be done about a message that gave nothing.
fn passed_over(id: GroupId, error: &ProcessError) -> Read {
    tracing::debug!(?id, %error, "passed over a record of a group");
    match error {
        ProcessError::OldEpoch { .. }
        | ProcessError::Replayed
        | ProcessError::OwnMessage
        | ProcessError::Removed
        | ProcessError::Refused(_) => Read::Passed,
        _ => Read::Refused(Refusal::Unreadable),
    }
}
