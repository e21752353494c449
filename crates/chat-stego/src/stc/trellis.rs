//! The Viterbi algorithm: the cheapest flips of one segment with a given syndrome.
//!
//! A state says which syndrome bits a path has set so far, of the message bit at hand and those
//! whose elements come next. The bit of the state that stands for a message bit is its index
//! modulo the height: so nothing moves when a message bit ends, and columns are rotated instead.
//! Nor is a bit cleared then: a path that got a 1 keeps it, and what counts for the message bit
//! `height` places on is the difference from it.

use super::kernel::{self, Decisions, Offer, Part, ROW, Row};
use super::layout::Segment;
use super::metric::Metric;
use super::{Code, part_of};

/// Elements that are offered before it is asked whether the next one can be of use.
const BATCH: usize = 4;

/// Elements whose decisions get their memory at once.
const RESERVED: usize = 65_536;

/// Decisions that are filled at once.
const FILLED: usize = 4096;

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
    bytes: Paths<u8>,
    float: Paths<f32>,
}

/// The best paths to all states.
#[derive(Default)]
struct Paths<T> {
    states: Vec<Row<T>>,
    costs: Vec<T>,
    /// The elements of the current message bit that may flip; see [`Metric::sort`].
    order: Vec<(u32, T)>,
    /// Elements that were offered, with their rotated columns.
    offered: Vec<(u32, u16)>,
    /// For each of them, one entry for each of `states`; what follows is of earlier segments.
    decisions: Vec<Decisions>,
}

impl Trellis<'_> {
    /// The cheapest flips, ascending, counted from the segment's first element; none if there
    /// are no permitted ones.
    ///
    /// In bytes, and where those find no path, as costs beyond their range count as wet there, in
    /// floating point.
    pub(super) fn solve(&self, space: &mut Space) -> Option<Vec<usize>> {
        self.solve_in(&mut space.bytes).or_else(|| self.solve_in(&mut space.float))
    }

    fn solve_in<T: Metric>(&self, paths: &mut Paths<T>) -> Option<Vec<usize>> {
        let height = self.code.height() as usize;
        paths.start(1 << height, self.costs_in());
        // The bits of the states that do not change any more.
        let states = ROW * paths.states.len();
        let mut settled = Part { mask: states - (1 << self.target.len().min(height)), value: 0 };
        let mut value = 0;
        for (index, (bit, block)) in self.target.iter().zip(self.segment.blocks()).enumerate() {
            let (place, left) = (index % height, self.target.len() - index);
            T::sort(part_of(&paths.costs, &block), &mut paths.order);
            paths.offer(block.start, |nth| self.column(nth, place, left), settled);
            value ^= usize::from(bit & 1) << place;
            let right = Part { mask: 1 << place, value: value & (1 << place) };
            if !kernel::keep(&mut paths.states, right) {
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

    /// The costs of all elements in a metric.
    pub(super) fn costs_in<T: Metric>(&self) -> Vec<T> {
        let finite = self.costs.iter().filter(|cost| **cost < f32::INFINITY);
        let scale = T::scale_of(finite.fold(0.0, |highest, cost| cost.max(highest)));
        self.costs.iter().map(|cost| T::of(*cost, scale)).collect()
    }
}

impl<T: Metric> Paths<T> {
    /// Forgets everything; state 0 of `states` is where paths begin.
    fn start(&mut self, states: usize, costs: Vec<T>) {
        self.states.resize(states / ROW, Row::UNREACHED);
        Row::start(&mut self.states);
        self.offered.clear();
        let most = costs.len().min(RESERVED) * self.states.len();
        self.decisions.reserve(most.saturating_sub(self.decisions.len()));
        self.costs = costs;
    }

    /// Offers the ordered elements, counted from element `first`, to the paths, until none of the
    /// rest can be of use.
    ///
    /// The elements of one message bit may come in any order, as all paths go through all of
    /// them. Cheapest first, the metrics close up fast, and an element that costs at least the
    /// highest (the least is 0) improves no path, nor does any after it: to
    /// leave these out changes nothing.
    ///
    /// * `settled` - states outside of it are never reached again
    fn offer(&mut self, first: usize, column: impl Fn(usize) -> u16, settled: Part) {
        for batch in self.order.chunks(BATCH) {
            let highest = kernel::highest(&self.states, settled);
            if batch.first().is_some_and(|(_, cost)| *cost >= highest) {
                break;
            }
            let mut offers = [Offer::<T>::default(); BATCH];
            for (offer, (nth, cost)) in offers.iter_mut().zip(batch) {
                *offer = (column(*nth as usize), *cost);
                self.offered.push((first as u32 + nth, offer.0));
            }
            let offers = offers.get(..batch.len()).unwrap_or_default();
            let end = self.states.len() * self.offered.len();
            if self.decisions.len() < end {
                self.decisions.resize(end + FILLED, 0);
            }
            let begin = end - self.states.len() * offers.len();
            let decisions = self.decisions.get_mut(begin..end).unwrap_or_default();
            T::steps(&mut self.states, decisions, offers);
        }
    }

    /// The flips on the best path to `state`, ascending.
    fn walk_back(&self, mut state: usize) -> Vec<usize> {
        let mut flips = Vec::new();
        let decisions = self.decisions.chunks_exact(self.states.len().max(1));
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
