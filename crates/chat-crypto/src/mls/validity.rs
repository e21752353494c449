//! The one function that every Commit passes before it is merged, our own too.

use openmls::group::{MlsGroup as Inner, StagedCommit};
use openmls::prelude::{LeafNodeIndex, Proposal, ProposalOrRefType, Sender};
use openmls_rust_crypto::RustCrypto;

use super::MAX_MEMBERS;
use super::additional_data::AdditionalData;
use super::credential::{CheckLeaf, LeafName};
use super::facts::GroupFacts;
use super::join_secret::JoinSecret;
use super::key_package::{KeyPackageRef, unlimited};
use super::leaf::Leaf;
use super::refusal::Refusal;

/// What a Commit does to its group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Who made it. Its leaf is as it was before; its keys are new afterwards.
    pub by: Leaf,
    /// The same leaf with the credential that it has from now on.
    pub updated: Leaf,
    /// Who comes.
    pub added: Vec<Leaf>,
    /// Who goes. Somebody who is also added is being put back.
    pub removed: Vec<Leaf>,
    /// The facts from now on.
    pub facts: GroupFacts,
    /// Whether we are among the removed.
    pub removes_us: bool,
}

/// A Commit that OpenMLS took, in the group that it leaves.
#[derive(Clone, Copy)]
pub(super) struct Proposed<'a> {
    pub group: &'a Inner,
    pub committer: LeafNodeIndex,
    pub staged: &'a StagedCommit,
    pub additional_data: &'a [u8],
}

impl Proposed<'_> {
    /// Decides whether the Commit is valid: from the group and the Commit alone, so that all
    /// members decide alike.
    pub(super) fn check(
        self,
        crypto: &RustCrypto,
        checker: &dyn CheckLeaf,
    ) -> Result<Change, Refusal> {
        let change = self.read(checker)?;
        self.check_proposals(&change)?;
        let before = GroupFacts::from_extensions(self.group.extensions())?;
        check_facts(&before, &change)?;
        self.check_size(&change)?;
        check_returning_names(&change)?;
        let consent = self.consent(&change, crypto, checker)?;
        if before.admins.contains(&change.by.name.identity) {
            return Ok(change);
        }
        check_member(&before, &change, &consent).map(|()| change)
    }

    /// Takes the Commit apart; every leaf in it is checked.
    pub(super) fn read(self, checker: &dyn CheckLeaf) -> Result<Change, Refusal> {
        let path = self.staged.update_path_leaf_node().ok_or(Refusal::Proposal)?;
        let updated = Leaf::check(
            Some(self.committer),
            path.credential(),
            path.signature_key().as_slice(),
            checker,
        )?;
        let added = self.staged.add_proposals().map(|add| {
            let package = add.add_proposal().key_package();
            if *package.life_time() != unlimited() {
                return Err(Refusal::Lifetime);
            }
            let (node, none) = (package.leaf_node(), None);
            Ok(Leaf::check(none, node.credential(), node.signature_key().as_slice(), checker)?)
        });
        let removed = self.staged.remove_proposals();
        let removed = removed.map(|remove| self.leaf(remove.remove_proposal().removed(), checker));
        Ok(Change {
            by: self.leaf(self.committer, checker)?,
            updated,
            added: added.collect::<Result<_, _>>()?,
            removed: removed.collect::<Result<_, _>>()?,
            facts: GroupFacts::from_extensions(self.staged.group_context().extensions())?,
            removes_us: self.staged.self_removed(),
        })
    }

    fn leaf(self, index: LeafNodeIndex, checker: &dyn CheckLeaf) -> Result<Leaf, Refusal> {
        let member = self.group.member_at(index).ok_or(Refusal::Proposal)?;
        Ok(Leaf::of_member(&member, checker)?)
    }

    /// Only the committer's own, inline proposals, of the kinds that are used here; the leaf keeps
    /// its owner; the network's secret comes with every addition.
    fn check_proposals(self, change: &Change) -> Result<(), Refusal> {
        for queued in self.staged.queued_proposals() {
            let known = matches!(
                queued.proposal(),
                Proposal::Add(_)
                    | Proposal::Remove(_)
                    | Proposal::PreSharedKey(_)
                    | Proposal::GroupContextExtensions(_)
            );
            let own = *queued.sender() == Sender::Member(self.committer)
                && matches!(queued.proposal_or_ref_type(), ProposalOrRefType::Proposal);
            if !known || !own {
                return Err(Refusal::Proposal);
            }
        }
        if change.updated.name != change.by.name {
            return Err(Refusal::IdentityChanged);
        }
        let secrets: Vec<_> = self.staged.psk_proposals().collect();
        match secrets.as_slice() {
            [] if change.added.is_empty() => Ok(()),
            [secret] if !change.added.is_empty() => {
                let known = JoinSecret::is_proposed(secret.psk_proposal());
                if known { Ok(()) } else { Err(Refusal::NetworkSecret) }
            }
            _ => Err(Refusal::NetworkSecret),
        }
    }

    fn check_size(self, change: &Change) -> Result<(), Refusal> {
        let stay = self.group.members().count().saturating_sub(change.removed.len());
        if stay + change.added.len() > MAX_MEMBERS { Err(Refusal::TooMany) } else { Ok(()) }
    }

    /// Who has signed to leave, or to be put back. Each of them must be going, and whoever comes
    /// back must come with the KeyPackage that they have signed.
    fn consent(
        self,
        change: &Change,
        crypto: &RustCrypto,
        checker: &dyn CheckLeaf,
    ) -> Result<Consent, Refusal> {
        match AdditionalData::decode(self.additional_data)? {
            AdditionalData::Departures(departures) => {
                let names = departures.iter().map(|departure| {
                    let member =
                        departure.verify(self.group, crypto).ok_or(Refusal::AdditionalData)?;
                    let name = Leaf::of_member(&member, checker)?.name;
                    let goes = change.removed.iter().any(|leaf| leaf.name == name);
                    if goes { Ok(name) } else { Err(Refusal::AdditionalData) }
                });
                Ok(Consent { departed: names.collect::<Result<_, _>>()?, returned: None })
            }
            AdditionalData::Return(wish) => {
                let packages = self.staged.add_proposals();
                let member = packages
                    .filter_map(|add| KeyPackageRef::of(add.add_proposal().key_package(), crypto))
                    .find_map(|reference| wish.verify(self.group, crypto, &reference));
                let leaf = Leaf::of_member(&member.ok_or(Refusal::AdditionalData)?, checker)?;
                let is_swap = change.removed.contains(&leaf)
                    && change.added.iter().any(|new| is_same_device(new, &leaf));
                if !is_swap {
                    return Err(Refusal::AdditionalData);
                }
                Ok(Consent { departed: Vec::new(), returned: Some(leaf) })
            }
        }
    }
}

/// What others have signed that a Commit is made for.
struct Consent {
    /// Who leaves.
    departed: Vec<LeafName>,
    /// The leaf that is put back.
    returned: Option<Leaf>,
}

fn is_same_device(one: &Leaf, other: &Leaf) -> bool {
    one.name == other.name && one.signature_key == other.signature_key
}

/// Whoever is put back keeps their handle: all devices of one identity have one.
fn check_returning_names(change: &Change) -> Result<(), Refusal> {
    let mut pairs =
        change.removed.iter().flat_map(|old| change.added.iter().map(move |new| (old, new)));
    let is_other =
        |(old, new): (&Leaf, &Leaf)| old.name.identity == new.name.identity && old.name != new.name;
    if pairs.any(is_other) { Err(Refusal::IdentityChanged) } else { Ok(()) }
}

/// What nobody may do, an admin neither.
fn check_facts(before: &GroupFacts, change: &Change) -> Result<(), Refusal> {
    let (old, new) = (before.mailbox, change.facts.mailbox);
    if new.partition != old.partition || change.facts.generation < before.generation {
        return Err(Refusal::Facts);
    }
    if (new.tag != old.tag) == change.removed.is_empty() {
        return Err(Refusal::Tag);
    }
    check_pair(before, change)
}

/// A group without a name is that of two people, its admins: it stays theirs alone, has no name, and keeps its generation,
/// by which the two choose among theirs.
fn check_pair(before: &GroupFacts, change: &Change) -> Result<(), Refusal> {
    if !before.name.is_empty() {
        return Ok(());
    }
    let theirs = change.added.iter().all(|leaf| before.admins.contains(&leaf.name.identity));
    let stays = change.facts.name.is_empty()
        && change.facts.admins == before.admins
        && change.facts.generation == before.generation;
    if theirs && stays { Ok(()) } else { Err(Refusal::Pair) }
}

/// What somebody who is no admin may do: update the own leaf, add and remove own devices, remove who
/// signed to leave, and put one device back that has signed for it.
fn check_member(before: &GroupFacts, change: &Change, consent: &Consent) -> Result<(), Refusal> {
    let kept = GroupFacts { mailbox: change.facts.mailbox, ..before.clone() };
    if kept != change.facts {
        return Err(Refusal::NotAdmin);
    }
    let Consent { departed, returned } = consent;
    let others = |leaf: &&Leaf| leaf.name != change.by.name;
    let may_come = |leaf: &Leaf| returned.as_ref().is_some_and(|old| is_same_device(leaf, old));
    let may_go = |leaf: &Leaf| departed.contains(&leaf.name) || returned.as_ref() == Some(leaf);
    let comes = change.added.iter().filter(others).all(may_come);
    let goes = change.removed.iter().filter(others).all(may_go);
    if goes && comes { Ok(()) } else { Err(Refusal::NotAdmin) }
}
