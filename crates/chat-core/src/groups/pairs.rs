//! Which group two people talk in.

use chat_crypto::mls::GroupId;
use chat_store::ReadTxn;

use super::ratchets::Ratchets;
use super::{GroupError, GroupKind, GroupRow, GroupState};

impl GroupRow {
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
    /// The groups of us and this identity, as this transaction has them.
    pub(super) fn pairs_of(
        &mut self,
        tx: &ReadTxn<'_>,
        identity: &[u8; 32],
    ) -> Result<Vec<GroupRow>, GroupError> {
        let mut rows = self.changed_rows();
        let stored = GroupRow::all::<GroupError>(tx)?;
        rows.extend(stored.into_iter().filter(|row| !self.has_row(row.id())));
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
    pub(super) fn converge(
        &mut self,
        tx: &ReadTxn<'_>,
        identity: &[u8; 32],
    ) -> Result<(), GroupError> {
        let mut pairs = self.pairs_of(tx, identity)?;
        pairs.retain(|row| matches!(row.state, GroupState::Member | GroupState::Superseded));
        let best = best(&pairs).map(GroupRow::id);
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

fn holding(mut rows: Vec<GroupRow>, identity: &[u8; 32]) -> Option<GroupRow> {
    rows.retain(|row| row.state == GroupState::Member && row.is_pair_with(identity));
    let best = best(&rows).map(GroupRow::id);
    rows.into_iter().find(|row| Some(row.id()) == best)
}

fn best(rows: &[GroupRow]) -> Option<&GroupRow> {
    rows.iter().reduce(|best, row| if row.holds_over(best) { row } else { best })
}
