//! Decoders of bytes from outside, for the fuzz targets alone.

use crate::content::{Content, Decoded};
use crate::groups;
use crate::history_row::{HistoryRow, decode};
use crate::network::Network;
use crate::outbox::OutboxRow;
use crate::outbox::own_record::OwnRecord;

/// What a broker handed over, opened: it decodes to what encodes to it, or not at all.
///
/// # Panics
/// When it does not.
#[expect(clippy::panic, reason = "the fuzz target's finding")]
pub fn content(bytes: &[u8]) {
    if let Ok(Decoded::Content(content)) = Content::decode(bytes)
        && *content.encode() != *bytes
    {
        panic!("a content that encodes to something else");
    }
}

/// What a letter holds once it is opened, and what an MLS message carries: bytes of a member, or of anybody who has
/// a KeyPackage of ours.
pub fn letter(bytes: &[u8]) {
    groups::fuzz_letter(bytes);
}

/// Rows of the store, as an attacker with its key could write them.
pub fn store_values(bytes: &[u8]) {
    drop(decode::<HistoryRow>(bytes));
    drop(decode::<OutboxRow>(bytes));
    drop(OwnRecord::decode(bytes));
    drop(Network::from_row(bytes));
}
