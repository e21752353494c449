//! How the elements of a code are divided into groups.

use std::ops::Range;

use super::check::CheckCells;
use super::deal::Deal;
use super::keying::{Keying, Purpose, Stream, below};
use super::medium::{Medium, SLOTS};

/// Elements of a code and the groups that they fall into.
///
/// Many elements to a group: each falls by a word of its own, which takes no memory. Groups then
/// differ in size by the root of it, which costs nothing that can be measured. Few: they are dealt,
/// so that no group is empty and sizes differ by one at most.
pub(crate) struct Division<'a> {
    keying: &'a Keying,
    purpose: Purpose,
    ranks: Ranks,
    groups: usize,
    /// Groups an element, with 63 bits of a fraction, rounded upwards. Exact enough: there are
    /// fewer than 2^31 elements.
    per_element: u64,
    deal: Option<Deal>,
}

/// Cells of which all words are made at once: more would not stay in the nearest cache.
pub(crate) const RUN: usize = 16;

/// From how many elements a group on these fall by words.
const MANY: usize = 16;

impl<'a> Division<'a> {
    /// Divides the elements that `ranks` counts into at most `groups` groups.
    pub(crate) fn new(
        (keying, purpose): (&'a Keying, Purpose),
        ranks: Ranks,
        groups: usize,
    ) -> Self {
        let groups = groups.min(ranks.total());
        let dealt = ranks.total() < MANY * groups;
        let deal = dealt.then(|| Deal::new(keying, purpose, ranks.total()));
        let per_element = ((groups as u128) << 63).div_ceil(ranks.total().max(1) as u128) as u64;
        Self { keying, purpose, ranks, groups, per_element, deal }
    }

    /// How many elements there are.
    pub(crate) fn elements(&self) -> usize {
        self.ranks.total()
    }

    /// How many groups there are.
    pub(crate) fn groups(&self) -> usize {
        self.groups
    }

    /// Tells the groups of the elements of row `row`, cell by cell.
    ///
    /// * `at_once` - cells whose words are made together: 1 where few cells are asked for
    pub(crate) fn reader(&self, at_once: usize) -> Reader<'_> {
        let stream = self.keying.stream(self.purpose);
        let room = vec![[0; 4 * SLOTS]; at_once];
        Reader { of: self, stream, room, filled: 0..0, rank: 0, groups: [0; SLOTS] }
    }

    /// The group that has this place after dealing: `floor(place * groups / elements)`.
    #[inline]
    fn group_at(&self, place: usize) -> u32 {
        ((place as u128 * u128::from(self.per_element)) >> 63) as u32
    }
}

/// Goes through cells in the order of the picture.
pub(crate) struct Reader<'a> {
    of: &'a Division<'a>,
    stream: Stream,
    /// Words of the cells `filled`.
    room: Vec<[u8; 4 * SLOTS]>,
    filled: Range<usize>,
    /// The number of the next element.
    rank: usize,
    groups: [u32; SLOTS],
}

impl Reader<'_> {
    /// Goes to the first cell of a row.
    pub(crate) fn start_row(&mut self, row: usize) {
        self.rank = self.of.ranks.before(row);
    }

    /// The groups of the next cell of the row, whose number is `cell` and which has these
    /// `elements`; slots without an element have any number below the groups'.
    #[inline]
    pub(crate) fn next(&mut self, cell: usize, elements: u64) -> &[u32; SLOTS] {
        match &self.of.deal {
            Some(deal) => self.dealt(deal, elements),
            None => self.hashed(cell),
        }
        &self.groups
    }

    fn dealt(&mut self, deal: &Deal, elements: u64) {
        let (mut left, count) = (elements, elements.count_ones() as usize);
        let (of, groups) = (self.of, &mut self.groups);
        deal.places(self.rank, count, |place| {
            let slot = left.trailing_zeros() as usize;
            left &= left.wrapping_sub(1);
            if let Some(group) = groups.get_mut(slot) {
                *group = of.group_at(place);
            }
        });
        self.rank += count;
    }

    fn hashed(&mut self, cell: usize) {
        if !self.filled.contains(&cell) {
            self.filled = cell..cell + self.room.len();
            self.stream.seek(cell * SLOTS);
            self.stream.bytes(self.room.as_flattened_mut());
        }
        let words = self.room.get(cell - self.filled.start).unwrap_or(&[0; 4 * SLOTS]);
        for (group, word) in self.groups.iter_mut().zip(words.as_chunks::<4>().0) {
            *group = below(u32::from_le_bytes(*word), self.of.groups) as u32;
        }
    }
}

/// How many elements of a code lie before each row.
pub(crate) struct Ranks(Vec<usize>);

impl Ranks {
    /// Counts the elements of the check.
    pub(crate) fn of_check<M: Medium>(medium: &M, cells: &CheckCells) -> Self {
        let grid = medium.grid();
        Self::count(grid.probe_rows, |row| in_check(medium, cells, row))
    }

    /// Counts the elements of the body: all others.
    pub(crate) fn of_body<M: Medium>(medium: &M, cells: &CheckCells) -> Self {
        let grid = medium.grid();
        let whole: usize = (0..grid.columns).map(|column| elements(medium, column)).sum();
        Self::count(grid.rows, |row| whole - in_check(medium, cells, row))
    }

    fn count(rows: usize, in_row: impl Fn(usize) -> usize) -> Self {
        let mut before = 0;
        let mut ranks = vec![0];
        ranks.extend((0..rows).map(|row| {
            before += in_row(row);
            before
        }));
        Self(ranks)
    }

    fn before(&self, row: usize) -> usize {
        self.0.get(row).copied().unwrap_or_default()
    }

    /// All of them.
    pub(crate) fn total(&self) -> usize {
        self.0.last().copied().unwrap_or_default()
    }
}

fn elements<M: Medium>(medium: &M, column: usize) -> usize {
    medium.elements(column).count_ones() as usize
}

/// Elements of the check in one row.
fn in_check<M: Medium>(medium: &M, cells: &CheckCells, row: usize) -> usize {
    let columns = medium.grid().columns;
    let chosen = (0..columns).filter(|column| cells.contains(row * columns + column));
    chosen.map(|column| elements(medium, column)).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// How many of `elements` elements each group has.
    fn sizes(elements: usize, groups: usize, key: u8) -> Vec<usize> {
        let keying = Keying::new(&[key; 32], b"picture");
        let ranks = Ranks(vec![0, elements]);
        let division = Division::new((&keying, Purpose::BodyGroups), ranks, groups);
        let mut sizes = vec![0; division.groups()];
        let mut reader = division.reader(3);
        reader.start_row(0);
        for cell in 0..elements.div_ceil(SLOTS) {
            let count = (elements - cell * SLOTS).min(SLOTS);
            let groups = reader.next(cell, u64::MAX >> (SLOTS - count));
            groups[..count].iter().for_each(|group| sizes[*group as usize] += 1);
        }
        sizes
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_group_is_empty_and_where_they_are_small_sizes_differ_by_one_at_most(
            elements in 1_usize..60_000,
            groups in 1_usize..60_000,
            key in any::<u8>(),
        ) {
            let sizes = sizes(elements, groups, key);
            prop_assert_eq!(sizes.len(), groups.min(elements));
            prop_assert_eq!(sizes.iter().sum::<usize>(), elements);
            let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
            if elements < MANY * groups {
                prop_assert!(*least > 0 && most - least <= 1, "{} to {}", least, most);
            }
        }
    }

    #[test]
    fn large_groups_are_nearly_alike() {
        let sizes = sizes(640_000, 10_000, 1);
        assert!(sizes.into_iter().all(|size| (24..120).contains(&size)));
    }

    #[test]
    fn places_fall_to_groups_by_an_exact_division() {
        let keying = Keying::new(&[1; 32], b"picture");
        for (elements, groups) in [(1, 1), (7, 3), (7, 7), (1000, 999), (99_991, 33_331)] {
            let ranks = Ranks(vec![0, elements]);
            let division = Division::new((&keying, Purpose::BodyGroups), ranks, groups);
            let exact = |place: usize| (place * groups / elements) as u32;
            assert!((0..elements).all(|place| division.group_at(place) == exact(place)));
        }
    }
}
