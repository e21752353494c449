//! Syndrome-trellis codes, for benches alone.

use crate::stc::{Code, embed_binary, embed_ternary, extract_ternary};

/// A code with columns drawn from a linear congruence.
#[expect(missing_debug_implementations, reason = "it lives for one measurement")]
pub struct Trellis(Code);

impl Trellis {
    /// None if there is no code of this `height`; `width` is the elements of a message bit.
    #[must_use]
    pub fn new(height: u32, width: usize) -> Option<Self> {
        let next = |word: &u32| Some(word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
        let words = std::iter::successors(Some(1), next);
        Code::from_words(height, width, words).ok().map(Self)
    }

    /// How many bits flip; none if the message cannot be embedded.
    #[must_use]
    pub fn embed_binary(&self, bits: &[u8], costs: &[f32], message: &[u8]) -> Option<usize> {
        embed_binary(&self.0, bits, costs, message).ok().map(|flips| flips.indices.len())
    }

    /// The changes, where up and down cost the same; none if the message cannot be embedded.
    #[must_use]
    pub fn embed_ternary(&self, symbols: &[u8], costs: &[f32], message: &[u8]) -> Option<Vec<i8>> {
        embed_ternary(&self.0, symbols, (costs, costs), message).ok()
    }

    /// The message; none if it cannot be in there.
    #[must_use]
    pub fn extract_ternary(&self, symbols: &[u8], message_bits: usize) -> Option<Vec<u8>> {
        extract_ternary(&self.0, symbols, message_bits).ok()
    }
}
