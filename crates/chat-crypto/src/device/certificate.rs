//! What makes a device somebody's: the identity's signature over its key.
//!
//! ```text
//! version u8 = 1 | lp(handle) | identity 32 | device id 16 | device key 32 | signature 64
//! ```
//! The identity signs everything before the signature, for the network.

use std::fmt;

use crate::encoding::push_lp;
use crate::identity::{IdentityKey, IdentityPublic};
use crate::name;
use crate::reader::Reader;
use crate::signature::{Signature, SignatureContext, SignatureError, SignatureKind};

use super::{DeviceId, DevicePublic};

/// A verified certificate: an identity says that a device is its own, under one handle.
///
/// It carries all that it is verified with, in at most [`MAX_LEN`](Self::MAX_LEN) bytes, and is
/// the content of the basic credential in the device's MLS leaf. There is no way to hold one whose
/// signature was not verified.
///
/// # Security
/// It says what the identity said, not that the identity is the person's: pins and safety numbers
/// do. The device did not sign it; a device shows that it has the key by what it signs. It does not
/// end: devices are removed in the directory entry and in groups.
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceCertificate {
    handle: String,
    identity: IdentityPublic,
    device_id: DeviceId,
    device_key: DevicePublic,
    encoded: Vec<u8>,
}

/// A device that an identity is about to certify.
#[derive(Clone, Copy, Debug)]
pub struct NewDevice<'a> {
    /// The person's handle: 1 to 64 characters of `a-z`, `0-9`, `.`, `_` and `-`.
    pub handle: &'a str,
    /// The device's name.
    pub id: DeviceId,
    /// The device's key.
    pub key: &'a DevicePublic,
}

/// Why bytes are no certificate, or none can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// It is not encoded as certificates are. Ignore it.
    #[error("the device certificate is malformed at byte {at}")]
    Malformed {
        /// Where the first thing that does not fit ends.
        at: usize,
    },
    /// A later version made it. Upgrade.
    #[error("the device certificate was made by a newer securechat")]
    Newer,
    /// The handle is none.
    #[error("the device certificate names no valid handle")]
    Handle,
    /// The key of the identity or of the device is no public key, or both are the same.
    #[error("the device certificate holds no valid keys")]
    Key,
    /// The identity did not sign this, or not for this network.
    #[error("the device certificate is not signed by its identity for this network")]
    Signature,
}

impl From<SignatureError> for CertificateError {
    fn from(SignatureError: SignatureError) -> Self {
        Self::Signature
    }
}

impl DeviceCertificate {
    /// The longest certificate, in bytes.
    pub const MAX_LEN: usize = 1 + 2 + name::MAX_HANDLE + 32 + DeviceId::LEN + 32 + Signature::LEN;

    /// The length of a certificate for a handle, in bytes.
    pub(crate) fn len_for(handle: &str) -> usize {
        Self::MAX_LEN - name::MAX_HANDLE + handle.len()
    }

    /// Certifies a device.
    ///
    /// * `namespace` - the network's namespace
    ///
    /// # Errors
    /// [`CertificateError::Handle`], or [`CertificateError::Key`] if the device's key is the
    /// identity's.
    pub fn issue(
        identity: &IdentityKey,
        device: &NewDevice<'_>,
        namespace: &str,
    ) -> Result<Self, CertificateError> {
        if !name::is_handle(device.handle) {
            return Err(CertificateError::Handle);
        }
        let public = identity.public();
        let keys_differ = public.as_bytes() != device.key.as_bytes();
        keys_differ.then_some(()).ok_or(CertificateError::Key)?;
        let mut encoded = vec![VERSION];
        push_lp(&mut encoded, device.handle.as_bytes());
        encoded.extend_from_slice(public.as_bytes());
        encoded.extend_from_slice(device.id.as_bytes());
        encoded.extend_from_slice(device.key.as_bytes());
        let signature = identity.sign(&context(namespace), &encoded);
        encoded.extend_from_slice(signature.as_bytes());
        Ok(Self {
            handle: device.handle.to_owned(),
            identity: public,
            device_id: device.id,
            device_key: *device.key,
            encoded,
        })
    }

    /// Parses a certificate and verifies it for one network.
    ///
    /// # Errors
    /// [`CertificateError`] for everything that [`issue`](Self::issue) does not make. No memory is
    /// taken for bytes above [`MAX_LEN`](Self::MAX_LEN).
    pub fn parse(bytes: &[u8], namespace: &str) -> Result<Self, CertificateError> {
        let mut reader = Reader::new(bytes);
        match reader.u8() {
            Some(VERSION) => {}
            Some(version) if version > VERSION => return Err(CertificateError::Newer),
            _ => return Err(CertificateError::Malformed { at: reader.position() }),
        }
        let fields = Fields::read(&mut reader);
        let fields = fields.ok_or(CertificateError::Malformed { at: reader.position() })?;
        let handle = name::handle(fields.handle).ok_or(CertificateError::Handle)?;
        let identity = IdentityPublic::from_bytes(&fields.identity);
        let device_key = DevicePublic::from_bytes(&fields.device_key);
        let (Ok(identity), Ok(device_key)) = (identity, device_key) else {
            return Err(CertificateError::Key);
        };
        if fields.identity == fields.device_key {
            return Err(CertificateError::Key);
        }
        identity.verify(&context(namespace), fields.signed, &fields.signature)?;
        let device_id = fields.device_id;
        let (handle, encoded) = (handle.to_owned(), bytes.to_vec());
        Ok(Self { handle, identity, device_id, device_key, encoded })
    }

    /// The handle under which the device writes.
    pub fn handle(&self) -> &str {
        &self.handle
    }

    /// The identity that certified the device.
    pub fn identity(&self) -> &IdentityPublic {
        &self.identity
    }

    /// The device's name.
    pub fn device_id(&self) -> DeviceId {
        self.device_id
    }

    /// The device's key.
    pub fn device_key(&self) -> &DevicePublic {
        &self.device_key
    }

    /// The certificate's bytes: the content of the MLS basic credential.
    pub fn as_bytes(&self) -> &[u8] {
        &self.encoded
    }
}

impl fmt::Debug for DeviceCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { handle, identity, device_id, device_key: _, encoded: _ } = self;
        write!(f, "DeviceCertificate({handle}, {identity:?}, {device_id:?})")
    }
}

struct Fields<'a> {
    handle: &'a [u8],
    identity: [u8; 32],
    device_id: DeviceId,
    device_key: [u8; 32],
    signed: &'a [u8],
    signature: Signature,
}

impl<'a> Fields<'a> {
    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let handle = reader.lp()?;
        let identity = reader.array()?;
        let device_id = reader.array().map(DeviceId::from_bytes)?;
        let device_key = reader.array()?;
        let signed = reader.read();
        let signature = reader.array().map(Signature::from_bytes)?;
        reader.end()?;
        Some(Self { handle, identity, device_id, device_key, signed, signature })
    }
}

fn context(namespace: &str) -> SignatureContext<'_> {
    SignatureContext::network(SignatureKind::DeviceCertificate, namespace)
}

const VERSION: u8 = 1;

const _: () = assert!(DeviceCertificate::MAX_LEN < 512, "a credential stays small");
