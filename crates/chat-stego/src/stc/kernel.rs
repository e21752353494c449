//! The inner loops of the trellis: eight states at once, in code that the compiler turns into
//! vector instructions of every processor.
//!
//! A state is a number of `height` bits: its lowest three say in which lane of a row it lies, the
//! next four in which row of a block, the others in which block. Exclusive-or with a column
//! therefore permutes blocks, rows and lanes, each for itself.
#![expect(clippy::indexing_slicing, reason = "fixed arrays and block numbers below a power of 2")]

use super::metric::Metric;

/// States of a block.
pub(super) const BLOCK: usize = LANES * ROWS;
const LANES: usize = 8;
const ROWS: usize = 16;

/// Metrics of 128 states.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Block<T>([[T; LANES]; ROWS]);

/// For each lane of a block, the rows (bits) whose best path changes the element.
pub(super) type Decisions = [u16; LANES];

impl<T: Metric> Block<T> {
    /// A block that no path reaches.
    pub(super) const UNREACHED: Self = Self([[T::FAR; LANES]; ROWS]);

    /// Blocks of which paths reach the state 0 alone, at no cost.
    pub(super) fn start(blocks: &mut [Self]) {
        blocks.fill(Self::UNREACHED);
        if let Some(block) = blocks.first_mut() {
            block.0[0][0] = T::default();
        }
    }
}

/// Whether the best path to `state` changes the element.
pub(super) fn changes(decisions: &[Decisions], state: usize) -> bool {
    let rows = decisions[state / BLOCK][state % LANES];
    (rows >> (state / LANES % ROWS)) & 1 == 1
}

/// Offers one element with this `column` and `cost` to all paths.
///
/// `new[s] = min(old[s], old[s ^ column] + cost)`; a tie keeps the element. All three slices
/// have `2^height / 128` entries.
pub(super) fn step<T: Metric>(
    old: &[Block<T>],
    new: &mut [Block<T>],
    decisions: &mut [Decisions],
    (column, cost): (u16, T),
) {
    let column = usize::from(column);
    match column % LANES {
        0 => step_lanes::<T, 0>(old, new, decisions, (column, cost)),
        1 => step_lanes::<T, 1>(old, new, decisions, (column, cost)),
        2 => step_lanes::<T, 2>(old, new, decisions, (column, cost)),
        3 => step_lanes::<T, 3>(old, new, decisions, (column, cost)),
        4 => step_lanes::<T, 4>(old, new, decisions, (column, cost)),
        5 => step_lanes::<T, 5>(old, new, decisions, (column, cost)),
        6 => step_lanes::<T, 6>(old, new, decisions, (column, cost)),
        _ => step_lanes::<T, 7>(old, new, decisions, (column, cost)),
    }
}

/// As [`step`], with the permutation of lanes known to the compiler.
fn step_lanes<T: Metric, const SWAP: usize>(
    old: &[Block<T>],
    new: &mut [Block<T>],
    decisions: &mut [Decisions],
    (column, cost): (usize, T),
) {
    for (index, (new, decisions)) in new.iter_mut().zip(decisions).enumerate() {
        let (kept, changed) = (&old[index], &old[index ^ (column / BLOCK)]);
        *decisions = step_block::<T, SWAP>((kept, changed), new, (column / LANES % ROWS, cost));
    }
}

/// One block. Four rows at a time with four collections of decisions, so that no operation waits
/// for the one before; each loop over lanes does one thing, which is what gets vectorised.
#[inline(always)]
fn step_block<T: Metric, const SWAP: usize>(
    (kept, changed): (&Block<T>, &Block<T>),
    new: &mut Block<T>,
    (rows, cost): (usize, T),
) -> Decisions {
    let mut collected = [[0_u16; LANES]; 4];
    let mut bit = 1_u16;
    for (four, new) in new.0.as_chunks_mut::<4>().0.iter_mut().enumerate() {
        let kept: &[_; 4] = &kept.0.as_chunks().0[four];
        let changed: &[_; 4] = &changed.0.as_chunks().0[four ^ (rows / 4)];
        for row in 0..4 {
            let (old, other) = (kept[row], changed[row ^ (rows % 4)]);
            let mut flipped = [T::default(); LANES];
            for lane in 0..LANES {
                flipped[lane] = other[lane ^ SWAP].plus(cost);
            }
            let mut better = [0_u16; LANES];
            for lane in 0..LANES {
                better[lane] = if flipped[lane] < old[lane] { u16::MAX } else { 0 };
            }
            for lane in 0..LANES {
                collected[row][lane] |= better[lane] & bit;
            }
            for lane in 0..LANES {
                let less = flipped[lane] < old[lane];
                new[row][lane] = if less { flipped[lane] } else { old[lane] };
            }
        }
        bit <<= 4;
    }
    let [a, b, c, d] = collected;
    std::array::from_fn(|lane| a[lane] | (b[lane] << 1) | (c[lane] << 2) | (d[lane] << 3))
}

/// The highest metric of the first `count` states, `FAR` if one of them is not reached.
pub(super) fn highest<T: Metric>(blocks: &[Block<T>], count: usize) -> T {
    let higher = |high: T, other: &T| if *other > high { *other } else { high };
    if count < BLOCK {
        let states = blocks.iter().flat_map(|block| block.0.as_flattened());
        return states.take(count).fold(T::default(), higher);
    }
    let mut lanes = [T::default(); 4 * LANES];
    for block in blocks.iter().take(count / BLOCK) {
        for states in block.0.as_flattened().as_chunks::<{ 4 * LANES }>().0 {
            for lane in 0..4 * LANES {
                lanes[lane] = higher(lanes[lane], &states[lane]);
            }
        }
    }
    lanes.iter().fold(T::default(), higher)
}

/// Keeps the paths whose lowest bit is `bit` and drops that bit: `new[s] = old[2 s + bit]`, less
/// the least of them. The upper half of `new` is unreached afterwards.
///
/// Returns whether there is a path left.
pub(super) fn prune<T: Metric>(old: &[Block<T>], new: &mut [Block<T>], bit: u8) -> bool {
    let mut halves = new.iter_mut().flat_map(|block| block.0.as_flattened_mut().as_chunks_mut().0);
    let mut least = T::FAR;
    for (old, half) in old.iter().zip(&mut halves) {
        let old = old.0.as_flattened();
        let lowest = if bit & 1 == 0 { halve::<T, 0>(old, half) } else { halve::<T, 1>(old, half) };
        least = if lowest < least { lowest } else { least };
    }
    halves.for_each(|half| *half = [T::FAR; BLOCK / 2]);
    let states = new.iter_mut().flat_map(|block| block.0.as_flattened_mut());
    states.take(old.len() * BLOCK / 2).for_each(|state| *state = state.minus(least));
    least < T::FAR
}

/// Every second state of a block. Returns the least of them.
#[inline(always)]
fn halve<T: Metric, const BIT: usize>(old: &[T], half: &mut [T; BLOCK / 2]) -> T {
    for (state, pair) in half.iter_mut().zip(old.as_chunks::<2>().0) {
        *state = pair[BIT];
    }
    half.iter().fold(T::FAR, |least, state| if *state < least { *state } else { least })
}
