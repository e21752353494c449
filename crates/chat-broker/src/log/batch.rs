//! Record batches of format 2: the unit that producers send, files hold and consumers get.
//!
//! Layout, big endian: base offset 8, length of the rest 4, leader epoch 4, magic 1, CRC-32C 4 (of
//! everything behind it), attributes 2, last offset delta 4, base and maximum timestamp 8 each,
//! producer id 8, producer epoch 2, base sequence 4, record count 4, records.

use std::ops::Range;

use bytes::Buf;

/// The fixed part of a batch, checked for structure but not for its CRC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BatchHeader {
    pub(crate) base_offset: i64,
    /// Of the whole batch, this header included, in bytes.
    pub(crate) len: usize,
    pub(crate) leader_epoch: i32,
    pub(crate) crc: u32,
    pub(crate) attributes: i16,
    pub(crate) last_offset_delta: i32,
    pub(crate) base_timestamp: i64,
    pub(crate) max_timestamp: i64,
    pub(crate) producer_id: i64,
    pub(crate) producer_epoch: i16,
    pub(crate) base_sequence: i32,
    pub(crate) records: i32,
}

/// Why bytes are no batch of format 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotABatch {
    /// Fewer bytes than a header, or than the length in it.
    Short,
    /// A length or count that cannot be.
    Malformed,
    /// Another format.
    Magic(i8),
}

impl BatchHeader {
    /// Bytes of the fixed part.
    pub(crate) const LEN: usize = 61;

    /// Reads the fixed part. The records behind it need not be there.
    pub(crate) fn decode(mut bytes: &[u8]) -> Result<Self, NotABatch> {
        let magic = bytes.get(MAGIC_AT).copied().ok_or(NotABatch::Short)?.cast_signed();
        if magic != 2 {
            return Err(NotABatch::Magic(magic));
        }
        if bytes.len() < Self::LEN {
            return Err(NotABatch::Short);
        }
        let base_offset = bytes.get_i64();
        let rest = bytes.get_i32();
        let leader_epoch = bytes.get_i32();
        bytes.advance(1);
        let header = Self {
            base_offset,
            len: usize::try_from(rest)
                .map_err(|_| NotABatch::Malformed)?
                .saturating_add(LENGTH_END),
            leader_epoch,
            crc: bytes.get_u32(),
            attributes: bytes.get_i16(),
            last_offset_delta: bytes.get_i32(),
            base_timestamp: bytes.get_i64(),
            max_timestamp: bytes.get_i64(),
            producer_id: bytes.get_i64(),
            producer_epoch: bytes.get_i16(),
            base_sequence: bytes.get_i32(),
            records: bytes.get_i32(),
        };
        let sound = header.len >= Self::LEN
            && header.base_offset >= 0
            && header.last_offset_delta >= 0
            && header.base_offset.checked_add(i64::from(header.last_offset_delta)).is_some()
            && header.records >= 0;
        if sound { Ok(header) } else { Err(NotABatch::Malformed) }
    }

    /// The offset of its last record.
    pub(crate) fn last_offset(&self) -> i64 {
        self.base_offset.saturating_add(i64::from(self.last_offset_delta))
    }

    /// The offset behind its last record.
    pub(crate) fn next_offset(&self) -> i64 {
        self.last_offset().saturating_add(1)
    }

    /// Whether the broker gave it its time.
    pub(crate) fn is_append_time(&self) -> bool {
        self.attributes & APPEND_TIME != 0
    }

    pub(crate) fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL != 0
    }

    pub(crate) fn is_control(&self) -> bool {
        self.attributes & CONTROL != 0
    }

    /// The compression codec: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd, others unknown.
    pub(crate) fn compression(&self) -> i16 {
        self.attributes & COMPRESSION
    }
}

/// Whether the CRC of a whole batch is right.
pub(crate) fn crc_holds(header: &BatchHeader, batch: &[u8]) -> bool {
    batch.get(CRC_END..).is_some_and(|covered| crc32c::crc32c(covered) == header.crc)
}

/// Writes offset and leader epoch into a batch; its CRC does not cover them.
pub(crate) fn place(batch: &mut [u8], base_offset: i64, leader_epoch: i32) {
    patch(batch, OFFSET, &base_offset.to_be_bytes());
    patch(batch, EPOCH, &leader_epoch.to_be_bytes());
}

/// Gives a batch the broker's time, in milliseconds since 1970, and a CRC to match.
pub(crate) fn stamp(batch: &mut [u8], attributes: i16, time: i64) {
    patch(batch, ATTRIBUTES, &(attributes | APPEND_TIME).to_be_bytes());
    patch(batch, MAX_TIMESTAMP, &time.to_be_bytes());
    let crc = crc32c::crc32c(batch.get(CRC_END..).unwrap_or_default());
    patch(batch, CRC, &crc.to_be_bytes());
}

fn patch(batch: &mut [u8], at: Range<usize>, value: &[u8]) {
    if let Some(place) = batch.get_mut(at) {
        place.copy_from_slice(value);
    }
}

/// What the broker looks at in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordView<'a> {
    pub(crate) offset_delta: i32,
    pub(crate) timestamp_delta: i64,
    pub(crate) key: Option<&'a [u8]>,
    /// Without one, it says that its key is gone.
    pub(crate) has_value: bool,
    /// All of it, its length included.
    pub(crate) bytes: &'a [u8],
}

/// Records that do not follow the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MalformedRecords;

/// Walks the records of an uncompressed batch.
pub(crate) struct Records<'a> {
    rest: &'a [u8],
    left: i32,
}

impl<'a> Records<'a> {
    /// Takes a whole batch.
    pub(crate) fn new(header: &BatchHeader, batch: &'a [u8]) -> Self {
        Self { rest: batch.get(BatchHeader::LEN..).unwrap_or_default(), left: header.records }
    }

    /// The next record; `None` after the last one.
    ///
    /// # Errors
    /// A record that does not follow the format, or bytes behind the last one.
    pub(crate) fn next_record(&mut self) -> Result<Option<RecordView<'a>>, MalformedRecords> {
        if self.left == 0 {
            return if self.rest.is_empty() { Ok(None) } else { Err(MalformedRecords) };
        }
        self.left -= 1;
        let whole = self.rest;
        let len = usize::try_from(varint(&mut self.rest)?).map_err(|_| MalformedRecords)?;
        let mut record = self.rest.get(..len).ok_or(MalformedRecords)?;
        self.rest = self.rest.get(len..).ok_or(MalformedRecords)?;
        record.try_get_i8().map_err(|_| MalformedRecords)?;
        let timestamp_delta = varlong(&mut record)?;
        let offset_delta = varint(&mut record)?;
        let key = field(&mut record)?;
        let has_value = field(&mut record)?.is_some();
        for _ in 0..varint(&mut record)?.max(0) {
            if field(&mut record)?.is_none() {
                return Err(MalformedRecords);
            }
            field(&mut record)?;
        }
        if !record.is_empty() {
            return Err(MalformedRecords);
        }
        let bytes = whole.get(..whole.len() - self.rest.len()).ok_or(MalformedRecords)?;
        Ok(Some(RecordView { offset_delta, timestamp_delta, key, has_value, bytes }))
    }
}

/// A batch with some of its records only, which keep their offsets.
pub(crate) fn with_records(batch: &[u8], kept: &[&[u8]]) -> Vec<u8> {
    let mut out = batch.get(..BatchHeader::LEN).unwrap_or_default().to_vec();
    kept.iter().for_each(|record| out.extend_from_slice(record));
    let length = i32::try_from(out.len().saturating_sub(LENGTH_END)).unwrap_or(i32::MAX);
    let count = i32::try_from(kept.len()).unwrap_or(i32::MAX);
    patch(&mut out, LENGTH, &length.to_be_bytes());
    patch(&mut out, COUNT, &count.to_be_bytes());
    let crc = crc32c::crc32c(out.get(CRC_END..).unwrap_or_default());
    patch(&mut out, CRC, &crc.to_be_bytes());
    out
}

/// A field with a length in front; `None` if it is null.
fn field<'a>(bytes: &mut &'a [u8]) -> Result<Option<&'a [u8]>, MalformedRecords> {
    let len = varint(bytes)?;
    if len == -1 {
        return Ok(None);
    }
    let len = usize::try_from(len).map_err(|_| MalformedRecords)?;
    let (field, rest) = bytes.split_at_checked(len).ok_or(MalformedRecords)?;
    *bytes = rest;
    Ok(Some(field))
}

fn varint(bytes: &mut &[u8]) -> Result<i32, MalformedRecords> {
    i32::try_from(varlong(bytes)?).map_err(|_| MalformedRecords)
}

/// A zigzag number of at most ten bytes.
fn varlong(bytes: &mut &[u8]) -> Result<i64, MalformedRecords> {
    let mut raw = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = bytes.try_get_u8().map_err(|_| MalformedRecords)?;
        raw |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok((raw >> 1).cast_signed() ^ -((raw & 1).cast_signed()));
        }
    }
    Err(MalformedRecords)
}

/// Where the length field ends: what it counts starts here.
const LENGTH_END: usize = 12;
const OFFSET: Range<usize> = 0..8;
const LENGTH: Range<usize> = 8..12;
const EPOCH: Range<usize> = 12..16;
const MAGIC_AT: usize = 16;
const CRC: Range<usize> = 17..CRC_END;
const CRC_END: usize = 21;
const ATTRIBUTES: Range<usize> = 21..23;
const MAX_TIMESTAMP: Range<usize> = 35..43;
const COUNT: Range<usize> = 57..61;
const COMPRESSION: i16 = 0b111;
const APPEND_TIME: i16 = 1 << 3;
const TRANSACTIONAL: i16 = 1 << 4;
const CONTROL: i16 = 1 << 5;

#[cfg(test)]
pub(crate) mod tests {
    use bytes::{Bytes, BytesMut};
    use kafka_protocol::records::{
        Compression, NO_PARTITION_LEADER_EPOCH, Record, RecordBatchEncoder, RecordEncodeOptions,
        TimestampType,
    };
    use proptest::prelude::*;

    use super::*;

    /// A batch as a producer sends it: values, with a key where one is given.
    pub(crate) fn batch(records: &[(Option<&str>, &str)], producer: (i64, i16, i32)) -> Bytes {
        let records: Vec<Record> = (0..)
            .zip(records)
            .map(|(index, (key, value))| Record {
                transactional: false,
                control: false,
                delete_horizon: false,
                partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
                producer_id: producer.0,
                producer_epoch: producer.1,
                timestamp_type: TimestampType::Creation,
                offset: i64::from(index),
                sequence: if producer.0 < 0 { -1 } else { producer.2 }.wrapping_add(index),
                timestamp: 1_000 + i64::from(index),
                key: key.map(|key| Bytes::copy_from_slice(key.as_bytes())),
                value: Some(Bytes::copy_from_slice(value.as_bytes())),
                headers: [("h".into(), Some("v".into()))].into(),
            })
            .collect();
        let mut out = BytesMut::new();
        let options = RecordEncodeOptions { version: 2, compression: Compression::None };
        RecordBatchEncoder::encode(&mut out, &records, &options).unwrap();
        out.freeze()
    }

    #[test]
    fn a_batch_of_another_implementation_is_read() {
        let batch = batch(&[(Some("k"), "one"), (None, "two")], (7, 1, 40));
        let header = BatchHeader::decode(&batch).unwrap();
        assert_eq!((header.len, header.records, header.last_offset()), (batch.len(), 2, 1));
        assert_eq!((header.producer_id, header.producer_epoch, header.base_sequence), (7, 1, 40));
        assert!(crc_holds(&header, &batch));
        let mut records = Records::new(&header, &batch);
        let first = records.next_record().unwrap().unwrap();
        assert_eq!((first.offset_delta, first.timestamp_delta, first.key.is_some()), (0, 0, true));
        let second = records.next_record().unwrap().unwrap();
        assert_eq!(
            (second.offset_delta, second.timestamp_delta, second.key.is_some()),
            (1, 1, false)
        );
        assert_eq!(records.next_record(), Ok(None));
    }

    #[test]
    fn placing_keeps_the_crc_and_stamping_renews_it() {
        let mut batch = batch(&[(None, "one")], (-1, -1, -1)).to_vec();
        place(&mut batch, 77, 3);
        let header = BatchHeader::decode(&batch).unwrap();
        assert_eq!((header.base_offset, header.leader_epoch), (77, 3));
        assert!(crc_holds(&header, &batch) && !header.is_append_time());
        stamp(&mut batch, header.attributes, 9_999);
        let stamped = BatchHeader::decode(&batch).unwrap();
        assert!(crc_holds(&stamped, &batch) && stamped.is_append_time());
        assert_eq!(stamped.max_timestamp, 9_999);
        batch[70] ^= 1;
        assert!(!crc_holds(&stamped, &batch));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            if let Ok(header) = BatchHeader::decode(&bytes) {
                let mut records = Records::new(&header, &bytes);
                while let Ok(Some(_)) = records.next_record() {}
            }
        }

        #[test]
        fn any_records_are_read_or_refused(count in 0..50i32, tail: Vec<u8>) {
            let mut bytes = batch(&[(None, "x")], (-1, -1, -1)).to_vec();
            bytes.truncate(BatchHeader::LEN);
            bytes.extend(tail);
            let header = BatchHeader { records: count, ..BatchHeader::decode(&bytes).unwrap() };
            let mut records = Records::new(&header, &bytes);
            while let Ok(Some(_)) = records.next_record() {}
        }
    }
}
