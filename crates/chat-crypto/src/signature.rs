//! Signatures, each over the place that it is for.

use std::fmt;

use zeroize::Zeroizing;

use crate::ed25519::{PublicKey, SecretKey};
use crate::encoding::push_lp;
use crate::protection::Protection;

/// An Ed25519 signature: 64 public bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signature([u8; 64]);

impl Signature {
    /// Length of a signature, in bytes.
    pub const LEN: usize = 64;

    /// Wraps 64 bytes that may be a signature.
    pub fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The 64 bytes.
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// Signs `bytes` for one place: the only way in which this crate makes signatures.
    pub(crate) fn make(key: &SecretKey, context: &SignatureContext<'_>, bytes: &[u8]) -> Self {
        // Nothing verifies against the empty message that stands for a place which is too long.
        Self(key.sign(&context.message(bytes).unwrap_or_default()))
    }

    /// Whether `key` signed `bytes` for this place.
    pub(crate) fn check(
        &self,
        key: &PublicKey,
        context: &SignatureContext<'_>,
        bytes: &[u8],
    ) -> Result<(), SignatureError> {
        let message = context.message(bytes).ok_or(SignatureError)?;
        if key.verify(&message, &self.0) { Ok(()) } else { Err(SignatureError) }
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// What is signed; bound into the signature, so that none is good for another purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureKind {
    /// An identity says that a device is its own.
    DeviceCertificate,
    /// One change of a directory entry.
    DirectoryChange,
    /// A directory entry as a whole.
    DirectoryEntry,
    /// A KeyPackage in the directory.
    KeyPackage,
    /// A message under the shared key.
    Content,
    /// An invitation to an MLS group.
    Invitation,
    /// A request to be let into an MLS group again.
    RejoinRequest,
    /// A new network key.
    NetworkKey,
    /// An answer to such a request.
    RejoinAnswer,
    /// A request of a device to be one of an identity's, or for the identity's inbox key.
    DeviceRequest,
    /// An answer to such a request.
    DeviceAnswer,
}

impl SignatureKind {
    /// All kinds.
    pub const ALL: [Self; 11] = [
        Self::DeviceCertificate,
        Self::DirectoryChange,
        Self::DirectoryEntry,
        Self::KeyPackage,
        Self::Content,
        Self::Invitation,
        Self::RejoinRequest,
        Self::NetworkKey,
        Self::RejoinAnswer,
        Self::DeviceRequest,
        Self::DeviceAnswer,
    ];

    /// The name as it stands in what is signed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DeviceCertificate => "device-certificate",
            Self::DirectoryChange => "directory-change",
            Self::DirectoryEntry => "directory-entry",
            Self::KeyPackage => "key-package",
            Self::Content => "content",
            Self::Invitation => "invitation",
            Self::RejoinRequest => "rejoin-request",
            Self::NetworkKey => "network-key",
            Self::RejoinAnswer => "rejoin-answer",
            Self::DeviceRequest => "device-request",
            Self::DeviceAnswer => "device-answer",
        }
    }
}

/// Where a signature belongs. It verifies nowhere else.
#[derive(Clone, Copy, Debug)]
pub struct SignatureContext<'a> {
    /// What is signed.
    pub kind: SignatureKind,
    /// The network's namespace, at most 65,535 bytes.
    pub namespace: &'a str,
    /// The conversation's encoding, at most 65,535 bytes; empty where there is none. A signature
    /// for a longer one is made, but never verifies.
    pub conversation: &'a [u8],
    /// What protects the bytes; `None` where nothing of that kind does.
    pub protection: Option<Protection>,
}

impl<'a> SignatureContext<'a> {
    /// The place of what belongs to a network as a whole.
    pub fn network(kind: SignatureKind, namespace: &'a str) -> Self {
        Self { kind, namespace, conversation: &[], protection: None }
    }

    /// `"securechat/v1/<kind>" | lp(namespace) | lp(conversation) | protection u8 | bytes`; `None`
    /// if a length does not fit its field.
    ///
    /// No kind holds a zero byte, and namespaces are shorter than 256 bytes: no two places have
    /// one encoding. MLS signs with the same device keys what begins with a length below 64, so
    /// never with these letters (RFC 9420, section 5.1.2).
    fn message(&self, bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let fields = [self.namespace.as_bytes(), self.conversation];
        if fields.iter().any(|field| field.len() > usize::from(u16::MAX)) {
            return None;
        }
        let len = fields.iter().map(|field| field.len() + 2).sum::<usize>() + bytes.len() + 64;
        let mut message = Zeroizing::new(Vec::with_capacity(len));
        message.extend_from_slice(b"securechat/v1/");
        message.extend_from_slice(self.kind.as_str().as_bytes());
        fields.iter().for_each(|field| push_lp(&mut message, field));
        message.push(self.protection.map_or(0, Protection::id));
        message.extend_from_slice(bytes);
        Some(message)
    }
}

/// A signature does not fit: other bytes, another signer, another place. It is never said which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not fit")]
pub struct SignatureError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_names_its_place() {
        let context = SignatureContext {
            kind: SignatureKind::Content,
            namespace: "ops",
            conversation: &[1, 2],
            protection: Some(Protection::SignedSharedKey),
        };
        let message = context.message(b"hello").unwrap();
        assert_eq!(&message[..], b"securechat/v1/content\0\x03ops\0\x02\x01\x02\x02hello");
        let network = SignatureContext::network(SignatureKind::NetworkKey, "ops");
        let message = network.message(b"").unwrap();
        assert_eq!(&message[..], b"securechat/v1/network-key\0\x03ops\0\0\0");
    }

    #[test]
    fn kinds_have_names_of_their_own() {
        let names: std::collections::BTreeSet<_> =
            SignatureKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(names.len(), SignatureKind::ALL.len());
        assert!(names.iter().all(|name| !name.contains('\0')));
    }

    #[test]
    fn a_place_that_is_too_long_never_verifies() {
        let key = SecretKey::from_bytes(&[1; 32]);
        let long = vec![1; 65_536];
        let context = |conversation| SignatureContext {
            kind: SignatureKind::Content,
            namespace: "ops",
            conversation,
            protection: None,
        };
        let signature = Signature::make(&key, &context(&long), b"x");
        for conversation in [&long[..], &long[1..], &[]] {
            let checked = signature.check(&key.public(), &context(conversation), b"x");
            assert_eq!(checked, Err(SignatureError));
        }
        let signature = Signature::make(&key, &context(&long[1..]), b"x");
        assert_eq!(signature.check(&key.public(), &context(&long[1..]), b"x"), Ok(()));
    }
}
