//! Identities, devices and the directory: known answers, laws, and what enemies send.
//!
//! The vectors come from `tests/vectors/make_identity.py`, which shares no code with this crate.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test crate")]
#![allow(clippy::panic, missing_docs, reason = "a test crate")]

mod hostile;
mod known_answers;
mod properties;
mod redaction;
mod support;
