//! Texts that travel in several pictures: each carries a piece.

use zeroize::Zeroizing;

use super::Content;
use crate::wire::{Reader, Writer};

/// A piece of a text.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// Which piece it is, from 0. A message's pieces have numbers in a row in their sender's stream.
    pub(crate) index: u16,
    /// How many pieces there are: 2 to [`Part::MOST`].
    pub(crate) count: u16,
    /// Its bytes, at least one. They may end within a character.
    pub(crate) piece: Zeroizing<Vec<u8>>,
}

impl Part {
    /// The most pieces of one text.
    pub(crate) const MOST: usize = 64;
    /// Bytes in front of a piece.
    pub(crate) const HEAD: usize = 4;

    /// `index u16 | count u16 | piece`.
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::with_capacity(Self::HEAD + self.piece.len());
        writer.u16(self.index).u16(self.count).raw(&self.piece);
        writer.finish()
    }

    /// Parses what [`encode`](Self::encode) writes, and nothing else.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let (index, count) = (reader.u16()?, reader.u16()?);
        let piece = bytes.get(Self::HEAD..).filter(|piece| !piece.is_empty())?;
        let fits = (2..=Self::MOST).contains(&usize::from(count)) && index < count;
        (fits && piece.len() <= Content::MAX_TEXT).then(|| Self {
            index,
            count,
            piece: Zeroizing::new(piece.to_vec()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(index: u16, count: u16, piece: &[u8]) -> Part {
        Part { index, count, piece: Zeroizing::new(piece.to_vec()) }
    }

    #[test]
    fn a_piece_is_read_as_it_was_written() {
        let written = part(1, 3, b"at n").encode();
        assert_eq!(*written, b"\0\x01\0\x03at n");
        assert!(Part::decode(&written) == Some(part(1, 3, b"at n")));
    }

    #[test]
    fn pieces_of_nothing_and_places_beyond_the_end_are_refused() {
        for bad in [part(0, 1, b"a"), part(0, 65, b"a"), part(2, 2, b"a"), part(0, 2, b"")] {
            assert!(Part::decode(&bad.encode()).is_none(), "{} of {}", bad.index, bad.count);
        }
        assert!(Part::decode(b"\0\0\0").is_none());
    }
}
