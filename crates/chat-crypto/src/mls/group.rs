//! A group as one of its members holds it.

pub(super) mod commit;
pub(super) mod create;
pub(super) mod join;
pub(super) mod merge;
pub(super) mod message;
pub(super) mod view;

use std::fmt;
use std::time::SystemTime;

use openmls::group::{
    DeletePastEpochSecretsError, GroupEpoch, GroupId as InnerId, MlsGroup as Inner,
    MlsGroupJoinConfig, PURE_CIPHERTEXT_WIRE_FORMAT_POLICY, PastEpochDeletion,
};
use openmls::prelude::SenderRatchetConfiguration;
use openmls_rust_crypto::RustCrypto;
use openmls_traits::random::OpenMlsRand;
use openmls_traits::storage::StorageProvider;

use super::state::{MlsStateError, Overlay};
use super::storage::{Kind, Room, StorageError};
use super::{FORWARD_DISTANCE, OUT_OF_ORDER, PAST_EPOCHS};

/// A group, as one of its members holds it.
///
/// Each operation takes an [`Overlay`] and changes nothing when it fails. The value may be kept
/// between overlays: it compares itself with the stored state first and loads that where they
/// differ, because an overlay was not written or another process was here.
pub struct MlsGroup {
    id: GroupId,
    loaded: Option<Loaded>,
}

/// A group's name: 16 random bytes. Public within the group.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupId([u8; 16]);

/// Why a group is not there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The store could not be read. Try again.
    #[error(transparent)]
    State(#[from] MlsStateError),
    /// We hold no such group.
    #[error("there is no such group")]
    NoGroup,
    /// What is stored of it cannot be read. Only being put back by another member helps.
    #[error("the stored state of the group is damaged")]
    Damaged,
}

/// A group in memory, and the stamp of the stored state that it equals.
struct Loaded {
    inner: Inner,
    stamp: Stamp,
    /// Whether its message secrets are still to be written.
    owes: bool,
}

type Stamp = [u8; 16];

impl GroupId {
    /// Wraps 16 bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    fn inner(self) -> InnerId {
        InnerId::from_slice(&self.0)
    }
}

impl fmt::Debug for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GroupId(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

impl MlsGroup {
    /// Loads a group.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn load(overlay: &mut Overlay<'_>, id: GroupId) -> Result<Self, LoadError> {
        let loaded = overlay.step(|room| Loaded::load(room, id))?;
        Ok(Self { id, loaded: Some(loaded) })
    }

    /// The group's name.
    pub fn id(&self) -> GroupId {
        self.id
    }

    /// Writes what [`encrypt_in_run`](Self::encrypt_in_run) left to be written.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn settle(&mut self, overlay: &mut Overlay<'_>) -> Result<(), LoadError> {
        self.operate(overlay, |_, _| Ok(()))
    }

    /// Deletes all that is stored of the group: no message of it can be read afterwards.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn delete(self, overlay: &mut Overlay<'_>) -> Result<(), LoadError> {
        overlay.step(|room| {
            let mut loaded = Loaded::refresh(room, self.id, self.loaded)?;
            delete_rows(&mut loaded.inner, room, self.id)
        })
    }

    /// Looks at the group, loaded again if it has to be.
    fn fresh(&mut self, overlay: &mut Overlay<'_>) -> Result<&Inner, LoadError> {
        let (id, loaded) = (self.id, self.loaded.take());
        let loaded = overlay.step(|room| Loaded::refresh(room, id, loaded))?;
        Ok(&self.loaded.insert(loaded).inner)
    }

    /// Runs an operation on the group. If it fails, its changes and the group in memory go.
    fn operate<T, E: From<LoadError> + From<MlsStateError>>(
        &mut self,
        overlay: &mut Overlay<'_>,
        operation: impl FnOnce(&mut Inner, &Room<'_, '_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.change(overlay, |loaded, room| {
            loaded.settle(room)?;
            operation(&mut loaded.inner, room)
        })
    }

    /// As [`operate`](Self::operate), but that the message secrets which the operation changes are owed.
    fn operate_in_run<T, E: From<LoadError> + From<MlsStateError>>(
        &mut self,
        overlay: &mut Overlay<'_>,
        operation: impl FnOnce(&mut Inner, &Room<'_, '_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.change(overlay, |loaded, room| {
            loaded.owes = true;
            room.owe_message_secrets();
            operation(&mut loaded.inner, room)
        })
    }

    fn change<T, E: From<LoadError> + From<MlsStateError>>(
        &mut self,
        overlay: &mut Overlay<'_>,
        operation: impl FnOnce(&mut Loaded, &Room<'_, '_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let (id, loaded) = (self.id, self.loaded.take());
        let (loaded, value) = overlay.step(|room| {
            let mut loaded = Loaded::refresh(room, id, loaded)?;
            let value = operation(&mut loaded, room)?;
            if room.overlay().is_open_changed() {
                loaded.stamp = stamp(room, id)?;
            }
            Ok::<_, E>((loaded, value))
        })?;
        self.loaded = Some(loaded);
        Ok(value)
    }
}

impl Loaded {
    /// Writes the message secrets, if they are still to be written.
    fn settle(&mut self, room: &Room<'_, '_>) -> Result<(), LoadError> {
        if std::mem::take(&mut self.owes) {
            // The one call of OpenMLS that writes them and changes nothing: no epoch is as old as this.
            let none = PastEpochDeletion::before_timestamp(SystemTime::UNIX_EPOCH);
            let written = self.inner.delete_past_epoch_secrets(room, none);
            written.map_err(|DeletePastEpochSecretsError::StorageError(error)| error)?;
        }
        Ok(())
    }

    fn load(room: &Room<'_, '_>, id: GroupId) -> Result<Self, LoadError> {
        let stamp = room.read(Kind::Stamp, &id.0)?.ok_or(LoadError::NoGroup)?;
        Self::load_stamped(room, id, stamp)
    }

    /// `loaded` if it is what is stored, or what is stored.
    fn refresh(room: &Room<'_, '_>, id: GroupId, loaded: Option<Self>) -> Result<Self, LoadError> {
        let stamp: Stamp = room.read(Kind::Stamp, &id.0)?.ok_or(LoadError::NoGroup)?;
        match loaded {
            Some(loaded) if loaded.stamp == stamp => Ok(loaded),
            _ => Self::load_stamped(room, id, stamp),
        }
    }

    fn load_stamped(room: &Room<'_, '_>, id: GroupId, stamp: Stamp) -> Result<Self, LoadError> {
        let inner = Inner::load(room, &id.inner())?.ok_or(LoadError::Damaged)?;
        Ok(Self { inner, stamp, owes: false })
    }
}

impl From<StorageError> for LoadError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::State(fault) => Self::State(fault),
            StorageError::Codec(_) | StorageError::NotStored => Self::Damaged,
        }
    }
}

impl fmt::Debug for MlsGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, loaded } = self;
        match loaded {
            Some(Loaded { inner, stamp: _, owes: _ }) => {
                write!(f, "MlsGroup({id:?}, epoch {}, [redacted])", inner.epoch().as_u64())
            }
            None => write!(f, "MlsGroup({id:?}, not loaded)"),
        }
    }
}

/// Marks the stored state as another one. Random, because a number would come twice when a change
/// was not written and another was made in its place.
fn stamp(room: &Room<'_, '_>, id: GroupId) -> Result<Stamp, LoadError> {
    let stamp = random(room.overlay().crypto())?;
    room.put(Kind::Stamp, &id.0, &stamp)?;
    Ok(stamp)
}

fn delete_rows(inner: &mut Inner, room: &Room<'_, '_>, id: GroupId) -> Result<(), LoadError> {
    // OpenMLS leaves the keys of the epoch; whoever was removed still has those of the one before.
    let (leaf, epoch) = (inner.own_leaf_index().u32(), inner.epoch().as_u64());
    for epoch in [epoch, epoch.saturating_sub(1)].map(GroupEpoch::from) {
        room.delete_encryption_epoch_key_pairs(&id.inner(), &epoch, leaf)?;
    }
    inner.delete(room)?;
    room.delete(Kind::Pending, &id.0)?;
    room.delete(Kind::Stamp, &id.0)?;
    Ok(())
}

/// A random name: of a state, of a group, of a mailbox.
fn random(crypto: &RustCrypto) -> Result<[u8; 16], LoadError> {
    crypto.random_array().map_err(|error| MlsStateError::new(error).into())
}

/// How our groups behave, founded or joined.
fn config() -> MlsGroupJoinConfig {
    MlsGroupJoinConfig::builder()
        .wire_format_policy(PURE_CIPHERTEXT_WIRE_FORMAT_POLICY)
        .max_past_epochs(PAST_EPOCHS)
        .sender_ratchet_configuration(SenderRatchetConfiguration::new(
            OUT_OF_ORDER,
            FORWARD_DISTANCE,
        ))
        .build()
}
