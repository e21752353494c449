//! Leaving: a signed statement that lets any member commit the removal.
//!
//! A leaf cannot remove itself (RFC 9420, section 12.2), and whether a Commit is valid may depend
//! on nothing but the group and the Commit. So whoever leaves signs it, and the Commit carries the
//! signature as additional data: `version u8 = 1 | (leaf u32 | signature 64) ...`.

use openmls::group::MlsGroup as Inner;
use openmls::prelude::{Member, OpenMlsCrypto, SignatureScheme};
use openmls_rust_crypto::RustCrypto;
use openmls_traits::signatures::Signer;
use sha2::{Digest, Sha256};

use super::leaf::LeafIndex;
use super::member::MlsMember;
use super::refusal::Refusal;
use crate::encoding::push_lp;

/// A leaf's signed wish to leave, with all devices of its owner. Public within the group.
///
/// It holds for this group and for the leaf's present encryption key: after the leaf's next update,
/// or once its owner was added again, it proves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Departure {
    leaf: LeafIndex,
    signature: [u8; 64],
}

impl Departure {
    /// Its length, in bytes.
    pub const LEN: usize = 68;

    /// `leaf u32 | signature 64`
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let number = self.leaf.number().to_be_bytes();
        bytes
            .iter_mut()
            .zip(number.iter().chain(&self.signature))
            .for_each(|(to, from)| *to = *from);
        bytes
    }

    /// Takes bytes that may be a departure; whether they prove anything shows in the group.
    pub fn from_bytes(bytes: &[u8; Self::LEN]) -> Self {
        let (leaf, signature) = (bytes.first_chunk(), bytes.last_chunk());
        Self {
            leaf: LeafIndex::from_number(u32::from_be_bytes(leaf.copied().unwrap_or_default())),
            signature: signature.copied().unwrap_or([0; 64]),
        }
    }

    /// Whose leaf signed it.
    pub fn leaf(&self) -> LeafIndex {
        self.leaf
    }

    pub(super) fn sign(group: &Inner, member: &MlsMember, crypto: &RustCrypto) -> Option<Self> {
        let own = group.member_at(group.own_leaf_index())?;
        let signature = member.signer(crypto).sign(&statement(group, &own)).ok()?;
        Some(Self { leaf: own.index.into(), signature: signature.try_into().ok()? })
    }

    /// The member who signed it; `None` if it proves nothing in this group.
    pub(super) fn verify(&self, group: &Inner, crypto: &RustCrypto) -> Option<Member> {
        let member = group.member_at(self.leaf.as_node())?;
        crypto
            .verify_signature(
                SignatureScheme::ED25519,
                &statement(group, &member),
                &member.signature_key,
                &self.signature,
            )
            .ok()?;
        Some(member)
    }
}

/// `"securechat/v1/departure" | lp(group id) | leaf u32 | SHA-256(encryption key)`
fn statement(group: &Inner, member: &Member) -> Vec<u8> {
    let mut statement = b"securechat/v1/departure".to_vec();
    push_lp(&mut statement, group.group_id().as_slice());
    statement.extend_from_slice(&member.index.u32().to_be_bytes());
    statement.extend_from_slice(&Sha256::digest(&member.encryption_key));
    statement
}

/// A Commit's additional data; empty without departures.
pub(super) fn encode_departures(departures: &[Departure]) -> Vec<u8> {
    if departures.is_empty() {
        return Vec::new();
    }
    [VERSION].into_iter().chain(departures.iter().flat_map(Departure::to_bytes)).collect()
}

/// Reads a Commit's additional data.
pub(super) fn decode_departures(bytes: &[u8]) -> Result<Vec<Departure>, Refusal> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let (&[VERSION], rest) = bytes.split_first_chunk().ok_or(Refusal::AdditionalData)? else {
        return Err(Refusal::AdditionalData);
    };
    let (departures, []) = rest.as_chunks() else { return Err(Refusal::AdditionalData) };
    if !(1..=MAX_DEPARTURES).contains(&departures.len()) {
        return Err(Refusal::AdditionalData);
    }
    Ok(departures.iter().map(Departure::from_bytes).collect())
}

const VERSION: u8 = 1;

/// The most departures that one Commit carries.
pub(super) const MAX_DEPARTURES: usize = 32;
