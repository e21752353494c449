//! The Viterbi algorithm: the cheapest flips of one segment with a given syndrome.
//!
//! A state says which syndrome bits a path has set so far, of the message bit at hand and those
//! whose elements come next. The bit of the state that stands for a message bit is its index
//! modulo the height: so nothing moves when a message bit ends, and columns are rotated instead.
//! Nor is a bit cleared then: a path that got a 1 keeps it, and what counts for the message bit
//! `height` places on is the difference from it.

use std::ops::Range;

use super::kernel::{self, BLOCK, Block, Decisions, Part};
use super::layout::Segment;
use super::metric::Metric;
use super::{Code, part_of};

/// Elements that are offered before it is asked whether the next one can be of use.
const BATCH: usize = 4;

/// Elements whose decisions get their memory at once.
const RESERVED: usize = 65_536;

/// What is to be solved.
pub(super) struct Trellis<'a> {
    pub(super) code: &'a Code,
    pub(super) segment: &'a Segment,
    /// Of each element of the segment, in units of 1 / lambda; infinite, negative or NaN: wet.
    pub(super) costs: &'a [f32],
    /// The bits that the flips are to have as their syndrome, 0 or 1, one a message bit.
    pub(super) target: &'a [u8],
}

/// Memory that is used again from segment to segment.
#[derive(Default)]
pub(super) struct Space {
    short: Paths<i16>,
    float: Paths<f32>,
}

/// The best paths to all states.
#[derive(Default)]
struct Paths<T> {
    now: Vec<Block<T>>,
    next: Vec<Block<T>>,
    /// The least metric of `now`, which stays the same up to the end of a message bit.
    least: T,
    /// The elements of the current message bit that may flip; see [`order`].
    order: Vec<u64>,
    /// Elements that were offered, with their rotated columns.
    offered: Vec<(u32, u16)>,
    /// For each of them, one entry for each block of `now`.
    decisions: Vec<Decisions>,
}

impl Trellis<'_> {
    /// The cheapest flips, ascending, counted from the segment's first element; none if there
    /// are no permitted ones.
    ///
    /// In integers, and where those find no path, as costs beyond their range count as wet there,
    /// in floating point.
    pub(super) fn solve(&self, space: &mut Space) -> Option<Vec<usize>> {
        self.solve_in(&mut space.short).or_else(|| self.solve_in(&mut space.float))
    }

    fn solve_in<T: Metric>(&self, paths: &mut Paths<T>) -> Option<Vec<usize>> {
        let (scale, height) = (self.scale::<T>(), self.code.height() as usize);
        paths.start(1 << height, self.costs.len());
        // The bits of the states that do not change any more.
        let states = BLOCK * paths.now.len();
        let mut settled = Part { mask: states - (1 << self.target.len().min(height)), value: 0 };
        let mut value = 0;
        for (index, (bit, block)) in self.target.iter().zip(self.segment.blocks()).enumerate() {
            let (place, left) = (index % height, self.target.len() - index);
            order::<T>(self.costs, block.clone(), scale, &mut paths.order);
            paths
                .offer(|element| self.column(element as usize - block.start, place, left), settled);
            value ^= usize::from(bit & 1) << place;
            let right = Part { mask: 1 << place, value: value & (1 << place) };
            if !paths.keep(right) {
                return None;
            }
            if left <= height {
                settled.mask |= right.mask;
                settled.value |= right.value;
            }
        }
        Some(paths.walk_back(value))
    }

    /// The column of the `nth` element of a message bit: rotated up by `place`, and without what
    /// belongs to no message bit, as there are only `left`.
    fn column(&self, nth: usize, place: usize, left: usize) -> u16 {
        let column = self.code.columns().get(nth).copied().unwrap_or_default();
        let wide = (u32::from(column) & ((1 << left.min(16)) - 1)) << place;
        let height = self.code.height();
        ((wide | (wide >> height)) & ((1 << height) - 1)) as u16
    }

    /// What costs are multiplied with.
    pub(super) fn scale<T: Metric>(&self) -> f32 {
        let finite = self.costs.iter().filter(|cost| **cost < f32::INFINITY);
        T::scale_of(finite.fold(0.0, |highest, cost| cost.max(highest)))
    }
}

impl<T: Metric> Paths<T> {
    /// Forgets everything; state 0 of `states` is where paths begin.
    fn start(&mut self, states: usize, elements: usize) {
        self.now.resize(states.div_ceil(BLOCK), Block::UNREACHED);
        self.next.resize(states.div_ceil(BLOCK), Block::UNREACHED);
        Block::start(&mut self.now);
        self.least = T::default();
        self.offered.clear();
        self.decisions.clear();
        self.decisions.reserve(elements.min(RESERVED) * self.now.len());
    }

    /// Offers the ordered elements to the paths, until none of the rest can be of use.
    ///
    /// The elements of one message bit may come in any order, as all paths go through all of
    /// them. Cheapest first, the metrics close up fast, and an element that costs at least the
    /// difference between the highest and the least improves no path, nor does any after it: to
    /// leave these out changes nothing.
    ///
    /// * `settled` - states outside of it are never reached again
    fn offer(&mut self, column: impl Fn(u32) -> u16, settled: Part) {
        let blocks = self.now.len();
        for batch in self.order.chunks(BATCH) {
            let highest = kernel::highest(&self.now, settled);
            let useless = |key: &u64| cost_of::<T>(*key).plus(self.least) >= highest;
            if batch.first().is_some_and(useless) {
                break;
            }
            for key in batch {
                let element = *key as u32;
                let column = column(element);
                let begin = self.decisions.len();
                self.decisions.resize(begin + blocks, Decisions::default());
                let decisions = self.decisions.get_mut(begin..).unwrap_or_default();
                kernel::step(&self.now, &mut self.next, decisions, (column, cost_of(*key)));
                std::mem::swap(&mut self.now, &mut self.next);
                self.offered.push((element, column));
            }
        }
    }

    /// Ends a message bit: keeps the paths that have it right. Returns whether there is one.
    fn keep(&mut self, right: Part) -> bool {
        self.least = kernel::keep(&mut self.now, right);
        if self.least < T::FAR && self.least.is_high() {
            kernel::subtract(&mut self.now, self.least);
            self.least = T::default();
        }
        self.least < T::FAR
    }

    /// The flips on the best path to `state`, ascending.
    fn walk_back(&self, mut state: usize) -> Vec<usize> {
        let mut flips = Vec::new();
        let decisions = self.decisions.chunks_exact(self.now.len().max(1));
        for ((element, column), decisions) in self.offered.iter().zip(decisions).rev() {
            if kernel::changes(decisions, state) {
                flips.push(*element as usize);
                state ^= usize::from(*column);
            }
        }
        flips.sort_unstable();
        flips
    }
}

/// The elements of a message bit that may flip, cheapest first, equal ones as they stand: the
/// cost's rank in the upper 32 bits, the element in the lower ones.
pub(super) fn order<T: Metric>(
    costs: &[f32],
    block: Range<usize>,
    scale: f32,
    order: &mut Vec<u64>,
) {
    let key = |(element, cost): (u32, &f32)| {
        Some((u64::from(T::of(*cost, scale)?.rank()) << 32) | u64::from(element))
    };
    order.clear();
    order.extend((block.start as u32..).zip(part_of(costs, &block)).filter_map(key));
    order.sort_unstable();
}

/// The cost in a key of [`order`].
pub(super) fn cost_of<T: Metric>(key: u64) -> T {
    T::of_rank((key >> 32) as u32)
}
