//! The part of the input in which matches are looked for, and the places in it by their hash.

use super::chains::Chains;

/// How far the window moves at a time, and a match can reach at all.
const STEP: usize = 32_768;
/// The window's size.
const SPAN: usize = 2 * STEP;
/// Input that is wanted before the walk goes on: a longest match, and a hash after it.
const AHEAD: usize = 262;
/// The farthest that zlib lets a match reach back.
pub(super) const FARTHEST: usize = STEP - AHEAD;
/// The walk's place at which the window moves.
const EDGE: usize = SPAN - AHEAD;
/// Bytes before the input's end from which on the window may move sooner.
pub(super) const EDGE_OF_INPUT: usize = AHEAD;
/// Bytes behind the window, so that comparing needs no bounds.
const SLACK: usize = 1024;

/// A match, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Match {
    /// Bytes; below 3 there is none.
    pub(super) length: usize,
    /// How far back it begins.
    pub(super) distance: usize,
}

impl Match {
    pub(super) const NONE: Self = Self { length: 2, distance: 0 };
}

/// The input around the place where a walk stands.
///
/// Places are counted from the window's start. Place 0 is never found, as in zlib, where it means
/// "none"; for the same reason the window moves exactly when zlib's does.
pub(in super::super) struct Window<'a> {
    input: &'a [u8],
    pub(super) bytes: Box<[u8; SPAN + SLACK]>,
    pub(super) chains: Chains,
    /// The window's place in the input.
    base: usize,
    /// Bytes in the window.
    pub(super) filled: usize,
    /// Where the walk stands.
    pub(super) at: usize,
}

/// Where zlib's window begins in an input of `length` bytes when a walk has come to `place` and
/// looks for input.
pub(super) fn base_at(place: usize, length: usize) -> usize {
    let base = place.saturating_sub(EDGE).div_ceil(STEP) * STEP;
    let scarce = length.min(base + SPAN) - place < AHEAD;
    if place - base == EDGE && scarce { base + STEP } else { base }
}

impl<'a> Window<'a> {
    /// A window for a walk that begins at `place`; matches may reach back before it.
    ///
    /// * `memory` - zlib's memLevel, 1 to 9
    pub(in super::super) fn at_place(input: &'a [u8], place: usize, memory: u8) -> Self {
        let base = base_at(place, input.len());
        let rest = &input[base..];
        let filled = rest.len().min(SPAN);
        let mut bytes = Box::new([0; SPAN + SLACK]);
        bytes[..filled].copy_from_slice(&rest[..filled]);
        let at = place - base;
        let mut window = Self { input, bytes, chains: Chains::new(memory), base, filled, at };
        for place in at.saturating_sub(STEP)..at {
            if place + 3 <= filled {
                window.remember(place);
            }
        }
        window
    }

    /// Where the walk stands in the input.
    pub(super) fn place(&self) -> usize {
        self.base + self.at
    }

    /// The input's end.
    pub(super) fn end(&self) -> usize {
        self.input.len()
    }

    /// Bytes of the window from the walk's place on.
    #[inline(always)]
    pub(super) fn ahead(&self) -> usize {
        self.filled - self.at
    }

    /// Moves the window if the walk has come to its edge.
    #[inline(always)]
    pub(super) fn refill(&mut self) {
        if self.at >= EDGE && self.ahead() < AHEAD {
            self.step();
        }
    }

    #[cold]
    fn step(&mut self) {
        self.base += STEP;
        self.at -= STEP;
        self.bytes.copy_within(STEP..SPAN, 0);
        let kept = self.filled - STEP;
        self.filled = (self.input.len() - self.base).min(SPAN);
        let fresh = &self.input[self.base + kept..self.base + self.filled];
        self.bytes[kept..self.filled].copy_from_slice(fresh);
        self.chains.step_back(STEP as u16);
    }

    /// Enters a place, which at least three bytes follow, under its hash; returns the last place
    /// with that hash, 0 for none.
    #[inline(always)]
    pub(super) fn remember(&mut self, place: usize) -> u16 {
        let place = place & (SPAN - 1);
        let word =
            self.bytes[place..].first_chunk::<4>().map_or(0, |word| u32::from_le_bytes(*word));
        self.chains.push(word, place as u16)
    }
}
