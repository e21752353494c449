//! The walk of levels 4 to 9: a match waits for the next place, which may have a longer one.

use super::{
    super::{alphabet::SHORTEST_MATCH, token::Token},
    effort::Effort,
    window::{FARTHEST, Match, Window},
};

/// A match of three bytes from farther away is not worth it.
const TOO_FAR: usize = 4096;

/// A lazy walk over the input.
pub(in super::super) struct Lazy<'a> {
    window: Window<'a>,
    effort: Effort,
    /// What was found at the place before.
    found: Match,
    /// The byte before is not written yet.
    waiting: bool,
    /// Nothing had been found when the walk came to the place before.
    fresh: bool,
}

impl<'a> Lazy<'a> {
    pub(in super::super) fn new(window: Window<'a>, effort: Effort) -> Self {
        Self { window, effort, found: Match::NONE, waiting: false, fresh: true }
    }

    /// Walks until `stop` or the input's end; the last token may end a few bytes off.
    ///
    /// Each token is marked that begins at a place to which the walk came without a match in
    /// mind: from there on all walks over this input are the same.
    pub(in super::super) fn walk(&mut self, stop: usize, tokens: &mut Vec<Token>) {
        let stop = stop.min(self.window.end());
        while self.window.place() < stop {
            self.window.refill();
            let before = std::mem::replace(&mut self.found, Match::NONE);
            if self.window.ahead() >= SHORTEST_MATCH {
                let candidate = self.window.remember(self.window.at);
                self.found = self.search(candidate, before.length);
            }
            let fresh = before.length < SHORTEST_MATCH;
            if !fresh && self.found.length <= before.length {
                let token = Token::copy(before.length, before.distance);
                tokens.push(token.marked(self.fresh));
                self.pass(before.length - 1);
                self.found = Match::NONE;
                self.waiting = false;
                self.fresh = true;
            } else {
                if self.waiting {
                    tokens.push(self.byte_before().marked(self.fresh));
                }
                self.waiting = true;
                self.window.at += 1;
                self.fresh = fresh;
            }
        }
    }

    /// The place after the last token.
    pub(super) fn written(&self) -> usize {
        self.window.place() - usize::from(self.waiting)
    }

    /// The byte that is left to write at the input's end.
    pub(in super::super) fn rest(self) -> Option<Token> {
        self.waiting.then(|| self.byte_before())
    }

    /// A match here that is longer than `length`, or anything shorter.
    #[inline(always)]
    fn search(&self, candidate: u16, length: usize) -> Match {
        let far = self.window.at.saturating_sub(usize::from(candidate)) > FARTHEST;
        if candidate == 0 || far || length >= self.effort.lazy {
            return Match::NONE;
        }
        let found = self.window.longest(candidate, length, &self.effort);
        let far = found.length == SHORTEST_MATCH && found.distance > TOO_FAR;
        if far || found.length <= self.effort.poor { Match::NONE } else { found }
    }

    /// Goes on by `count` places and remembers those passed, without the present one.
    fn pass(&mut self, count: usize) {
        let window = &mut self.window;
        let last = window.filled.saturating_sub(SHORTEST_MATCH);
        for place in window.at + 1..(window.at + count).min(last + 1) {
            window.remember(place);
        }
        window.at += count;
    }

    fn byte_before(&self) -> Token {
        Token::literal(self.window.bytes[self.window.at.saturating_sub(1)])
    }
}
