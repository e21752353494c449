//! Who is in a group, and what they have agreed on.

use std::collections::BTreeSet;

use chat_crypto::mls::{GroupFacts, GroupId, GroupView, Leaf, LeafName, LoadError};
use chat_store::ReadTxn;
use serde::{Deserialize, Serialize};

use super::ratchets::Ratchets;
use super::{GroupError, OwnLeaf};
use crate::handle::Handle;
use crate::hash::sha256;

/// A person in a group: a handle, and the identity behind it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct MemberName {
    pub(crate) handle: Handle,
    pub(crate) identity: [u8; 32],
}

/// A group at one moment.
#[derive(Debug)]
pub(crate) struct Roster {
    pub(crate) facts: GroupFacts,
    pub(crate) leaves: Vec<Leaf>,
    pub(crate) epoch: u64,
    /// Equal for all members of the epoch; empty once we are out.
    pub(crate) authenticator: Vec<u8>,
    own: [u8; 32],
}

impl MemberName {
    /// Whose a leaf is; every leaf's handle was checked with its certificate.
    pub(crate) fn of(name: &LeafName) -> Option<Self> {
        Some(Self { handle: name.handle.parse().ok()?, identity: name.identity })
    }
}

impl Ratchets {
    /// Looks at a group.
    pub(crate) fn roster(&mut self, tx: &ReadTxn<'_>, id: GroupId) -> Result<Roster, GroupError> {
        self.step(tx, id, |group, overlay, own| Roster::of(&group.view(overlay)?, own))
    }
}

impl Roster {
    pub(super) fn of(view: &GroupView<'_>, own: &OwnLeaf) -> Result<Self, GroupError> {
        Ok(Self {
            facts: view.facts()?,
            leaves: view.members(&own.check).map_err(|_| LoadError::Damaged)?,
            epoch: view.epoch(),
            authenticator: view.epoch_start().map(|start| start.authenticator).unwrap_or_default(),
            own: own.identity(),
        })
    }

    /// The people, each once, by handle.
    pub(crate) fn people(&self) -> Vec<MemberName> {
        let names: BTreeSet<MemberName> =
            self.leaves.iter().filter_map(|leaf| MemberName::of(&leaf.name)).collect();
        names.into_iter().collect()
    }

    pub(crate) fn has(&self, identity: &[u8; 32]) -> bool {
        self.leaves.iter().any(|leaf| leaf.name.identity == *identity)
    }

    pub(crate) fn is_admin(&self, identity: &[u8; 32]) -> bool {
        self.facts.admins.contains(identity)
    }

    /// Whether we may change more than our own leaf.
    pub(crate) fn are_we_admin(&self) -> bool {
        self.is_admin(&self.own)
    }

    pub(crate) fn is_us(&self, identity: &[u8; 32]) -> bool {
        *identity == self.own
    }

    /// Admins who are members: whoever has left may still be named.
    pub(crate) fn admins(&self) -> BTreeSet<[u8; 32]> {
        self.facts.admins.iter().copied().filter(|admin| self.has(admin)).collect()
    }

    /// What tells this epoch from all others, of this group and of branches of it; says nothing of its keys.
    pub(crate) fn state(&self) -> [u8; 32] {
        sha256(&[b"securechat/v1/epoch-state", &self.authenticator])
    }

    /// 30 digits that members of the same epoch can compare by voice: groups of five.
    pub(crate) fn code(&self) -> String {
        let hash = sha256(&[b"securechat/v1/epoch-code", &self.authenticator]);
        let digits = hash.as_chunks::<5>().0.iter().map(|chunk| {
            let number = chunk.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
            format!("{:05}", number % 100_000)
        });
        digits.collect::<Vec<_>>().join(" ")
    }
}
