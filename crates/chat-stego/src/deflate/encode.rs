//! Writing deflate the way C zlib does: the search for matches, the codes, the blocks.
//!
//! From L. P. Deutsch, RFC 1951 section 4, and the description of the algorithm that comes with
//! zlib (`algorithm.txt`): chains of equal hashes of three bytes, lazy matching, blocks of a fixed
//! number of symbols, codes from a heap with ties broken by height.
#![expect(clippy::indexing_slicing, reason = "kernels on our own arrays of fixed size")]

mod bit_writer;
mod block;
mod chains;
mod code;
mod effort;
mod greedy;
mod lazy;
mod lengths;
mod longest;
mod places;
mod segments;
mod splice;
mod stream;
mod window;

pub(super) use self::{
    bit_writer::BitWriter,
    block::BlockWriter,
    effort::{Effort, Parsing},
    greedy::Greedy,
    segments::{Task, lazy_in_parallel},
    stream::{StreamWriter, Verdict},
    window::Window,
};
