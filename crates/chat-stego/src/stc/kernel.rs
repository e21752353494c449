//! The inner loops of the trellis: 32 states at once.
//!
//! A state is a number of `height` bits: its lowest five say in which lane of a row it lies, the
//! others in which row. Exclusive-or with a column therefore permutes rows and lanes, each for
//! itself, and puts rows into pairs that become each other's alternative: each pair is read once
//! and written in place.
#![expect(clippy::indexing_slicing, reason = "fixed arrays and row numbers below a power of 2")]

use fearless_simd::{Level, Simd, dispatch, prelude::*, u8x32};

use super::metric::Metric;

/// States of a row.
pub(super) const ROW: usize = 32;

/// Metrics of 32 states.
#[derive(Clone, Copy)]
#[repr(align(32))]
pub(super) struct Row<T>(pub(super) [T; ROW]);

/// For each state of a row, a bit: whether its best path changes the element.
pub(super) type Decisions = u32;

/// An element that may change: its column, and what it costs.
pub(super) type Offer<T> = (u16, T);

impl<T: Metric> Row<T> {
    /// States that no path reaches.
    pub(super) const UNREACHED: Self = Self([T::FAR; ROW]);

    /// Rows of which paths reach the state 0 alone, at no cost.
    pub(super) fn start(rows: &mut [Self]) {
        rows.fill(Self::UNREACHED);
        if let Some(row) = rows.first_mut() {
            row.0[0] = T::default();
        }
    }
}

/// Whether the best path to `state` changes the element.
pub(super) fn changes(decisions: &[Decisions], state: usize) -> bool {
    (decisions[state / ROW] >> (state % ROW)) & 1 == 1
}

/// Calls `pair` with all pairs of rows that differ by `rows`, which is not 0.
#[inline(always)]
fn pairs(count: usize, rows: usize, mut pair: impl FnMut(usize, usize)) {
    let lowest = rows & rows.wrapping_neg();
    for first in (0..count).step_by(2 * lowest) {
        for row in first..first + lowest {
            pair(row, row ^ rows);
        }
    }
}

/// One element is offered to all paths, in any metric:
/// `new[s] = min(old[s], old[s ^ column] + cost)`, and a tie keeps the element.
pub(super) fn step<T: Metric>(
    states: &mut [Row<T>],
    decisions: &mut [Decisions],
    (column, cost): Offer<T>,
) {
    let (rows, lanes) = (usize::from(column) / ROW, usize::from(column) % ROW);
    let best = |kept: &Row<T>, other: &Row<T>| {
        let flipped: [T; ROW] = std::array::from_fn(|lane| other.0[lane ^ lanes].plus(cost));
        let less: [bool; ROW] = std::array::from_fn(|lane| flipped[lane] < kept.0[lane]);
        let bits = less.iter().rev().fold(0, |bits, less| bits << 1 | u32::from(*less));
        let new = |lane: usize| if less[lane] { flipped[lane] } else { kept.0[lane] };
        (Row(std::array::from_fn(new)), bits)
    };
    if rows == 0 {
        for (row, decisions) in states.iter_mut().zip(decisions) {
            (*row, *decisions) = best(row, row);
        }
        return;
    }
    pairs(states.len(), rows, |one, other| {
        let (a, b) = (states[one], states[other]);
        (states[one], decisions[one]) = best(&a, &b);
        (states[other], decisions[other]) = best(&b, &a);
    });
}

/// [`step`] for all of `offers`, one after another, in bytes and in the widest registers that the
/// processor has. What comes out is the same on all processors.
///
/// * `decisions` - as many for each offer as there are rows
pub(super) fn steps_in_bytes(
    states: &mut [Row<u8>],
    decisions: &mut [Decisions],
    offers: &[Offer<u8>],
) {
    dispatch!(Level::new(), simd => vector_steps(simd, states, decisions, offers));
}

#[inline(always)]
fn vector_steps<S: Simd>(
    simd: S,
    states: &mut [Row<u8>],
    decisions: &mut [Decisions],
    offers: &[Offer<u8>],
) {
    let rows = states.len();
    for (offer, decisions) in offers.iter().zip(decisions.chunks_exact_mut(rows)) {
        if usize::from(offer.0) % ROW < ROW / 2 {
            vector_step::<S, false>(simd, states, decisions, *offer);
        } else {
            vector_step::<S, true>(simd, states, decisions, *offer);
        }
    }
}

/// `HALVES` says whether the halves of a row change places.
#[inline(always)]
fn vector_step<S: Simd, const HALVES: bool>(
    simd: S,
    states: &mut [Row<u8>],
    decisions: &mut [Decisions],
    (column, cost): Offer<u8>,
) {
    let (rows, lanes) = (usize::from(column) / ROW, usize::from(column) % (ROW / 2));
    let order = u8x32::simd_from(simd, LANES[lanes]);
    let cost = u8x32::splat(simd, cost);
    let load = |row: &Row<u8>| u8x32::simd_from(simd, row.0);
    let flipped = |row: u8x32<S>| {
        let (low, high) = row.split();
        let row = if HALVES { high.combine(low) } else { row };
        row.swizzle_dyn_within_blocks(order).saturating_add(cost)
    };
    let best = |kept: u8x32<S>, flipped: u8x32<S>| {
        let best = kept.min(flipped);
        (Row(best.into()), !(best.simd_eq(kept).to_bitmask() as u32))
    };
    if rows == 0 {
        for (row, decisions) in states.iter_mut().zip(decisions) {
            let kept = load(row);
            (*row, *decisions) = best(kept, flipped(kept));
        }
        return;
    }
    pairs(states.len(), rows, |one, other| {
        let (a, b) = (load(&states[one]), load(&states[other]));
        (states[one], decisions[one]) = best(a, flipped(b));
        (states[other], decisions[other]) = best(b, flipped(a));
    });
}

/// For each column, where the lanes of half a row come from.
const LANES: [[u8; ROW]; ROW / 2] = {
    let mut orders = [[0; ROW]; ROW / 2];
    let mut at = 0;
    while at < ROW * ROW / 2 {
        orders[at / ROW][at % ROW] = ((at % ROW % (ROW / 2)) ^ (at / ROW)) as u8;
        at += 1;
    }
    orders
};

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
    #[inline(always)]
    fn has(self, state: usize, of: usize) -> bool {
        (state ^ self.value) & self.mask & of == 0
    }

    /// Whether some state of row `row` belongs to it.
    #[inline(always)]
    fn has_row(self, row: usize) -> bool {
        self.has(row * ROW, !(ROW - 1))
    }

    /// For each lane, `inside` or `outside`.
    #[inline(always)]
    fn lanes<T: Copy>(self, inside: T, outside: T) -> [T; ROW] {
        let mut lanes = [outside; ROW];
        for (number, lane) in lanes.iter_mut().enumerate() {
            *lane = if self.has(number, ROW - 1) { inside } else { outside };
        }
        lanes
    }
}

/// The highest metric of the states in `part`, `FAR` if one of them is not reached.
pub(super) fn highest<T: Metric>(states: &[Row<T>], part: Part) -> T {
    dispatch!(Level::new(), _simd => highest_of(states, part))
}

#[inline(always)]
fn highest_of<T: Metric>(states: &[Row<T>], part: Part) -> T {
    let mut lanes = [T::default(); ROW];
    for (index, row) in states.iter().enumerate() {
        if part.has_row(index) {
            for (lane, state) in lanes.iter_mut().zip(&row.0) {
                *lane = higher(*lane, *state);
            }
        }
    }
    if !part.mask.is_multiple_of(ROW) {
        let ceiling = part.lanes(T::FAR, T::default());
        for lane in 0..ROW {
            lanes[lane] = lower(lanes[lane], ceiling[lane]);
        }
    }
    lanes.into_iter().fold(T::default(), higher)
}

/// Makes all states outside of `part` unreached, and takes the least metric from all others.
/// Returns whether there is one.
pub(super) fn keep<T: Metric>(states: &mut [Row<T>], part: Part) -> bool {
    dispatch!(Level::new(), _simd => keep_of(states, part))
}

#[inline(always)]
fn keep_of<T: Metric>(states: &mut [Row<T>], part: Part) -> bool {
    let floor = part.lanes(T::default(), T::FAR);
    let mut lanes = [T::FAR; ROW];
    for (index, row) in states.iter().enumerate() {
        if part.has_row(index) {
            for lane in 0..ROW {
                lanes[lane] = lower(lanes[lane], higher(row.0[lane], floor[lane]));
            }
        }
    }
    let least = lanes.into_iter().fold(T::FAR, lower);
    if least >= T::FAR {
        return false;
    }
    for (index, row) in states.iter_mut().enumerate() {
        if part.has_row(index) {
            for (state, floor) in row.0.iter_mut().zip(&floor) {
                *state = higher(*state, *floor).minus(least);
            }
        } else {
            *row = Row::UNREACHED;
        }
    }
    true
}

#[inline(always)]
fn higher<T: Metric>(one: T, other: T) -> T {
    if other > one { other } else { one }
}

#[inline(always)]
fn lower<T: Metric>(one: T, other: T) -> T {
    if other < one { other } else { one }
}

#[cfg(test)]
mod tests {
    use super::super::tests::profile::Random;
    use super::*;

    /// All columns and costs, on states with many ties: what vectors do is what is written out.
    #[test]
    fn vectors_do_what_single_states_do_at_every_level() {
        let mut random = Random(5);
        for rows in [4_usize, 8, 32, 128] {
            let draw = |random: &mut Random| match random.word() % 8 {
                0 => u8::MAX,
                1..4 => (random.word() % 4) as u8,
                _ => random.word() as u8,
            };
            let mut states: Vec<Row<u8>> =
                (0..rows).map(|_| Row(std::array::from_fn(|_| draw(&mut random)))).collect();
            for _ in 0..200 {
                let offer = (random.word() as u16 % (ROW * rows) as u16, draw(&mut random));
                let (mut one, mut other) = (states.clone(), states.clone());
                let (mut said, mut plain) = (vec![0; rows], vec![0; rows]);
                steps_in_bytes(&mut one, &mut said, &[offer]);
                step(&mut other, &mut plain, offer);
                let same = |(a, b): (&Row<u8>, &Row<u8>)| a.0 == b.0;
                assert!(one.iter().zip(&other).all(same) && said == plain, "{offer:?}");
                #[cfg(target_arch = "x86_64")]
                {
                    let (mut base, mut said) = (states.clone(), vec![0; rows]);
                    dispatch!(Level::baseline(), simd =>
                        vector_steps(simd, &mut base, &mut said, &[offer]));
                    assert!(base.iter().zip(&other).all(same) && said == plain, "{offer:?}");
                }
                states = one;
                assert!(keep(&mut states, Part::default()));
                if random.word().is_multiple_of(16) {
                    states[0].0[7] = 0;
                    states[rows - 1].0[30] = u8::MAX;
                }
            }
        }
    }
}
