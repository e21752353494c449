//! What a profile keeps of a group beside its MLS state.

use chat_crypto::mls::{EpochStart, GroupId};
use chat_crypto::{InboxPublic, Subkey};
use chat_store::{ReadTxn, StoreError, WriteTxn};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::chain::Chain;
use super::intent::Intent;
use super::repair::Repair;
use super::request::Withheld;
use super::roster::MemberName;
use super::{GroupError, Invitee};
use crate::error::StoredValueError;
use crate::handle::Handle;
use crate::history_row::{decode, encode};
use crate::mailbox::Mailbox;
use crate::peer::{GroupName, Peer};

/// What a profile keeps of a group beside its MLS state. Secret: it holds wrap keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GroupRow {
    id: [u8; 16],
    pub(crate) kind: GroupKind,
    pub(crate) state: GroupState,
    /// Where its records go: `partition | tag`.
    mailbox: [u8; 20],
    /// Where its records went before somebody was removed, the newest first; read until their epochs are out of
    /// reach.
    older: Vec<OlderMailbox>,
    /// The keys of its envelopes, the newest epoch first.
    wraps: Vec<Wrap>,
    /// What was read in each of those epochs, the newest first.
    chains: Vec<Chain>,
    /// Of two groups for one pair the one with the higher generation holds.
    pub(crate) generation: u32,
    /// The first offset of its partition that may hold a record of it.
    pub(crate) start: u64,
    /// When our own leaf was last renewed: our clock, milliseconds since 1970.
    pub(crate) renewed_ms: i64,
    /// Messages that we have sent since.
    pub(crate) sent_since: u32,
    /// Our own Commit that is on its way.
    pub(crate) pending: Option<Pending>,
    /// What is to be committed once more, because another Commit has won.
    pub(crate) wanted: Option<Intent>,
    /// How often that has happened in a row.
    pub(crate) tries: u8,
    /// Departures that nobody has committed yet, each as its bytes.
    pub(crate) departures: Vec<ByteBuf>,
    /// What came while nobody had said yes.
    pub(crate) withheld: Vec<Withheld>,
    /// Who has invited us; `None` for a group that we have founded.
    pub(crate) inviter: Option<MemberName>,
    /// Leaves that are to be put back, or were: ours and others'.
    pub(crate) repair: Repair,
    /// The newest epoch that we knew when we were put out.
    left_in: u64,
    /// The list of our own devices that it was last brought in line with: its mark.
    pub(crate) devices: [u8; 32],
    /// The list of devices that others have removed, as of the last look whether it has some of them: its mark.
    pub(crate) removed: [u8; 32],
    /// The device that has invited us.
    pub(crate) inviting_device: Option<[u8; 16]>,
    /// Whether that device was removed by its owner since: nothing is written to it any more.
    pub(crate) is_tainted: bool,
}

/// Our own Commit that is on its way.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pending {
    /// Its hash.
    pub(crate) hash: [u8; 32],
    pub(crate) intent: Intent,
    /// For those whom it adds, once it has won.
    #[serde(with = "serde_bytes")]
    pub(crate) welcome: Vec<u8>,
    pub(crate) guests: Vec<Guest>,
}

/// Somebody whom a pending Commit adds.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Guest {
    pub(crate) name: MemberName,
    #[serde(with = "serde_bytes")]
    inbox_key: Vec<u8>,
}

/// Between whom a group is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum GroupKind {
    /// Us and one other person: a handle, and the identity behind it.
    Pair(Handle, [u8; 32]),
    /// People who were invited, under a name.
    Named(String),
}

/// How we stand in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum GroupState {
    /// We read it and write to it.
    Member,
    /// A stranger has invited us, and nobody has said yes: we read it and show nothing of it.
    Requested,
    /// Another group holds for the same pair: we read what comes late, and write to the other.
    Superseded,
    /// We have left or were removed.
    Gone,
    /// What we hold of it is older than what others have seen of us: it is read, and nothing is written to it.
    Stranded,
    /// We have said that we leave, and nobody has committed it yet.
    Leaving,
    /// As `Leaving`, from a group that nobody has said yes to.
    Declined,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct OlderMailbox {
    mailbox: [u8; 20],
    /// The epoch that the removal started: the last ones under this mailbox come before it.
    until_epoch: u64,
}

/// The key of one epoch's envelopes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct Wrap {
    epoch: u64,
    key: [u8; 32],
}

impl Wrap {
    fn of(start: &EpochStart) -> Self {
        Self { epoch: start.epoch, key: *start.wrap_key.expose_bytes() }
    }
}

impl std::fmt::Debug for Wrap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { epoch, key: _ } = self;
        write!(f, "Wrap({epoch}, [redacted])")
    }
}

/// A group that is new to a profile.
pub(crate) struct NewGroup {
    pub(crate) id: GroupId,
    pub(crate) kind: GroupKind,
    pub(crate) state: GroupState,
    pub(crate) mailbox: Mailbox,
    pub(crate) generation: u32,
    pub(crate) start: u64,
    pub(crate) inviter: Option<MemberName>,
}

impl GroupRow {
    /// A group in its first epoch that we know.
    pub(crate) fn new(group: NewGroup, start: &EpochStart, now_ms: i64) -> Self {
        Self {
            id: *group.id.as_bytes(),
            kind: group.kind,
            state: group.state,
            mailbox: group.mailbox.to_bytes(),
            older: Vec::new(),
            wraps: vec![Wrap::of(start)],
            chains: vec![Chain::new(start.epoch, &start.authenticator)],
            generation: group.generation,
            start: group.start,
            renewed_ms: now_ms,
            sent_since: 0,
            pending: None,
            wanted: None,
            tries: 0,
            departures: Vec::new(),
            withheld: Vec::new(),
            inviter: group.inviter,
            repair: Repair::default(),
            left_in: 0,
            devices: [0; 32],
            removed: [0; 32],
            inviting_device: None,
            is_tainted: false,
        }
    }

    /// What is kept of a group.
    pub(crate) fn of<E>(tx: &ReadTxn<'_>, id: GroupId) -> Result<Option<Self>, E>
    where
        E: From<StoreError> + From<StoredValueError>,
    {
        Ok(tx.group(id.as_bytes())?.map(|row| decode(&row)).transpose()?)
    }

    /// Every group that a profile knows.
    pub(crate) fn all<E>(tx: &ReadTxn<'_>) -> Result<Vec<Self>, E>
    where
        E: From<StoreError> + From<StoredValueError>,
    {
        tx.groups()?.iter().map(|row| Ok(decode(row)?)).collect()
    }

    /// The profile's data is a restored copy: to encrypt with its keys again would use them twice.
    pub(crate) fn strand_all<E>(tx: &mut WriteTxn<'_>) -> Result<(), E>
    where
        E: From<StoreError> + From<StoredValueError>,
    {
        for mut row in Self::all::<E>(tx)? {
            row.state = match row.state {
                GroupState::Gone | GroupState::Declined => continue,
                // Nobody has said yes, and nobody writes before.
                GroupState::Requested => GroupState::Requested,
                // What says that we leave was said; nothing else is.
                GroupState::Leaving => GroupState::Declined,
                _ => GroupState::Stranded,
            };
            row.repair.is_copy = true;
            row.wanted = None;
            row.ask_anew();
            row.lose_chains();
            row.put::<E>(tx)?;
        }
        Ok(())
    }

    /// Keeps it.
    pub(crate) fn put<E>(&self, tx: &mut WriteTxn<'_>) -> Result<(), E>
    where
        E: From<StoreError> + From<StoredValueError>,
    {
        Ok(tx.set_group(&self.id, &encode(self)?)?)
    }

    pub(crate) fn id(&self) -> GroupId {
        GroupId::from_bytes(self.id)
    }

    /// Whether people have made it, under a name.
    pub(crate) fn is_named(&self) -> bool {
        matches!(self.kind, GroupKind::Named(_))
    }

    /// The group, by what it is called now; a pair's has no name.
    pub(crate) fn name(&self) -> GroupName {
        let name = match &self.kind {
            GroupKind::Named(name) => name.as_str(),
            GroupKind::Pair(..) => "",
        };
        GroupName::new(self.id, name)
    }

    /// Whom its messages are to.
    pub(crate) fn peer(&self) -> Peer {
        match &self.kind {
            GroupKind::Pair(other, _) => other.clone().into(),
            GroupKind::Named(_) => self.name().into(),
        }
    }

    /// A Commit may have given it another name. One without a name keeps the last that it had.
    pub(super) fn rename(&mut self, new: &str) {
        if let (GroupKind::Named(name), false) = (&mut self.kind, new.is_empty()) {
            new.clone_into(name);
        }
    }

    /// We are out: nothing of it is on its way any more.
    pub(crate) fn end(&mut self) {
        self.state = GroupState::Gone;
        (self.pending, self.wanted) = (None, None);
        self.departures.clear();
        self.withheld.clear();
        self.repair.forget_asking();
    }

    /// Forgets the keys of its envelopes, and gives out its chains.
    pub(super) fn take_secrets(&mut self) -> Vec<Chain> {
        self.left_in = self.newest_epoch();
        self.wraps.clear();
        std::mem::take(&mut self.chains)
    }

    /// The newest epoch that we know, or knew when we were put out.
    pub(super) fn newest_epoch(&self) -> u64 {
        let newest = || self.wraps.first().map_or(self.left_in, |wrap| wrap.epoch);
        self.doubted_epoch().unwrap_or_else(newest)
    }

    /// We are in it anew: what waits for the mailboxes that it had before is sent there still, as long as others read
    /// them.
    pub(super) fn keep_mailboxes(&mut self, before: &Self) {
        let until_epoch = self.newest_epoch();
        let kept = before.mailboxes().filter(|one| *one != self.mailbox());
        let kept = kept.map(|one| OlderMailbox { mailbox: one.to_bytes(), until_epoch });
        self.older = kept.take(MOST_WRAPS).collect();
    }

    /// There is nothing left to do about an intent.
    pub(super) fn forget(&mut self, intent: &Intent) {
        if self.wanted.as_ref() == Some(intent) {
            self.wanted = None;
        }
        if let Intent::Answer(departure) = intent {
            self.departures.retain(|kept| kept.as_slice() != departure.as_slice());
        }
        if let Intent::PutBack(wish) = intent {
            self.repair.forget(wish);
        }
        match intent {
            Intent::Devices { mark, .. } => self.devices = *mark,
            Intent::PutOut { mark, .. } => self.removed = *mark,
            _ => {}
        }
    }

    /// Where its records go.
    pub(crate) fn mailbox(&self) -> Mailbox {
        Mailbox::from_bytes(&self.mailbox)
    }

    /// Where its records are read from: its mailbox, and those before it.
    pub(crate) fn mailboxes(&self) -> impl Iterator<Item = Mailbox> {
        let older = self.older.iter().map(|older| &older.mailbox);
        [&self.mailbox].into_iter().chain(older).map(Mailbox::from_bytes)
    }

    /// The keys of its envelopes, the newest first.
    pub(crate) fn wrap_keys(&self) -> Vec<Subkey> {
        self.wraps.iter().map(|wrap| Subkey::from_bytes(wrap.key)).collect()
    }

    /// The epoch that the group is in, and the key that seals its envelopes.
    pub(crate) fn newest_wrap(&self) -> Option<(u64, Subkey)> {
        self.wraps.first().map(|wrap| (wrap.epoch, Subkey::from_bytes(wrap.key)))
    }

    /// The group of a pair that holds, among those that two people have made: the higher generation, then the lower
    /// name.
    pub(crate) fn holds_over(&self, other: &Self) -> bool {
        let order = |row: &Self| (row.generation, std::cmp::Reverse(row.id));
        order(self) > order(other)
    }

    pub(super) fn chains(&self) -> &[Chain] {
        &self.chains
    }

    pub(super) fn chains_mut(&mut self) -> &mut [Chain] {
        &mut self.chains
    }

    /// Records of its partition were passed over: what was read proves nothing any more, and the group may have
    /// changed.
    pub(crate) fn pass_over(&mut self) {
        self.lose_chains();
        self.doubt();
    }

    fn lose_chains(&mut self) {
        self.chains.iter_mut().for_each(Chain::lose);
    }

    /// A Commit has brought somebody in: whether they are on the lists of devices is to be looked at again.
    pub(super) fn look_at_devices(&mut self) {
        (self.devices, self.removed) = (LOOK_AGAIN, LOOK_AGAIN);
    }

    /// A new epoch has begun. Keys and mailboxes whose epochs are out of reach are forgotten.
    ///
    /// Returns the chains that are out of reach.
    pub(crate) fn enter(&mut self, start: &EpochStart, mailbox: Mailbox) -> Vec<Chain> {
        self.wraps.insert(0, Wrap::of(start));
        self.wraps.truncate(MOST_WRAPS);
        self.chains.insert(0, Chain::new(start.epoch, &start.authenticator));
        let over = self.chains.split_off(self.chains.len().min(MOST_WRAPS));
        if mailbox.to_bytes() != self.mailbox {
            self.older.insert(0, OlderMailbox { mailbox: self.mailbox, until_epoch: start.epoch });
            self.mailbox = mailbox.to_bytes();
        }
        let oldest = start.epoch.saturating_sub(chat_crypto::mls::PAST_EPOCHS as u64);
        self.older.retain(|older| older.until_epoch > oldest);
        over
    }
}

impl Guest {
    pub(super) fn inbox_key(&self) -> Result<InboxPublic, GroupError> {
        Ok(InboxPublic::from_bytes(&self.inbox_key)?)
    }
}

impl From<&Invitee> for Guest {
    fn from(invitee: &Invitee) -> Self {
        Self { name: invitee.name(), inbox_key: invitee.inbox_key.as_bytes().to_vec() }
    }
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { hash: _, intent, welcome: _, guests } = self;
        write!(f, "Pending({intent:?}, for {} others)", guests.len())
    }
}

/// No list of devices has this mark.
const LOOK_AGAIN: [u8; 32] = [1; 32];
/// The present epoch's key, and those of the epochs before it that can still be read.
const MOST_WRAPS: usize = chat_crypto::mls::PAST_EPOCHS + 1;

#[cfg(test)]
mod tests {
    use chat_crypto::MailboxTag;
    use chat_transport::Partition;

    use super::*;

    fn mailbox(tag: u8) -> Mailbox {
        Mailbox { partition: Partition(3), tag: MailboxTag::from_bytes([tag; 16]) }
    }

    fn start(epoch: u8) -> EpochStart {
        let wrap_key = Subkey::from_bytes([epoch; 32]);
        EpochStart { epoch: epoch.into(), wrap_key, authenticator: vec![epoch; 48] }
    }

    fn row() -> GroupRow {
        let group = NewGroup {
            id: GroupId::from_bytes([9; 16]),
            kind: GroupKind::Named("ops".to_owned()),
            state: GroupState::Member,
            mailbox: mailbox(1),
            generation: 0,
            start: 7,
            inviter: None,
        };
        GroupRow::new(group, &start(1), 5)
    }

    #[test]
    fn keys_and_mailboxes_are_kept_as_long_as_their_epochs_can_be_read() {
        let mut row = row();
        row.enter(&start(2), mailbox(2));
        assert_eq!(row.mailboxes().collect::<Vec<_>>(), [mailbox(2), mailbox(1)]);
        for epoch in 3..=4 {
            row.enter(&start(epoch), mailbox(2));
        }
        assert_eq!(row.mailboxes().count(), 2, "epoch 1 can still be read");
        row.enter(&start(5), mailbox(2));
        assert_eq!(row.mailboxes().collect::<Vec<_>>(), [mailbox(2)]);
        let keys: Vec<u8> = row.wrap_keys().iter().map(|key| key.expose_bytes()[0]).collect();
        assert_eq!(keys, [5, 4, 3, 2]);
        assert_eq!(row.newest_wrap().map(|(epoch, _)| epoch), Some(5));
    }

    #[test]
    fn keys_are_not_shown() {
        let row = row();
        let shown = format!("{:?}", row.wraps);
        assert_eq!(shown, "[Wrap(1, [redacted])]");
    }
}
