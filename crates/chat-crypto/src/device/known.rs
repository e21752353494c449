//! Certificates that were verified before: every message of a device brings the same one.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::{CertificateError, DeviceCertificate};

/// The certificates that were verified for one network, known again by all their bytes.
///
/// What [`DeviceCertificate::parse`] says of bytes never changes, and costs three times what verifying a message does.
/// Only what was verified is kept, so nothing passes here that does not pass there.
pub struct KnownCertificates {
    namespace: String,
    verified: Mutex<HashMap<Vec<u8>, DeviceCertificate>>,
}

impl KnownCertificates {
    /// None yet, of the network of this namespace.
    pub fn new(namespace: &str) -> Self {
        Self { namespace: namespace.to_owned(), verified: Mutex::default() }
    }

    /// The namespace of the network that they are verified for.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// As [`DeviceCertificate::parse`], for the network's namespace.
    ///
    /// # Errors
    /// As there.
    pub fn parse(&self, bytes: &[u8]) -> Result<DeviceCertificate, CertificateError> {
        if let Some(known) = self.lock().get(bytes) {
            return Ok(known.clone());
        }
        let certificate = DeviceCertificate::parse(bytes, &self.namespace)?;
        let mut verified = self.lock();
        // Strangers make as many as they like.
        if verified.len() >= MOST {
            verified.clear();
        }
        verified.insert(bytes.to_vec(), certificate.clone());
        Ok(certificate)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Vec<u8>, DeviceCertificate>> {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for KnownCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { namespace, verified: _ } = self;
        write!(f, "KnownCertificates({namespace}, {} certificates)", self.lock().len())
    }
}

/// Certificates that are kept: about a megabyte.
const MOST: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DeviceId, DeviceKey, IdentityKey, NewDevice};

    fn certificate(number: u16, namespace: &str) -> DeviceCertificate {
        let mut seed = [7; 32];
        seed[..2].copy_from_slice(&number.to_be_bytes());
        let (identity, key) = (IdentityKey::from_bytes(&[9; 32]), DeviceKey::from_bytes(&seed));
        let public = key.public();
        let device = NewDevice { handle: "bob", id: DeviceId::from_bytes([1; 16]), key: &public };
        DeviceCertificate::issue(&identity, &device, namespace).unwrap()
    }

    #[test]
    fn whatever_is_known_every_other_byte_is_verified() {
        let known = KnownCertificates::new("ops");
        let bob = certificate(1, "ops");
        for _ in 0..2 {
            assert_eq!(known.parse(bob.as_bytes()).as_ref(), Ok(&bob));
            for at in 0..bob.as_bytes().len() {
                let mut forged = bob.as_bytes().to_vec();
                forged[at] ^= 1;
                let alone = DeviceCertificate::parse(&forged, "ops");
                assert_eq!(known.parse(&forged), alone);
                assert!(alone.is_err(), "byte {at}");
            }
        }
        let elsewhere = certificate(1, "other");
        assert_eq!(known.parse(elsewhere.as_bytes()), Err(CertificateError::Signature));
        assert_eq!(known.lock().len(), 1);
    }

    #[test]
    fn no_more_are_kept_than_fit() {
        let known = KnownCertificates::new("ops");
        for number in 0..=u16::try_from(MOST).unwrap() {
            known.parse(certificate(number, "ops").as_bytes()).unwrap();
        }
        assert_eq!(known.lock().len(), 1);
    }
}
