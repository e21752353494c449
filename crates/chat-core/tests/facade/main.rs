//! The facade on real SQLite profiles, over logs in memory whose faults can be caused at will.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod crowd;
mod devices;
mod faults;
mod mls;
mod model;
mod named;
mod people;
mod records;
mod restored;
mod rotation;
mod trust;

#[cfg(feature = "mutants")]
mod mutants;
