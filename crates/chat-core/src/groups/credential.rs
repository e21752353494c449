//! Who a leaf is: the one function that every Welcome, Add, Update and Commit goes through.

use std::sync::Arc;

use chat_crypto::mls::{CheckLeaf, LeafName, RefusedLeaf};
use chat_crypto::{CertificateError, DeviceCertificate, KnownCertificates};

use crate::mutant::{Mutant, breaks};
use crate::namespace::Namespace;

/// Takes leaves whose credential is a device certificate of this network over the leaf's own key.
///
/// A pure function of the leaf's bytes: pins, blocks and the directory come after the merge.
#[derive(Clone, Debug)]
pub(crate) struct DeviceCheck {
    known: Arc<KnownCertificates>,
}

impl DeviceCheck {
    pub(crate) fn new(namespace: &Namespace) -> Self {
        Self { known: Arc::new(KnownCertificates::new(namespace.as_str())) }
    }

    /// The certificate that a credential holds.
    pub(super) fn certificate(
        &self,
        credential: &[u8],
    ) -> Result<DeviceCertificate, CertificateError> {
        self.known.parse(credential)
    }
}

impl CheckLeaf for DeviceCheck {
    fn check(&self, credential: &[u8], signature_key: &[u8]) -> Result<LeafName, RefusedLeaf> {
        let certificate = self
            .certificate(credential)
            .map_err(|_| RefusedLeaf::new("its credential is no certificate of this network"))?;
        let is_its_own = signature_key == certificate.device_key().as_bytes();
        if !is_its_own && !breaks(Mutant::SkipCredentialCheck) {
            return Err(RefusedLeaf::new("its certificate is for another key"));
        }
        let identity = *certificate.identity().as_bytes();
        Ok(LeafName { identity, handle: certificate.handle().to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use chat_crypto::{DeviceId, DeviceKey, IdentityKey, NewDevice};

    use super::*;

    fn certificate(handle: &str, namespace: &str) -> (DeviceKey, DeviceCertificate) {
        let (identity, key) =
            (IdentityKey::generate(&mut rand::rng()), DeviceKey::generate(&mut rand::rng()));
        let public = key.public();
        let device = NewDevice { handle, id: DeviceId::from_bytes([1; 16]), key: &public };
        let certificate = DeviceCertificate::issue(&identity, &device, namespace).unwrap();
        (key, certificate)
    }

    #[test]
    fn a_leaf_is_who_its_certificate_says_for_its_own_key_and_this_network() {
        let check = DeviceCheck::new(&"ops".parse().unwrap());
        let (key, bob) = certificate("bob", "ops");
        let name = check.check(bob.as_bytes(), key.public().as_bytes()).unwrap();
        assert_eq!((name.handle.as_str(), name.identity), ("bob", *bob.identity().as_bytes()));
        let (other, elsewhere) = certificate("bob", "other");
        assert!(check.check(bob.as_bytes(), other.public().as_bytes()).is_err());
        assert!(check.check(elsewhere.as_bytes(), other.public().as_bytes()).is_err());
        assert!(check.check(b"", key.public().as_bytes()).is_err());
        let mut forged = bob.as_bytes().to_vec();
        forged[3] ^= 1;
        assert!(check.check(&forged, key.public().as_bytes()).is_err());
    }
}
