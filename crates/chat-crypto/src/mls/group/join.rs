//! Joining a group by a Welcome.

use openmls::group::{MlsGroup as Inner, StagedWelcome, WelcomeError};
use openmls::schedule::errors::PskError;

use super::merge::EpochStart;
use super::{GroupId, LoadError, Loaded, MlsGroup, config, delete_rows, stamp};
use crate::mls::cause::MlsCause;
use crate::mls::credential::CheckLeaf;
use crate::mls::facts::GroupFacts;
use crate::mls::join_secret::JoinSecret;
use crate::mls::leaf::Leaf;
use crate::mls::member::MlsMember;
use crate::mls::refusal::Refusal;
use crate::mls::state::{MlsStateError, Overlay};
use crate::mls::storage::{Kind, Room, StorageError};
use crate::mls::{MAX_MEMBERS, SUITE, parse};

/// What came in an invitation.
#[derive(Clone, Copy, Debug)]
pub struct Invitation<'a> {
    /// The Welcome.
    pub welcome: &'a [u8],
    /// The ratchet tree that goes with it.
    pub tree: &'a [u8],
    /// Whether we asked for it.
    pub rejoin: Rejoin,
}

/// What may happen to a group that we are in already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejoin {
    /// It stays, and the invitation is refused.
    No,
    /// We asked to be put back into this group: our state of it is replaced, and any member may be
    /// the inviter. Check that it is one whom we have asked.
    Asked(GroupId),
}

/// A group that we have joined. Our first act in it is a Commit of the empty plan.
#[derive(Debug)]
pub struct Joined {
    /// The group.
    pub group: MlsGroup,
    /// Who signed the Welcome.
    pub inviter: Leaf,
    /// Everybody, us too.
    pub members: Vec<Leaf>,
    /// What all agree on.
    pub facts: GroupFacts,
    /// What the epoch starts with.
    pub start: EpochStart,
}

/// Why a group was not joined. Nothing was kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The store could not be read. Try again.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It is no Welcome with its tree.
    #[error("not a Welcome and its ratchet tree")]
    Garbage,
    /// It is for a KeyPackage whose private part we do not have, or no more.
    #[error("the Welcome is for another KeyPackage")]
    NotForUs,
    /// It was made without the network's secret, or with one that we do not hold.
    #[error("the Welcome does not come from our network")]
    NetworkSecret,
    /// We are in this group already and did not ask to be put back.
    #[error("we are in this group already")]
    Exists(GroupId),
    /// The group is none that we would be in.
    #[error("the group is not valid: {0}")]
    Refused(#[from] Refusal),
    /// The library refused it: signatures, tree or tags do not fit.
    #[error("the Welcome is not valid")]
    Invalid(#[source] MlsCause),
}

impl MlsGroup {
    /// Joins a group.
    ///
    /// Every leaf is checked before anything is kept. The KeyPackage's private part stays, because
    /// others may be using it too.
    ///
    /// # Errors
    /// See [`JoinError`].
    pub fn join(
        overlay: &mut Overlay<'_>,
        member: &MlsMember,
        invitation: &Invitation<'_>,
        checker: &dyn CheckLeaf,
    ) -> Result<Joined, JoinError> {
        overlay.step(|room| {
            let staged = invitation.stage(room)?;
            let (facts, members) = read(&staged, checker)?;
            let inviter = leaf_of(&members, staged.welcome_sender_index().into())?;
            let own = leaf_of(&members, staged.own_leaf_index().into())?;
            if own.credential != member.credential() {
                return Err(JoinError::NotForUs);
            }
            let may = facts.admins.contains(&inviter.name.identity) || inviter.name == own.name;
            if !may && invitation.rejoin == Rejoin::No {
                return Err(Refusal::NotAdmin.into());
            }
            let inner = staged.into_group(room).map_err(welcome_error)?;
            let id = GroupId(inner.group_id().as_slice().try_into().map_err(|_| garbage())?);
            room.delete(Kind::Pending, &id.0).map_err(LoadError::from)?;
            let start = EpochStart::of(&inner, room.overlay().crypto()).ok_or_else(garbage)?;
            let group =
                Self { id, loaded: Some(Loaded { inner, stamp: stamp(room, id)?, owes: false }) };
            Ok(Joined { group, inviter, members, facts, start })
        })
    }
}

impl Invitation<'_> {
    /// Opens the Welcome and verifies the tree; our leaf is there, its signature key is ours.
    fn stage(&self, room: &Room<'_, '_>) -> Result<StagedWelcome, JoinError> {
        let welcome = parse::welcome(self.welcome).map_err(|_| JoinError::Garbage)?;
        let tree = parse::ratchet_tree(self.tree).map_err(|_| JoinError::Garbage)?;
        if welcome.ciphersuite() != SUITE {
            return Err(Refusal::Facts.into());
        }
        let mut builder = StagedWelcome::build_from_welcome(room, &config(), welcome)
            .map_err(welcome_error)?
            .with_ratchet_tree(tree)
            .skip_lifetime_validation();
        let processed = builder.processed_welcome();
        let [secret] = processed.psks() else { return Err(JoinError::NetworkSecret) };
        if !JoinSecret::is_id(secret) {
            return Err(JoinError::NetworkSecret);
        }
        let group_id = processed.unverified_group_info().group_id().as_slice();
        let id = GroupId(group_id.try_into().map_err(|_| JoinError::Garbage)?);
        if let Some(mut old) = Inner::load(room, &id.inner()).map_err(LoadError::from)? {
            if self.rejoin != Rejoin::Asked(id) && old.is_active() {
                return Err(JoinError::Exists(id));
            }
            delete_rows(&mut old, room, id)?;
        } else if matches!(self.rejoin, Rejoin::Asked(asked) if asked != id) {
            return Err(JoinError::Exists(id));
        }
        builder = builder.replace_old_group();
        builder.build().map_err(welcome_error)
    }
}

/// Checks the facts and every leaf.
fn read(
    staged: &StagedWelcome,
    checker: &dyn CheckLeaf,
) -> Result<(GroupFacts, Vec<Leaf>), Refusal> {
    let facts = GroupFacts::from_extensions(staged.group_context().extensions())?;
    if staged.members().nth(MAX_MEMBERS).is_some() {
        return Err(Refusal::TooMany);
    }
    let members = staged.members().map(|member| Leaf::of_member(&member, checker));
    Ok((facts, members.collect::<Result<_, _>>()?))
}

fn leaf_of(members: &[Leaf], index: crate::mls::leaf::LeafIndex) -> Result<Leaf, JoinError> {
    members.iter().find(|leaf| leaf.index == Some(index)).cloned().ok_or(JoinError::Garbage)
}

fn garbage() -> JoinError {
    JoinError::Garbage
}

fn welcome_error(error: WelcomeError<StorageError>) -> JoinError {
    match error {
        WelcomeError::NoMatchingKeyPackage | WelcomeError::JoinerSecretNotFound => {
            JoinError::NotForUs
        }
        WelcomeError::Psk(PskError::KeyNotFound) => JoinError::NetworkSecret,
        WelcomeError::StorageError(fault) => JoinError::Load(fault.into()),
        other => JoinError::Invalid(MlsCause::new(&other)),
    }
}

impl From<MlsStateError> for JoinError {
    fn from(fault: MlsStateError) -> Self {
        Self::Load(fault.into())
    }
}
