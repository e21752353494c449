//! The places of the input at which a match can begin, found as zlib finds them, only sooner.
//!
//! zlib follows the chain of all places with the same hash of three bytes, as far as its level
//! says. Where every place is remembered, as at the lazy levels, these chains depend on the input
//! alone. So it is enough to number the places of each chain, and to follow the much shorter
//! chains of places at which four or six bytes are the same: whatever zlib would take is on them,
//! in the same order, and the numbers say whether it would have come so far.

mod search;

use std::hash::{BuildHasher, Hasher, RandomState};

use super::{
    super::alphabet::{LONGEST_MATCH, SHORTEST_MATCH},
    chains::Hash,
    effort::Effort,
    window::{EDGE_OF_INPUT, FARTHEST, Match, base_at},
};
use search::Search;

/// Places that are remembered: farther back than [`FARTHEST`] nothing is found.
const REMEMBERED: usize = 32_768;

/// Places that are remembered in one go, ahead of the walk: memory is slow to answer, but answers
/// many at once. None may take the room of one that can still be found.
const AT_ONCE: usize = 256;
const _: () = assert!(FARTHEST + AT_ONCE <= REMEMBERED);

/// Bits of the hash of four or six bytes.
const BITS: u32 = 16;

/// All places up to the one where a walk stands.
pub(super) struct Places<'a> {
    input: &'a [u8],
    effort: Effort,
    /// The next place to be remembered.
    next: usize,
    /// zlib's hash, and for each value how many places have had it.
    hash: Hash,
    counts: Vec<u16>,
    /// For each place its number in the chain of zlib's hash.
    numbers: Box<[u16; REMEMBERED]>,
    /// Places with the same first bytes, of which there are so many.
    alike: Chain,
    width: usize,
    multiplier: u64,
    /// Places with zlib's hash, where matches of three bytes count.
    threes: Option<Chain>,
}

/// Places with equal hashes, the latest first.
struct Chain {
    /// For each hash the place after the latest; 0 is none.
    latest: Vec<u32>,
    links: Box<[Link; REMEMBERED]>,
}

/// What a chain knows of a place.
#[derive(Clone, Copy, Default)]
struct Link {
    /// How far the place before it is; 0 is none that is near enough.
    back: u16,
    /// More bits of its hash.
    tag: u16,
}

impl<'a> Places<'a> {
    /// The places from which matches at `place` and behind it reach back.
    ///
    /// * `memory` - zlib's memLevel, 1 to 9
    pub(super) fn before(input: &'a [u8], place: usize, (memory, effort): (u8, Effort)) -> Self {
        let hash = Hash::new(memory);
        let short_count = effort.poor < SHORTEST_MATCH;
        let mut places = Self {
            input,
            effort,
            next: place.saturating_sub(REMEMBERED),
            hash,
            counts: vec![0; hash.count()],
            numbers: Box::new([0; REMEMBERED]),
            alike: Chain::new(1 << BITS),
            width: if short_count { 4 } else { effort.poor + 1 },
            // Whoever could tell which bytes have the same hash could make chains of any length.
            multiplier: RandomState::new().build_hasher().finish() | 1,
            threes: short_count.then(|| Chain::new(hash.count())),
        };
        places.remember_until(place);
        places
    }

    pub(super) fn input(&self) -> &'a [u8] {
        self.input
    }

    /// The match at `place` that zlib finds: longer than `longer_than` bytes (2 to 258), of the
    /// longest the latest. What the effort says is too short may be left out.
    ///
    /// Places must be asked for in order.
    #[inline(always)]
    pub(super) fn longest(&mut self, place: usize, longer_than: usize) -> Match {
        if self.next <= place {
            self.remember_until(place + AT_ONCE);
        }
        let length = longer_than.max(self.effort.poor);
        let is_short = length < SHORTEST_MATCH;
        if !is_short && self.alike.before(place, place.saturating_sub(FARTHEST)).is_none() {
            return Match::NONE;
        }
        self.search(place, (longer_than, length))
    }

    #[inline(never)]
    fn search(&self, place: usize, (longer_than, length): (usize, usize)) -> Match {
        let most = (self.input.len() - place).min(LONGEST_MATCH);
        if length >= most {
            return Match::NONE;
        }
        let is_good = longer_than >= self.effort.good;
        let mut search = Search {
            input: self.input,
            here: place,
            most,
            word: word_at(self.input, place),
            number: self.numbers[place & (REMEMBERED - 1)],
            first: place.saturating_sub(FARTHEST).max(self.floor(place)),
            chain: if is_good { self.effort.chain / 4 } else { self.effort.chain } as u16,
            nice: self.effort.nice.min(most),
            best: Match { length, distance: 0 },
        };
        let is_over = match &self.threes {
            Some(threes) if length < SHORTEST_MATCH => search.nearest(threes),
            _ => false,
        };
        if !is_over {
            search.longer(&self.alike, &self.numbers);
        }
        if search.best.distance == 0 { Match::NONE } else { search.best }
    }

    /// Remembers all places before `end` at which three bytes are.
    fn remember_until(&mut self, end: usize) {
        let end = end.min((self.input.len() + 1).saturating_sub(SHORTEST_MATCH));
        let shift = 64 - 8 * self.width as u32;
        for place in self.next..end {
            let word = word_at(self.input, place);
            let hash = self.hash.of(word as u32);
            let number = self.counts[hash].wrapping_add(1);
            self.counts[hash] = number;
            self.numbers[place & (REMEMBERED - 1)] = number;
            let alike = (word << shift).wrapping_mul(self.multiplier);
            self.alike.push((alike >> (64 - BITS)) as usize, (alike >> 32) as u16, place);
            if let Some(threes) = &mut self.threes {
                threes.push(hash, 0, place);
            }
        }
        self.next = self.next.max(end);
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

impl Chain {
    fn new(hashes: usize) -> Self {
        Self { latest: vec![0; hashes], links: Box::new([Link::default(); REMEMBERED]) }
    }

    #[inline(always)]
    fn push(&mut self, hash: usize, tag: u16, place: usize) {
        let latest = std::mem::replace(&mut self.latest[hash], place as u32 + 1) as usize;
        let back = place + 1 - latest;
        let is_near = latest != 0 && back < REMEMBERED;
        let back = if is_near { back as u16 } else { 0 };
        self.links[place & (REMEMBERED - 1)] = Link { back, tag };
    }

    /// The place before this one on its chain, if it is not before `first`, which can be found.
    #[inline(always)]
    fn before(&self, mut place: usize, first: usize) -> Option<usize> {
        let mut link = self.links[place & (REMEMBERED - 1)];
        let tag = link.tag;
        loop {
            let back = usize::from(link.back);
            if back == 0 || place < first + back {
                return None;
            }
            place -= back;
            link = self.links[place & (REMEMBERED - 1)];
            if link.tag == tag {
                return Some(place);
            }
        }
    }
}

/// Eight bytes, the first one lowest; zeros behind the input's end.
#[inline(always)]
fn word_at(input: &[u8], place: usize) -> u64 {
    match input[place..].first_chunk() {
        Some(word) => u64::from_le_bytes(*word),
        None => word_at_the_end(&input[place..]),
    }
}

#[cold]
fn word_at_the_end(rest: &[u8]) -> u64 {
    rest.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
}
