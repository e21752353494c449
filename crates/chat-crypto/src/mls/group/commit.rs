//! Making Commits.

use openmls::group::{CommitMessageBundle, MlsGroup as Inner};
use openmls::prelude::{LeafNodeParameters, Proposal};
use sha2::{Digest, Sha256};

use super::{GroupId, LoadError, MlsGroup, random};
use crate::mailbox_tag::MailboxTag;
use crate::mls::additional_data::AdditionalData;
use crate::mls::cause::MlsCause;
use crate::mls::credential::CheckLeaf;
use crate::mls::departure::Departure;
use crate::mls::facts::GroupFacts;
use crate::mls::key_package::KeyPackage;
use crate::mls::leaf::LeafIndex;
use crate::mls::member::MlsMember;
use crate::mls::refusal::Refusal;
use crate::mls::returning::Return;
use crate::mls::state::{MlsStateError, Overlay};
use crate::mls::storage::{Kind, Room};
use crate::mls::validity::Proposed;

/// What a Commit is to do. The empty plan renews our own leaf, as every plan does.
///
/// A plan that removes also draws the new mailbox tag that a removal needs.
#[derive(Clone, Debug, Default)]
pub struct CommitPlan<'a> {
    added: Vec<&'a KeyPackage>,
    removed: Vec<LeafIndex>,
    departures: Vec<Departure>,
    returning: Option<Return>,
    facts: Option<GroupFacts>,
}

/// A Commit of ours that is not merged yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingCommit {
    /// The MLS message to publish, sealed under the wrap key of the present epoch.
    pub commit: Vec<u8>,
    /// For whoever it adds, with the [`ratchet_tree`](crate::mls::GroupView::ratchet_tree) of the
    /// epoch that it starts; to be sent only after the merge.
    pub welcome: Option<Vec<u8>>,
    /// SHA-256 of `commit`; [`merge_pending`](MlsGroup::merge_pending) asks for it.
    pub hash: [u8; 32],
}

/// Why no Commit was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// The group is not there, or cannot be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Another of ours is pending. Wait for it, or drop it if it was never published.
    #[error("a Commit is pending already")]
    Pending,
    /// We are no member any more.
    #[error("we were removed from the group")]
    Removed,
    /// All members would refuse it.
    #[error("the Commit would not be valid: {0}")]
    Refused(#[from] Refusal),
    /// The library could not make it: the leaf to remove is not there or our own, the device to add
    /// is a member already.
    #[error("the Commit cannot be made")]
    Library(#[source] MlsCause),
}

impl<'a> CommitPlan<'a> {
    /// A plan that renews our own leaf: its keys, and its credential if ours is a new one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a device.
    #[must_use]
    pub fn adding(mut self, key_package: &'a KeyPackage) -> Self {
        self.added.push(key_package);
        self
    }

    /// Removes a device, which cannot be our own. Together with [`adding`](Self::adding) it is put back.
    #[must_use]
    pub fn removing(mut self, leaf: LeafIndex) -> Self {
        self.removed.push(leaf);
        self
    }

    /// Shows that somebody whom the plan removes has left; then we need not be an admin.
    #[must_use]
    pub fn with_departure(mut self, departure: Departure) -> Self {
        self.departures.push(departure);
        self
    }

    /// Shows that the device which the plan removes and adds again has asked for it, with the very
    /// KeyPackage that is added; then we need not be an admin. It goes with no departures.
    #[must_use]
    pub fn with_return(mut self, wish: Return) -> Self {
        self.returning = Some(wish);
        self
    }

    /// Changes the facts. Their tag is drawn anew if the plan removes, and must stay otherwise.
    #[must_use]
    pub fn with_facts(mut self, facts: GroupFacts) -> Self {
        self.facts = Some(facts);
        self
    }
}

impl MlsGroup {
    /// Makes a Commit and keeps it pending; messages may be sent meanwhile.
    ///
    /// # Errors
    /// See [`CommitError`]; nothing was changed.
    pub fn commit(
        &mut self,
        overlay: &mut Overlay<'_>,
        member: &MlsMember,
        plan: &CommitPlan<'_>,
        checker: &dyn CheckLeaf,
    ) -> Result<PendingCommit, CommitError> {
        let id = self.id;
        self.operate(overlay, |inner, room| {
            if !inner.is_active() {
                return Err(CommitError::Removed);
            }
            if inner.pending_commit().is_some() {
                return Err(CommitError::Pending);
            }
            let bundle = plan.stage(inner, room, member)?;
            plan.check(inner, room, checker)?;
            PendingCommit::keep(room, id, &bundle)
        })
    }

    /// Makes a Commit that may not be valid.
    #[cfg(test)]
    pub(in crate::mls) fn commit_unchecked(
        &mut self,
        overlay: &mut Overlay<'_>,
        member: &MlsMember,
        plan: &CommitPlan<'_>,
    ) -> Result<PendingCommit, CommitError> {
        let id = self.id;
        self.operate(overlay, |inner, room| {
            let bundle = plan.stage(inner, room, member)?;
            PendingCommit::keep(room, id, &bundle)
        })
    }
}

impl PendingCommit {
    fn keep(
        room: &Room<'_, '_>,
        id: GroupId,
        bundle: &CommitMessageBundle,
    ) -> Result<Self, CommitError> {
        let commit = bundle.commit().to_bytes().map_err(library)?;
        let welcome = bundle.to_welcome_msg().map(|welcome| welcome.to_bytes());
        let welcome = welcome.transpose().map_err(library)?;
        let hash: [u8; 32] = Sha256::digest(&commit).into();
        room.put(Kind::Pending, &id.0, &hash).map_err(LoadError::from)?;
        Ok(Self { commit, welcome, hash })
    }
}

impl CommitPlan<'_> {
    /// Makes the Commit pending in the group.
    pub(super) fn stage(
        &self,
        inner: &mut Inner,
        room: &Room<'_, '_>,
        member: &MlsMember,
    ) -> Result<CommitMessageBundle, CommitError> {
        let crypto = room.overlay().crypto();
        let facts = self.facts_of(inner, room)?;
        let leaf = leaf_parameters(inner, member);
        inner.set_aad(self.additional_data());
        let mut builder = inner
            .commit_builder()
            .consume_proposal_store(false)
            .force_self_update(true)
            .leaf_node_parameters(leaf)
            .propose_removals(self.removed.iter().map(|leaf| leaf.as_node()))
            .propose_adds(self.added.iter().map(|package| package.inner().clone()));
        if let Some(facts) = facts {
            builder = builder
                .propose_group_context_extensions(facts.to_extensions()?)
                .map_err(library)?;
        }
        if !self.added.is_empty() {
            let secret = room.overlay().join_secrets().first().ok_or(Refusal::NetworkSecret)?;
            let proposal = secret.proposal(room).ok_or(Refusal::NetworkSecret)?;
            builder = builder.add_proposal(Proposal::PreSharedKey(Box::new(proposal)));
        }
        builder
            .load_psks(room)
            .map_err(library)?
            .build(crypto, crypto, &member.signer(), |_| true)
            .map_err(library)?
            .stage_commit(room)
            .map_err(library)
    }

    /// Whether all members will find the pending Commit valid.
    pub(super) fn check(
        &self,
        inner: &Inner,
        room: &Room<'_, '_>,
        checker: &dyn CheckLeaf,
    ) -> Result<(), CommitError> {
        let staged = inner.pending_commit().ok_or(CommitError::Pending)?;
        let additional_data = self.additional_data();
        let proposed = Proposed {
            group: inner,
            committer: inner.own_leaf_index(),
            staged,
            additional_data: &additional_data,
        };
        proposed.check(room.overlay().crypto(), checker)?;
        Ok(())
    }

    fn additional_data(&self) -> Vec<u8> {
        match &self.returning {
            Some(wish) => AdditionalData::Return(wish.clone()).encode(),
            None => AdditionalData::Departures(self.departures.clone()).encode(),
        }
    }

    /// The facts that the Commit sets; `None` if they stay as they are.
    fn facts_of(
        &self,
        inner: &Inner,
        room: &Room<'_, '_>,
    ) -> Result<Option<GroupFacts>, CommitError> {
        if self.removed.is_empty() {
            return Ok(self.facts.clone());
        }
        let mut facts = match &self.facts {
            Some(facts) => facts.clone(),
            None => GroupFacts::from_extensions(inner.extensions())?,
        };
        facts.mailbox.tag = MailboxTag::from_bytes(random(room.overlay().crypto())?);
        Ok(Some(facts))
    }
}

impl From<MlsStateError> for CommitError {
    fn from(fault: MlsStateError) -> Self {
        Self::Load(fault.into())
    }
}

pub(super) fn library(error: impl std::fmt::Display) -> CommitError {
    CommitError::Library(MlsCause::new(&error))
}

/// Takes a renewed credential along.
fn leaf_parameters(inner: &Inner, member: &MlsMember) -> LeafNodeParameters {
    let ours = member.credential_with_key();
    match inner.own_leaf_node() {
        Some(leaf) if *leaf.credential() != ours.credential => {
            LeafNodeParameters::builder().with_credential_with_key(ours).build()
        }
        _ => LeafNodeParameters::default(),
    }
}
