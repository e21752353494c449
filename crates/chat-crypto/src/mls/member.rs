//! Ourselves as a leaf: the key that signs, and the credential that vouches for it.

use std::fmt;

use openmls::prelude::{BasicCredential, CredentialWithKey, SignatureScheme};
use openmls_traits::signatures::{Signer, SignerError};
use zeroize::Zeroizing;

use crate::ed25519::SecretKey;

/// What a device needs to be a leaf of groups. Secret: wiped when dropped.
pub struct MlsMember {
    /// Ready to sign: from the seed alone each signature would take twice as long.
    key: SecretKey,
    public: [u8; 32],
    credential: Vec<u8>,
}

impl MlsMember {
    /// A device's key and the credential that vouches for it.
    ///
    /// * `seed` - the Ed25519 private key (RFC 8032), 32 bytes, secret
    /// * `public` - its public key
    /// * `credential` - at most [`MAX_CREDENTIAL`](super::MAX_CREDENTIAL) bytes, public
    pub fn new(seed: Zeroizing<[u8; 32]>, public: [u8; 32], credential: Vec<u8>) -> Self {
        Self { key: SecretKey::from_bytes(&seed), public, credential }
    }

    /// The public key that our leaf's signatures verify under.
    pub fn signature_key(&self) -> &[u8; 32] {
        &self.public
    }

    /// What our leaf's Basic credential holds.
    pub fn credential(&self) -> &[u8] {
        &self.credential
    }

    pub(super) fn credential_with_key(&self) -> CredentialWithKey {
        let credential = BasicCredential::new(self.credential.clone()).into();
        CredentialWithKey { credential, signature_key: self.public.as_slice().into() }
    }

    pub(super) fn signer(&self) -> MemberSigner<'_> {
        MemberSigner(&self.key)
    }
}

impl fmt::Debug for MlsMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key: _, public, credential } = self;
        f.write_str("MlsMember(")?;
        public.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        write!(f, ".., credential of {} bytes, [redacted])", credential.len())
    }
}

/// Signs as a member.
pub(super) struct MemberSigner<'a>(&'a SecretKey);

impl Signer for MemberSigner<'_> {
    fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, SignerError> {
        Ok(self.0.sign(payload).to_vec())
    }

    fn signature_scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}
