//! Groups that strangers have invited us to: read, and not shown before somebody has said yes.

use chat_crypto::mls::{GroupId, LeafName};
use chat_store::ReadTxn;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::ratchets::Ratchets;
use super::receive::GroupContent;
use super::{GroupError, GroupKind, GroupRow, GroupState, NotJoined};
use crate::content::{Content, Decoded};
use crate::error::StoredValueError;
use crate::handle::Handle;
use crate::trust::Standing;

/// A content that came before anybody has said yes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Withheld {
    identity: [u8; 32],
    #[serde(with = "serde_bytes")]
    encoded: Vec<u8>,
}

impl std::fmt::Debug for Withheld {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { identity: _, encoded } = self;
        write!(f, "Withheld({} bytes)", encoded.len())
    }
}

impl Ratchets {
    /// Says yes to a group; returns what was said in it so far, oldest first, to be stored in this transaction.
    pub(crate) fn accept(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
    ) -> Result<Vec<GroupContent>, GroupError> {
        let withheld = self.change(tx, id, |row| {
            if row.state != GroupState::Requested {
                return Err(GroupError::NoRequest);
            }
            row.state = if row.repair.is_copy { GroupState::Stranded } else { GroupState::Member };
            Ok(std::mem::take(&mut row.withheld))
        })??;
        withheld.into_iter().map(GroupContent::try_from).collect()
    }

    /// Keeps a content until somebody says yes; what is beyond the bounds is lost.
    pub(super) fn withhold(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        content: &GroupContent,
    ) -> Result<(), GroupError> {
        self.change(tx, id, |row| {
            let bytes: usize = row.withheld.iter().map(|one| one.encoded.len()).sum();
            if bytes + content.encoded.len() <= MOST_WITHHELD {
                let (identity, encoded) = (content.identity, content.encoded.to_vec());
                row.withheld.push(Withheld { identity, encoded });
            } else {
                tracing::debug!(?id, "a message of a group that nobody has accepted is lost");
            }
        })
    }

    /// Whether somebody who invites us is known: their key is the one that counts for their handle.
    pub(super) fn knows(&self, tx: &ReadTxn<'_>, inviter: &LeafName) -> Result<bool, NotJoined> {
        let handle: Handle =
            inviter.handle.parse().map_err(|_| NotJoined::Unfit("its inviter has no handle"))?;
        for contact in tx.contacts().map_err(GroupError::from)? {
            let standing = Standing::decode(&contact.standing).map_err(GroupError::from)?;
            let is_theirs = standing.pin.is_some_and(|pin| pin.identity == inviter.identity);
            if standing.blocked && (is_theirs || contact.handle == handle.as_str()) {
                return Err(NotJoined::Blocked);
            }
        }
        Ok(is_pinned(tx, &handle, &inviter.identity)?)
    }

    /// How we stand in a group that a stranger invites us to. A named one waits for a yes. That of the two is read,
    /// as a first message may come in it; of those in which none ever came only so many are kept.
    pub(super) fn standing_with_stranger(
        &mut self,
        tx: &ReadTxn<'_>,
        kind: &GroupKind,
    ) -> Result<GroupState, NotJoined> {
        if matches!(kind, GroupKind::Pair(..)) {
            self.make_room_for_stranger(tx)?;
            return Ok(GroupState::Member);
        }
        let rows = GroupRow::all::<GroupError>(tx)?;
        let waiting = rows.iter().filter(|row| row.state == GroupState::Requested).count();
        if waiting >= MOST_REQUESTS { Err(NotJoined::TooMany) } else { Ok(GroupState::Requested) }
    }
}

/// Whether this identity is the one that counts for a handle.
pub(super) fn is_pinned(
    tx: &ReadTxn<'_>,
    handle: &Handle,
    identity: &[u8; 32],
) -> Result<bool, GroupError> {
    let pin = Standing::of::<GroupError>(tx, handle)?.pin;
    Ok(pin.is_some_and(|pin| pin.identity == *identity))
}

impl TryFrom<Withheld> for GroupContent {
    type Error = GroupError;

    fn try_from(withheld: Withheld) -> Result<Self, GroupError> {
        let Withheld { identity, encoded } = withheld;
        match Content::decode(&encoded) {
            Ok(Decoded::Content(content)) => {
                let (forked, device, head) = (false, None, None);
                let encoded = Zeroizing::new(encoded);
                Ok(Self { forked, content, encoded, identity, device, head })
            }
            _ => Err(StoredValueError::format().into()),
        }
    }
}

/// Bytes of contents that are kept of one request.
const MOST_WITHHELD: usize = 64 * 1024;
/// Requests that wait at once: strangers must not fill the store.
const MOST_REQUESTS: usize = 64;
