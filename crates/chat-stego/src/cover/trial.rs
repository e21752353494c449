//! How large a finished picture gets, tried before the real payload exists.

use super::CoverError;
use crate::encode;
use crate::lsb_compat::{bits, frame};
use crate::raster::Raster;

/// Bytes of the PNG that carries some payload of `payload_len` bytes in `raster`.
pub(super) fn finished_size(raster: &Raster, payload_len: usize) -> Result<usize, CoverError> {
    let mut carrying = raster.clone();
    bits::write(&mut carrying, &frame::encode(&random_text(payload_len)));
    let size = encode::png(&carrying).map_err(|_| CoverError::Encode)?.len();
    Ok(size + margin(size))
}

/// What another payload of the same length may add: its bits are as random, so only a little.
fn margin(size: usize) -> usize {
    1024 + size / 512
}

/// Text that compresses as badly as base64 of an envelope. It is always the same: only its
/// length in the finished file counts, and it is thrown away.
fn random_text(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut next = || {
        // xorshift64: Marsaglia 2003, "Xorshift RNGs", section 2.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let index = usize::try_from(state >> 58).unwrap_or_default();
        alphabet.get(index).copied().unwrap_or(b'A')
    };
    (0..length).map(|_| next()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_text_is_ascii_and_uses_its_alphabet() {
        let text = random_text(10_000);
        assert!(text.is_ascii());
        let distinct: std::collections::BTreeSet<_> = text.iter().collect();
        assert_eq!(distinct.len(), 64);
    }
}
