//! Parts of the codecs that benches and evaluations look at, and nobody else.

mod hiding;
mod made_up;
mod pixels;
pub mod stc;

pub use hiding::{bound, costs, random_bytes, with_side_information};
pub use made_up::Picture;
pub use pixels::Pixels;
