//! Progressive scans: bands of coefficients, their upper bits first. T.81, G.1.2.

use std::convert::Infallible;

use super::{Class, Component, Output, Scan, Sink, Visitor, low_bits, run};
use crate::jpeg::component::Block;
use crate::jpeg::scan::Band;
use crate::jpeg::write::BlockPlace;
use crate::jpeg::zigzag;

/// The longest run of blocks that has a symbol.
const LONGEST_RUN: u32 = 0x7fff;

/// A run is ended when more correction bits than this wait behind it: libjpeg and its kin have
/// room for 1000, and a block brings up to 63.
const MOST_WAITING: u32 = 1000 - 63;

/// The upper bits of DC, as differences.
pub(super) fn first_dc<S: Sink>(
    scan: &Scan,
    components: &[Component],
    out: Output<'_, S>,
) -> Vec<BlockPlace> {
    let slots = scan.slots.iter().map(|slot| (slot.component, 0)).collect();
    let mut encoder = Dc { out, components, slots, band: scan.band };
    run(scan, &mut encoder);
    encoder.out.sink.end_interval(None);
    encoder.out.missing
}

/// One more bit of DC.
pub(super) fn next_dc<S: Sink>(
    scan: &Scan,
    components: &[Component],
    out: Output<'_, S>,
) -> Vec<BlockPlace> {
    first_dc(scan, components, out)
}

/// The upper bits of a band of AC.
pub(super) fn first_ac<S: Sink>(
    scan: &Scan,
    components: &[Component],
    out: Output<'_, S>,
) -> Vec<BlockPlace> {
    let mut encoder = FirstAc(Ac::new(scan, components, out));
    run(scan, &mut encoder);
    encoder.0.finish()
}

/// One more bit of a band of AC.
pub(super) fn next_ac<S: Sink>(
    scan: &Scan,
    components: &[Component],
    out: Output<'_, S>,
) -> Vec<BlockPlace> {
    let mut encoder = NextAc(Ac::new(scan, components, out));
    run(scan, &mut encoder);
    encoder.0.finish()
}

struct Dc<'a, S> {
    out: Output<'a, S>,
    components: &'a [Component],
    /// For each slot its component, and the last value of DC.
    slots: Vec<(usize, i32)>,
    band: Band,
}

impl<S: Sink> Visitor for Dc<'_, S> {
    type Error = Infallible;

    #[inline(always)]
    fn block(&mut self, slot: usize, index: usize) -> Result<(), Infallible> {
        if let Some((component, predicted)) = self.slots.get_mut(slot)
            && let Some(stored) = self.components.get(*component)
            && let Some([dc, ..]) = stored.blocks.get(index)
        {
            let value = i32::from(*dc) >> self.band.low;
            if self.band.high == 0 {
                let before = std::mem::replace(predicted, value);
                self.out.difference(slot, value - before);
            } else {
                self.out.sink.bits(u64::from(value as u32 & 1), 1);
            }
            self.out.end_block(*component, index);
        }
        Ok(())
    }

    fn restart(&mut self, interval: usize) -> Result<(), Infallible> {
        self.slots.iter_mut().for_each(|(_, predicted)| *predicted = 0);
        self.out.sink.end_interval(Some(interval));
        Ok(())
    }
}

/// A scan of a band of AC, which has one component.
struct Ac<'a, S> {
    out: Output<'a, S>,
    component: usize,
    blocks: &'a [Block],
    band: Band,
    /// Blocks so far in which the band has nothing new.
    run: u32,
    /// Their correction bits, with the number of them, and how many there are in all.
    waiting: Vec<(u64, u32)>,
    waiting_bits: u32,
    /// The block last seen.
    index: usize,
}

impl<'a, S: Sink> Ac<'a, S> {
    fn new(scan: &Scan, components: &'a [Component], out: Output<'a, S>) -> Self {
        let component = scan.slots.first().map(|slot| slot.component).unwrap_or_default();
        let blocks = components.get(component).map(|c| c.blocks.as_slice()).unwrap_or_default();
        let (waiting, waiting_bits) = (Vec::new(), 0);
        Self { out, component, blocks, band: scan.band, run: 0, waiting, waiting_bits, index: 0 }
    }

    fn finish(mut self) -> Vec<BlockPlace> {
        self.end_interval(None);
        self.out.missing
    }

    fn end_interval(&mut self, next: Option<usize>) {
        self.end_run();
        self.out.end_block(self.component, self.index);
        self.out.sink.end_interval(next);
    }

    /// Writes the run so far, and the correction bits of its blocks. T.81, figure G.4.
    #[inline(always)]
    fn end_run(&mut self) {
        if self.run > 0 {
            self.write_run();
        }
    }

    fn write_run(&mut self) {
        let size = self.run.ilog2();
        let behind = u64::from(self.run - (1 << size));
        self.out.sink.symbol(0, Class::Ac, size << 4, (behind, size));
        for (bits, count) in self.waiting.drain(..) {
            self.out.sink.bits(bits, count);
        }
        (self.run, self.waiting_bits) = (0, 0);
    }

    /// Takes the block into the run, with its correction bits.
    #[inline(always)]
    fn extend_run(&mut self, bits: u64, count: u32) {
        self.run += 1;
        if count > 0 {
            self.waiting.push((bits, count));
            self.waiting_bits += count;
        }
        if self.run == LONGEST_RUN || self.waiting_bits > MOST_WAITING {
            self.write_run();
        }
    }

    fn zeros(&mut self) {
        self.out.sink.symbol(0, Class::Ac, 0xf0, (0, 0));
    }
}

struct FirstAc<'a, S>(Ac<'a, S>);

impl<S: Sink> Visitor for FirstAc<'_, S> {
    type Error = Infallible;

    /// T.81, figure G.3.
    #[inline(always)]
    fn block(&mut self, _: usize, index: usize) -> Result<(), Infallible> {
        let scan = &mut self.0;
        let Some(block) = scan.blocks.get(index) else { return Ok(()) };
        let (low, end) = (u32::from(scan.band.low), u32::from(scan.band.end));
        let mut left = zigzag::nonzero(block, low) & zigzag::band(scan.band.start, scan.band.end);
        let mut next = u32::from(scan.band.start);
        while left != 0 {
            let k = left.trailing_zeros();
            scan.end_run();
            let mut zeros = k - next;
            while zeros > 15 {
                scan.zeros();
                zeros -= 16;
            }
            let whole = i32::from(zigzag::coefficient(block, k));
            // The magnitude is cut, not the value: towards zero.
            let value = whole.signum() * (whole.abs() >> low);
            let size = 32 - value.unsigned_abs().leading_zeros();
            let symbol = zeros << 4 | size;
            scan.out.sink.symbol(0, Class::Ac, symbol, (low_bits(value, size), size));
            next = k + 1;
            left &= left - 1;
        }
        scan.index = index;
        if next <= end {
            scan.extend_run(0, 0);
        }
        scan.out.end_block(scan.component, index);
        Ok(())
    }

    fn restart(&mut self, interval: usize) -> Result<(), Infallible> {
        self.0.end_interval(Some(interval));
        Ok(())
    }
}

struct NextAc<'a, S>(Ac<'a, S>);

impl<S: Sink> Visitor for NextAc<'_, S> {
    type Error = Infallible;

    /// T.81, figure G.7; runs of 16 zeros are written as long as something new follows.
    #[inline(always)]
    fn block(&mut self, _: usize, index: usize) -> Result<(), Infallible> {
        let scan = &mut self.0;
        let Some(block) = scan.blocks.get(index) else { return Ok(()) };
        let (low, end) = (u32::from(scan.band.low), u32::from(scan.band.end));
        let band = zigzag::band(scan.band.start, scan.band.end);
        let mut left = zigzag::nonzero(block, low) & band;
        let fresh = left & !zigzag::nonzero(block, low + 1);
        let (mut next, mut zeros) = (u32::from(scan.band.start), 0);
        // Correction bits of this block that wait for the next symbol.
        let (mut bits, mut count) = (0, 0);
        while left != 0 {
            let k = left.trailing_zeros();
            zeros += k - next;
            while zeros > 15 && fresh >> k != 0 {
                scan.end_run();
                scan.zeros();
                zeros -= 16;
                scan.out.sink.bits(std::mem::take(&mut bits), std::mem::take(&mut count));
            }
            let value = zigzag::coefficient(block, k);
            if fresh >> k & 1 == 0 {
                bits = bits << 1 | u64::from(value.unsigned_abs() >> low & 1);
                count += 1;
            } else {
                scan.end_run();
                scan.out.sink.symbol(0, Class::Ac, zeros << 4 | 1, (u64::from(value > 0), 1));
                scan.out.sink.bits(std::mem::take(&mut bits), std::mem::take(&mut count));
                zeros = 0;
            }
            next = k + 1;
            left &= left - 1;
        }
        scan.index = index;
        if zeros > 0 || next <= end || count > 0 {
            scan.extend_run(bits, count);
        }
        scan.out.end_block(scan.component, index);
        Ok(())
    }

    fn restart(&mut self, interval: usize) -> Result<(), Infallible> {
        self.0.end_interval(Some(interval));
        Ok(())
    }
}
