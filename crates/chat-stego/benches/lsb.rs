//! lsb-compat.
#![allow(missing_docs)]
fn main() {}
