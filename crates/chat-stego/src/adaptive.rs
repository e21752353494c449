//! Adaptive embedding: where a change is least noticed, in places that only a key tells.
//!
//! A picture is a grid of cells with up to 64 elements each ([`medium`]). A key divides them into
//! many groups ([`division`], [`pool`]); a syndrome-trellis code works on the groups, and changes the
//! cheapest member of each that it must change. A keyed check of 32 bits in a part of
//! the picture ([`check`]) says that there is a payload, and of which size class.

pub(crate) mod body;
pub(crate) mod check;
mod coding;
mod deal;
mod division;
mod embed;
mod extract;
pub(crate) mod keying;
pub(crate) mod medium;
pub(crate) mod pool;
pub(crate) mod size_class;
#[cfg(test)]
mod tests;

pub(crate) use embed::{Outcome, StegoFault, embed};
pub(crate) use extract::{extract, probe};
