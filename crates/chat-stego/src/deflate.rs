//! Deflate as a PNG uses it (RFC 1950 and 1951), so that a changed picture keeps the handwriting
//! of the program that compressed it.
//!
//! Three ways through a zlib stream: [`inflate_to`] gives its bytes; [`prove`] names the settings
//! of C zlib that made it, which then compress changed bytes just so; and where no settings do,
//! [`patch()`] changes the stream itself and leaves all of it that can stay.

mod alphabet;
mod bit_reader;
mod blocks;
mod decode_table;
mod encode;
mod error;
mod identify;
mod inflate;
mod patch;
#[cfg(test)]
mod tests;
mod token;
mod zlib;

#[cfg(test)]
pub(crate) use self::{
    error::{InflateError, PatchError},
    identify::identify,
    inflate::inflate,
    zlib::{Level, Memory, Strategy},
};
pub(crate) use self::{
    identify::prove,
    inflate::{inflate_prefix, inflate_to},
    patch::patch,
    zlib::Zlib,
};
