//! The walk of levels 4 to 9: a match waits for the next place, which may have a longer one.

use super::{
    super::{alphabet::SHORTEST_MATCH, token::Token},
    effort::Effort,
    places::Places,
    window::Match,
};

/// A match of three bytes from farther away is not worth it.
const TOO_FAR: usize = 4096;

/// A lazy walk over the input.
pub(in super::super) struct Lazy<'a> {
    places: Places<'a>,
    effort: Effort,
    /// Where the walk stands in the input.
    at: usize,
    /// What was found at the place before.
    found: Match,
    /// The byte before is not written yet.
    waiting: bool,
    /// Nothing had been found when the walk came to the place before.
    fresh: bool,
}

impl<'a> Lazy<'a> {
    /// A walk that begins at a place; matches may reach back before it.
    pub(in super::super) fn new(places: Places<'a>, place: usize, effort: Effort) -> Self {
        Self { places, effort, at: place, found: Match::NONE, waiting: false, fresh: true }
    }

    /// Walks until `stop` or the input's end; the last token may end a few bytes off.
    ///
    /// Each token is marked that begins at a place to which the walk came without a match in
    /// mind: from there on all walks over this input are the same.
    pub(in super::super) fn walk(&mut self, stop: usize, tokens: &mut Vec<Token>) {
        let input = self.places.input();
        let stop = stop.min(input.len());
        while self.at < stop {
            let before = std::mem::replace(&mut self.found, Match::NONE);
            if self.at + SHORTEST_MATCH <= input.len() && before.length < self.effort.lazy {
                self.found = self.search(before.length);
            }
            let fresh = before.length < SHORTEST_MATCH;
            if !fresh && self.found.length <= before.length {
                let token = Token::copy(before.length, before.distance);
                tokens.push(token.marked(self.fresh));
                self.at += before.length - 1;
                self.found = Match::NONE;
                self.waiting = false;
                self.fresh = true;
            } else {
                if self.waiting {
                    tokens.push(self.byte_before().marked(self.fresh));
                }
                self.waiting = true;
                self.at += 1;
                self.fresh = fresh;
            }
        }
    }

    /// The place after the last token.
    pub(super) fn written(&self) -> usize {
        self.at - usize::from(self.waiting)
    }

    /// The byte that is left to write at the input's end.
    pub(in super::super) fn rest(self) -> Option<Token> {
        self.waiting.then(|| self.byte_before())
    }

    /// A match here that is longer than `length`, or anything shorter.
    #[inline(always)]
    fn search(&mut self, length: usize) -> Match {
        let found = self.places.longest(self.at, length);
        let far = found.length == SHORTEST_MATCH && found.distance > TOO_FAR;
        if far || found.length <= self.effort.poor { Match::NONE } else { found }
    }

    fn byte_before(&self) -> Token {
        Token::literal(self.places.input()[self.at.saturating_sub(1)])
    }
}
