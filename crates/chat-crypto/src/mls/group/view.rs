//! What can be seen of a group.

use openmls::group::MlsGroup as Inner;
use openmls::prelude::tls_codec::Serialize;
use openmls_rust_crypto::RustCrypto;

use super::merge::EpochStart;
use super::{GroupId, LoadError, MlsGroup};
use crate::mls::credential::{CheckLeaf, RefusedLeaf};
use crate::mls::departure::Departure;
use crate::mls::facts::GroupFacts;
use crate::mls::key_package::KeyPackage;
use crate::mls::leaf::{Leaf, LeafIndex};
use crate::mls::member::MlsMember;
use crate::mls::returning::Return;
use crate::mls::state::Overlay;
use crate::mls::storage::Kind;

/// A group as it is now.
#[derive(Clone, Copy)]
pub struct GroupView<'g> {
    id: GroupId,
    inner: &'g Inner,
    crypto: &'g RustCrypto,
    pending: Option<[u8; 32]>,
}

impl MlsGroup {
    /// Looks at the group.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn view<'g>(
        &'g mut self,
        overlay: &'g mut Overlay<'_>,
    ) -> Result<GroupView<'g>, LoadError> {
        let id = self.id;
        let pending = overlay.step(|room| Ok::<_, LoadError>(room.read(Kind::Pending, &id.0)?))?;
        let inner = self.fresh(overlay)?;
        Ok(GroupView { id, inner, crypto: overlay.crypto(), pending })
    }
}

impl GroupView<'_> {
    /// The group's name.
    pub fn id(&self) -> GroupId {
        self.id
    }

    /// The number of the epoch.
    pub fn epoch(&self) -> u64 {
        self.inner.epoch().as_u64()
    }

    /// Whether we are still a member.
    pub fn is_member(&self) -> bool {
        self.inner.is_active()
    }

    /// Our own leaf.
    pub fn own_leaf(&self) -> LeafIndex {
        self.inner.own_leaf_index().into()
    }

    /// The epoch's wrap key and authenticator; `None` once we were removed.
    pub fn epoch_start(&self) -> Option<EpochStart> {
        EpochStart::of(self.inner, self.crypto)
    }

    /// What all members agree on.
    ///
    /// # Errors
    /// [`LoadError::Damaged`]: no group gets in here with malformed facts.
    pub fn facts(&self) -> Result<GroupFacts, LoadError> {
        GroupFacts::from_extensions(self.inner.extensions()).map_err(|_| LoadError::Damaged)
    }

    /// The members, by leaf.
    ///
    /// # Errors
    /// [`RefusedLeaf`] is not to be expected: each was checked when it came.
    pub fn members(&self, checker: &dyn CheckLeaf) -> Result<Vec<Leaf>, RefusedLeaf> {
        self.inner.members().map(|member| Leaf::of_member(&member, checker)).collect()
    }

    /// The hash of our pending Commit, if there is one.
    pub fn pending(&self) -> Option<[u8; 32]> {
        self.pending
    }

    /// The ratchet tree, which whoever joins this epoch needs beside the Welcome. It names all
    /// members; about 2,800 bytes for each.
    pub fn ratchet_tree(&self) -> Vec<u8> {
        self.inner.export_ratchet_tree().tls_serialize_detached().unwrap_or_default()
    }

    /// Signs that we leave with all our devices. Any member may then commit it; we go on as a
    /// member until then.
    pub fn sign_departure(&self, member: &MlsMember) -> Option<Departure> {
        Departure::sign(self.inner, member)
    }

    /// Who signed a departure, if it holds in this epoch.
    pub fn departing(&self, departure: &Departure, checker: &dyn CheckLeaf) -> Option<Leaf> {
        let member = departure.verify(self.inner, self.crypto)?;
        Leaf::of_member(&member, checker).ok()
    }

    /// Signs that we want to be put back with a KeyPackage of ours. Any member may then commit it.
    pub fn sign_return(&self, member: &MlsMember, key_package: &KeyPackage) -> Option<Return> {
        let reference = key_package.reference(self.crypto)?;
        Return::sign(self.inner, member, &reference)
    }

    /// Who signed to be put back with a KeyPackage, if that holds in this epoch.
    pub fn returning(
        &self,
        (wish, key_package): (&Return, &KeyPackage),
        checker: &dyn CheckLeaf,
    ) -> Option<Leaf> {
        let reference = key_package.reference(self.crypto)?;
        let member = wish.verify(self.inner, self.crypto, &reference)?;
        Leaf::of_member(&member, checker).ok()
    }
}
