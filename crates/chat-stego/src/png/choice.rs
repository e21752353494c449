//! How the writer of a file chose each row's filter, and the same choice for changed rows.

use std::ops::Range;

use super::filter::Row;
use super::heuristic::{GROUPS, Group, Rule, Set};
use super::samples::Samples;
use super::workers;

/// How rows are filtered when a file is written again.
#[derive(Clone, Copy, Debug)]
pub(super) enum Filtering {
    /// Each row as in the cover.
    Kept,
    /// Rows from `from_row` on by a rule; those before, of which there is one at most, as in the
    /// cover.
    Chosen { group: &'static Group, rule: &'static Rule, set: Set, from_row: usize },
}

impl Filtering {
    /// Finds the rule that explains all rows of the cover, or all but the first, which some writers
    /// treat apart. Where there is none, each row keeps its type.
    pub(super) fn of(cover: &Samples) -> Self {
        let first = usize::from(cover.filters.len() > 1);
        for group in &GROUPS {
            let rest = Tally::of(group, cover, first..cover.filters.len());
            let all = rest.clone().and(&Tally::of_share(group, cover, 0..first));
            let tallies = [(&all, 0), (&rest, first)];
            let usual = tallies.iter().find_map(|(t, from)| Some((t.usual_rule(group)?, *from)));
            let found = usual.or_else(|| {
                // Rows of one type are more likely a caller's wish than an unusual set's choice.
                let mut tallies = tallies.iter().filter(|_| !rest.used.is_single());
                tallies.find_map(|(t, from)| Some((t.any_rule(group)?, *from)))
            });
            if let Some(((rule, set), from_row)) = found {
                return Self::Chosen { group, rule, set, from_row };
            }
        }
        Self::Kept
    }

    /// Filters all rows; `samples.filters` are the cover's.
    pub(super) fn apply(self, samples: &Samples) -> Vec<u8> {
        let line = samples.stride() + 1;
        let mut raw = vec![0; line * samples.filters.len()];
        std::thread::scope(|scope| {
            let mut rest = raw.as_mut_slice();
            for rows in workers::shares(samples.filters.len()) {
                let (part, behind) = rest.split_at_mut(line * rows.len());
                rest = behind;
                scope.spawn(move || {
                    for (row, line) in rows.zip(part.chunks_exact_mut(line)) {
                        self.filter_row(samples, row, line);
                    }
                });
            }
        });
        raw
    }

    fn filter_row(self, samples: &Samples, row: usize, line: &mut [u8]) {
        let Some((filter, out)) = line.split_first_mut() else { return };
        with_row(samples, row, |content| {
            *filter = match self {
                Self::Chosen { group, rule, set, from_row } if row >= from_row => {
                    rule.choose((group.weigh)(content), set)
                }
                _ => samples.filters.get(row).copied().unwrap_or_default(),
            };
            content.apply(*filter, out);
        });
    }
}

/// What some rows say about the rules of a group.
#[derive(Clone)]
struct Tally {
    /// The types that the rows have.
    used: Set,
    /// For each rule, the filters that may have been tried: where one of the others had been, a row
    /// would have another type.
    possible: Vec<Set>,
}

impl Tally {
    fn of(group: &'static Group, cover: &Samples, rows: Range<usize>) -> Self {
        let shares = workers::shares(rows.len());
        let mut tallies = vec![Self::empty(group); shares.len()];
        std::thread::scope(|scope| {
            for (tally, share) in tallies.iter_mut().zip(shares) {
                let share = share.start + rows.start..share.end + rows.start;
                scope.spawn(move || *tally = Self::of_share(group, cover, share));
            }
        });
        tallies.iter().fold(Self::empty(group), Self::and)
    }

    /// As [`of`](Self::of), on this thread; stops where no rule is left.
    fn of_share(group: &Group, cover: &Samples, rows: Range<usize>) -> Self {
        let mut tally = Self::empty(group);
        for (row, filter) in rows.clone().zip(cover.filters.iter().skip(rows.start)) {
            with_row(cover, row, |content| {
                let costs = (group.weigh)(content);
                for (possible, rule) in tally.possible.iter_mut().zip(group.rules) {
                    *possible = possible.without(rule.preferred_to(costs, *filter));
                }
            });
            tally.used = tally.used.with(Set::of(*filter));
            if tally.possible.iter().all(|possible| !possible.contains(tally.used)) {
                break;
            }
        }
        tally
    }

    fn empty(group: &Group) -> Self {
        Self { used: Set::NOTHING, possible: vec![Set::ALL; group.rules.len()] }
    }

    fn and(mut self, other: &Self) -> Self {
        self.used = self.used.with(other.used);
        for (possible, other) in self.possible.iter_mut().zip(&other.possible) {
            *possible = possible.without(Set::ALL.without(*other));
        }
        self
    }

    /// The first rule that gives all the types with a set of filters in use.
    fn usual_rule(&self, group: &'static Group) -> Option<(&'static Rule, Set)> {
        let mut rules = group.rules.iter().zip(&self.possible);
        rules.find_map(|(rule, possible)| {
            let fits = |set: &&Set| set.contains(self.used) && possible.contains(**set);
            Some((rule, *rule.usual.iter().find(fits)?))
        })
    }

    /// The first rule that gives all the types with any set, and the largest such set.
    fn any_rule(&self, group: &'static Group) -> Option<(&'static Rule, Set)> {
        let mut rules = group.rules.iter().zip(&self.possible);
        let (rule, set) = rules.find(|(_, possible)| possible.contains(self.used))?;
        Some((rule, *set))
    }
}

/// Shows row `row` and the one above it, which is zeros for the first.
fn with_row(samples: &Samples, row: usize, see: impl FnOnce(&Row<'_>)) {
    let (bpp, content) = (samples.channels(), samples.row(row));
    match row.checked_sub(1) {
        Some(above) => see(&Row::new(bpp, content, samples.row(above))),
        None => see(&Row::new(bpp, content, &vec![0; content.len()])),
    }
}
