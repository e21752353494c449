//! Where two walks over the same input meet.

use super::super::token::Token;

/// Tokens of a part of the input.
pub(super) struct Walked {
    pub(super) tokens: Vec<Token>,
    /// The first token of the overlap with the next part.
    pub(super) border: Border,
    /// The byte left at the input's end, if the walk came there.
    pub(super) rest: Option<Token>,
}

/// A token, by its index, and where it begins in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Border {
    pub(super) index: usize,
    pub(super) place: usize,
}

impl Walked {
    /// The indices of the tokens, here and in the next part, from which on both are the same.
    ///
    /// * `start` - where the next part begins in the input
    pub(super) fn meets(&self, next: &[Token], start: usize) -> Option<(usize, usize)> {
        let mut here = self.border;
        let mut there = Border { index: 0, place: start };
        loop {
            let (a, b) = (self.tokens.get(here.index)?, next.get(there.index)?);
            if here.place == there.place && a.is_marked() && b.is_marked() {
                return Some((here.index, there.index));
            }
            if here.place <= there.place {
                here = Border { index: here.index + 1, place: here.place + a.span() };
            } else {
                there = Border { index: there.index + 1, place: there.place + b.span() };
            }
        }
    }

    /// The last token at which another walk can go on.
    pub(super) fn last_marked(&self) -> Border {
        let mut at = self.border;
        let mut best = self.border;
        for token in &self.tokens[self.border.index..] {
            if token.is_marked() {
                best = at;
            }
            at = Border { index: at.index + 1, place: at.place + token.span() };
        }
        best
    }
}
