//! The places of a stretch of input, sorted by the hash of the three bytes there.
//!
//! zlib follows a chain from one place to the one before it with the same hash. Where every place
//! is remembered, as at the lazy levels, the chains depend on the input alone; so here all places
//! of a chain lie side by side, with the first bytes of each, and many are compared at once. What
//! is found is the same, to the place.

use super::{
    super::alphabet::{LONGEST_MATCH, SHORTEST_MATCH},
    chains::Hash,
    effort::Effort,
    window::{EDGE_OF_INPUT, FARTHEST, Match, base_at},
};

/// Places before a stretch that can be found from it.
const BEHIND: usize = 32_768;
/// Places of a stretch; sorting more at once takes more room, sorting fewer more time.
const STRETCH: usize = 65_536;

/// A sorted stretch of the input and what lies behind it.
pub(super) struct Sorted<'a> {
    input: &'a [u8],
    hash: Hash,
    /// The places from which can be searched.
    from: usize,
    to: usize,
    /// The first place that was sorted.
    first: usize,
    /// For each hash where its places begin in the lists, and the end of those sorted so far.
    chains: Vec<[u32; 2]>,
    /// The first four bytes at each place, in the order of hashes, then of places.
    words: Vec<u32>,
    /// The places in the same order, less `first`.
    places: Vec<u32>,
    /// For each place of the stretch where its chain lies in these lists: the end, which is the
    /// place itself, and the number of places before it.
    slots: Vec<[u32; 2]>,
}

impl<'a> Sorted<'a> {
    /// * `memory` - zlib's memLevel, 1 to 9
    pub(super) fn new(input: &'a [u8], memory: u8) -> Self {
        let hash = Hash::new(memory);
        let chains = vec![[0; 2]; hash.count()];
        let (words, places, slots) = (Vec::new(), Vec::new(), Vec::new());
        Self { input, hash, from: 0, to: 0, first: 0, chains, words, places, slots }
    }

    /// The input.
    pub(super) fn input(&self) -> &'a [u8] {
        self.input
    }

    /// Makes sure that `place` can be searched from: three bytes are there.
    #[inline(always)]
    pub(super) fn reach(&mut self, place: usize) {
        if !(self.from..self.to).contains(&place) {
            self.sort(place);
        }
    }

    #[cold]
    fn sort(&mut self, from: usize) {
        self.from = from;
        self.first = from.saturating_sub(BEHIND);
        self.to = (from + STRETCH).min(self.input.len() + 1 - SHORTEST_MATCH);
        let count = self.to - self.first;
        self.words.resize(count, 0);
        self.places.resize(count, 0);
        self.slots.resize(self.to - from, [0; 2]);
        let bytes = &self.input[self.first..];
        let ends = &mut self.chains;
        ends.fill([0; 2]);
        for &[a, b, c] in bytes.array_windows().take(count) {
            ends[self.hash.of(u32::from_le_bytes([a, b, c, 0]))][1] += 1;
        }
        let mut sum = 0;
        for chain in ends.iter_mut() {
            let start = sum;
            sum += chain[1];
            *chain = [start; 2];
        }
        let whole = bytes.array_windows().map(|word| u32::from_le_bytes(*word));
        // At the input's end the last place has three bytes only.
        let last = bytes.last_chunk().map_or(0, |&[a, b, c]| u32::from_le_bytes([a, b, c, 0]));
        let behind = from - self.first;
        for (place, word) in whole.chain([last]).take(count).enumerate() {
            let chain = &mut ends[self.hash.of(word)];
            let at = chain[1];
            chain[1] += 1;
            self.words[at as usize] = word;
            self.places[at as usize] = place as u32;
            if place >= behind {
                self.slots[place - behind] = [at, at - chain[0]];
            }
        }
    }

    /// The match at `place`, which is [within reach](Self::reach), that zlib finds: longer than
    /// `longer_than` bytes (2 to 258), of the longest the latest, among the latest places of the
    /// chain.
    ///
    /// Matches that are too short for the effort's strategy may be left out.
    #[inline(always)]
    pub(super) fn longest(&self, place: usize, longer_than: usize, effort: &Effort) -> Match {
        let most = (self.input.len() - place).min(LONGEST_MATCH);
        let [end, count] = self.slots[place - self.from];
        if longer_than >= most || count == 0 {
            return Match::NONE;
        }
        let chain = if longer_than >= effort.good { effort.chain / 4 } else { effort.chain };
        let chain = (end - count.min(chain)) as usize..end as usize;
        let words = &self.words[chain.clone()];
        let length = longer_than.max(effort.poor).min(most);
        let mut search = Search {
            bytes: &self.input[self.first..place + most],
            at: place - self.first,
            word: self.words[end as usize],
            nice: effort.nice.min(most),
            best: Match { length, distance: 0 },
        };
        let farthest = place.saturating_sub(FARTHEST).max(self.floor(place));
        search.run(words, &self.places[chain], farthest.saturating_sub(self.first));
        if search.best.distance == 0 { Match::NONE } else { search.best }
    }

    /// The first place that can be found: zlib takes the first of its window for none.
    #[inline(always)]
    fn floor(&self, place: usize) -> usize {
        if place > FARTHEST && place + EDGE_OF_INPUT <= self.input.len() {
            return 0;
        }
        base_at(place, self.input.len()) + 1
    }
}

/// Places that are looked at in one go.
const AT_ONCE: usize = 8;

struct Search<'a> {
    /// What was sorted, up to the end of the longest match that is possible.
    bytes: &'a [u8],
    at: usize,
    /// The first four bytes at this place.
    word: u32,
    nice: usize,
    best: Match,
}

impl Search<'_> {
    /// * `words`, `places` - the chain, its latest place last
    /// * `farthest` - the first place that can be found
    #[inline(always)]
    fn run(&mut self, words: &[u32], places: &[u32], farthest: usize) {
        let (Some((&word, mut words)), Some((&latest, mut places))) =
            (words.split_last(), places.split_last())
        else {
            return;
        };
        let mut farthest = farthest as u32;
        if latest < farthest || self.takes(word, latest) {
            return;
        }
        // All but the latest must be nearer by one.
        farthest = farthest.max((self.at + 1).saturating_sub(FARTHEST) as u32);
        while self.best.length < SHORTEST_MATCH {
            let (Some((&word, before)), Some((&place, earlier))) =
                (words.split_last(), places.split_last())
            else {
                return;
            };
            if place < farthest || self.takes(word, place) {
                return;
            }
            (words, places) = (before, earlier);
        }
        let ((words, many_words), (places, many_places)) =
            (words.as_rchunks::<AT_ONCE>(), places.as_rchunks::<AT_ONCE>());
        for (words, places) in many_words.iter().zip(many_places).rev() {
            let alike = words.iter().fold(false, |alike, word| alike | (*word == self.word));
            if alike && self.takes_any(words, places, farthest) || places[0] < farthest {
                return;
            }
        }
        self.takes_any(words, places, farthest);
    }

    /// Looks at places from the last one on; returns whether the search is over.
    fn takes_any(&mut self, words: &[u32], places: &[u32], farthest: u32) -> bool {
        words.iter().zip(places).rev().any(|(&word, &place)| {
            word == self.word && (place < farthest || self.takes(word, place))
        })
    }

    /// Takes the match at a place if it is longer; returns whether it is long enough.
    #[inline(always)]
    fn takes(&mut self, word: u32, place: u32) -> bool {
        let (place, length) = (place as usize, self.best.length);
        let differ = word ^ self.word;
        if differ & 0x00ff_ffff != 0 || length > 2 && differ != 0 {
            return false;
        }
        if length > SHORTEST_MATCH && self.four(place + length - 3) != self.four(self.at + length - 3)
        {
            return false;
        }
        let found = self.common(place);
        if found <= length {
            return false;
        }
        self.best = Match { length: found, distance: self.at - place };
        found >= self.nice
    }

    #[inline(always)]
    fn four(&self, place: usize) -> Option<&[u8; 4]> {
        self.bytes.get(place..)?.first_chunk()
    }

    /// How many bytes at a place equal those at the present one.
    #[inline(always)]
    fn common(&self, place: usize) -> usize {
        let here = &self.bytes[self.at..];
        let there = &self.bytes[place..place + here.len()];
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
