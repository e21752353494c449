//! SHA-256 over parts.

use chat_transport::StoredRecord;
use sha2::{Digest, Sha256};

/// SHA-256 over the parts, one behind the other.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

/// What a record is recognised by: a hash over its key and value, each behind a presence byte and
/// its length in eight bytes, so that no two different records hash the same input.
pub(crate) fn record_hash(key: Option<&[u8]>, value: Option<&[u8]>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for field in [key, value] {
        hash.update([u8::from(field.is_some())]);
        hash.update((field.unwrap_or_default().len() as u64).to_be_bytes());
        hash.update(field.unwrap_or_default());
    }
    hash.finalize().into()
}

/// [`record_hash`] of a record that was read.
pub(crate) fn stored_hash(record: &StoredRecord) -> [u8; 32] {
    record_hash(record.key.as_deref(), record.value.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_joined_and_records_are_told_apart() {
        assert_eq!(sha256(&[b"ab", b"c"]), sha256(&[b"abc"]));
        let hashes = [
            record_hash(None, None),
            record_hash(Some(b""), None),
            record_hash(None, Some(b"")),
            record_hash(Some(b"a"), Some(b"b")),
            record_hash(Some(b"ab"), Some(b"")),
        ];
        for (i, one) in hashes.iter().enumerate() {
            assert!(hashes.iter().skip(i + 1).all(|other| one != other));
        }
    }
}
