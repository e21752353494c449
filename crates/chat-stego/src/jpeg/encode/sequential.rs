//! Sequential scans: whole blocks, one after another. T.81, F.1.2.

use std::convert::Infallible;

use super::{Class, Component, Output, Scan, Sink, Visitor, low_bits, run};
use crate::jpeg::component::Block;
use crate::jpeg::write::BlockPlace;
use crate::jpeg::zigzag;

pub(super) fn encode<S: Sink>(
    scan: &Scan,
    components: &[Component],
    out: Output<'_, S>,
) -> Vec<BlockPlace> {
    let slots = scan.slots.iter().map(|slot| (slot.component, 0)).collect();
    let mut encoder = Encoder { out, components, slots };
    run(scan, &mut encoder);
    encoder.out.sink.end_interval(None);
    encoder.out.missing
}

struct Encoder<'a, S> {
    out: Output<'a, S>,
    components: &'a [Component],
    /// For each slot its component, and the last value of DC.
    slots: Vec<(usize, i32)>,
}

impl<S: Sink> Visitor for Encoder<'_, S> {
    type Error = Infallible;

    #[inline(always)]
    fn block(&mut self, slot: usize, index: usize) -> Result<(), Infallible> {
        if let Some((component, predicted)) = self.slots.get_mut(slot)
            && let Some(stored) = self.components.get(*component)
            && let Some(block) = stored.blocks.get(index)
        {
            let [dc, ..] = *block;
            let before = std::mem::replace(predicted, dc.into());
            self.out.difference(slot, i32::from(dc) - before);
            ac(slot, block, self.out.sink);
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

/// T.81, figure F.2.
#[inline(always)]
fn ac<S: Sink>(slot: usize, block: &Block, sink: &mut S) {
    let mut left = zigzag::nonzero(block, 0) & !1;
    let mut last = 0;
    while left != 0 {
        let k = left.trailing_zeros();
        let mut zeros = k - last - 1;
        while zeros > 15 {
            sink.symbol(slot, Class::Ac, 0xf0, (0, 0));
            zeros -= 16;
        }
        let value = i32::from(zigzag::coefficient(block, k));
        let size = 32 - value.unsigned_abs().leading_zeros();
        sink.symbol(slot, Class::Ac, zeros << 4 | size, (low_bits(value, size), size));
        last = k;
        left &= left - 1;
    }
    if last != 63 {
        sink.symbol(slot, Class::Ac, 0, (0, 0));
    }
}
