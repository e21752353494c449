//! The broker over real TCP: a real client, and frames made by hand.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "a test crate"
)]

mod krafka_client;
mod raw;
