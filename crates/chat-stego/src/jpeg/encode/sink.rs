//! Where symbols go: to be counted, or to be written.

use super::Class;
use super::bits::BitWriter;
use crate::jpeg::huffman::EncodeTable;

/// Tables of a scan: DC and AC of at most four slots.
const TABLES: usize = 8;

/// Takes the symbols of a scan.
pub(in crate::jpeg) trait Sink {
    /// Takes a symbol of a slot's table, and bits behind it with their number (at most 16).
    ///
    /// Symbols above 255 and values of more than 15 bits have no code.
    fn symbol(&mut self, slot: usize, class: Class, symbol: u32, behind: (u64, u32));

    /// Takes bits that follow without a symbol, at most 63.
    fn bits(&mut self, bits: u64, count: u32);

    /// Ends an interval, and starts number `interval` if there is another.
    fn end_interval(&mut self, next: Option<usize>);

    /// Whether there was no code for a symbol since this was last asked.
    fn take_missing(&mut self) -> bool;
}

fn table(slot: usize, class: Class) -> usize {
    (2 * slot + class as usize) % TABLES
}

/// Counts how often each symbol is needed.
pub(in crate::jpeg) struct Counter {
    counts: Box<[[u32; 256]; TABLES]>,
}

impl Counter {
    pub(in crate::jpeg) fn new() -> Self {
        Self { counts: Box::new([[0; 256]; TABLES]) }
    }

    /// How often each symbol of a slot's table was needed.
    pub(in crate::jpeg) fn counts(&self, slot: usize, class: Class) -> Option<&[u32; 256]> {
        self.counts.get(table(slot, class))
    }
}

impl Sink for Counter {
    #[inline(always)]
    fn symbol(&mut self, slot: usize, class: Class, symbol: u32, (_, size): (u64, u32)) {
        if size < 16
            && let Some(counts) = self.counts.get_mut(table(slot, class))
            && let Some(count) = counts.get_mut((symbol & 0xff) as usize)
        {
            *count += 1;
        }
    }

    #[inline(always)]
    fn bits(&mut self, _: u64, _: u32) {}

    fn end_interval(&mut self, _: Option<usize>) {}

    #[inline(always)]
    fn take_missing(&mut self) -> bool {
        false
    }
}

/// Writes entropy-coded data.
pub(in crate::jpeg) struct Writer<'a> {
    tables: Box<[EncodeTable; TABLES]>,
    bits: BitWriter,
    /// All ones or all zeros: what fills the last byte of an interval.
    filling: u64,
    /// Restart markers before which bytes are filled in: which, and how many.
    restart_fills: &'a [(usize, usize)],
    is_missing: bool,
}

impl<'a> Writer<'a> {
    /// A writer behind `bytes` that has no tables yet.
    pub(in crate::jpeg) fn new(
        bytes: Vec<u8>,
        filling: u64,
        restart_fills: &'a [(usize, usize)],
    ) -> Self {
        let tables = Box::new(std::array::from_fn(|_| EncodeTable::empty()));
        Self { tables, bits: BitWriter::new(bytes), filling, restart_fills, is_missing: false }
    }

    /// Sets a table.
    pub(in crate::jpeg) fn set(&mut self, slot: usize, class: Class, new: EncodeTable) {
        if let Some(place) = self.tables.get_mut(table(slot, class)) {
            *place = new;
        }
    }

    /// All that was written.
    pub(in crate::jpeg) fn into_bytes(self) -> Vec<u8> {
        self.bits.into_bytes()
    }
}

impl Sink for Writer<'_> {
    #[inline(always)]
    fn symbol(&mut self, slot: usize, class: Class, symbol: u32, (bits, count): (u64, u32)) {
        let Some(table) = self.tables.get(table(slot, class)) else { return };
        let (code, length) = table.code((symbol & 0xff) as u8);
        self.is_missing |= length == 0 || count > 15;
        self.bits.put((code << (count & 31)) | bits, length + (count & 15));
    }

    #[inline(always)]
    fn bits(&mut self, bits: u64, count: u32) {
        if count > 32 {
            self.bits.put(bits >> 32, count - 32);
        }
        self.bits.put(bits & 0xffff_ffff, count.min(32));
    }

    fn end_interval(&mut self, next: Option<usize>) {
        self.bits.align(self.filling);
        let Some(next) = next else { return };
        let fill = self.restart_fills.binary_search_by_key(&next, |(which, _)| *which);
        let fill = fill.ok().and_then(|at| self.restart_fills.get(at));
        let fill = fill.map_or(0, |(_, bytes)| *bytes);
        let number = (next.wrapping_sub(1) & 7) as u8;
        self.bits.raw(std::iter::repeat_n(0xff, fill + 1).chain([0xd0 | number]));
    }

    #[inline(always)]
    fn take_missing(&mut self) -> bool {
        std::mem::take(&mut self.is_missing)
    }
}
