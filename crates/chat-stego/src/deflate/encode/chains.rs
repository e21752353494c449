//! Places with equal hashes of three bytes, the latest first.

const PLACES: usize = 32_768;
const HASHES: usize = 65_536;

/// zlib's hash of three bytes.
#[derive(Clone, Copy)]
pub(super) struct Hash {
    /// Bits that each byte is shifted beyond the next.
    shift: u32,
    mask: u32,
}

impl Hash {
    /// * `memory` - zlib's memLevel, 1 to 9: the hash has 7 bits more
    pub(super) fn new(memory: u8) -> Self {
        let bits = u32::from(memory.clamp(1, 9)) + 7;
        Self { shift: bits.div_ceil(3), mask: (1 << bits) - 1 }
    }

    /// How many hashes there are.
    pub(super) fn count(self) -> usize {
        self.mask as usize + 1
    }

    /// The hash of the three lower bytes of `word`, the first one lowest.
    #[inline(always)]
    pub(super) fn of(self, word: u32) -> usize {
        let (first, second, third) = (word & 0xFF, word >> 8 & 0xFF, word >> 16 & 0xFF);
        let hash = first << (2 * self.shift) ^ second << self.shift ^ third;
        (hash & self.mask) as usize
    }
}

/// For each hash the latest place, for each place the one before it with the same hash; 0 is none.
pub(super) struct Chains {
    latest: Box<[u16; HASHES]>,
    before: Box<[u16; PLACES]>,
    hash: Hash,
}

impl Chains {
    /// * `memory` - zlib's memLevel
    pub(super) fn new(memory: u8) -> Self {
        let (latest, before) = (Box::new([0; HASHES]), Box::new([0; PLACES]));
        Self { latest, before, hash: Hash::new(memory) }
    }

    /// Enters a place by the three bytes there (the lower ones of `word`, the first one lowest);
    /// returns the latest place with the same hash.
    #[inline(always)]
    pub(super) fn push(&mut self, word: u32, place: u16) -> u16 {
        let latest = &mut self.latest[self.hash.of(word) & (HASHES - 1)];
        let earlier = std::mem::replace(latest, place);
        self.before[usize::from(place) & (PLACES - 1)] = earlier;
        earlier
    }

    /// The place before this one with the same hash.
    #[inline(always)]
    pub(super) fn before(&self, place: u16) -> u16 {
        self.before[usize::from(place) & (PLACES - 1)]
    }

    /// Counts all places from `step` further on; those before are forgotten.
    pub(super) fn step_back(&mut self, step: u16) {
        for place in self.latest.iter_mut().chain(self.before.iter_mut()) {
            *place = place.saturating_sub(step);
        }
    }
}
