//! The codes that this crate uses, keyed.

use zeroize::Zeroizing;

use super::embed::StegoFault;
use super::keying::Stream;
use crate::stc::{self, Code};

/// Finds the moves after which `symbols` carry `message`; `costs` are those of up and down.
pub(crate) fn ternary(
    words: &mut Stream,
    symbols: &[u8],
    costs: (&[f32], &[f32]),
    message: &[u8],
) -> Result<Vec<i8>, StegoFault> {
    let message = bits_of(message);
    let code = code(words, symbols.len(), message.len() / 2).ok_or(StegoFault::Blocked)?;
    stc::embed_ternary(&code, symbols, costs, &message).map_err(|_| StegoFault::Blocked)
}

/// Reads what [`ternary`] has hidden.
pub(crate) fn read_ternary(
    words: &mut Stream,
    symbols: &[u8],
    bytes: usize,
) -> Option<Zeroizing<Vec<u8>>> {
    let code = code(words, symbols.len(), bytes * 8 / 2)?;
    let bits = Zeroizing::new(stc::extract_ternary(&code, symbols, bytes * 8).ok()?);
    Some(Zeroizing::new(bytes_of(&bits)))
}

/// The code in which each of `bits` bits owns its share of `elements`.
fn code(words: &mut Stream, elements: usize, bits: usize) -> Option<Code> {
    let width = elements.div_ceil(bits.max(1));
    Code::from_words(height(elements), width, std::iter::repeat_with(|| words.word())).ok()
}

/// A byte for each bit, the highest of a byte first.
fn bits_of(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let bits = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| (byte >> bit) & 1));
    Zeroizing::new(bits.collect())
}

/// The inverse of [`bits_of`].
fn bytes_of(bits: &[u8]) -> Vec<u8> {
    bits.as_chunks::<8>().0.iter().map(|bits| bits.iter().fold(0, |b, bit| b << 1 | bit)).collect()
}

/// Constraint height of a code over so many groups. One more is a hundredth of the distortion
/// less, for twice the time: where there are few groups, that is little.
fn height(groups: usize) -> u32 {
    match groups {
        0..=0x10_0000 => 12,
        0x10_0001..=0x20_0000 => 11,
        _ => 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_and_bytes_are_inverse() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(bits_of(&[0b1010_0000])[..3], [1, 0, 1]);
        assert_eq!(bytes_of(&bits_of(&bytes)), bytes);
    }
}
