//! Protection by the network key, signed by a device.
//!
//! ```text
//! body = lp(device certificate) | signature 64 | content
//! ```
//! The device signs `lp(device certificate) | content` for the network and the conversation.

use std::fmt;

use zeroize::Zeroizing;

use crate::device::{CertificateError, DeviceCertificate, DeviceKey, KnownCertificates};
use crate::encoding::push_lp;
use crate::protection::{Protected, Protection};
use crate::reader::Reader;
use crate::signature::{Signature, SignatureContext, SignatureKind};

/// Protection by the network key, signed by the sender's device: members can no longer write as
/// each other.
///
/// # Security
/// **No forward secrecy**: whoever gets the network key reads everything that was ever sealed
/// under it. The signature shows every member, for ever, who wrote the content. That the
/// certificate's identity is the contact's and still has the device is the caller's to check, as is
/// that the content names the certificate's handle as its sender.
#[derive(Clone, Copy, Debug)]
pub struct SignedSharedKey;

/// A signed content as it was received: nothing of it is verified.
#[derive(Clone, Copy)]
pub struct ReceivedContent<'a> {
    certificate: &'a [u8],
    signature: Signature,
    content: &'a [u8],
}

/// Why a content cannot be signed or is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignedContentError {
    /// It is not under this protection. Look at the protection first.
    #[error("the content is not signed")]
    NotSigned,
    /// It is shorter than its certificate and signature. Refuse it.
    #[error("the signed content is malformed")]
    Malformed,
    /// The certificate cannot be used. Refuse the content.
    #[error("the certificate of a signed content cannot be used")]
    Certificate(#[from] CertificateError),
    /// The device did not sign this, or not for this network and conversation. Refuse it.
    #[error("the content is not signed by its device for this conversation")]
    Signature,
    /// The key is not the one that the certificate names. Use the device's.
    #[error("only the device of the certificate can sign")]
    NotOwner,
}

impl SignedSharedKey {
    /// Signs a content and puts it under the shared key.
    ///
    /// * `place` - the namespace, and the conversation's encoding, at most 65,535 bytes
    ///
    /// # Errors
    /// [`SignedContentError::NotOwner`] if the certificate is another device's.
    pub fn protect(
        content: &[u8],
        key: &DeviceKey,
        certificate: &DeviceCertificate,
        place: ContentPlace<'_>,
    ) -> Result<Protected, SignedContentError> {
        if &key.public() != certificate.device_key() {
            return Err(SignedContentError::NotOwner);
        }
        let signed = signed_bytes(certificate.as_bytes(), content);
        let signature = key.sign(&place.context(), &signed);
        let mut body = Zeroizing::new(Vec::with_capacity(signed.len() + Signature::LEN));
        push_lp(&mut body, certificate.as_bytes());
        body.extend_from_slice(signature.as_bytes());
        body.extend_from_slice(content);
        Ok(Protected::new(Protection::SignedSharedKey, &body))
    }

    /// The length of what [`protect`](Self::protect) makes, with its protection id, in bytes.
    ///
    /// * `handle` - of the certificate
    /// * `content` - the content's length, in bytes
    pub fn protected_len(handle: &str, content: usize) -> usize {
        1 + 2 + DeviceCertificate::len_for(handle) + Signature::LEN + content
    }

    /// Takes a message apart without verifying it: the content says which conversation it must be
    /// verified for.
    ///
    /// # Errors
    /// [`SignedContentError::NotSigned`] or [`SignedContentError::Malformed`].
    pub fn parse(message: &Protected) -> Result<ReceivedContent<'_>, SignedContentError> {
        if message.protection() != Protection::SignedSharedKey {
            return Err(SignedContentError::NotSigned);
        }
        ReceivedContent::read(message.body()).ok_or(SignedContentError::Malformed)
    }

    /// Verifies a message: [`parse`](Self::parse) and [`verify`](ReceivedContent::verify) in one.
    ///
    /// # Errors
    /// As those two.
    pub fn open<'a>(
        message: &'a Protected,
        place: ContentPlace<'_>,
    ) -> Result<(DeviceCertificate, &'a [u8]), SignedContentError> {
        Self::parse(message)?.verify(place)
    }
}

/// Where a content belongs.
#[derive(Clone, Copy, Debug)]
pub struct ContentPlace<'a> {
    /// The network's namespace.
    pub namespace: &'a str,
    /// The conversation's encoding, at most 65,535 bytes.
    pub conversation: &'a [u8],
}

impl<'a> ContentPlace<'a> {
    fn context(self) -> SignatureContext<'a> {
        SignatureContext {
            kind: SignatureKind::Content,
            namespace: self.namespace,
            conversation: self.conversation,
            protection: Some(Protection::SignedSharedKey),
        }
    }
}

impl<'a> ReceivedContent<'a> {
    /// The content, of which nothing is known yet but that a holder of the network key sealed it.
    pub fn unverified(&self) -> &'a [u8] {
        self.content
    }

    /// Verifies the certificate and the signature; gives the signer's certificate and the content.
    ///
    /// # Errors
    /// [`SignedContentError::Certificate`] or [`SignedContentError::Signature`].
    pub fn verify(
        &self,
        place: ContentPlace<'_>,
    ) -> Result<(DeviceCertificate, &'a [u8]), SignedContentError> {
        let certificate = DeviceCertificate::parse(self.certificate, place.namespace)?;
        self.verify_as(certificate, place)
    }

    /// As [`verify`](Self::verify), for a conversation of the network whose certificates these are.
    ///
    /// # Errors
    /// As there.
    pub fn verify_with(
        &self,
        known: &KnownCertificates,
        conversation: &[u8],
    ) -> Result<(DeviceCertificate, &'a [u8]), SignedContentError> {
        let certificate = known.parse(self.certificate)?;
        self.verify_as(certificate, ContentPlace { namespace: known.namespace(), conversation })
    }

    fn verify_as(
        &self,
        certificate: DeviceCertificate,
        place: ContentPlace<'_>,
    ) -> Result<(DeviceCertificate, &'a [u8]), SignedContentError> {
        let signed = signed_bytes(self.certificate, self.content);
        let checked = certificate.device_key().verify(&place.context(), &signed, &self.signature);
        checked.map_err(|_| SignedContentError::Signature)?;
        Ok((certificate, self.content))
    }

    fn read(body: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        let certificate = reader.lp()?;
        let signature = reader.array().map(Signature::from_bytes)?;
        let content = reader.rest();
        Some(Self { certificate, signature, content })
    }
}

impl fmt::Debug for ReceivedContent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { certificate: _, signature: _, content } = self;
        write!(f, "ReceivedContent([redacted], {} bytes)", content.len())
    }
}

/// The certificate is signed as well: nobody certifies a stranger's key as its own and takes over
/// what it signed.
fn signed_bytes(certificate: &[u8], content: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut signed = Zeroizing::new(Vec::with_capacity(certificate.len() + content.len() + 2));
    push_lp(&mut signed, certificate);
    signed.extend_from_slice(content);
    signed
}
