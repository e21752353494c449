//! The rules by which encoders choose the filter of a row.
//!
//! All weigh the row under each filter of a set and take the least; they differ in the set, in which
//! of equals they take, and in how they weigh.

use super::filter::{Lode, Row, Signed};

/// Every rule that is known, in groups that weigh bytes alike; the most usual first.
pub(super) static GROUPS: [Group; 2] = [
    Group {
        weigh: |row| row.costs::<Signed>(),
        rules: &[
            // libpng and what uses it, libspng, stb_image_write.
            Rule::new([0, 1, 2, 3, 4], Ties::First, &[Set::ALL, Set::FAST]),
            // Pillow, which tries Average only where asked to optimise.
            Rule::new([0, 2, 1, 3, 4], Ties::First, &[Set::NO_AVERAGE, Set::ALL]),
            // Go's image/png.
            Rule::new([2, 3, 0, 4, 1], Ties::First, &[Set::ALL]),
            // The crate png from 0.18 on, and before.
            Rule::new([0, 2, 1, 3, 4], Ties::LastUnlessZero, &[Set::NO_NONE]),
            Rule::new([0, 1, 2, 3, 4], Ties::Last, &[Set::NO_NONE]),
            // FFmpeg's "mixed".
            Rule::new([0, 1, 2, 3, 4], Ties::TypeWeighs, &[Set::ALL]),
        ],
    },
    Group {
        weigh: |row| row.costs::<Lode>(),
        rules: &[Rule::new([0, 1, 2, 3, 4], Ties::First, &[Set::ALL])],
    },
];

/// Rules that weigh bytes alike.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) weigh: fn(&Row<'_>) -> [u32; 5],
    pub(super) rules: &'static [Rule],
}

/// An encoder's rule but for the set of filters, which its callers can often choose.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rule {
    /// The place of each filter in the order in which they are tried.
    rank: [u8; 5],
    ties: Ties,
    /// Sets in use, the most usual first.
    pub(super) usual: &'static [Set],
}

/// Which of several filters that weigh the same is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ties {
    First,
    Last,
    /// The last, but the first of those that weigh nothing.
    LastUnlessZero,
    /// The type's number weighs too; of those that then weigh the same, the first.
    TypeWeighs,
}

impl Rule {
    const fn new(rank: [u8; 5], ties: Ties, usual: &'static [Set]) -> Self {
        Self { rank, ties, usual }
    }

    /// The filter that the rule takes from `set`, which is not empty.
    pub(super) fn choose(&self, costs: [u32; 5], set: Set) -> u8 {
        let members = (0..5).filter(|filter| set.contains(Set::of(*filter)));
        members.min_by_key(|filter| self.key(costs, *filter)).unwrap_or_default()
    }

    /// The filters that the rule would rather take than `chosen`.
    pub(super) fn preferred_to(&self, costs: [u32; 5], chosen: u8) -> Set {
        let bar = self.key(costs, chosen);
        Set((0..5).filter(|f| self.key(costs, *f) < bar).map(|f| Set::of(f).0).sum())
    }

    /// What a filter is compared by: the least is taken.
    fn key(&self, costs: [u32; 5], filter: u8) -> (u32, u8) {
        let at = usize::from(filter);
        let cost = costs.get(at).copied().unwrap_or(u32::MAX);
        let rank = self.rank.get(at).copied().unwrap_or(u8::MAX);
        match self.ties {
            Ties::First => (cost, rank),
            Ties::LastUnlessZero if cost == 0 => (cost, rank),
            Ties::Last | Ties::LastUnlessZero => (cost, u8::MAX - rank),
            Ties::TypeWeighs => (cost.saturating_add(u32::from(filter)), rank),
        }
    }
}

/// Filters as bits: 1 for type 0, 2 for type 1, and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Set(u8);

impl Set {
    pub(super) const NOTHING: Self = Self(0);
    pub(super) const ALL: Self = Self(0b11111);
    const NO_AVERAGE: Self = Self(0b10111);
    const NO_NONE: Self = Self(0b11110);
    /// None, Sub and Up, which libpng calls fast.
    const FAST: Self = Self(0b00111);

    pub(super) fn of(filter: u8) -> Self {
        Self(1 << (filter & 7))
    }

    pub(super) fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(super) fn is_single(self) -> bool {
        self.0.is_power_of_two()
    }

    pub(super) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(costs: [u32; 5]) -> Vec<u8> {
        let rules = GROUPS.iter().flat_map(|group| group.rules);
        rules.map(|rule| rule.choose(costs, rule.usual[0])).collect()
    }

    #[test]
    fn rules_differ_in_which_of_equals_they_take() {
        assert_eq!(chosen([9, 8, 7, 6, 4]), [4, 4, 4, 4, 4, 4, 4]);
        assert_eq!(chosen([5, 5, 5, 5, 5]), [0, 0, 2, 4, 4, 0, 0]);
        assert_eq!(chosen([0, 0, 0, 0, 0]), [0, 0, 2, 2, 4, 0, 0]);
        assert_eq!(chosen([9, 5, 5, 9, 5]), [1, 2, 2, 4, 4, 1, 1]);
        assert_eq!(chosen([9, 9, 6, 9, 5]), [4, 4, 4, 4, 4, 2, 4]);
    }

    #[test]
    fn preferred_filters_are_those_that_would_have_been_taken() {
        let rule = &GROUPS[0].rules[0];
        assert_eq!(rule.preferred_to([5, 4, 4, 9, 3], 2), Set(0b10010));
        assert_eq!(rule.preferred_to([5, 4, 4, 9, 3], 4), Set::NOTHING);
    }
}
