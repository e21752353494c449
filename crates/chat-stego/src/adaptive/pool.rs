//! Pooling: keyed groups of elements, of which a code sees one symbol each.
//!
//! A group's symbol is the sum of its members modulo 4. One up or one down of any member moves the
//! symbol by one, so that the code may have it by the cheapest member; the costs of the others
//! are saved, and no element is left out.

#![expect(clippy::indexing_slicing, reason = "groups are below the pool's length by construction")]

use super::keying::below;
use super::medium::{Cell, Element, SLOTS};

/// The symbols of groups.
#[derive(Clone, Debug)]
pub(crate) struct Symbols(Vec<u8>);

impl Symbols {
    /// `groups` empty groups.
    pub(crate) fn new(groups: usize) -> Self {
        Self(vec![0; groups])
    }

    /// Adds a cell's elements; `words` say to which groups.
    pub(crate) fn add(&mut self, cell: &Cell, words: &[u32; SLOTS]) {
        let mut left = cell.elements;
        while left != 0 {
            let slot = left.trailing_zeros() as usize;
            left &= left - 1;
            let group = below(words[slot], self.0.len());
            self.0[group] = self.0[group].wrapping_add(cell.values[slot]);
        }
    }

    /// Adds the members that another part of the picture has.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine = mine.wrapping_add(*theirs);
        }
    }

    /// The symbols, 0 to 3. Sums wrap at 256, which is a multiple of 4.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.0.iter_mut().for_each(|symbol| *symbol &= 3);
        self.0
    }
}

/// The cheapest member of a group, for one direction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cheapest {
    pub(crate) cost: f32,
    pub(crate) element: Element,
}

impl Cheapest {
    const NONE: Self = Self { cost: f32::INFINITY, element: Element(u32::MAX) };

    /// Of two with one cost the first in the picture is taken, whichever is met first.
    fn offer(&mut self, cost: f32, element: Element) {
        if cost < self.cost || (cost == self.cost && element < self.element) {
            *self = Self { cost, element };
        }
    }
}

/// Groups with their symbols and with what it costs to move those.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    pub(crate) symbols: Symbols,
    pub(crate) up: Vec<Cheapest>,
    pub(crate) down: Vec<Cheapest>,
}

impl Pool {
    /// `groups` empty groups, which nothing can move.
    pub(crate) fn new(groups: usize) -> Self {
        let none = vec![Cheapest::NONE; groups];
        Self { symbols: Symbols::new(groups), up: none.clone(), down: none }
    }

    /// Adds a cell whose first element would be `first`; `words` say to which groups.
    pub(crate) fn add(&mut self, cell: &Priced<'_>, words: &[u32; SLOTS]) {
        self.symbols.add(cell.cell, words);
        let mut left = cell.cell.elements;
        while left != 0 {
            let slot = left.trailing_zeros() as usize;
            left &= left - 1;
            let group = below(words[slot], self.up.len());
            let element = Element(cell.first + slot as u32);
            self.up[group].offer(cell.up[slot], element);
            self.down[group].offer(cell.down[slot], element);
        }
    }

    /// Adds what another part of the picture has.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.symbols.merge(&other.symbols);
        for (mine, theirs) in self.up.iter_mut().zip(&other.up) {
            mine.offer(theirs.cost, theirs.element);
        }
        for (mine, theirs) in self.down.iter_mut().zip(&other.down) {
            mine.offer(theirs.cost, theirs.element);
        }
    }
}

/// A cell with the costs of its elements.
pub(crate) struct Priced<'a> {
    pub(crate) cell: &'a Cell,
    pub(crate) up: &'a [f32; SLOTS],
    pub(crate) down: &'a [f32; SLOTS],
    /// The element of slot 0.
    pub(crate) first: u32,
}

/// How many groups a body of `bits` bits is spread over in a picture of `elements` elements.
///
/// Short bodies get 64 groups a bit: at the bound that costs 2 % more distortion than a code over
/// all elements would, at a fraction of its work. Long ones get at least a quarter of the elements,
/// and four groups a bit.
pub(crate) fn groups(bits: usize, elements: usize) -> usize {
    let wanted = if bits <= SHORT_BITS {
        bits * 64
    } else {
        (SHORT_BITS * 64).max(elements / 4).max(bits * 4)
    };
    wanted.min(elements)
}

const SHORT_BITS: usize = 1 << 14;

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(values: impl Fn(usize) -> u8) -> Cell {
        Cell { values: std::array::from_fn(values), elements: !1 }
    }

    #[test]
    fn a_pool_keeps_the_cheapest_members_and_the_sums() {
        let words = std::array::from_fn(|slot| if slot % 2 == 0 { 0 } else { u32::MAX });
        let (one, two) = (cell(|slot| (slot % 4) as u8), cell(|_| 3));
        let costs: [f32; SLOTS] = std::array::from_fn(|slot| 100.0 - slot as f32);
        let mut pool = Pool::new(2);
        pool.add(&Priced { cell: &one, up: &costs, down: &costs, first: 0 }, &words);
        pool.add(&Priced { cell: &two, up: &costs, down: &costs, first: 64 }, &words);
        assert_eq!((pool.up[0].cost, pool.up[0].element), (38.0, Element(62)));
        assert_eq!((pool.down[1].cost, pool.down[1].element), (37.0, Element(63)));
        // 31 even slots with 2 or 0 and 3 each; 32 odd ones with 1 or 3, and 3 each.
        assert_eq!(pool.symbols.finish(), [(16 * 2 + 31 * 3) % 4, (16 * 4 + 32 * 3) % 4]);
    }

    #[test]
    fn parts_merge_to_the_whole_in_any_order() {
        let words = std::array::from_fn(|slot| (slot as u32).wrapping_mul(0x9e37_79b9));
        let costs: [f32; SLOTS] = std::array::from_fn(|slot| (slot % 5) as f32);
        let cells = [cell(|slot| (slot * 7 % 4) as u8), cell(|slot| (slot % 3) as u8)];
        let part = |index: usize| {
            let mut pool = Pool::new(7);
            let first = 64 * index as u32;
            pool.add(&Priced { cell: &cells[index], up: &costs, down: &costs, first }, &words);
            pool
        };
        let (mut forward, mut backward) = (part(0), part(1));
        forward.merge(&part(1));
        backward.merge(&part(0));
        assert_eq!(forward.symbols.clone().finish(), backward.symbols.clone().finish());
        for (one, other) in forward.up.iter().zip(&backward.up) {
            assert_eq!((one.cost, one.element), (other.cost, other.element));
        }
    }

    #[test]
    fn groups_are_many_for_short_bodies_and_bounded_by_the_picture() {
        assert_eq!(groups(2688, 11_800_000), 172_032);
        assert_eq!(groups(16_384, 11_800_000), 1 << 20);
        assert_eq!(groups(737_280, 11_800_000), 2_950_000);
        assert_eq!(groups(16_384, 500_000), 500_000);
        assert_eq!(groups(16_385, 500_000), 500_000);
    }
}
