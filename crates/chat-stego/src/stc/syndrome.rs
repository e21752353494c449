//! The message that elements carry: their bits times the parity-check matrix.

use super::layout::Segment;
use super::{Code, part_of};

/// The syndrome of one segment's elements, one bit a byte; `plane` says which bit of an element
/// is meant.
pub(super) fn of(code: &Code, segment: &Segment, elements: &[u8], plane: u32) -> Vec<u8> {
    let mut state = 0_u16;
    let next = |block| {
        for (element, column) in part_of(elements, &block).iter().zip(code.columns()) {
            state ^= column & u16::from((element >> plane) & 1).wrapping_neg();
        }
        let bit = (state & 1) as u8;
        state >>= 1;
        bit
    };
    segment.blocks().map(next).collect()
}

/// Adds bits to a syndrome, modulo 2.
pub(super) fn add(syndrome: &mut [u8], bits: &[u8]) {
    for (sum, bit) in syndrome.iter_mut().zip(bits) {
        *sum ^= bit & 1;
    }
}
