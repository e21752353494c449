//! From entropy-coded data to coefficients.

mod bits;
mod progressive;
mod sequential;

use std::rc::Rc;

pub(super) use bits::BitReader;

use super::component::Component;
use super::fault::Fault;
use super::frame::Process;
use super::huffman::{DecodeTable, Symbols};
use super::parts::{Definition, Padding};
use super::scan::{Band, Slot, Walk};
use bits::Filling;

/// What a scan is decoded with.
pub(super) struct Job<'a> {
    pub(super) process: Process,
    pub(super) slots: &'a [Slot],
    pub(super) band: Band,
    pub(super) walk: &'a Walk,
    pub(super) definitions: &'a [Definition],
    pub(super) components: &'a mut [Component],
}

/// Reads the entropy-coded data of a scan into the components, up to the marker behind it.
///
/// Returns the stream, which stands there. A fault leaves it where the fault was found.
pub(super) fn decode<'f>(job: Job<'_>, file: &'f [u8], at: usize) -> (Stream<'f>, Option<Fault>) {
    let mut stream = Stream::new(BitReader::new(file, at));
    let done = match (job.process, job.band) {
        (Process::Sequential, _) => sequential::decode(job, &mut stream),
        (Process::Progressive, Band { start: 0, high: 0, .. }) => {
            progressive::first_dc(job, &mut stream)
        }
        (Process::Progressive, Band { start: 0, .. }) => progressive::next_dc(job, &mut stream),
        (Process::Progressive, Band { high: 0, .. }) => progressive::first_ac(job, &mut stream),
        (Process::Progressive, _) => progressive::next_ac(job, &mut stream),
    };
    let done = done.and_then(|()| stream.end_interval());
    (stream, done.err())
}

/// Entropy-coded data in intervals.
pub(super) struct Stream<'f> {
    bits: BitReader<'f>,
    /// How the last bytes of intervals are filled, as far as seen.
    pub(super) padding: Option<Padding>,
    /// Restart markers before which bytes were filled in: which, and how many bytes.
    pub(super) restart_fills: Vec<(usize, usize)>,
}

impl<'f> Stream<'f> {
    fn new(bits: BitReader<'f>) -> Self {
        Self { bits, padding: None, restart_fills: Vec::new() }
    }

    /// Where the stream stands in the file.
    pub(super) fn position(&self) -> usize {
        self.bits.position()
    }

    /// Passes the restart marker before interval number `interval` (from 1).
    fn restart(&mut self, interval: usize) -> Result<(), Fault> {
        self.end_interval()?;
        let number = (interval.wrapping_sub(1) & 7) as u8;
        let fill = self.bits.restart_marker(number)?;
        if fill > 0 {
            self.restart_fills.push((interval, fill));
        }
        Ok(())
    }

    fn end_interval(&mut self) -> Result<(), Fault> {
        let Filling { bits, count } = self.bits.end_interval()?;
        if count > 0 {
            let found = match bits {
                0 => Padding::Zeros,
                _ if u32::from(bits) == (1 << count) - 1 => Padding::Ones,
                _ => Padding::Mixed,
            };
            self.padding = Some(Padding::joined(self.padding, found));
        }
        Ok(())
    }

    /// Refuses data that ended too early, so that the rest is not filled with nothing.
    fn check(&self) -> Result<(), Fault> {
        if self.bits.is_overdrawn() {
            return Err(Fault("the entropy-coded data of a scan is cut off"));
        }
        Ok(())
    }
}

/// The tables of a scan, prepared once each.
struct Tables<'a> {
    definitions: &'a [Definition],
    prepared: Vec<(usize, Rc<DecodeTable>)>,
}

impl<'a> Tables<'a> {
    fn new(definitions: &'a [Definition]) -> Self {
        Self { definitions, prepared: Vec::new() }
    }

    fn prepare(&mut self, which: Option<usize>, how: Symbols) -> Result<Rc<DecodeTable>, Fault> {
        let missing = Fault("a scan whose Huffman table is missing");
        let which = which.ok_or(missing)?;
        if let Some((_, table)) = self.prepared.iter().find(|(known, _)| *known == which) {
            return Ok(Rc::clone(table));
        }
        let definition = self.definitions.get(which).ok_or(missing)?;
        let table = Rc::new(DecodeTable::new(&definition.table, how)?);
        self.prepared.push((which, Rc::clone(&table)));
        Ok(table)
    }
}

/// A fault that a reader of checked headers never meets.
const NO_BLOCK: Fault = Fault("a scan with more blocks than the frame");
