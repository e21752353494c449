//! The walk of levels 1 to 3: every match is taken at once.

use super::{
    super::{alphabet::SHORTEST_MATCH, token::Token},
    effort::Effort,
    window::{FARTHEST, Match, Window},
};

/// A greedy walk over the input.
pub(in super::super) struct Greedy<'a> {
    window: Window<'a>,
    effort: Effort,
}

impl<'a> Greedy<'a> {
    pub(in super::super) fn new(window: Window<'a>, effort: Effort) -> Self {
        Self { window, effort }
    }

    /// Walks until `stop` or the input's end; the last token may end a few bytes off.
    pub(in super::super) fn walk(&mut self, stop: usize, tokens: &mut Vec<Token>) {
        let stop = stop.min(self.window.end());
        while self.window.place() < stop {
            self.window.refill();
            let found = self.search();
            if found.length < SHORTEST_MATCH {
                tokens.push(Token::literal(self.window.bytes[self.window.at]));
                self.window.at += 1;
                continue;
            }
            tokens.push(Token::copy(found.length, found.distance));
            let after = self.window.at + found.length;
            let room = self.window.filled - after;
            if found.length <= self.effort.lazy && room >= SHORTEST_MATCH {
                for place in self.window.at + 1..after {
                    self.window.remember(place);
                }
            }
            self.window.at = after;
        }
    }

    #[inline(always)]
    fn search(&mut self) -> Match {
        let window = &mut self.window;
        if window.ahead() < SHORTEST_MATCH {
            return Match::NONE;
        }
        let candidate = window.remember(window.at);
        if candidate == 0 || window.at - usize::from(candidate) > FARTHEST {
            return Match::NONE;
        }
        window.longest(candidate, Match::NONE.length, &self.effort)
    }
}
