//! From one epoch to the next.

use std::fmt;

use openmls::group::{MlsGroup as Inner, StagedCommit};
use openmls_rust_crypto::RustCrypto;
use zeroize::Zeroizing;

use super::message::StagedChange;
use super::{LoadError, MlsGroup};
use crate::mls::WRAP_LABEL;
use crate::mls::cause::MlsCause;
use crate::mls::credential::CheckLeaf;
use crate::mls::state::{MlsStateError, Overlay};
use crate::mls::storage::{Kind, Room};
use crate::mls::validity::{Change, Proposed};
use crate::subkey::Subkey;

/// What an epoch starts with.
#[derive(Clone, PartialEq, Eq)]
pub struct EpochStart {
    /// The number of the epoch.
    pub epoch: u64,
    /// The key of the epoch's envelopes. Keep it as long as the epoch's messages can be read, which
    /// is for [`PAST_EPOCHS`](crate::mls::PAST_EPOCHS) more epochs, and no longer: MLS gives it only
    /// now.
    pub wrap_key: Subkey,
    /// Equal for all members of the epoch, and for nobody else (RFC 9420, section 8.7). Not secret
    /// within the group.
    pub authenticator: Vec<u8>,
}

/// A merged Commit.
#[derive(Debug, PartialEq, Eq)]
pub struct Merged {
    /// What it did.
    pub change: Change,
    /// The epoch that it started; `None` if it removed us.
    pub start: Option<EpochStart>,
}

/// Why a Commit was not merged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// The group is not there, or cannot be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It is not for this group in this epoch, or not the Commit that is pending.
    #[error("this Commit is not the next one")]
    NotNext,
    /// The library could not merge it.
    #[error("the Commit cannot be merged")]
    Library(#[source] MlsCause),
}

impl MlsGroup {
    /// Takes over another member's Commit. A pending one of ours has lost and is dropped: look
    /// again whether its purpose is still there, and make a new one.
    ///
    /// # Errors
    /// [`MergeError::NotNext`] if the group has moved since; nothing was changed.
    pub fn merge(
        &mut self,
        overlay: &mut Overlay<'_>,
        staged: StagedChange,
    ) -> Result<Merged, MergeError> {
        let (id, StagedChange { group, staged, change }) = (self.id, staged);
        self.operate(overlay, |inner, room| {
            if group != id || staged.epoch().as_u64() != inner.epoch().as_u64() + 1 {
                return Err(MergeError::NotNext);
            }
            room.delete(Kind::Pending, &id.0).map_err(LoadError::from)?;
            merge_staged(inner, room, *staged)?;
            Ok(Merged { change: *change, start: EpochStart::of(inner, room.overlay().crypto()) })
        })
    }

    /// Takes over our own pending Commit, when its record came back as the first valid one of its
    /// epoch.
    ///
    /// * `hash` - [`PendingCommit::hash`](crate::mls::PendingCommit::hash)
    ///
    /// # Errors
    /// [`MergeError::NotNext`] if another Commit, or none, is pending.
    pub fn merge_pending(
        &mut self,
        overlay: &mut Overlay<'_>,
        hash: &[u8; 32],
        checker: &dyn CheckLeaf,
    ) -> Result<Merged, MergeError> {
        let id = self.id;
        self.operate(overlay, |inner, room| {
            let pending: Option<[u8; 32]> =
                room.read(Kind::Pending, &id.0).map_err(LoadError::from)?;
            if pending.as_ref() != Some(hash) {
                return Err(MergeError::NotNext);
            }
            let change = pending_change(inner, checker)?;
            room.delete(Kind::Pending, &id.0).map_err(LoadError::from)?;
            inner
                .merge_pending_commit(room)
                .map_err(|error| MergeError::Library(MlsCause::new(&error)))?;
            Ok(Merged { change, start: EpochStart::of(inner, room.overlay().crypto()) })
        })
    }

    /// Forgets our pending Commit. Only if it was never published: once it is in the log, others
    /// may have merged it.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn drop_pending(&mut self, overlay: &mut Overlay<'_>) -> Result<(), LoadError> {
        let id = self.id;
        self.operate(overlay, |inner, room| {
            room.delete(Kind::Pending, &id.0)?;
            Ok(inner.clear_pending_commit(room)?)
        })
    }
}

impl EpochStart {
    /// The present epoch's, which is the only one whose exporter MLS keeps.
    pub(super) fn of(group: &Inner, crypto: &RustCrypto) -> Option<Self> {
        let key = Zeroizing::new(group.export_secret(crypto, WRAP_LABEL, &[], 32).ok()?);
        Some(Self {
            epoch: group.epoch().as_u64(),
            wrap_key: Subkey::from_bytes(key.as_slice().try_into().ok()?),
            authenticator: group.epoch_authenticator().as_slice().to_vec(),
        })
    }
}

impl fmt::Debug for EpochStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { epoch, wrap_key: _, authenticator: _ } = self;
        write!(f, "EpochStart({epoch}, [redacted])")
    }
}

impl From<MlsStateError> for MergeError {
    fn from(fault: MlsStateError) -> Self {
        Self::Load(fault.into())
    }
}

fn merge_staged(
    inner: &mut Inner,
    room: &Room<'_, '_>,
    staged: StagedCommit,
) -> Result<(), MergeError> {
    inner
        .merge_staged_commit(room, staged)
        .map_err(|error| MergeError::Library(MlsCause::new(&error)))
}

/// What our pending Commit does. It was valid when it was made, in this same epoch.
fn pending_change(inner: &Inner, checker: &dyn CheckLeaf) -> Result<Change, MergeError> {
    let staged = inner.pending_commit().ok_or(MergeError::NotNext)?;
    let committer = inner.own_leaf_index();
    // The departures are in the published bytes only, and were verified before.
    let proposed = Proposed { group: inner, committer, staged, additional_data: &[] };
    proposed.read(checker).map_err(|refusal| MergeError::Library(MlsCause::new(&refusal)))
}
