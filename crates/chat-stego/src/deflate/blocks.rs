//! The blocks of a zlib stream, one after another: RFC 1951 section 3.2.3.

use super::{
    alphabet::{DISTANCES, END, LENGTH_ORDER, LENGTHS, LITERALS, MANY_ZEROS, REPEAT, ZEROS},
    bit_reader::BitReader,
    decode_table::{DecodeTable, Entry, Kind, fixed_lengths},
    error::InflateError,
};

/// Bytes of a zlib header.
pub(super) const HEADER: usize = 2;

/// Takes what a block holds. It keeps the limit of the output and knows how much is written.
pub(super) trait Sink {
    fn literal(&mut self, byte: u8) -> Result<(), Refused>;
    /// Two literals.
    #[inline(always)]
    fn pair(&mut self, bytes: [u8; 2]) -> Result<(), Refused> {
        let [first, second] = bytes;
        self.literal(first)?;
        self.literal(second)
    }
    /// * `length` - 3 to 258
    /// * `distance` - 1 to 32,768; may reach back too far
    fn copy(&mut self, length: usize, distance: usize) -> Result<(), Refused>;
    /// The bytes of a stored block, at most 65,535.
    fn stored(&mut self, bytes: &[u8]) -> Result<(), Refused>;
}

/// Why a sink takes no more.
#[derive(Clone, Copy, Debug)]
pub(super) enum Refused {
    Full { limit: usize },
    Distance { distance: usize, written: usize },
}

/// How a block is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockKind {
    Stored,
    Fixed,
    Dynamic,
}

/// A block that was read: its bits in the stream, from the three of its header on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    pub(super) kind: BlockKind,
    pub(super) last: bool,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The two codes of a block.
struct Codes {
    literals: DecodeTable,
    distances: DecodeTable,
}

/// Literals, or pairs of them, that are read between two refills; each takes 15 bits at most, and
/// as many must be left to see what follows.
const LITERALS_AT_ONCE: usize = 2;

/// Reads the blocks of a stream.
pub(super) struct Blocks<'a> {
    reader: BitReader<'a>,
    /// The codes of the dynamic block that was read last.
    dynamic: Codes,
    /// The codes of fixed blocks, once there was one.
    fixed: Option<Codes>,
    ended: bool,
}

impl<'a> Blocks<'a> {
    /// Begins after the zlib header, which is checked.
    pub(super) fn new(stream: &'a [u8]) -> Result<Self, InflateError> {
        let &[cmf, flags, ..] = stream else {
            return Err(InflateError::Truncated { length: stream.len() });
        };
        // Method 8, a window of at most 32 KiB, the check bits, no dictionary (RFC 1950, 2.2).
        let known = cmf & 15 == 8 && cmf >> 4 <= 7 && flags & 0x20 == 0;
        if !known || u16::from_be_bytes([cmf, flags]) % 31 != 0 {
            return Err(InflateError::Header { found: [cmf, flags] });
        }
        Ok(Self {
            reader: BitReader::new(stream, HEADER),
            dynamic: Codes::new(),
            fixed: None,
            ended: false,
        })
    }

    /// Reads the next block into the sink; None after the last.
    pub(super) fn next<S: Sink>(&mut self, sink: &mut S) -> Result<Option<Block>, InflateError> {
        if self.ended {
            return Ok(None);
        }
        let start = self.reader.bit();
        let last = self.reader.take(1)? == 1;
        let kind = match self.reader.take(2)? {
            0 => BlockKind::Stored,
            1 => BlockKind::Fixed,
            2 => BlockKind::Dynamic,
            _ => return Err(InflateError::BlockType { at: start / 8 }),
        };
        match kind {
            BlockKind::Stored => self.stored(sink)?,
            BlockKind::Fixed => {
                let codes = match self.fixed.take() {
                    Some(codes) => codes,
                    None => Codes::fixed().ok_or(InflateError::CodeLengths { at: start / 8 })?,
                };
                codes.read(&mut self.reader, sink)?;
                self.fixed = Some(codes);
            }
            BlockKind::Dynamic => {
                self.set_dynamic()?;
                self.dynamic.read(&mut self.reader, sink)?;
            }
        }
        self.ended = last;
        Ok(Some(Block { kind, last, start, end: self.reader.bit() }))
    }

    /// The Adler-32 after the last block, with which the stream must end.
    pub(super) fn checksum(mut self) -> Result<u32, InflateError> {
        self.reader.align();
        let bytes = self.reader.bytes(4)?;
        let checksum = bytes.iter().fold(0, |sum, &byte| sum << 8 | u32::from(byte));
        let at = self.reader.byte();
        match self.reader.bytes(1) {
            Ok(_) => Err(InflateError::Trailing { at }),
            Err(_) => Ok(checksum),
        }
    }

    fn stored<S: Sink>(&mut self, sink: &mut S) -> Result<(), InflateError> {
        self.reader.align();
        let at = self.reader.byte();
        let length = self.reader.take(16)?;
        if self.reader.take(16)? != length ^ 0xFFFF {
            return Err(InflateError::StoredLength { at });
        }
        let bytes = self.reader.bytes(length)?;
        sink.stored(bytes).map_err(|refused| refused.at(at))
    }

    fn set_dynamic(&mut self) -> Result<(), InflateError> {
        let at = self.reader.byte();
        let wrong = InflateError::CodeLengths { at };
        let literals = self.reader.take(5)? + 257;
        let distances = self.reader.take(5)? + 1;
        let given = self.reader.take(4)? + 4;
        if literals > LITERALS || distances > DISTANCES {
            return Err(wrong);
        }
        let mut of_lengths = [0_u8; LENGTHS];
        for &symbol in LENGTH_ORDER.iter().take(given) {
            let bits = self.reader.take(3)? as u8;
            of_lengths.get_mut(usize::from(symbol)).into_iter().for_each(|slot| *slot = bits);
        }
        // The code for lengths must be whole; that of literals and distances may be one symbol.
        let alone = of_lengths.iter().filter(|&&bits| bits != 0).count() < 2;
        let set = self.dynamic.literals.set(&of_lengths, Entry::code_length);
        set.filter(|()| !alone).ok_or(wrong)?;
        let mut lengths = [0_u8; LITERALS + DISTANCES];
        let lengths = lengths.get_mut(..literals + distances).ok_or(wrong)?;
        self.code_lengths(lengths, wrong)?;
        let (literals, distances) = lengths.split_at_checked(literals).ok_or(wrong)?;
        if literals.get(END).is_none_or(|&bits| bits == 0) {
            return Err(wrong);
        }
        let set = self.dynamic.literals.set(literals, Entry::literal_or_length);
        set.and_then(|()| self.dynamic.distances.set(distances, Entry::distance)).ok_or(wrong)?;
        self.dynamic.literals.pair_up();
        Ok(())
    }

    /// Fills `lengths` with the run-length coded code lengths.
    fn code_lengths(
        &mut self,
        lengths: &mut [u8],
        wrong: InflateError,
    ) -> Result<(), InflateError> {
        let mut before = None;
        let mut slots = lengths.iter_mut();
        while slots.len() > 0 {
            self.reader.refill();
            let entry = self.dynamic.literals.look_up(self.reader.peek());
            self.reader.consume(entry.length())?;
            let (length, count) = match entry.value() as u8 {
                REPEAT => (before.ok_or(wrong)?, 3 + self.reader.take_at_hand(2)?),
                ZEROS => (0, 3 + self.reader.take_at_hand(3)?),
                MANY_ZEROS => (0, 11 + self.reader.take_at_hand(7)?),
                length if entry.kind() == Kind::Literal => (length, 1),
                _ => return Err(wrong),
            };
            if count > slots.len() {
                return Err(wrong);
            }
            slots.by_ref().take(count).for_each(|slot| *slot = length);
            before = Some(length);
        }
        Ok(())
    }
}

impl Codes {
    fn new() -> Self {
        Self { literals: DecodeTable::new(), distances: DecodeTable::new() }
    }

    fn fixed() -> Option<Self> {
        let mut codes = Self::new();
        let (literals, distances) = fixed_lengths();
        codes.literals.set(&literals, Entry::literal_or_length)?;
        codes.literals.pair_up();
        codes.distances.set(&distances, Entry::distance)?;
        Some(codes)
    }

    /// Reads literals and matches up to the block's end.
    fn read<S: Sink>(&self, place: &mut BitReader<'_>, sink: &mut S) -> Result<(), InflateError> {
        // A copy stays in registers.
        let mut reader = place.clone();
        loop {
            reader.refill();
            let mut entry = self.literals.look_up(reader.peek());
            for _ in 0..LITERALS_AT_ONCE {
                if entry.kind() != Kind::Literal {
                    break;
                }
                reader.consume(entry.length())?;
                let [first, second, ..] = entry.value().to_le_bytes();
                let taken = match entry.is_pair() {
                    true => sink.pair([first, second]),
                    false => sink.literal(first),
                };
                taken.map_err(|refused| refused.at(reader.byte()))?;
                entry = self.literals.look_up(reader.peek());
            }
            if entry.kind() == Kind::Literal {
                continue;
            }
            reader.refill_for_a_token();
            reader.consume(entry.length())?;
            let result = match entry.kind() {
                Kind::Literal => continue,
                Kind::Base => {
                    let length = entry.value() + reader.take_at_hand(entry.extra())?;
                    let entry = self.distances.look_up(reader.peek());
                    if entry.kind() != Kind::Base {
                        return Err(InflateError::Symbol { at: reader.byte() });
                    }
                    reader.consume(entry.length())?;
                    let distance = entry.value() + reader.take_at_hand(entry.extra())?;
                    sink.copy(length, distance)
                }
                Kind::End => break,
                Kind::Invalid => return Err(InflateError::Symbol { at: reader.byte() }),
            };
            result.map_err(|refused| refused.at(reader.byte()))?;
        }
        *place = reader;
        Ok(())
    }
}

impl Refused {
    fn at(self, at: usize) -> InflateError {
        match self {
            Self::Full { limit } => InflateError::TooLong { limit },
            Self::Distance { distance, written } => {
                InflateError::Distance { at, distance, written }
            }
        }
    }
}
