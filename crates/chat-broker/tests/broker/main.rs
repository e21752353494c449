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

mod admin;
mod batches;
mod compaction;
mod hostile;
mod krafka_client;
mod polling;
mod raw;
mod restart;
mod retention;
