//! Reading our encodings: every piece is there whole, or there is none.

/// Reads `bytes` from their beginning.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    whole: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { whole: bytes, rest: bytes }
    }

    /// The next `len` bytes.
    pub(crate) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (piece, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(piece)
    }

    /// The next `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// A field behind its length in two bytes.
    pub(crate) fn lp(&mut self) -> Option<&'a [u8]> {
        let len = self.array().map(u16::from_be_bytes)?;
        self.take(usize::from(len))
    }

    /// All that is left.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// All that has been read so far.
    pub(crate) fn read(&self) -> &'a [u8] {
        self.whole.get(..self.position()).unwrap_or_default()
    }

    /// How many bytes have been read.
    pub(crate) fn position(&self) -> usize {
        self.whole.len() - self.rest.len()
    }

    /// `Some` if nothing is left.
    pub(crate) fn end(&self) -> Option<()> {
        self.rest.is_empty().then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_whole_or_not_at_all() {
        let mut reader = Reader::new(&[0, 2, 7, 8, 0, 0, 0, 9, 5]);
        assert_eq!(reader.lp(), Some(&[7, 8][..]));
        assert_eq!(reader.u32(), Some(9));
        assert_eq!((reader.position(), reader.read().len()), (8, 8));
        assert_eq!((reader.u64(), reader.end()), (None, None));
        assert_eq!((reader.u8(), reader.u8(), reader.end()), (Some(5), None, Some(())));
        assert_eq!(Reader::new(&[0xff, 0xff, 1]).lp(), None);
    }
}
