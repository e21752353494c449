//! Decoders of bytes from clients, for the fuzz targets alone.

use bytes::Bytes;

use crate::api;
use crate::log::configs::TopicConfigs;
use crate::log::incoming::IncomingBatch;

/// A frame, as the broker takes it apart.
pub fn frame(bytes: &[u8]) {
    api::take_apart(Bytes::copy_from_slice(bytes));
}

/// A batch of records, as the broker looks at it before it stores it.
pub fn batch(bytes: &[u8]) {
    drop(IncomingBatch::check(Bytes::copy_from_slice(bytes), &TopicConfigs::default()));
}
