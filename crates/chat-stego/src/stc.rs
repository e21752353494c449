//! Syndrome-trellis codes: change elements so that a linear function of them is the message,
//! at nearly the least total cost.
//!
//! The receiver multiplies the elements' bits by a banded parity-check matrix and needs neither
//! costs nor cover. The sender finds the cheapest set of changes with the Viterbi algorithm.
//! [`bound`] says how cheap it could be at best.
//!
//! # Source
//! Filler, Judas, Fridrich 2011, "Minimizing Additive Distortion in Steganography Using
//! Syndrome-Trellis Codes", IEEE TIFS 6(3).
pub(crate) mod bound;
mod code;
mod kernel;
mod layer;
mod layout;
mod logistic;
mod metric;
mod parallel;
mod syndrome;
mod ternary;
mod trellis;

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub(crate) use code::Code;
pub(crate) use layer::Layer;
pub(crate) use ternary::{embed_ternary, extract_ternary};

/// The elements that are to flip.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Flips {
    /// Their indices, ascending.
    pub(crate) indices: Vec<usize>,
    /// The sum of their costs.
    pub(crate) cost: f64,
}

/// Why a code cannot be made or used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum StcError {
    /// The constraint height is out of range.
    #[error("a constraint height of {got}: 7 to 12 are possible")]
    Height { got: u32 },
    /// The words ended before the columns were drawn.
    #[error("{got} words for {needed} columns")]
    Words { needed: usize, got: usize },
    /// The code has fewer columns than one bit has elements. Make a wider one.
    #[error("a message bit owns {needed} elements, the code has {got} columns")]
    Narrow { needed: usize, got: usize },
    /// There are more message bits than elements.
    #[error("{bits} message bits in {elements} elements")]
    TooLong { bits: usize, elements: usize },
    /// Slices that belong together differ in length.
    #[error("{costs} costs for {elements} elements")]
    Costs { elements: usize, costs: usize },
    /// Too many elements are wet: no permitted set of changes carries the message.
    #[error("{layer} cannot carry its part of the message: too many elements are wet")]
    Wet { layer: Layer },
}

/// Finds the flips after which the elements carry `message`.
///
/// * `bits` - 0 or 1 an element; higher bits are ignored
/// * `costs` - what a flip costs, one an element, at least 0; infinite, negative or NaN: wet,
///   never flipped
/// * `message` - 0 or 1 a bit; at most one an element
///
/// Uses all processors. Time O(elements * 2^height), memory below 2^height / 8 bytes an element
/// of 65,536 elements and thread. The result does not depend on the number of threads.
///
/// # Errors
/// [`StcError::TooLong`], [`StcError::Narrow`] and [`StcError::Costs`] if the lengths do not
/// fit, [`StcError::Wet`] if no permitted set of flips carries the message.
pub(crate) fn embed_binary(
    code: &Code,
    bits: &[u8],
    costs: &[f32],
    message: &[u8],
) -> Result<Flips, StcError> {
    if costs.len() != bits.len() {
        return Err(StcError::Costs { elements: bits.len(), costs: costs.len() });
    }
    let lambda = bound::lambda_binary(costs, message.len());
    let nats = |part| part_of(costs, &part).iter().map(|cost| bound::nats(*cost, lambda)).collect();
    let job = (code, Layer::Binary, parallel::threads());
    let indices = layer::flips(job, bits, nats, message)?;
    let cost = indices.iter().filter_map(|flip| costs.get(*flip)).copied().map(f64::from).sum();
    Ok(Flips { indices, cost })
}

/// Reads a message of `message_bits` bits, one a byte, out of the elements' lowest bits: what
/// [`embed_binary`] has hidden.
///
/// # Errors
/// [`StcError::TooLong`] and [`StcError::Narrow`] if the lengths do not fit.
#[cfg(test)]
pub(crate) fn extract_binary(
    code: &Code,
    bits: &[u8],
    message_bits: usize,
) -> Result<Vec<u8>, StcError> {
    layer::message((code, Layer::Binary), bits, message_bits)
}

/// The part of a slice that a segment owns; ranges come from the same layout as the slices.
fn part_of<'a, T>(all: &'a [T], range: &Range<usize>) -> &'a [T] {
    all.get(range.clone()).unwrap_or_default()
}
