//! The `securechat` program.
#![forbid(unsafe_code)]

fn main() {}
