//! Reading and writing the big-endian, length-prefixed fields of the protocol.

use zeroize::Zeroizing;

/// A cursor over bytes from outside: every read is bounded by what is there.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Takes the next `len` bytes.
    pub(crate) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(head)
    }

    /// Takes a fixed number of bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// Takes a field that is preceded by its length in two bytes.
    pub(crate) fn lp(&mut self) -> Option<&'a [u8]> {
        let len = self.u16()?;
        self.take(usize::from(len))
    }

    /// Takes a length-prefixed field that must be UTF-8.
    pub(crate) fn lp_str(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.lp()?).ok()
    }

    /// What was not taken yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}

/// Builds the same fields. The buffer is wiped when dropped: it may hold message text and keys.
#[derive(Default)]
pub(crate) struct Writer {
    bytes: Zeroizing<Vec<u8>>,
}

impl Writer {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self { bytes: Zeroizing::new(Vec::with_capacity(capacity)) }
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    pub(crate) fn u8(&mut self, value: u8) -> &mut Self {
        self.raw(&[value])
    }

    pub(crate) fn u16(&mut self, value: u16) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    pub(crate) fn u32(&mut self, value: u32) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    pub(crate) fn u64(&mut self, value: u64) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    /// Writes `bytes` behind its length in two bytes.
    ///
    /// Callers pass names of at most 64 bytes or fields that were checked against
    /// [`MAX_FIELD`]; anything longer is cut, which the strict reader on the other side refuses.
    pub(crate) fn lp(&mut self, bytes: &[u8]) -> &mut Self {
        let len = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        self.raw(&len.to_be_bytes()).raw(bytes.get(..usize::from(len)).unwrap_or(bytes))
    }

    pub(crate) fn finish(self) -> Zeroizing<Vec<u8>> {
        self.bytes
    }
}

/// The longest length-prefixed field, in bytes.
pub(crate) const MAX_FIELD: usize = u16::MAX as usize;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reader_returns_what_writer_wrote_and_stops_at_the_end() {
        let mut writer = Writer::default();
        writer.u8(7).u32(0x0102_0304).u64(9).lp(b"name").raw(&[1, 2]);
        let bytes = writer.finish();
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.u8(), Some(7));
        assert_eq!(reader.u32(), Some(0x0102_0304));
        assert_eq!(reader.u64(), Some(9));
        assert_eq!(reader.lp_str(), Some("name"));
        assert_eq!(reader.array(), Some([1, 2]));
        assert!(reader.is_empty());
        assert_eq!(reader.u8(), None);
    }

    #[test]
    fn a_length_that_points_past_the_end_is_refused() {
        assert_eq!(Reader::new(&[0xff, 0xff, 1]).lp(), None);
        assert_eq!(Reader::new(&[0, 2, 0xff, 0xfe]).lp_str(), None);
    }
}
