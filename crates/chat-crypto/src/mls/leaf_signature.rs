//! What a leaf signs about itself, for others to show: `leaf u32 | signature 64`.

use openmls::group::MlsGroup as Inner;
use openmls::prelude::{Member, OpenMlsCrypto, SignatureScheme};
use openmls_rust_crypto::RustCrypto;
use openmls_traits::signatures::Signer;
use sha2::{Digest, Sha256};

use super::leaf::LeafIndex;
use super::member::MlsMember;
use crate::encoding::push_lp;

/// A leaf's signature under a statement about itself.
///
/// It holds for one group and for the leaf's present encryption key: after the leaf's next update,
/// or once its owner was added again, it proves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LeafSignature {
    leaf: LeafIndex,
    signature: [u8; 64],
}

/// What is signed.
#[derive(Clone, Copy)]
pub(super) struct Statement<'a> {
    /// What it says; of no two statements one is the beginning of the other's.
    pub(super) label: &'static [u8],
    /// What it says that of.
    pub(super) about: &'a [u8],
}

impl LeafSignature {
    /// Its length, in bytes.
    pub(super) const LEN: usize = 68;

    pub(super) fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let number = self.leaf.number().to_be_bytes();
        bytes
            .iter_mut()
            .zip(number.iter().chain(&self.signature))
            .for_each(|(to, from)| *to = *from);
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8; Self::LEN]) -> Self {
        let (leaf, signature) = (bytes.first_chunk(), bytes.last_chunk());
        Self {
            leaf: LeafIndex::from_number(u32::from_be_bytes(leaf.copied().unwrap_or_default())),
            signature: signature.copied().unwrap_or([0; 64]),
        }
    }

    /// Whose leaf signed it.
    pub(super) fn leaf(&self) -> LeafIndex {
        self.leaf
    }

    /// Signs with our own leaf.
    pub(super) fn sign(
        group: &Inner,
        member: &MlsMember,
        statement: Statement<'_>,
    ) -> Option<Self> {
        let own = group.member_at(group.own_leaf_index())?;
        let signature = member.signer().sign(&statement.encode(group, &own)).ok()?;
        Some(Self { leaf: own.index.into(), signature: signature.try_into().ok()? })
    }

    /// The member who signed it; `None` if it proves nothing in this group.
    pub(super) fn verify(
        &self,
        group: &Inner,
        crypto: &RustCrypto,
        statement: Statement<'_>,
    ) -> Option<Member> {
        let member = group.member_at(self.leaf.as_node())?;
        crypto
            .verify_signature(
                SignatureScheme::ED25519,
                &statement.encode(group, &member),
                &member.signature_key,
                &self.signature,
            )
            .ok()?;
        Some(member)
    }
}

impl Statement<'_> {
    /// `label | lp(group id) | leaf u32 | SHA-256(encryption key) | about`
    fn encode(self, group: &Inner, member: &Member) -> Vec<u8> {
        let mut statement = self.label.to_vec();
        push_lp(&mut statement, group.group_id().as_slice());
        statement.extend_from_slice(&member.index.u32().to_be_bytes());
        statement.extend_from_slice(&Sha256::digest(&member.encryption_key));
        statement.extend_from_slice(self.about);
        statement
    }
}
