//! Leaving: a signed statement that lets any member commit the removal.
//!
//! A leaf cannot remove itself (RFC 9420, section 12.2), and whether a Commit is valid may depend
//! on nothing but the group and the Commit. So whoever leaves signs it, and the Commit carries the
//! signature as additional data.

use openmls::group::MlsGroup as Inner;
use openmls::prelude::Member;
use openmls_rust_crypto::RustCrypto;

use super::leaf::LeafIndex;
use super::leaf_signature::{LeafSignature, Statement};
use super::member::MlsMember;

/// A leaf's signed wish to leave, with all devices of its owner. Public within the group.
///
/// It holds for this group and for the leaf's present encryption key: after the leaf's next update,
/// or once its owner was added again, it proves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Departure(LeafSignature);

impl Departure {
    /// Its length, in bytes.
    pub const LEN: usize = LeafSignature::LEN;

    /// `leaf u32 | signature 64`
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        self.0.to_bytes()
    }

    /// Takes bytes that may be a departure; whether they prove anything shows in the group.
    pub fn from_bytes(bytes: &[u8; Self::LEN]) -> Self {
        Self(LeafSignature::from_bytes(bytes))
    }

    /// Whose leaf signed it.
    pub fn leaf(&self) -> LeafIndex {
        self.0.leaf()
    }

    pub(super) fn sign(group: &Inner, member: &MlsMember) -> Option<Self> {
        LeafSignature::sign(group, member, STATEMENT).map(Self)
    }

    /// The member who signed it; `None` if it proves nothing in this group.
    pub(super) fn verify(&self, group: &Inner, crypto: &RustCrypto) -> Option<Member> {
        self.0.verify(group, crypto, STATEMENT)
    }
}

const STATEMENT: Statement<'static> = Statement { label: b"securechat/v1/departure", about: &[] };
