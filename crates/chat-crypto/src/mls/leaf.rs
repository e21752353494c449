//! One device of one person in a group.

use std::fmt;

use openmls::prelude::{BasicCredential, Credential, LeafNodeIndex, Member};

use super::MAX_CREDENTIAL;
use super::credential::{CheckLeaf, LeafName, RefusedLeaf};

/// Where a leaf is in the tree. It is free again once the leaf is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LeafIndex(u32);

impl LeafIndex {
    /// The number.
    pub fn number(self) -> u32 {
        self.0
    }

    /// The leaf of this number, there or not.
    pub fn from_number(number: u32) -> Self {
        Self(number)
    }

    pub(super) fn as_node(self) -> LeafNodeIndex {
        LeafNodeIndex::new(self.0)
    }
}

impl From<LeafNodeIndex> for LeafIndex {
    fn from(index: LeafNodeIndex) -> Self {
        Self(index.u32())
    }
}

/// A checked leaf: one device of one person.
#[derive(Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Where it is; `None` for one that a Commit adds, until it is merged.
    pub index: Option<LeafIndex>,
    /// What its credential holds.
    pub credential: Vec<u8>,
    /// The key that its messages are signed with.
    pub signature_key: Vec<u8>,
    /// Whose it is.
    pub name: LeafName,
}

impl Leaf {
    /// Takes a leaf over, or refuses it: the only way into a group, for every leaf.
    pub(super) fn check(
        index: Option<LeafNodeIndex>,
        credential: &Credential,
        signature_key: &[u8],
        checker: &dyn CheckLeaf,
    ) -> Result<Self, RefusedLeaf> {
        let credential = basic(credential)?;
        if credential.len() > MAX_CREDENTIAL {
            return Err(RefusedLeaf::new("its credential is too long"));
        }
        let name = checker.check(&credential, signature_key)?;
        let index = index.map(LeafIndex::from);
        Ok(Self { index, credential, signature_key: signature_key.to_vec(), name })
    }

    pub(super) fn of_member(member: &Member, checker: &dyn CheckLeaf) -> Result<Self, RefusedLeaf> {
        Self::check(Some(member.index), &member.credential, &member.signature_key, checker)
    }
}

impl fmt::Debug for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, credential: _, signature_key: _, name } = self;
        match index {
            Some(LeafIndex(index)) => write!(f, "Leaf({index}, {})", name.handle),
            None => write!(f, "Leaf(new, {})", name.handle),
        }
    }
}

/// What a Basic credential holds.
pub(super) fn basic(credential: &Credential) -> Result<Vec<u8>, RefusedLeaf> {
    let basic = BasicCredential::try_from(credential.clone());
    basic
        .map(|basic| basic.identity().to_vec())
        .map_err(|_| RefusedLeaf::new("no Basic credential"))
}
