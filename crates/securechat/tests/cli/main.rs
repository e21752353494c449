//! The real program against a real broker over TCP.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout
)]

mod bad_input;
mod certificates;
mod chat;
mod conversation;
mod covers;
#[cfg(all(unix, feature = "failpoints"))]
mod crashes;
mod demo;
mod devices;
#[cfg(target_os = "linux")]
mod disk;
mod faults;
mod house;
mod kafka;
mod listener;
mod listening;
mod outbox;
mod people;
mod races;
mod rotation;
mod secrets;
mod store;
mod taken;
