//! Founding a group.

use openmls::group::MlsGroup as Inner;
use openmls::prelude::tls_codec::Serialize;

use super::commit::{CommitError, CommitPlan, library};
use super::merge::EpochStart;
use super::{GroupId, Loaded, MlsGroup, config, random, stamp};
use crate::mls::SUITE;
use crate::mls::credential::CheckLeaf;
use crate::mls::facts::GroupFacts;
use crate::mls::key_package::{KeyPackage, capabilities, unlimited};
use crate::mls::member::MlsMember;
use crate::mls::state::Overlay;
use crate::mls::storage::Room;

/// What a new group is to be.
#[derive(Clone, Debug)]
pub struct FoundingPlan<'a> {
    /// What all will agree on; the founder's identity must be among the admins.
    pub facts: GroupFacts,
    /// The devices of the first members; none is allowed too.
    pub members: Vec<&'a KeyPackage>,
}

/// A new group.
#[derive(Debug)]
pub struct Founded {
    /// The group, in its first epoch with all members.
    pub group: MlsGroup,
    /// For the members; `None` if there are none.
    pub welcome: Option<Vec<u8>>,
    /// The ratchet tree that goes with it.
    pub tree: Vec<u8>,
    /// What the epoch starts with.
    pub start: EpochStart,
}

impl MlsGroup {
    /// Founds a group and adds its first members.
    ///
    /// The founder is alone when the Commit is made, so it is merged at once and never published: a
    /// first message can be written while offline, with the invitation as an outbox row before it.
    ///
    /// # Errors
    /// See [`CommitError`]; nothing was changed.
    pub fn found(
        overlay: &mut Overlay<'_>,
        member: &MlsMember,
        plan: &FoundingPlan<'_>,
        checker: &dyn CheckLeaf,
    ) -> Result<Founded, CommitError> {
        overlay.step(|room| {
            let crypto = room.overlay().crypto();
            let id = GroupId(random(crypto)?);
            let mut inner = new_group(room, member, &plan.facts, id)?;
            let commit = plan.members.iter().fold(CommitPlan::new(), |plan, one| plan.adding(one));
            let bundle = commit.stage(&mut inner, room, member)?;
            commit.check(&inner, room, checker)?;
            inner.merge_pending_commit(room).map_err(library)?;
            let welcome = bundle.to_welcome_msg().map(|welcome| welcome.to_bytes());
            let tree = inner.export_ratchet_tree().tls_serialize_detached().map_err(library)?;
            let start = EpochStart::of(&inner, crypto).ok_or(CommitError::Removed)?;
            let loaded = Loaded { inner, stamp: stamp(room, id)?, owes: false };
            Ok(Founded {
                group: Self { id, loaded: Some(loaded) },
                welcome: welcome.transpose().map_err(library)?,
                tree,
                start,
            })
        })
    }
}

/// A group of one.
fn new_group(
    room: &Room<'_, '_>,
    member: &MlsMember,
    facts: &GroupFacts,
    id: GroupId,
) -> Result<Inner, CommitError> {
    let config = config();
    Inner::builder()
        .with_group_id(id.inner())
        .ciphersuite(SUITE)
        .with_capabilities(capabilities())
        .lifetime(unlimited())
        .with_wire_format_policy(config.wire_format_policy())
        .max_past_epochs(crate::mls::PAST_EPOCHS)
        .sender_ratchet_configuration(*config.sender_ratchet_configuration())
        .with_group_context_extensions(facts.to_extensions()?)
        .build(room, &member.signer(), member.credential_with_key())
        .map_err(library)
}
