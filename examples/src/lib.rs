//! Placeholder for the shared pieces of the examples.
#![forbid(unsafe_code)]
