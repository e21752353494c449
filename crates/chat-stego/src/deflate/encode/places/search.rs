//! One search for a match.

use super::{
    super::window::{FARTHEST, Match},
    Chain, REMEMBERED, word_at,
};

/// What is searched for, and what has been found.
pub(super) struct Search<'a> {
    pub(super) input: &'a [u8],
    /// The place for which a match is wanted.
    pub(super) here: usize,
    /// The longest match that is possible.
    pub(super) most: usize,
    /// The eight bytes here.
    pub(super) word: u64,
    /// The number of this place on its chain.
    pub(super) number: u16,
    /// The first place that can be found.
    pub(super) first: usize,
    /// The most places on zlib's chain that are looked at.
    pub(super) chain: u16,
    /// A match of this length ends the search.
    pub(super) nice: usize,
    pub(super) best: Match,
}

impl Search<'_> {
    /// Looks for the latest place at which three bytes are the same; whether the search is over.
    #[inline(always)]
    pub(super) fn nearest(&mut self, threes: &Chain) -> bool {
        let mut place = self.here;
        for step in 1..=self.chain {
            let Some(before) = threes.before(place, self.first) else { return true };
            place = before;
            if self.is_too_far(place, step) {
                return true;
            }
            let differ = word_at(self.input, place) ^ self.word;
            if differ & 0x00ff_ffff == 0 {
                return self.takes(place, differ);
            }
        }
        true
    }

    /// Looks for longer matches than the best so far.
    #[inline(always)]
    pub(super) fn longer(&mut self, alike: &Chain, numbers: &[u16; REMEMBERED]) {
        let mut place = self.here;
        while let Some(before) = alike.before(place, self.first) {
            place = before;
            let differ = word_at(self.input, place) ^ self.word;
            if differ & 0x00ff_ffff != 0 {
                continue;
            }
            let step = self.number.wrapping_sub(numbers[place & (REMEMBERED - 1)]);
            if step > self.chain || self.is_too_far(place, step) || self.takes(place, differ) {
                return;
            }
        }
    }

    /// The first place of a chain may be one byte farther back than the others.
    #[inline(always)]
    fn is_too_far(&self, place: usize, step: u16) -> bool {
        step > 1 && self.here - place >= FARTHEST
    }

    /// Takes the match at a place if it is longer; returns whether it is long enough.
    ///
    /// * `differ` - what the first eight bytes differ by
    #[inline(always)]
    fn takes(&mut self, place: usize, differ: u64) -> bool {
        let length = match differ {
            0 if self.is_shorter(place) => return false,
            0 => self.common(place),
            _ => (differ.trailing_zeros() / 8) as usize,
        };
        let length = length.min(self.most);
        if length <= self.best.length {
            return false;
        }
        self.best = Match { length, distance: self.here - place };
        length >= self.nice
    }

    /// Whether a match is no longer than the best so far, by the last bytes that it would need.
    #[inline(always)]
    fn is_shorter(&self, place: usize) -> bool {
        let last = self.best.length.saturating_sub(7);
        word_at(self.input, place + last) != word_at(self.input, self.here + last)
            && self.best.length >= 7
    }

    /// How many bytes at a place equal those here, at most the most that are possible.
    #[inline(always)]
    fn common(&self, place: usize) -> usize {
        let here = &self.input[self.here..self.here + self.most];
        let there = &self.input[place..place + self.most];
        let ((here, here_end), (there, there_end)) =
            (here.as_chunks::<8>(), there.as_chunks::<8>());
        for (index, (a, b)) in here.iter().zip(there).enumerate() {
            let differ = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
            if differ != 0 {
                return 8 * index + (differ.trailing_zeros() / 8) as usize;
            }
        }
        let end = here_end.iter().zip(there_end).take_while(|(a, b)| a == b).count();
        8 * here.len() + end
    }
}
