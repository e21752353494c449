//! A batch that a producer sent, checked before it may be appended.

use bytes::Bytes;
use kafka_protocol::error::ResponseError;

use super::batch::{BatchHeader, NotABatch, Records, crc_holds};
use super::configs::TopicConfigs;

/// A batch that may be appended: one whole batch of format 2 with a right CRC.
#[derive(Clone, Debug)]
pub(crate) struct IncomingBatch {
    pub(crate) header: BatchHeader,
    pub(crate) bytes: Bytes,
}

/// Why a batch may not be appended, in the protocol's terms and in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused(pub(crate) ResponseError, pub(crate) &'static str);

impl IncomingBatch {
    /// Checks what a producer sent for one partition.
    ///
    /// Compressed records are not looked into: their header, length and CRC are.
    pub(crate) fn check(bytes: Bytes, configs: &TopicConfigs) -> Result<Self, Refused> {
        let header = BatchHeader::decode(&bytes).map_err(refused)?;
        if header.len != bytes.len() {
            let what = "a partition takes exactly one record batch per request";
            return Err(Refused(ResponseError::InvalidRecord, what));
        }
        if u64::try_from(header.len).is_ok_and(|len| len > configs.max_message_bytes()) {
            let what = "the batch is larger than max.message.bytes";
            return Err(Refused(ResponseError::MessageTooLarge, what));
        }
        if !crc_holds(&header, &bytes) {
            return Err(Refused(ResponseError::CorruptMessage, "the CRC of the batch is wrong"));
        }
        let batch = Self { header, bytes };
        batch.check_attributes()?;
        batch.check_records(configs)?;
        Ok(batch)
    }

    fn check_attributes(&self) -> Result<(), Refused> {
        let header = &self.header;
        if header.compression() > 4 {
            let what = "unknown compression";
            return Err(Refused(ResponseError::UnsupportedCompressionType, what));
        }
        if header.is_transactional() {
            return Err(Refused(ResponseError::InvalidTxnState, "transactions are not served"));
        }
        if header.is_control() {
            let what = "control records come from brokers only";
            return Err(Refused(ResponseError::InvalidRecord, what));
        }
        if header.is_append_time() {
            let what = "a producer may not claim the broker's time";
            return Err(Refused(ResponseError::InvalidTimestamp, what));
        }
        let idempotent = header.producer_id >= 0;
        if idempotent && (header.producer_epoch < 0 || header.base_sequence < 0) {
            let what = "a producer id needs an epoch and a sequence number";
            return Err(Refused(ResponseError::InvalidRecord, what));
        }
        Ok(())
    }

    fn check_records(&self, configs: &TopicConfigs) -> Result<(), Refused> {
        let header = &self.header;
        if header.records < 1 || header.records.checked_sub(1) != Some(header.last_offset_delta) {
            let what = "the batch's count of records is wrong";
            return Err(Refused(ResponseError::InvalidRecord, what));
        }
        if header.compression() != 0 && configs.is_uncompressed() {
            // Kafka would unpack it; here nobody has to trust what is inside.
            let what = "the topic's compression.type takes no compressed batch";
            return Err(Refused(ResponseError::InvalidRecord, what));
        }
        if header.compression() != 0 {
            return Ok(());
        }
        let malformed = |_| Refused(ResponseError::InvalidRecord, "a record is malformed");
        let mut records = Records::new(header, &self.bytes);
        let mut expected = 0;
        while let Some(record) = records.next_record().map_err(malformed)? {
            if record.offset_delta != expected {
                let what = "offsets within a batch count from 0";
                return Err(Refused(ResponseError::InvalidRecord, what));
            }
            if record.key.is_none() && configs.is_compacted() {
                let what = "a compacted topic takes no record without a key";
                return Err(Refused(ResponseError::InvalidRecord, what));
            }
            expected += 1;
        }
        Ok(())
    }
}

fn refused(why: NotABatch) -> Refused {
    match why {
        NotABatch::Magic(0 | 1) => {
            Refused(ResponseError::InvalidRecord, "only record batches of format 2 are taken")
        }
        NotABatch::Magic(_) => Refused(ResponseError::CorruptMessage, "unknown record format"),
        NotABatch::Short | NotABatch::Malformed => {
            Refused(ResponseError::CorruptMessage, "the record batch is malformed")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::batch::tests::batch;
    use super::*;

    fn configs(pairs: &[(&str, &str)]) -> TopicConfigs {
        TopicConfigs::parse(pairs.iter().map(|(name, value)| (*name, Some(*value)))).unwrap()
    }

    fn refusal(bytes: impl Into<Bytes>, configs: &TopicConfigs) -> ResponseError {
        IncomingBatch::check(bytes.into(), configs).unwrap_err().0
    }

    /// Changes one byte behind the CRC and makes the CRC right again.
    fn changed(batch: &Bytes, at: usize, value: u8) -> Vec<u8> {
        let mut bytes = batch.to_vec();
        bytes[at] = value;
        let crc = crc32c::crc32c(&bytes[21..]);
        bytes[17..21].copy_from_slice(&crc.to_be_bytes());
        bytes
    }

    #[test]
    fn a_good_batch_is_taken() {
        let good = batch(&[(None, "one"), (Some("k"), "two")], (1, 0, 0));
        assert!(IncomingBatch::check(good, &configs(&[])).is_ok());
    }

    #[test]
    fn every_fault_has_its_error() {
        let plain = configs(&[]);
        let good = batch(&[(Some("k"), "one")], (1, 0, 0));
        assert_eq!(refusal(Bytes::new(), &plain), ResponseError::CorruptMessage);
        assert_eq!(refusal(good.slice(..40), &plain), ResponseError::CorruptMessage);
        assert_eq!(
            refusal([good.clone(), good.clone()].concat(), &plain),
            ResponseError::InvalidRecord
        );
        assert_eq!(refusal(good.slice(..good.len() - 1), &plain), ResponseError::InvalidRecord);
        for magic in [0, 1] {
            let mut old = good.to_vec();
            old[16] = magic;
            assert_eq!(refusal(old, &plain), ResponseError::InvalidRecord);
        }
        let mut flipped = good.to_vec();
        *flipped.last_mut().unwrap() ^= 1;
        assert_eq!(refusal(flipped, &plain), ResponseError::CorruptMessage);
        let cases = [
            (22, 7, ResponseError::UnsupportedCompressionType),
            (22, 1 << 3, ResponseError::InvalidTimestamp),
            (22, 1 << 4, ResponseError::InvalidTxnState),
            (22, 1 << 5, ResponseError::InvalidRecord),
            (26, 1, ResponseError::InvalidRecord),
            (60, 0, ResponseError::InvalidRecord),
            (60, 2, ResponseError::InvalidRecord),
            (51, 0x80, ResponseError::InvalidRecord),
            (61, 0x7f, ResponseError::InvalidRecord),
        ];
        for (at, value, error) in cases {
            assert_eq!(refusal(changed(&good, at, value), &plain), error, "byte {at} = {value}");
        }
        let small = configs(&[("max.message.bytes", "60")]);
        assert_eq!(refusal(good, &small), ResponseError::MessageTooLarge);
    }

    #[test]
    fn a_compacted_topic_wants_keys() {
        let compacted = configs(&[("cleanup.policy", "compact")]);
        let keyless = batch(&[(Some("k"), "one"), (None, "two")], (-1, -1, -1));
        assert_eq!(refusal(keyless, &compacted), ResponseError::InvalidRecord);
        let keyed = batch(&[(Some("k"), "one")], (-1, -1, -1));
        assert!(IncomingBatch::check(keyed, &compacted).is_ok());
    }

    #[test]
    fn compressed_records_are_not_looked_into() {
        let gzip = changed(&batch(&[(None, "one")], (-1, -1, -1)), 22, 1);
        assert!(IncomingBatch::check(gzip.clone().into(), &configs(&[])).is_ok());
        let plain = configs(&[("compression.type", "uncompressed")]);
        assert_eq!(refusal(gzip, &plain), ResponseError::InvalidRecord);
    }
}
