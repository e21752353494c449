//! Scans: what their headers say, and the order of blocks in them.

use super::component::Component;
use super::fault::damaged;
use super::frame::{Frame, Process};
use crate::picture::PictureError;

/// The most blocks that a unit (MCU) of an interleaved scan may have. T.81, B.2.3.
const MAX_UNIT_BLOCKS: usize = 10;

/// A scan: everything needed to write it again but the coefficients.
#[derive(Clone, Debug)]
pub(crate) struct Scan {
    /// Fill bytes before the marker.
    pub(super) fill: usize,
    /// The scan header as found, without its length.
    pub(super) header: Vec<u8>,
    pub(super) slots: Vec<Slot>,
    pub(super) band: Band,
    pub(super) walk: Walk,
    /// Bytes that the entropy-coded data took: a hint for the writer.
    pub(super) size: usize,
    /// Restart markers before which bytes were filled in: which, and how many bytes.
    pub(super) restart_fills: Vec<(usize, usize)>,
}

/// A component's part in a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// Which component.
    pub(super) component: usize,
    /// Which of the file's tables codes DC, if it does.
    pub(super) dc: Option<usize>,
    /// Which of the file's tables codes AC, if it does.
    pub(super) ac: Option<usize>,
}

/// The coefficients of a scan, and which of their bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Band {
    /// The first coefficient, in file order.
    pub(super) start: u8,
    /// The last one.
    pub(super) end: u8,
    /// The bit coded by the scan before, or 0 if this is the first.
    pub(super) high: u8,
    /// The lowest bit coded.
    pub(super) low: u8,
}

impl Band {
    /// All of a block.
    pub(super) const WHOLE: Self = Self { start: 0, end: 63, high: 0, low: 0 };

    /// T.81, G.1.1.1: DC alone or AC of one component, bits from the top and one by one.
    fn check(self, components: usize) -> bool {
        let coefficients = match self.start {
            0 => self.end == 0,
            _ => self.start <= self.end && self.end < 64 && components == 1,
        };
        coefficients && self.low <= 13 && (self.high == 0 || self.high == self.low + 1)
    }
}

/// A component as a scan header names it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Selection {
    /// Which component of the frame.
    pub(super) component: usize,
    /// Number of the DC table, 0 to 3.
    pub(super) dc: u8,
    /// Number of the AC table, 0 to 3.
    pub(super) ac: u8,
}

/// Reads a scan header that stands at the byte `at`. T.81, B.2.3.
pub(super) fn read_header(
    segment: &[u8],
    frame: &Frame,
    at: usize,
) -> Result<(Vec<Selection>, Band), PictureError> {
    let wrong = || damaged("a scan header of the wrong length", at);
    let (&count, rest) = segment.split_first().ok_or_else(wrong)?;
    let (pairs, rest) = rest.split_at_checked(2 * usize::from(count)).ok_or_else(wrong)?;
    let &[start, end, bits] = rest else { return Err(wrong()) };
    if !(1..=4).contains(&count) {
        return Err(damaged("a scan of no or more than four components", at));
    }
    let (pairs, _) = pairs.as_chunks::<2>();
    let mut selections = Vec::with_capacity(pairs.len());
    for &[id, tables] in pairs {
        let component = frame.components.iter().position(|component| component.id == id);
        let component = component.ok_or_else(|| damaged("a scan of an unknown component", at))?;
        let selection = Selection { component, dc: tables >> 4, ac: tables & 15 };
        if selection.dc > 3 || selection.ac > 3 {
            return Err(damaged("a scan with a table number above 3", at));
        }
        if selections.iter().any(|other: &Selection| other.component == component) {
            return Err(damaged("a scan that names a component twice", at));
        }
        selections.push(selection);
    }
    // Sequential files have nothing to say here, and some cameras say nonsense.
    let band = match frame.process {
        Process::Sequential => Band::WHOLE,
        Process::Progressive => Band { start, end, high: bits >> 4, low: bits & 15 },
    };
    if frame.process == Process::Progressive && !band.check(selections.len()) {
        return Err(damaged("a progressive scan with values out of range", at));
    }
    Ok((selections, band))
}

/// The order of blocks in a scan.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    /// For each slot, the part of a unit (MCU) that its component has.
    tiles: Vec<Tile>,
    /// Units in a row.
    wide: usize,
    /// Rows of units.
    high: usize,
    /// Units between two restart markers; 0 if there are none.
    restart: usize,
}

/// Blocks of one component in a unit.
#[derive(Clone, Copy, Debug)]
struct Tile {
    /// Blocks side by side.
    wide: usize,
    /// Rows of blocks.
    high: usize,
    /// Blocks in a stored row of the component.
    stride: usize,
}

/// What is done along a [`Walk`].
pub(super) trait Visitor {
    type Error;

    /// At a block: number `index` of the component in `slot`.
    fn block(&mut self, slot: usize, index: usize) -> Result<(), Self::Error>;

    /// Before the units of interval number `interval`, except the first, which is 0.
    fn restart(&mut self, interval: usize) -> Result<(), Self::Error>;

    /// Behind a row of units.
    fn end_of_row(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

impl Walk {
    /// The walk of a scan over the components `which`, with a restart interval in units.
    pub(super) fn new(
        frame: &Frame,
        components: &[Component],
        which: &[usize],
        restart: u16,
    ) -> Option<Self> {
        let restart = usize::from(restart);
        let selected: Vec<_> = which.iter().filter_map(|&at| components.get(at)).collect();
        if let [only] = selected.as_slice() {
            let tile = Tile { wide: 1, high: 1, stride: only.stride };
            return Some(Self { tiles: vec![tile], wide: only.wide, high: only.high, restart });
        }
        let tiles: Vec<_> = selected
            .iter()
            .map(|component| Tile {
                wide: component.horizontal.into(),
                high: component.vertical.into(),
                stride: component.stride,
            })
            .collect();
        let blocks: usize = tiles.iter().map(|tile| tile.wide * tile.high).sum();
        let (wide, high) = frame.units();
        (blocks <= MAX_UNIT_BLOCKS).then_some(Self { tiles, wide, high, restart })
    }

    /// Leads a visitor over all blocks, in file order.
    #[inline]
    pub(super) fn run<V: Visitor>(&self, visitor: &mut V) -> Result<(), V::Error> {
        let (mut interval, mut left) = (0, self.restart);
        for row in 0..self.high {
            for column in 0..self.wide {
                if self.restart > 0 {
                    if left == 0 {
                        interval += 1;
                        left = self.restart;
                        visitor.restart(interval)?;
                    }
                    left -= 1;
                }
                self.unit(row, column, visitor)?;
            }
            visitor.end_of_row()?;
        }
        Ok(())
    }

    #[inline(always)]
    fn unit<V: Visitor>(&self, row: usize, column: usize, to: &mut V) -> Result<(), V::Error> {
        for (slot, tile) in self.tiles.iter().enumerate() {
            for y in 0..tile.high {
                let start = (row * tile.high + y) * tile.stride + column * tile.wide;
                for x in 0..tile.wide {
                    to.block(slot, start + x)?;
                }
            }
        }
        Ok(())
    }
}
