//! Pooling: keyed groups of elements, of which a code sees one symbol each.
//!
//! A group's symbol is the sum of its members modulo 4. One up or one down of any member moves the
//! symbol by one, so that the code may have it by the cheapest member; the costs of the others
//! are saved, and no element is left out.

#![expect(clippy::indexing_slicing, reason = "groups are below the pool's length by construction")]

use super::medium::{Cell, Element, SLOTS, Step, Ways};

/// The symbols of groups.
#[derive(Clone, Debug)]
pub(crate) struct Symbols(Vec<u8>);

impl Symbols {
    /// `groups` empty groups.
    pub(crate) fn new(groups: usize) -> Self {
        Self(vec![0; groups])
    }

    /// Adds a cell's elements to their groups.
    #[inline]
    pub(crate) fn add(&mut self, cell: &Cell, groups: &[u32; SLOTS]) {
        let mut left = cell.elements;
        while left != 0 {
            let slot = left.trailing_zeros() as usize;
            left &= left - 1;
            let symbol = &mut self.0[groups[slot] as usize];
            *symbol = symbol.wrapping_add(cell.values[slot]);
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
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cheapest {
    pub(crate) cost: f32,
    pub(crate) element: Element,
}

/// A cost's bits, which for costs rise as they do, above an element's number: the least of several
/// is the cheapest, and of equal ones the first.
type Key = u64;

/// Nothing can move the group.
const NOTHING: Key = (f32::INFINITY.to_bits() as Key) << 32 | u32::MAX as Key;

/// What is negative or no number is above [`NOTHING`].
fn key(cost: f32, element: u32) -> Key {
    Key::from((cost + 0.0).to_bits()) << 32 | Key::from(element)
}

/// Groups with their symbols and with what it costs to move those.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    pub(crate) symbols: Symbols,
    /// The cheapest up.
    up: Vec<Key>,
    /// The cheapest down; none where that is the same always.
    down: Option<Vec<Key>>,
    /// Members of a group, more or less.
    share: usize,
}

impl Pool {
    /// `groups` empty groups, which nothing can move.
    ///
    /// * `elements` - that will be added
    /// * `ways` - whether up and down cost the same
    pub(crate) fn new(groups: usize, elements: usize, ways: Ways) -> Self {
        let down = (ways == Ways::Different).then(|| vec![NOTHING; groups]);
        let share = elements.checked_div(groups).unwrap_or(0);
        Self { symbols: Symbols::new(groups), up: vec![NOTHING; groups], down, share }
    }

    /// Adds a cell, whose first element would be `first`, to the groups of its elements.
    #[inline]
    pub(crate) fn add(&mut self, cell: &Priced<'_>, groups: &[u32; SLOTS]) {
        self.symbols.add(cell.cell, groups);
        let (elements, first) = (cell.cell.elements, cell.first);
        let lower = if self.share < MANY { lower_of_few } else { lower_of_many };
        lower(&mut self.up, (elements, first), cell.up, groups);
        if let Some(down) = &mut self.down {
            lower(down, (elements, first), cell.down, groups);
        }
    }

    /// Adds what another part of the picture has, before or behind this one.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.symbols.merge(&other.symbols);
        merge(&mut self.up, &other.up);
        if let (Some(mine), Some(theirs)) = (&mut self.down, &other.down) {
            merge(mine, theirs);
        }
    }

    /// What one step of each group costs.
    pub(crate) fn costs(&self, step: Step) -> Vec<f32> {
        self.keys(step).iter().map(|key| cost_of(*key)).collect()
    }

    /// The member that one step of a group, which is below the pool's length, falls to.
    pub(crate) fn cheapest(&self, group: usize, step: Step) -> Cheapest {
        let key = self.keys(step)[group];
        Cheapest { cost: cost_of(key), element: Element(key as u32) }
    }

    fn keys(&self, step: Step) -> &[Key] {
        match (step, &self.down) {
            (Step::Down, Some(down)) => down,
            _ => &self.up,
        }
    }
}

/// Where a group has few members, each is likely to be the cheapest so far. This has no branch to
/// mispredict, so that the processor waits for many groups at once.
#[inline]
fn lower_of_few(
    cheapest: &mut [Key],
    (mut left, first): (u64, u32),
    costs: &[f32; SLOTS],
    groups: &[u32; SLOTS],
) {
    while left != 0 {
        let slot = left.trailing_zeros() as usize;
        left &= left - 1;
        let cheapest = &mut cheapest[groups[slot] as usize];
        *cheapest = key(costs[slot], first + slot as u32).min(*cheapest);
    }
}

/// Where it has many, hardly any is, and nothing is written.
#[inline]
fn lower_of_many(
    cheapest: &mut [Key],
    (mut left, first): (u64, u32),
    costs: &[f32; SLOTS],
    groups: &[u32; SLOTS],
) {
    while left != 0 {
        let slot = left.trailing_zeros() as usize;
        left &= left - 1;
        let cheapest = &mut cheapest[groups[slot] as usize];
        let key = key(costs[slot], first + slot as u32);
        if key < *cheapest {
            *cheapest = key;
        }
    }
}

fn merge(mine: &mut [Key], theirs: &[Key]) {
    for (mine, theirs) in mine.iter_mut().zip(theirs) {
        *mine = (*theirs).min(*mine);
    }
}

fn cost_of(key: Key) -> f32 {
    f32::from_bits((key >> 32) as u32)
}

/// Members from which on a group has many.
const MANY: usize = 8;

/// A cell with the costs of its elements.
pub(crate) struct Priced<'a> {
    pub(crate) cell: &'a Cell,
    pub(crate) up: &'a [f32; SLOTS],
    pub(crate) down: &'a [f32; SLOTS],
    /// The element of slot 0.
    pub(crate) first: u32,
}

/// How many groups a body of `bits` bits is spread over if it has `elements` elements.
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
        let groups = std::array::from_fn(|slot| slot as u32 % 2);
        let (one, two) = (cell(|slot| (slot % 4) as u8), cell(|_| 3));
        let costs: [f32; SLOTS] = std::array::from_fn(|slot| 100.0 - slot as f32);
        let mut pool = Pool::new(2, 126, Ways::Same);
        pool.add(&Priced { cell: &one, up: &costs, down: &costs, first: 0 }, &groups);
        pool.add(&Priced { cell: &two, up: &costs, down: &costs, first: 64 }, &groups);
        let cheapest = |cost, element| Cheapest { cost, element: Element(element) };
        assert_eq!(pool.cheapest(0, Step::Up), cheapest(38.0, 62));
        assert_eq!(pool.cheapest(1, Step::Down), cheapest(37.0, 63));
        assert_eq!(pool.costs(Step::Down), [38.0, 37.0]);
        // 31 even slots with 2 or 0 and 3 each; 32 odd ones with 1 or 3, and 3 each.
        assert_eq!(pool.symbols.finish(), [(16 * 2 + 31 * 3) % 4, (16 * 4 + 32 * 3) % 4]);
    }

    #[test]
    fn parts_merge_to_the_whole_in_any_order() {
        let groups = std::array::from_fn(|slot| (slot as u32).wrapping_mul(0x9e37_79b9) >> 8 & 3);
        let costs: [f32; SLOTS] = std::array::from_fn(|slot| (slot % 5) as f32);
        let cells = [cell(|slot| (slot * 7 % 4) as u8), cell(|slot| (slot % 3) as u8)];
        let part = |index: usize| {
            let mut pool = Pool::new(7, 126, Ways::Different);
            let first = 64 * index as u32;
            pool.add(&Priced { cell: &cells[index], up: &costs, down: &costs, first }, &groups);
            pool
        };
        let (mut forward, mut backward) = (part(0), part(1));
        forward.merge(&part(1));
        backward.merge(&part(0));
        assert_eq!(forward.symbols.clone().finish(), backward.symbols.clone().finish());
        assert_eq!((forward.up, forward.down), (backward.up, backward.down));
    }

    #[test]
    fn what_must_not_change_is_never_the_cheapest() {
        let groups = [0; SLOTS];
        for wet in [f32::INFINITY, f32::NAN, -1.0] {
            let costs = std::array::from_fn(|slot| if slot == 9 { -0.0 } else { wet });
            let cell = cell(|_| 0);
            let mut pool = Pool::new(1, 63, Ways::Different);
            pool.add(&Priced { cell: &cell, up: &costs, down: &[wet; SLOTS], first: 0 }, &groups);
            assert_eq!(pool.cheapest(0, Step::Up).element, Element(9));
            assert!(pool.cheapest(0, Step::Down).cost == f32::INFINITY);
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
