//! What idempotent producers have written, so that a repeated batch is appended once.

use std::collections::{HashMap, VecDeque};

use kafka_protocol::error::ResponseError;

use super::batch::BatchHeader;

/// The producers of one partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Producers {
    known: HashMap<i64, Producer>,
}

/// What is remembered of one producer: its epoch and its last batches, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Producer {
    pub(crate) epoch: i16,
    pub(crate) batches: VecDeque<Written>,
}

/// A batch that was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) first_sequence: i32,
    pub(crate) last_sequence: i32,
    pub(crate) base_offset: i64,
    /// The broker's time, or -1 if the topic keeps the producer's.
    pub(crate) append_time: i64,
}

/// Whether a batch is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sequence {
    /// It is to be appended.
    Next,
    /// It was appended before.
    Repeated(Written),
}

impl Producers {
    /// Compares a batch with what its producer wrote before.
    pub(crate) fn check(&self, header: &BatchHeader) -> Result<Sequence, ResponseError> {
        if header.producer_id < 0 {
            return Ok(Sequence::Next);
        }
        // An unknown producer may have been forgotten here, so any number is taken.
        let Some(producer) = self.known.get(&header.producer_id) else {
            return Ok(Sequence::Next);
        };
        if header.producer_epoch < producer.epoch {
            return Err(ResponseError::InvalidProducerEpoch);
        }
        if header.producer_epoch > producer.epoch {
            let first = header.base_sequence == 0;
            return if first { Ok(Sequence::Next) } else { Err(OUT_OF_ORDER) };
        }
        let (first, last) = (header.base_sequence, last_sequence(header));
        let same = |seen: &&Written| (seen.first_sequence, seen.last_sequence) == (first, last);
        if let Some(written) = producer.batches.iter().find(same) {
            return Ok(Sequence::Repeated(*written));
        }
        let next = producer.batches.back().map(|seen| after(seen.last_sequence));
        if next.is_none_or(|next| next == first) { Ok(Sequence::Next) } else { Err(OUT_OF_ORDER) }
    }

    /// Notes a batch that is being appended, or that was found in a file.
    pub(crate) fn note(&mut self, header: &BatchHeader) {
        if header.producer_id < 0 {
            return;
        }
        if !self.known.contains_key(&header.producer_id) && self.known.len() >= MOST {
            self.forget_oldest();
        }
        let (epoch, batches) = (header.producer_epoch, VecDeque::with_capacity(WINDOW));
        let producer = self.known.entry(header.producer_id).or_insert(Producer { epoch, batches });
        if producer.epoch != epoch {
            producer.epoch = epoch;
            producer.batches.clear();
        }
        if producer.batches.len() == WINDOW {
            producer.batches.pop_front();
        }
        producer.batches.push_back(Written {
            first_sequence: header.base_sequence,
            last_sequence: last_sequence(header),
            base_offset: header.base_offset,
            append_time: if header.is_append_time() { header.max_timestamp } else { -1 },
        });
    }

    /// Every producer, for a checkpoint.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (i64, &Producer)> {
        self.known.iter().map(|(id, producer)| (*id, producer))
    }

    /// Puts a producer back from a checkpoint.
    pub(crate) fn restore(&mut self, id: i64, producer: Producer) {
        self.known.insert(id, producer);
    }

    fn forget_oldest(&mut self) {
        let newest = |producer: &Producer| producer.batches.back().map(|seen| seen.base_offset);
        let oldest = self.known.iter().min_by_key(|(_, producer)| newest(producer));
        if let Some(id) = oldest.map(|(id, _)| *id) {
            self.known.remove(&id);
        }
    }
}

/// Sequence numbers start again at 0 behind the largest.
fn last_sequence(header: &BatchHeader) -> i32 {
    let last = header.base_sequence.wrapping_add(header.last_offset_delta);
    if last < 0 { last.wrapping_sub(i32::MIN) } else { last }
}

fn after(sequence: i32) -> i32 {
    sequence.checked_add(1).unwrap_or(0)
}

const OUT_OF_ORDER: ResponseError = ResponseError::OutOfOrderSequenceNumber;
/// Batches remembered of one producer: a client may have five requests under way.
pub(crate) const WINDOW: usize = 5;
/// Producers remembered of one partition, the most recent ones.
pub(crate) const MOST: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::super::batch::tests::batch;
    use super::*;

    fn header(producer: i64, epoch: i16, sequence: i32, records: usize) -> BatchHeader {
        let records = vec![(None, "x"); records];
        BatchHeader::decode(&batch(&records, (producer, epoch, sequence))).unwrap()
    }

    fn write(producers: &mut Producers, mut header: BatchHeader, offset: i64) {
        header.base_offset = offset;
        assert_eq!(producers.check(&header), Ok(Sequence::Next));
        producers.note(&header);
    }

    #[test]
    fn repeated_batches_are_known_and_gaps_refused() {
        let mut producers = Producers::default();
        for index in 0..6 {
            write(&mut producers, header(1, 0, index * 2, 2), i64::from(index) * 2);
        }
        for index in 1..6 {
            let Ok(Sequence::Repeated(seen)) = producers.check(&header(1, 0, index * 2, 2)) else {
                panic!("batch {index} is not known");
            };
            assert_eq!(seen.base_offset, i64::from(index) * 2);
        }
        // The sixth back is forgotten; a repetition of it is out of order, never appended again.
        assert_eq!(producers.check(&header(1, 0, 0, 2)), Err(OUT_OF_ORDER));
        assert_eq!(producers.check(&header(1, 0, 13, 1)), Err(OUT_OF_ORDER));
        assert_eq!(producers.check(&header(1, 0, 10, 1)), Err(OUT_OF_ORDER));
        assert_eq!(producers.check(&header(2, 0, 99, 1)), Ok(Sequence::Next));
    }

    #[test]
    fn an_epoch_starts_over_and_older_ones_are_refused() {
        let mut producers = Producers::default();
        write(&mut producers, header(1, 3, 7, 1), 0);
        assert_eq!(producers.check(&header(1, 2, 8, 1)), Err(ResponseError::InvalidProducerEpoch));
        assert_eq!(producers.check(&header(1, 4, 8, 1)), Err(OUT_OF_ORDER));
        write(&mut producers, header(1, 4, 0, 1), 1);
        write(&mut producers, header(1, 4, 1, 1), 2);
    }

    #[test]
    fn sequences_wrap_and_producers_are_bounded() {
        let mut producers = Producers::default();
        write(&mut producers, header(1, 0, i32::MAX, 2), 0);
        write(&mut producers, header(1, 0, 1, 1), 2);
        for id in 0..2_000 {
            write(&mut producers, header(10 + id, 0, 0, 1), 3 + id);
        }
        assert_eq!(producers.iter().len(), MOST);
        assert!(producers.known.contains_key(&2_009) && !producers.known.contains_key(&1));
    }
}
