//! Answers of a broker that lies.

use std::io::Write;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{
    ApiKey, FetchResponse, ListOffsetsResponse, MetadataResponse, ProduceResponse, ResponseHeader,
};
use kafka_protocol::protocol::{Decodable, Encodable};
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};

/// How a broker lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    /// Some bytes of an answer are others.
    Flip,
    /// An answer is said to be two gigabytes long.
    Length,
    /// An answer is one to another question.
    Correlation,
    /// An answer ends before its end.
    Cut,
    /// An answer is noise.
    Noise,
    /// An answer comes twice.
    Unasked,
    /// An answer holds error codes that nobody expects.
    Codes,
    /// Logs begin and end elsewhere: ahead, behind, below zero.
    Bounds,
    /// Old records come again in the place of new ones.
    Replay,
    /// Records unpack to a gigabyte.
    Bomb,
}

/// Makes lies; a quarter of all answers are true.
pub(crate) struct Liar {
    rng: StdRng,
    /// Records that were handed out before.
    earlier: Vec<Bytes>,
}

impl Liar {
    pub(crate) fn new(seed: u64) -> Self {
        Self { rng: StdRng::seed_from_u64(seed), earlier: Vec::new() }
    }

    /// The bytes to send in the place of a frame; the true answer with its length, or something else.
    pub(crate) fn tell(
        &mut self,
        lie: Option<Lie>,
        key: ApiKey,
        version: i16,
        answer: &Bytes,
    ) -> Bytes {
        self.remember(key, version, answer);
        let Some(lie) = lie.filter(|_| self.rng.random_ratio(3, 4)) else { return framed(answer) };
        match lie {
            Lie::Flip => {
                let mut bytes = answer.to_vec();
                for _ in 0..3 {
                    // Behind the number that tells which question it answers.
                    let at = self.rng.random_range(4.min(bytes.len() - 1)..bytes.len());
                    bytes[at] = self.rng.random();
                }
                framed(&bytes)
            }
            Lie::Length => {
                let mut bytes = BytesMut::from(&framed(answer)[..]);
                bytes[..4].copy_from_slice(&i32::MAX.to_be_bytes());
                bytes.freeze()
            }
            Lie::Correlation => {
                let mut bytes = answer.to_vec();
                bytes[..4].copy_from_slice(&self.rng.random::<[u8; 4]>());
                framed(&bytes)
            }
            Lie::Cut => framed(&answer[..self.rng.random_range(4..=answer.len())]),
            Lie::Noise => {
                let mut bytes = answer.to_vec();
                self.rng.fill_bytes(&mut bytes[4..]);
                framed(&bytes)
            }
            Lie::Unasked => [framed(answer), framed(answer)].concat().into(),
            Lie::Codes | Lie::Bounds | Lie::Replay | Lie::Bomb => {
                framed(&self.altered(lie, key, version, answer).unwrap_or(answer.clone()))
            }
        }
    }

    fn remember(&mut self, key: ApiKey, version: i16, answer: &Bytes) {
        if key != ApiKey::Fetch {
            return;
        }
        let Some((_, body)) = decoded::<FetchResponse>(key, version, answer) else { return };
        let records = body.responses.into_iter().flat_map(|topic| topic.partitions);
        let records = records.filter_map(|partition| partition.records);
        self.earlier.extend(records.filter(|records| !records.is_empty()));
    }

    /// An answer of which some fields are others; `None` where this kind of answer has none of them.
    fn altered(&mut self, lie: Lie, key: ApiKey, version: i16, answer: &Bytes) -> Option<Bytes> {
        match (lie, key) {
            (Lie::Codes, ApiKey::Metadata) => {
                let (header, mut body) = decoded::<MetadataResponse>(key, version, answer)?;
                for topic in &mut body.topics {
                    topic.error_code = self.code();
                    topic
                        .partitions
                        .iter_mut()
                        .for_each(|partition| partition.error_code = self.code());
                }
                Some(encoded(key, version, &header, &body))
            }
            (Lie::Codes, ApiKey::Produce) => {
                let (header, mut body) = decoded::<ProduceResponse>(key, version, answer)?;
                for topic in &mut body.responses {
                    for partition in &mut topic.partition_responses {
                        partition.error_code = self.code();
                    }
                }
                Some(encoded(key, version, &header, &body))
            }
            (Lie::Codes | Lie::Bounds, ApiKey::ListOffsets) => {
                let (header, mut body) = decoded::<ListOffsetsResponse>(key, version, answer)?;
                for partition in body.topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
                    if lie == Lie::Codes {
                        partition.error_code = self.code();
                    } else {
                        partition.offset = self.offset(partition.offset);
                    }
                }
                Some(encoded(key, version, &header, &body))
            }
            (Lie::Codes | Lie::Bounds | Lie::Replay | Lie::Bomb, ApiKey::Fetch) => {
                let (header, mut body) = decoded::<FetchResponse>(key, version, answer)?;
                for partition in body.responses.iter_mut().flat_map(|topic| &mut topic.partitions) {
                    match lie {
                        Lie::Codes => partition.error_code = self.code(),
                        Lie::Bounds => {
                            partition.high_watermark = self.offset(partition.high_watermark);
                            partition.log_start_offset = self.offset(partition.log_start_offset);
                        }
                        Lie::Bomb => partition.records = Some(bomb()),
                        _ if self.earlier.is_empty() => {}
                        _ => {
                            let at = self.rng.random_range(0..self.earlier.len());
                            partition.records = Some(self.earlier[at].clone());
                        }
                    }
                }
                Some(encoded(key, version, &header, &body))
            }
            _ => None,
        }
    }

    fn code(&mut self) -> i16 {
        self.rng.random_range(-2..140)
    }

    fn offset(&mut self, near: i64) -> i64 {
        let by = self.rng.random_range(1..4);
        *[near + by, near - by, -1, -2, i64::MIN, i64::MAX, 0]
            .get(self.rng.random_range(0..7))
            .unwrap()
    }
}

fn framed(bytes: &[u8]) -> Bytes {
    let length = u32::try_from(bytes.len()).unwrap();
    [&length.to_be_bytes()[..], bytes].concat().into()
}

fn decoded<T: Decodable>(key: ApiKey, version: i16, answer: &Bytes) -> Option<(ResponseHeader, T)> {
    let mut rest = answer.clone();
    let header = ResponseHeader::decode(&mut rest, key.response_header_version(version)).ok()?;
    Some((header, T::decode(&mut rest, version).ok()?))
}

fn encoded<T: Encodable>(key: ApiKey, version: i16, header: &ResponseHeader, body: &T) -> Bytes {
    let mut out = BytesMut::new();
    header.encode(&mut out, key.response_header_version(version)).unwrap();
    body.encode(&mut out, version).unwrap();
    out.freeze()
}

/// A batch whose records are a gigabyte of zeros, packed.
fn bomb() -> Bytes {
    static PACKED: std::sync::OnceLock<Bytes> = std::sync::OnceLock::new();
    PACKED
        .get_or_init(|| {
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            let zeros = vec![0; 1 << 20];
            (0..1024).for_each(|_| packer.write_all(&zeros).unwrap());
            let packed = packer.finish().unwrap();
            let mut behind = BytesMut::new();
            behind.put_i16(1); // gzip
            behind.put_i32(0);
            behind.put_i64(0);
            behind.put_i64(0);
            behind.put_i64(-1);
            behind.put_i16(-1);
            behind.put_i32(-1);
            behind.put_i32(1);
            behind.extend_from_slice(&packed);
            let mut batch = BytesMut::new();
            batch.put_i64(0);
            batch.put_i32(i32::try_from(9 + behind.len()).unwrap());
            batch.put_i32(0);
            batch.put_i8(2);
            batch.put_u32(crc32c::crc32c(&behind));
            batch.extend_from_slice(&behind);
            batch.freeze()
        })
        .clone()
}
