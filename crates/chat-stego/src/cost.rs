//! What it costs to change an element of a cover: the more a change stands out, the dearer.
//!
//! A cost is a non-negative `f32` without unit; only ratios within one picture mean something.
//! [`WET`] marks a change that must not be made. Costs are made row by row and never held for a
//! whole picture: 64 megapixels of them would be 256 MB.
pub(crate) mod hill;
pub(crate) mod juniward;
mod mirror;
pub(crate) mod pixels;
pub(crate) mod side_informed;
#[cfg(test)]
mod vectors;
mod wavelet;

/// The cost of a change that must not be made.
pub(crate) const WET: f32 = f32::INFINITY;

/// A cost for each coefficient of a block, in the order of [`Block`](crate::jpeg::Block).
pub(crate) type BlockCosts = [f32; 64];
