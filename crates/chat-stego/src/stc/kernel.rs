//! The inner loops of the trellis: sixteen states at once, in code that the compiler turns into
//! vector instructions of every processor.
//!
//! A state is a number of `height` bits: its lowest four say in which lane of a row it lies, the
//! next four in which row of a block, the others in which block. Exclusive-or with a column
//! therefore permutes blocks, rows and lanes, each for itself.
#![expect(clippy::indexing_slicing, reason = "fixed arrays and block numbers below a power of 2")]

use std::hint::black_box;

use super::metric::Metric;

/// States of a block.
pub(super) const BLOCK: usize = LANES * ROWS;
const LANES: usize = 16;
const ROWS: usize = 16;

/// Metrics of 256 states.
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
/// have `2^height / 256` entries, at least one.
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
        7 => step_lanes::<T, 7>(old, new, decisions, (column, cost)),
        8 => step_lanes::<T, 8>(old, new, decisions, (column, cost)),
        9 => step_lanes::<T, 9>(old, new, decisions, (column, cost)),
        10 => step_lanes::<T, 10>(old, new, decisions, (column, cost)),
        11 => step_lanes::<T, 11>(old, new, decisions, (column, cost)),
        12 => step_lanes::<T, 12>(old, new, decisions, (column, cost)),
        13 => step_lanes::<T, 13>(old, new, decisions, (column, cost)),
        14 => step_lanes::<T, 14>(old, new, decisions, (column, cost)),
        _ => step_lanes::<T, 15>(old, new, decisions, (column, cost)),
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

/// States of which some bits are given.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Part {
    /// Which bits.
    pub(super) mask: usize,
    /// What they are; the others are 0 here.
    pub(super) value: usize,
}

impl Part {
    /// Whether the state `state` belongs to it, as far as the bits `of` tell.
    fn has(self, state: usize, of: usize) -> bool {
        (state ^ self.value) & self.mask & of == 0
    }

    /// Whether some state of the row that begins with the state `first` belongs to it.
    fn has_row(self, first: usize) -> bool {
        self.has(first, !(LANES - 1))
    }

    /// For each lane, `inside` or `outside`. To be made opaque: otherwise the compiler compares
    /// lane numbers again in every row.
    fn lanes<T: Copy>(self, inside: T, outside: T) -> [T; LANES] {
        std::array::from_fn(|lane| if self.has(lane, LANES - 1) { inside } else { outside })
    }
}

/// The highest metric of the states in `part`, `FAR` if one of them is not reached.
pub(super) fn highest<T: Metric>(blocks: &[Block<T>], part: Part) -> T {
    if part.mask == 0 {
        return highest_of_all(blocks);
    }
    let ceiling = black_box(part.lanes(T::FAR, T::default()));
    let mut lanes = [T::default(); LANES];
    for (index, block) in blocks.iter().enumerate() {
        for (row, states) in block.0.iter().enumerate() {
            if part.has_row(index * BLOCK + row * LANES) {
                for lane in 0..LANES {
                    lanes[lane] = higher(lanes[lane], lower(states[lane], ceiling[lane]));
                }
            }
        }
    }
    lanes.into_iter().fold(T::default(), higher)
}

/// The usual case, apart for its speed.
fn highest_of_all<T: Metric>(blocks: &[Block<T>]) -> T {
    let mut lanes = [T::default(); 2 * LANES];
    for block in blocks {
        for states in block.0.as_flattened().as_chunks::<{ 2 * LANES }>().0 {
            for (lane, state) in lanes.iter_mut().zip(states) {
                *lane = higher(*lane, *state);
            }
        }
    }
    lanes.into_iter().fold(T::default(), higher)
}

/// Makes all states outside of `part` unreached. Returns the least metric.
pub(super) fn keep<T: Metric>(blocks: &mut [Block<T>], part: Part) -> T {
    let floor = black_box(part.lanes(T::default(), T::FAR));
    let mut lanes = [T::FAR; LANES];
    for (index, block) in blocks.iter_mut().enumerate() {
        for (row, states) in block.0.iter_mut().enumerate() {
            if !part.has_row(index * BLOCK + row * LANES) {
                *states = [T::FAR; LANES];
                continue;
            }
            for lane in 0..LANES {
                states[lane] = higher(states[lane], floor[lane]);
            }
            for lane in 0..LANES {
                lanes[lane] = lower(lanes[lane], states[lane]);
            }
        }
    }
    lanes.into_iter().fold(T::FAR, lower)
}

/// Takes `less` from all metrics, none of which is below it.
pub(super) fn subtract<T: Metric>(blocks: &mut [Block<T>], less: T) {
    for block in blocks {
        for states in &mut block.0 {
            for state in states {
                *state = state.minus(less);
            }
        }
    }
}

#[inline(always)]
fn higher<T: Metric>(one: T, other: T) -> T {
    if other > one { other } else { one }
}

#[inline(always)]
fn lower<T: Metric>(one: T, other: T) -> T {
    if other < one { other } else { one }
}
