//! What deflate writes: bytes, and copies of earlier bytes.

/// A literal or a match, packed: bits 0-8 hold the byte or the length, bits 9-24 the distance
/// (0 for a literal), bit 31 the mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token(u32);

impl Token {
    const MARK: u32 = 1 << 31;

    pub(super) fn literal(byte: u8) -> Self {
        Self(u32::from(byte))
    }

    /// * `length` - 3 to 258 bytes
    /// * `distance` - 1 to 32,768 bytes back
    pub(super) fn copy(length: usize, distance: usize) -> Self {
        Self((length as u32 & 0x1FF) | (distance as u32 & 0xFFFF) << 9)
    }

    /// The same token, marked as one before which a search for matches had nothing in mind; what
    /// follows then depends on the place alone (see `encode::segments`).
    pub(super) fn marked(self, mark: bool) -> Self {
        Self(self.0 | if mark { Self::MARK } else { 0 })
    }

    pub(super) fn is_marked(self) -> bool {
        self.0 & Self::MARK != 0
    }

    /// How far back the copy begins; 0 for a literal.
    pub(super) fn distance(self) -> usize {
        (self.0 >> 9 & 0xFFFF) as usize
    }

    /// The byte of a literal, the length of a match.
    pub(super) fn value(self) -> usize {
        (self.0 & 0x1FF) as usize
    }

    /// How many bytes the token stands for.
    pub(super) fn span(self) -> usize {
        if self.distance() == 0 { 1 } else { self.value() }
    }
}
