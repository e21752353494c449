//! What can be wrong with a stream.

/// Why bytes are no zlib stream of the picture. Offsets count bytes from the stream's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum InflateError {
    /// The first two bytes are no zlib header, or ask for a dictionary, which no PNG has.
    #[error("no zlib header: {found:02x?}")]
    Header { found: [u8; 2] },
    /// The stream ends in the middle.
    #[error("the stream of {length} bytes ends too early")]
    Truncated { length: usize },
    /// A block is of the reserved type 3.
    #[error("block of an unknown type at byte {at}")]
    BlockType { at: usize },
    /// A stored block's length and its complement differ.
    #[error("stored block with a damaged length at byte {at}")]
    StoredLength { at: usize },
    /// A dynamic block's code lengths make no prefix code, or too many are given.
    #[error("impossible code lengths at byte {at}")]
    CodeLengths { at: usize },
    /// A bit pattern or a symbol that has no meaning.
    #[error("unknown symbol at byte {at}")]
    Symbol { at: usize },
    /// A match that reaches back before the first byte.
    #[error("match at byte {at} reaches {distance} bytes back, {written} are written")]
    Distance { at: usize, distance: usize, written: usize },
    /// There is more in the stream than there may be.
    #[error("the stream holds more than {limit} bytes")]
    TooLong { limit: usize },
    /// There is less in the stream than there must be.
    #[error("the stream holds {got} bytes, not {expected}")]
    TooShort { expected: usize, got: usize },
    /// The bytes' Adler-32 is not the one that the stream ends with.
    #[error("the checksum is {computed:08x}, not {expected:08x}")]
    Checksum { expected: u32, computed: u32 },
    /// Bytes follow the checksum.
    #[error("the stream ends at byte {at}, and bytes follow")]
    Trailing { at: usize },
}

/// Why a stream could not be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum PatchError {
    /// The old and the new bytes differ in number.
    #[error("{new} bytes cannot take the place of {old}")]
    Length { old: usize, new: usize },
    /// The stream is damaged.
    #[error("the stream to change cannot be read")]
    Stream(#[from] InflateError),
    /// The stream holds other bytes than the old ones.
    #[error("the stream does not hold the bytes to change")]
    Foreign,
}
