//! Progressive scans: bands of coefficients, their upper bits first. T.81, G.2.

use std::rc::Rc;

use super::sequential::{PAST_END, TOO_GREAT};
use super::{BitReader, Fault, Job, NO_BLOCK, Stream, Tables};
use crate::jpeg::component::{Block, Component};
use crate::jpeg::huffman::{DecodeTable, Entry, Symbols};
use crate::jpeg::scan::{Band, Visitor};
use crate::jpeg::zigzag;

/// The upper bits of DC, as differences.
pub(super) fn first_dc(job: Job<'_>, stream: &mut Stream<'_>) -> Result<(), Fault> {
    let mut tables = Tables::new(job.definitions);
    let slots = job.slots.iter().map(|slot| {
        let table = tables.prepare(slot.dc, Symbols::Dc)?;
        Ok(DcSlot { component: slot.component, table, predicted: 0 })
    });
    let slots = slots.collect::<Result<_, Fault>>()?;
    job.walk.run(&mut FirstDc { stream, components: job.components, slots, low: job.band.low })
}

/// One more bit of DC.
pub(super) fn next_dc(job: Job<'_>, stream: &mut Stream<'_>) -> Result<(), Fault> {
    let slots = job.slots.iter().map(|slot| slot.component).collect();
    job.walk.run(&mut NextDc { stream, components: job.components, slots, low: job.band.low })
}

/// The upper bits of a band of AC.
pub(super) fn first_ac(job: Job<'_>, stream: &mut Stream<'_>) -> Result<(), Fault> {
    let walk = job.walk;
    let mut visitor = FirstAc(Ac::new(job, stream)?);
    walk.run(&mut visitor)?;
    visitor.0.check_run()
}

/// One more bit of a band of AC.
pub(super) fn next_ac(job: Job<'_>, stream: &mut Stream<'_>) -> Result<(), Fault> {
    let walk = job.walk;
    let mut visitor = NextAc(Ac::new(job, stream)?);
    walk.run(&mut visitor)?;
    visitor.0.check_run()
}

struct DcSlot {
    component: usize,
    table: Rc<DecodeTable>,
    predicted: i32,
}

struct FirstDc<'a, 'f> {
    stream: &'a mut Stream<'f>,
    components: &'a mut [Component],
    slots: Vec<DcSlot>,
    low: u8,
}

impl Visitor for FirstDc<'_, '_> {
    type Error = Fault;

    #[inline(always)]
    fn block(&mut self, slot: usize, index: usize) -> Result<(), Fault> {
        let slot = self.slots.get_mut(slot).ok_or(NO_BLOCK)?;
        let [dc, ..] = block(self.components, slot.component, index)?;
        self.stream.bits.refill();
        let (_, difference) = slot.table.next(&mut self.stream.bits)?;
        slot.predicted += difference;
        if i16::try_from(slot.predicted).is_err() {
            return Err(TOO_GREAT);
        }
        *dc = i16::try_from(slot.predicted << self.low).map_err(|_| TOO_GREAT)?;
        Ok(())
    }

    fn restart(&mut self, interval: usize) -> Result<(), Fault> {
        self.slots.iter_mut().for_each(|slot| slot.predicted = 0);
        self.stream.restart(interval)
    }

    fn end_of_row(&mut self) -> Result<(), Fault> {
        self.stream.check()
    }
}

struct NextDc<'a, 'f> {
    stream: &'a mut Stream<'f>,
    components: &'a mut [Component],
    slots: Vec<usize>,
    low: u8,
}

impl Visitor for NextDc<'_, '_> {
    type Error = Fault;

    #[inline(always)]
    fn block(&mut self, slot: usize, index: usize) -> Result<(), Fault> {
        let &component = self.slots.get(slot).ok_or(NO_BLOCK)?;
        let [dc, ..] = block(self.components, component, index)?;
        self.stream.bits.refill();
        *dc |= (self.stream.bits.number(1) as i16) << self.low;
        Ok(())
    }

    fn restart(&mut self, interval: usize) -> Result<(), Fault> {
        self.stream.restart(interval)
    }

    fn end_of_row(&mut self) -> Result<(), Fault> {
        self.stream.check()
    }
}

fn block(of: &mut [Component], which: usize, index: usize) -> Result<&mut Block, Fault> {
    of.get_mut(which).and_then(|component| component.blocks.get_mut(index)).ok_or(NO_BLOCK)
}

/// A scan of a band of AC, which has one component.
struct Ac<'a, 'f> {
    stream: &'a mut Stream<'f>,
    blocks: &'a mut [Block],
    table: Rc<DecodeTable>,
    band: Band,
    /// The band as a mask in file order.
    mask: u64,
    /// Blocks to come in which the band has nothing new.
    run: u32,
}

impl<'a, 'f> Ac<'a, 'f> {
    fn new(job: Job<'a>, stream: &'a mut Stream<'f>) -> Result<Self, Fault> {
        let [slot] = job.slots else { return Err(NO_BLOCK) };
        let table = Tables::new(job.definitions).prepare(slot.ac, Symbols::ProgressiveAc)?;
        let component = job.components.get_mut(slot.component).ok_or(NO_BLOCK)?;
        let (band, blocks) = (job.band, &mut component.blocks);
        let mask = zigzag::band(band.start, band.end);
        Ok(Self { stream, blocks, table, band, mask, run: 0 })
    }

    fn restart(&mut self, interval: usize) -> Result<(), Fault> {
        self.check_run()?;
        self.stream.restart(interval)
    }

    fn check_run(&self) -> Result<(), Fault> {
        match self.run {
            0 => Ok(()),
            _ => Err(Fault("a run of empty blocks past the end of an interval")),
        }
    }
}

/// The blocks behind the present one, with which a run starts. T.81, figure G.5.
#[inline(always)]
fn run_behind(size: i32, bits: &mut BitReader<'_>) -> u32 {
    let size = size.unsigned_abs() & 15;
    (1 << size) + bits.number(size) - 1
}

struct FirstAc<'a, 'f>(Ac<'a, 'f>);

impl Visitor for FirstAc<'_, '_> {
    type Error = Fault;

    #[inline(always)]
    fn block(&mut self, _: usize, index: usize) -> Result<(), Fault> {
        let scan = &mut self.0;
        if scan.run > 0 {
            scan.run -= 1;
            return Ok(());
        }
        let block = scan.blocks.get_mut(index).ok_or(NO_BLOCK)?;
        let (mut bits, table, low) = (scan.stream.bits, &*scan.table, scan.band.low);
        let (mut k, end) = (u32::from(scan.band.start), u32::from(scan.band.end));
        while k <= end {
            bits.refill();
            let (entry, value) = table.next(&mut bits)?;
            if entry.run() >= Entry::END {
                scan.run = run_behind(value, &mut bits);
                break;
            }
            k += entry.run();
            if k > end {
                return Err(PAST_END);
            }
            let value = i16::try_from(value << low).map_err(|_| TOO_GREAT)?;
            if let Some(place) = block.get_mut(zigzag::target(k)) {
                *place = value;
            }
            k += 1;
        }
        scan.stream.bits = bits;
        Ok(())
    }

    fn restart(&mut self, interval: usize) -> Result<(), Fault> {
        self.0.restart(interval)
    }

    fn end_of_row(&mut self) -> Result<(), Fault> {
        self.0.stream.check()
    }
}

struct NextAc<'a, 'f>(Ac<'a, 'f>);

impl Visitor for NextAc<'_, '_> {
    type Error = Fault;

    #[inline(always)]
    fn block(&mut self, _: usize, index: usize) -> Result<(), Fault> {
        let scan = &mut self.0;
        let block = scan.blocks.get_mut(index).ok_or(NO_BLOCK)?;
        let (nonzero, band) = (zigzag::nonzero(block, 0), scan.mask);
        let (known, free) = (nonzero & band, !nonzero & band);
        let (table, low) = (&*scan.table, scan.band.low);
        let mut correction = Correction { block, bits: scan.stream.bits, low };
        let (mut k, end) = (u32::from(scan.band.start), u32::from(scan.band.end));
        if scan.run > 0 {
            scan.run -= 1;
            correction.correct(known);
            k = end + 1;
        }
        while k <= end {
            correction.bits.refill();
            let (entry, value) = table.next(&mut correction.bits)?;
            if entry.run() >= Entry::END {
                scan.run = run_behind(value, &mut correction.bits);
                correction.correct(known & (u64::MAX << k));
                break;
            }
            if value.unsigned_abs() > 1 {
                return Err(Fault("a new coefficient of more than one bit in a later scan"));
            }
            k = correction.pass(known, free, k, entry.run())?;
            if value != 0
                && let Some(place) = correction.block.get_mut(zigzag::target(k))
            {
                *place = (value as i16) << low;
            }
            k += 1;
        }
        scan.stream.bits = correction.bits;
        Ok(())
    }

    fn restart(&mut self, interval: usize) -> Result<(), Fault> {
        self.0.restart(interval)
    }

    fn end_of_row(&mut self) -> Result<(), Fault> {
        self.0.stream.check()
    }
}

/// Reads one more bit of coefficients that are known already.
struct Correction<'a, 'f> {
    block: &'a mut Block,
    bits: BitReader<'f>,
    low: u8,
}

impl Correction<'_, '_> {
    /// Passes over `zeros` of the `free` coefficients from `k` on, and corrects the `known` ones
    /// between.
    ///
    /// Returns the next free one. All are in file order.
    #[inline(always)]
    fn pass(&mut self, known: u64, mut free: u64, k: u32, zeros: u32) -> Result<u32, Fault> {
        let ahead = u64::MAX << (k & 63);
        free &= ahead;
        for _ in 0..zeros {
            free &= free.wrapping_sub(1);
        }
        if free == 0 {
            return Err(PAST_END);
        }
        let next = free.trailing_zeros();
        self.correct(known & ahead & !(u64::MAX << next));
        Ok(next)
    }

    /// Corrects the coefficients in `which`, in file order.
    #[inline(always)]
    fn correct(&mut self, mut which: u64) {
        while which != 0 {
            self.bits.refill();
            let bit = (self.bits.number(1) as i16) << self.low;
            if let Some(place) = self.block.get_mut(zigzag::target(which.trailing_zeros())) {
                *place += if *place < 0 { -bit } else { bit };
            }
            which &= which - 1;
        }
    }
}
