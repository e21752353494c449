//! One link of the chain of changes.
//!
//! ```text
//! kind u8 | number u32 | previous 32 | lp(body) | signature 64
//! ```
//! The identity signs everything before the signature, for the network. `previous` is
//! [`chain_hash`] of the whole change before, or [`start`].

use sha2::{Digest, Sha256};

use crate::device::{DeviceCertificate, DeviceId};
use crate::encoding::{lp_joined, push_lp};
use crate::identity::{IdentityKey, IdentityPublic};
use crate::reader::Reader;
use crate::signature::{Signature, SignatureContext, SignatureKind};

use super::error::{ChangeError, EntryError};

/// A change as it stands in the chain.
pub(super) enum Change {
    AddDevice(DeviceCertificate),
    RemoveDevice(DeviceId),
    /// [`inbox_key_hash`] of the key: only the present key is carried, not all that ever were.
    RotateInboxKey([u8; 32]),
}

/// Where a change stands in the chain.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) number: u32,
    pub(super) previous: [u8; 32],
}

impl Change {
    /// The change's whole encoding.
    pub(super) fn sign(&self, link: Link, identity: &IdentityKey, namespace: &str) -> Vec<u8> {
        let (kind, body) = match self {
            Self::AddDevice(device) => (ADD_DEVICE, device.as_bytes()),
            Self::RemoveDevice(id) => (REMOVE_DEVICE, &id.as_bytes()[..]),
            Self::RotateInboxKey(hash) => (ROTATE_INBOX_KEY, &hash[..]),
        };
        let mut bytes = vec![kind];
        bytes.extend_from_slice(&link.number.to_be_bytes());
        bytes.extend_from_slice(&link.previous);
        push_lp(&mut bytes, body);
        let signature = identity.sign(&context(namespace), &bytes);
        bytes.extend_from_slice(signature.as_bytes());
        bytes
    }

    fn parse(kind: u8, body: &[u8], namespace: &str) -> Result<Self, ChangeError> {
        let no_change = ChangeError::Malformed;
        match kind {
            ADD_DEVICE => Ok(Self::AddDevice(DeviceCertificate::parse(body, namespace)?)),
            REMOVE_DEVICE => {
                let id = body.try_into().map_err(|_| no_change)?;
                Ok(Self::RemoveDevice(DeviceId::from_bytes(id)))
            }
            ROTATE_INBOX_KEY => Ok(Self::RotateInboxKey(body.try_into().map_err(|_| no_change)?)),
            _ => Err(no_change),
        }
    }
}

/// A change as it was received: nothing of it is verified.
pub(super) struct ReceivedChange<'a> {
    kind: u8,
    link: Link,
    body: &'a [u8],
    signed: &'a [u8],
    signature: Signature,
    /// The whole encoding.
    pub(super) encoded: &'a [u8],
}

impl<'a> ReceivedChange<'a> {
    pub(super) fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let from = reader.position();
        let kind = reader.u8()?;
        let link = Link { number: reader.u32()?, previous: reader.array()? };
        let body = reader.lp()?;
        let signed = reader.read().get(from..)?;
        let signature = reader.array().map(Signature::from_bytes)?;
        let encoded = reader.read().get(from..)?;
        Some(Self { kind, link, body, signed, signature, encoded })
    }

    /// Verifies that the change is the one at `link` and the identity's.
    pub(super) fn verify(
        &self,
        link: Link,
        identity: &IdentityPublic,
        namespace: &str,
    ) -> Result<Change, EntryError> {
        let number = link.number;
        if self.link != link {
            return Err(EntryError::Chain { number });
        }
        let checked = identity.verify(&context(namespace), self.signed, &self.signature);
        checked.map_err(|_| EntryError::ChangeSignature { number })?;
        Change::parse(self.kind, self.body, namespace)
            .map_err(|source| EntryError::Change { number, source })
    }
}

/// What the first change names as the one before it: no change of one network, handle or identity
/// fits another's chain.
pub(super) fn start(namespace: &str, handle: &str, identity: &IdentityPublic) -> [u8; 32] {
    Sha256::new()
        .chain_update(b"securechat/v1/directory-start")
        .chain_update(lp_joined(&[namespace.as_bytes(), handle.as_bytes()]))
        .chain_update(identity.as_bytes())
        .finalize()
        .into()
}

/// The hash by which the next change names this one.
pub(super) fn chain_hash(encoded: &[u8]) -> [u8; 32] {
    Sha256::new()
        .chain_update(b"securechat/v1/directory-change")
        .chain_update(encoded)
        .finalize()
        .into()
}

/// The hash by which a change names an inbox key.
pub(super) fn inbox_key_hash(key: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(b"securechat/v1/inbox-key").chain_update(key).finalize().into()
}

fn context(namespace: &str) -> SignatureContext<'_> {
    SignatureContext::network(SignatureKind::DirectoryChange, namespace)
}

const ADD_DEVICE: u8 = 1;
const REMOVE_DEVICE: u8 = 2;
const ROTATE_INBOX_KEY: u8 = 3;
