//! The tables, one file each: what lies in them, and what can be done with it.

pub(crate) mod contacts;
pub(crate) mod covers;
pub(crate) mod cursors;
pub(crate) mod directory;
pub(crate) mod groups;
pub(crate) mod kept;
pub(crate) mod marks;
pub(crate) mod messages;
pub(crate) mod meta;
pub(crate) mod missing;
pub(crate) mod newer;
pub(crate) mod outbox;
pub(crate) mod own;
pub(crate) mod seen;
pub(crate) mod sessions;
pub(crate) mod streams;
pub(crate) mod unreadable;

use crate::sealed::Sealer;

/// `HMAC(topic)[16] | partition u32`: the prefix of all rows about one partition's log.
pub(crate) fn log_key(sealer: &Sealer, topic: &str, partition: u32) -> Vec<u8> {
    let topic = sealer.hide("topic", &[topic.as_bytes()]);
    [topic.as_slice(), &partition.to_be_bytes()].concat()
}
