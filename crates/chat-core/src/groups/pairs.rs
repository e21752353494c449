//! Which group two people talk in.

use std::cmp::Ordering;

use chat_crypto::mls::GroupId;
use chat_store::ReadTxn;
use rand::RngExt;

use super::ratchets::Ratchets;
use super::request::is_pinned;
use super::{GroupError, GroupKind, GroupRow, GroupState};
use crate::mailbox::Mailbox;
use crate::peer::Peer;

impl GroupRow {
    /// The group whose mailbox this is, among those that a message for `to` may be in. Tags are seen by everybody on
    /// the log, so that another group may claim the same one.
    pub(crate) fn written_to(
        tx: &ReadTxn<'_>,
        to: &Peer,
        mailbox: &Mailbox,
    ) -> Result<Option<Self>, GroupError> {
        Ok(Self::among(&Self::all::<GroupError>(tx)?, to, mailbox).cloned())
    }

    /// As [`written_to`](Self::written_to), among groups that were read before.
    pub(crate) fn among<'r>(rows: &'r [Self], to: &Peer, mailbox: &Mailbox) -> Option<&'r Self> {
        let is_it = |row: &&Self| {
            let is_theirs = match (to, &row.kind) {
                (Peer::Person(handle), GroupKind::Pair(other, _)) => handle == other,
                (Peer::Group(group), GroupKind::Named(_)) => {
                    group.as_bytes() == row.id().as_bytes()
                }
                _ => false,
            };
            is_theirs && row.mailboxes().any(|one| one == *mailbox)
        };
        rows.iter().find(is_it)
    }

    /// Whether it is a group of us and this identity.
    pub(crate) fn is_pair_with(&self, identity: &[u8; 32]) -> bool {
        matches!(&self.kind, GroupKind::Pair(_, other) if other == identity)
    }

    /// The group that is written to when a message is for this identity.
    pub(crate) fn pair_with(
        tx: &ReadTxn<'_>,
        identity: &[u8; 32],
    ) -> Result<Option<Self>, GroupError> {
        Ok(holding(Self::all::<GroupError>(tx)?, identity))
    }
}

impl Ratchets {
    /// A group of two is over: nothing of it is read any more.
    fn end_pair(&mut self, tx: &ReadTxn<'_>, id: GroupId) -> Result<(), GroupError> {
        self.change(tx, id, GroupRow::end)?;
        self.wipe(tx, id)
    }

    /// Groups of strangers in which nobody has read a word are forgotten, by chance, so that one more is not one too
    /// many.
    pub(super) fn make_room_for_stranger(&mut self, tx: &ReadTxn<'_>) -> Result<(), GroupError> {
        let mut unheard = Vec::new();
        for row in self.rows_now(tx)? {
            if let GroupKind::Pair(handle, identity) = &row.kind
                && row.state.is_kept()
                && !is_pinned(tx, handle, identity)?
            {
                unheard.push(row.id());
            }
        }
        while unheard.len() >= MOST_UNHEARD {
            let one = unheard.swap_remove(rand::rng().random_range(..unheard.len()));
            self.end_pair(tx, one)?;
        }
        Ok(())
    }

    /// All groups, as this transaction has them.
    fn rows_now(&self, tx: &ReadTxn<'_>) -> Result<Vec<GroupRow>, GroupError> {
        let mut rows = self.changed_rows();
        let stored = GroupRow::all::<GroupError>(tx)?;
        rows.extend(stored.into_iter().filter(|row| !self.has_row(row.id())));
        Ok(rows)
    }

    /// The groups of us and this identity, as this transaction has them.
    pub(super) fn pairs_of(
        &self,
        tx: &ReadTxn<'_>,
        identity: &[u8; 32],
    ) -> Result<Vec<GroupRow>, GroupError> {
        let mut rows = self.rows_now(tx)?;
        rows.retain(|row| row.is_pair_with(identity));
        Ok(rows)
    }

    /// The group that is written to when a message is for this identity.
    pub(crate) fn pair_with(
        &mut self,
        tx: &ReadTxn<'_>,
        identity: &[u8; 32],
    ) -> Result<Option<GroupId>, GroupError> {
        Ok(holding(self.pairs_of(tx, identity)?, identity).map(|row| row.id()))
    }

    /// Lets one group of a pair hold, and all others be read only. All members find the same.
    pub(crate) fn converge(
        &mut self,
        tx: &ReadTxn<'_>,
        identity: &[u8; 32],
    ) -> Result<(), GroupError> {
        let mut pairs = self.pairs_of(tx, identity)?;
        pairs.retain(|row| row.state.is_kept());
        pairs.sort_by(|one, other| {
            let order = if one.holds_over(other) { Ordering::Less } else { Ordering::Greater };
            one.is_tainted.cmp(&other.is_tainted).then(order)
        });
        for row in pairs.split_off(pairs.len().min(MOST_PAIRS)) {
            self.end_pair(tx, row.id())?;
        }
        pairs.retain(|row| row.state != GroupState::Stranded);
        let best = best(pairs.iter().filter(|row| !row.is_tainted)).map(GroupRow::id);
        for row in pairs {
            let is_best = Some(row.id()) == best;
            let state = if is_best { GroupState::Member } else { GroupState::Superseded };
            if row.state != state {
                self.change(tx, row.id(), |row| row.state = state)?;
            }
        }
        Ok(())
    }
}

impl GroupState {
    /// Whether state of it is kept, so that it counts where there is a limit.
    fn is_kept(self) -> bool {
        matches!(self, Self::Member | Self::Superseded | Self::Stranded)
    }
}

/// Groups of one pair that are read; one more and the oldest is forgotten.
const MOST_PAIRS: usize = 4;
/// Groups of strangers who have said nothing: whoever makes identities must not fill the store.
pub(super) const MOST_UNHEARD: usize = 64;

fn holding(mut rows: Vec<GroupRow>, identity: &[u8; 32]) -> Option<GroupRow> {
    rows.retain(|row| row.state == GroupState::Member && row.is_pair_with(identity));
    let best = best(&rows).map(GroupRow::id);
    rows.into_iter().find(|row| Some(row.id()) == best)
}

fn best<'r>(rows: impl IntoIterator<Item = &'r GroupRow>) -> Option<&'r GroupRow> {
    rows.into_iter().reduce(|best, row| if row.holds_over(best) { row } else { best })
}
