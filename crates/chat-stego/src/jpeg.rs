//! JPEG files down to their coefficients: read, changed, and written again bit for bit.

mod component;

pub(crate) use component::{Block, Component};
