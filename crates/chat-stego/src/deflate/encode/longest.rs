//! The longest match at a place.

use super::{
    super::alphabet::LONGEST_MATCH,
    chains::Chains,
    effort::Effort,
    window::{FARTHEST, Match, Window},
};

impl Window<'_> {
    /// Looks along the chain of `candidate` for a match with the present place that is longer
    /// than `longer_than` bytes (2 to 258); the latest of the longest wins.
    #[inline(always)]
    pub(super) fn longest(&self, candidate: u16, longer_than: usize, effort: &Effort) -> Match {
        let most = self.ahead().min(LONGEST_MATCH);
        if longer_than >= most {
            return Match::NONE;
        }
        let mut search = Search {
            bytes: &self.bytes,
            at: self.at,
            nice: effort.nice.min(most),
            chain: if longer_than >= effort.good { effort.chain / 4 } else { effort.chain },
            best: Match { length: longer_than, distance: 0 },
        };
        search.run(candidate, &self.chains);
        let Match { length, distance } = search.best;
        if distance == 0 { Match::NONE } else { Match { length: length.min(most), distance } }
    }
}

struct Search<'a, const N: usize> {
    bytes: &'a [u8; N],
    at: usize,
    nice: usize,
    chain: u32,
    best: Match,
}

impl<const N: usize> Search<'_, N> {
    #[inline(always)]
    fn run(&mut self, mut candidate: u16, chains: &Chains) {
        let limit = self.at.saturating_sub(FARTHEST) as u16;
        let start = self.pair(self.at);
        let mut end = self.pair(self.at + self.best.length - 1);
        loop {
            let place = usize::from(candidate);
            if self.pair(place + self.best.length - 1) == end && self.pair(place) == start {
                let length = self.common(place);
                if length > self.best.length {
                    self.best = Match { length, distance: self.at - place };
                    if length >= self.nice {
                        return;
                    }
                    end = self.pair(self.at + length - 1);
                }
            }
            candidate = chains.before(candidate);
            self.chain -= 1;
            if candidate <= limit || self.chain == 0 {
                return;
            }
        }
    }

    /// Two bytes at a place. The place is below 65,536 + 258, well within the slack.
    #[inline(always)]
    fn pair(&self, place: usize) -> u16 {
        let place = place & 0x1_FFFF;
        u16::from_le_bytes([self.bytes[place], self.bytes[place + 1]])
    }

    /// How many bytes, at most 258, at a place equal those at the present one.
    #[inline(always)]
    fn common(&self, place: usize) -> usize {
        let here = &self.bytes[self.at..][..LONGEST_MATCH + 6];
        let there = &self.bytes[place..][..LONGEST_MATCH + 6];
        let (here, _) = here.as_chunks::<8>();
        let (there, _) = there.as_chunks::<8>();
        for (index, (a, b)) in here.iter().zip(there).enumerate() {
            let differ = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
            if differ != 0 {
                return (8 * index + (differ.trailing_zeros() / 8) as usize).min(LONGEST_MATCH);
            }
        }
        LONGEST_MATCH
    }
}
