//! Being put back: a signed statement that lets any member give a device new keys.
//!
//! To take a leaf out and bring the same device in again takes an admin, or whoever shows that the
//! device has asked for it, with the very KeyPackage that it is to come back with. Without the
//! KeyPackage it would be a way to throw somebody out: with one that they cannot open any more, or
//! with none.

use openmls::group::MlsGroup as Inner;
use openmls::prelude::Member;
use openmls_rust_crypto::RustCrypto;

use super::key_package::KeyPackageRef;
use super::leaf_signature::{LeafSignature, Statement};
use super::member::MlsMember;

/// A leaf's signed wish to be put back with one KeyPackage. Public within the group.
///
/// It holds for this group and for the leaf's present encryption key: after the leaf's next update,
/// or once it was put back, it proves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Return(LeafSignature);

impl Return {
    /// Its length, in bytes.
    pub const LEN: usize = LeafSignature::LEN;

    /// `leaf u32 | signature 64`
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        self.0.to_bytes()
    }

    /// Takes bytes that may be such a wish; whether they prove anything shows in the group.
    pub fn from_bytes(bytes: &[u8; Self::LEN]) -> Self {
        Self(LeafSignature::from_bytes(bytes))
    }

    pub(super) fn sign(
        group: &Inner,
        member: &MlsMember,
        key_package: &KeyPackageRef,
    ) -> Option<Self> {
        LeafSignature::sign(group, member, statement(key_package)).map(Self)
    }

    /// The member who signed it; `None` if it proves nothing in this group, or is for another
    /// KeyPackage.
    pub(super) fn verify(
        &self,
        group: &Inner,
        crypto: &RustCrypto,
        key_package: &KeyPackageRef,
    ) -> Option<Member> {
        self.0.verify(group, crypto, statement(key_package))
    }
}

fn statement(key_package: &KeyPackageRef) -> Statement<'_> {
    Statement { label: b"securechat/v1/return", about: key_package.as_bytes() }
}
