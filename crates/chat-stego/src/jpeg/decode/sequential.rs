//! Sequential scans: whole blocks, one after another. T.81, F.2.

use std::rc::Rc;

use super::{Fault, Job, NO_BLOCK, Stream, Tables};
use crate::jpeg::component::{Block, Component};
use crate::jpeg::huffman::{DecodeTable, Entry, Symbols};
use crate::jpeg::scan::Visitor;
use crate::jpeg::zigzag;

pub(super) fn decode(job: Job<'_>, stream: &mut Stream<'_>) -> Result<(), Fault> {
    let mut tables = Tables::new(job.definitions);
    let slots = job.slots.iter().map(|slot| {
        Ok(SlotState {
            component: slot.component,
            dc: tables.prepare(slot.dc, Symbols::Dc)?,
            ac: tables.prepare(slot.ac, Symbols::Ac)?,
            predicted: 0,
        })
    });
    let slots = slots.collect::<Result<_, Fault>>()?;
    job.walk.run(&mut Decoder { stream, components: job.components, slots })
}

struct Decoder<'a, 'f> {
    stream: &'a mut Stream<'f>,
    components: &'a mut [Component],
    slots: Vec<SlotState>,
}

struct SlotState {
    component: usize,
    dc: Rc<DecodeTable>,
    ac: Rc<DecodeTable>,
    predicted: i32,
}

impl Visitor for Decoder<'_, '_> {
    type Error = Fault;

    #[inline(always)]
    fn block(&mut self, slot: usize, index: usize) -> Result<(), Fault> {
        let slot = self.slots.get_mut(slot).ok_or(NO_BLOCK)?;
        let component = self.components.get_mut(slot.component).ok_or(NO_BLOCK)?;
        let block = component.blocks.get_mut(index).ok_or(NO_BLOCK)?;
        slot.block(block, self.stream)
    }

    fn restart(&mut self, interval: usize) -> Result<(), Fault> {
        self.slots.iter_mut().for_each(|slot| slot.predicted = 0);
        self.stream.restart(interval)
    }

    fn end_of_row(&mut self) -> Result<(), Fault> {
        self.stream.check()
    }
}

impl SlotState {
    /// Fills a block of zeros.
    #[inline(always)]
    fn block(&mut self, block: &mut Block, stream: &mut Stream<'_>) -> Result<(), Fault> {
        let (mut bits, ac) = (stream.bits, &*self.ac);
        bits.refill();
        let (_, difference) = self.dc.next(&mut bits)?;
        self.predicted += difference;
        let [dc, ..] = block;
        *dc = i16::try_from(self.predicted).map_err(|_| TOO_GREAT)?;
        let mut k = 1;
        while k < 64 {
            bits.refill();
            let (entry, value) = ac.next(&mut bits)?;
            k += entry.run();
            // The end of a block writes a zero where there is one.
            if let Some(place) = block.get_mut(zigzag::target(k)) {
                *place = value as i16;
            }
            k += 1;
        }
        stream.bits = bits;
        if k == 64 || k > Entry::END { Ok(()) } else { Err(PAST_END) }
    }
}

pub(super) const TOO_GREAT: Fault = Fault("a coefficient that is out of range");
pub(super) const PAST_END: Fault = Fault("a run of zeros past the end of a block");
