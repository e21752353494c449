//! Random bytes from the generator that the caller passes.

use rand::CryptoRng;

/// Draws `N` random bytes.
pub(crate) fn bytes<const N: usize>(rng: &mut impl CryptoRng) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill_bytes(&mut bytes);
    bytes
}

/// Draws `count` random bytes.
pub(crate) fn some(rng: &mut impl CryptoRng, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    rng.fill_bytes(&mut bytes);
    bytes
}
