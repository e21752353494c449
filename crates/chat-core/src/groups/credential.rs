//! Ourselves as a leaf of groups, and how others are recognised as one.

use chat_crypto::DeviceCertificate;
use chat_crypto::mls::{CheckLeaf, LeafName, MlsMember, RefusedLeaf};
use zeroize::Zeroizing;

use crate::client::Signer;
use crate::namespace::Namespace;

/// Recognises leaves by the device certificate that is their credential.
///
/// # Security
/// A pure function of a network's namespace and the leaf's bytes, as it must be.
#[derive(Clone, Debug)]
pub(crate) struct CertifiedLeaf(pub(crate) Namespace);

impl CheckLeaf for CertifiedLeaf {
    fn check(&self, credential: &[u8], signature_key: &[u8]) -> Result<LeafName, RefusedLeaf> {
        let certificate = DeviceCertificate::parse(credential, self.0.as_str())
            .map_err(|_| RefusedLeaf::new("its credential is no device certificate"))?;
        if certificate.device_key().as_bytes().as_slice() != signature_key {
            return Err(RefusedLeaf::new("its credential certifies another key"));
        }
        let identity = *certificate.identity().as_bytes();
        Ok(LeafName { identity, handle: certificate.handle().to_owned() })
    }
}

/// Ourselves as a leaf: the device's key, and its certificate.
pub(crate) fn own_member(signer: &Signer) -> MlsMember {
    let seed = Zeroizing::new(*signer.key.expose_bytes());
    let public = *signer.key.public().as_bytes();
    MlsMember::new(seed, public, signer.certificate.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use chat_crypto::{DeviceId, DeviceKey, IdentityKey, NewDevice};

    use super::*;

    #[test]
    fn a_leaf_is_who_its_certificate_says_in_its_network_with_its_key_alone() {
        let identity = IdentityKey::from_bytes(&[1; 32]);
        let key = DeviceKey::from_bytes(&[2; 32]).public();
        let device = NewDevice { handle: "bob", id: DeviceId::from_bytes([3; 16]), key: &key };
        let certificate = DeviceCertificate::issue(&identity, &device, "test").unwrap();
        let check = |namespace: &str, credential: &[u8], key: &[u8]| {
            CertifiedLeaf(namespace.parse().unwrap()).check(credential, key)
        };
        let name = check("test", certificate.as_bytes(), key.as_bytes()).unwrap();
        assert_eq!(name.identity, *identity.public().as_bytes());
        assert_eq!(name.handle, "bob");
        let other = DeviceKey::from_bytes(&[4; 32]).public();
        for (namespace, credential, key) in [
            ("other", certificate.as_bytes(), key.as_bytes().as_slice()),
            ("test", certificate.as_bytes(), other.as_bytes()),
            ("test", certificate.as_bytes(), &key.as_bytes()[..31]),
            ("test", &certificate.as_bytes()[1..], key.as_bytes()),
            ("test", &[], key.as_bytes()),
        ] {
            assert!(check(namespace, credential, key).is_err(), "{namespace}");
        }
    }
}
