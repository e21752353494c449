//! The Viterbi algorithm: the cheapest flips of one segment with a given syndrome.

use std::ops::Range;

use super::kernel::{self, BLOCK, Block, Decisions};
use super::layout::Segment;
use super::metric::Metric;
use super::{Code, part_of};

/// Elements that are offered before it is asked whether the next one can be of use.
const BATCH: usize = 4;

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
    /// The elements of the current message bit that may flip, cheapest first.
    order: Vec<(T, u32)>,
    /// Elements that were offered, with their columns.
    offered: Vec<(u32, u16)>,
    /// For each of them, `2^height / 128` entries.
    decisions: Vec<Decisions>,
    /// For each message bit, how many elements were offered before.
    starts: Vec<usize>,
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
        let scale = self.scale::<T>();
        paths.start(1 << self.code.height());
        for (bit, block) in self.segment.blocks().enumerate() {
            order(self.costs, block.clone(), scale, &mut paths.order);
            let live = self.live(bit);
            let columns = self.code.columns();
            let column = |element: u32| {
                let place = (element as usize).wrapping_sub(block.start);
                columns.get(place).copied().unwrap_or_default() & (live - 1) as u16
            };
            paths.offer(column, live);
            if !paths.prune(self.target.get(bit).copied().unwrap_or_default()) {
                return None;
            }
        }
        Some(self.flips(paths))
    }

    /// How many states can be reached before the end of message bit `bit`: near the end of the
    /// segment columns are cut off, as there are no more message bits for their upper ones.
    fn live(&self, bit: usize) -> usize {
        let left = self.target.len().saturating_sub(bit);
        1 << left.min(self.code.height() as usize)
    }

    pub(super) fn scale<T: Metric>(&self) -> f32 {
        let finite = self.costs.iter().filter(|cost| **cost < f32::INFINITY);
        T::scale_of(finite.fold(0.0, |highest, cost| cost.max(highest)))
    }

    /// Walks back from the only state at the end.
    fn flips<T: Metric>(&self, paths: &Paths<T>) -> Vec<usize> {
        let mut flips = Vec::new();
        let mut state = 0;
        let mut rest = paths.elements();
        for (bit, start) in self.target.iter().zip(&paths.starts).rev() {
            state = (state << 1) | usize::from(bit & 1);
            while rest.len() > *start {
                let Some(((element, column), decisions)) = rest.next_back() else { break };
                if kernel::changes(decisions, state) {
                    flips.push(*element as usize);
                    state ^= usize::from(*column);
                }
            }
        }
        flips.sort_unstable();
        flips
    }
}

impl<T: Metric> Paths<T> {
    /// Forgets everything; state 0 of `states` is where paths begin.
    fn start(&mut self, states: usize) {
        self.now.resize(states / BLOCK, Block::UNREACHED);
        self.next.resize(states / BLOCK, Block::UNREACHED);
        Block::start(&mut self.now);
        self.offered.clear();
        self.decisions.clear();
        self.starts.clear();
    }

    /// Offers the ordered elements to the paths, until none of the rest can be of use.
    ///
    /// The elements of one message bit may come in any order, as all paths go through all of
    /// them. Cheapest first, the metrics close up fast, and an element that costs at least the
    /// highest metric (the least one is 0) improves no path, nor does any after it: to leave
    /// these out changes nothing.
    fn offer(&mut self, column: impl Fn(u32) -> u16, live: usize) {
        self.starts.push(self.offered.len());
        let blocks = self.now.len();
        for batch in self.order.chunks(BATCH) {
            let useless = |(cost, _): &(T, u32)| *cost >= kernel::highest(&self.now, live);
            if batch.first().is_some_and(useless) {
                break;
            }
            for (cost, element) in batch {
                let column = column(*element);
                let begin = self.decisions.len();
                self.decisions.resize(begin + blocks, Decisions::default());
                let decisions = self.decisions.get_mut(begin..).unwrap_or_default();
                kernel::step(&self.now, &mut self.next, decisions, (column, *cost));
                std::mem::swap(&mut self.now, &mut self.next);
                self.offered.push((*element, column));
            }
        }
    }

    /// Ends a message bit. Returns whether there is a path left.
    fn prune(&mut self, bit: u8) -> bool {
        let left = kernel::prune(&self.now, &mut self.next, bit);
        std::mem::swap(&mut self.now, &mut self.next);
        left
    }

    /// What was offered, with the decisions.
    fn elements(
        &self,
    ) -> impl DoubleEndedIterator<Item = (&(u32, u16), &[Decisions])> + ExactSizeIterator {
        self.offered.iter().zip(self.decisions.chunks_exact(self.now.len().max(1)))
    }
}

/// The elements of a message bit that may flip, cheapest first, equal ones as they stand.
pub(super) fn order<T: Metric>(
    costs: &[f32],
    block: Range<usize>,
    scale: f32,
    order: &mut Vec<(T, u32)>,
) {
    order.clear();
    let elements = (block.start as u32..).zip(part_of(costs, &block));
    order.extend(elements.filter_map(|(element, cost)| Some((T::of(*cost, scale)?, element))));
    order.sort_unstable_by_key(|(cost, element)| {
        (u64::from(cost.rank()) << 32) | u64::from(*element)
    });
}
