//! From coefficients to entropy-coded data, or to how often each symbol is needed.

mod bits;
mod progressive;
mod sequential;
mod sink;

pub(super) use sink::{Counter, Sink, Writer};

use super::component::Component;
use super::frame::Process;
use super::scan::{Band, Scan, Visitor};
use super::write::BlockPlace;

/// The most blocks without codes that are told: enough to forbid them together.
const MAX_MISSING: usize = 4096;

/// Encodes a scan into `sink`.
///
/// Returns the blocks that need a symbol for which `sink` has no code, at most
/// [`MAX_MISSING`]; what was written is worth nothing then.
pub(super) fn encode<S: Sink>(
    process: Process,
    scan: &Scan,
    components: &[Component],
    sink: &mut S,
) -> Vec<BlockPlace> {
    let out = Output { sink, missing: Vec::new() };
    match (process, scan.band) {
        (Process::Sequential, _) => sequential::encode(scan, components, out),
        (Process::Progressive, Band { start: 0, high: 0, .. }) => {
            progressive::first_dc(scan, components, out)
        }
        (Process::Progressive, Band { start: 0, .. }) => {
            progressive::next_dc(scan, components, out)
        }
        (Process::Progressive, Band { high: 0, .. }) => {
            progressive::first_ac(scan, components, out)
        }
        (Process::Progressive, _) => progressive::next_ac(scan, components, out),
    }
}

/// Which of a slot's tables codes a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Dc = 0,
    Ac = 1,
}

/// The sink of a scan, and the blocks for which it had no code.
struct Output<'a, S> {
    sink: &'a mut S,
    missing: Vec<BlockPlace>,
}

impl<S: Sink> Output<'_, S> {
    /// Blames the block at `index` for what the sink had no code for, if there was anything.
    #[inline(always)]
    fn end_block(&mut self, component: usize, index: usize) {
        if self.sink.take_missing() && self.missing.len() < MAX_MISSING {
            self.missing.push(BlockPlace { component, block: index });
        }
    }

    /// Encodes a value of DC as its difference to the one before. T.81, F.1.2.1.
    #[inline(always)]
    fn difference(&mut self, slot: usize, difference: i32) {
        let size = 32 - difference.unsigned_abs().leading_zeros();
        let bits = low_bits(difference, size);
        self.sink.symbol(slot, Class::Dc, size, (bits, size));
    }
}

/// The `size` bits that tell a value among those of its size. T.81, F.1.2.1.1.
#[inline(always)]
fn low_bits(value: i32, size: u32) -> u64 {
    let bits = value + (value >> 31);
    u64::from(bits as u32 & ((1 << (size & 31)) - 1))
}

/// Leads a visitor that cannot fail over the blocks of a scan.
fn run<V: Visitor<Error = std::convert::Infallible>>(scan: &Scan, visitor: &mut V) {
    let Ok(()) = scan.walk.run(visitor);
}
