//! What is to be hidden: a text of a known length, whole or in pieces.

use chat_stego::StegoKey;

use crate::content::Content;
use crate::conversation::Conversation;
use crate::error::SendError;
use crate::handle::Handle;
use crate::outbox::route::Route;

/// A text on its way into pictures.
pub(crate) struct Cargo<'a> {
    pub(crate) me: &'a Handle,
    pub(crate) conversation: &'a Conversation,
    pub(crate) route: &'a Route,
    pub(crate) key: &'a StegoKey,
    /// Bytes of the text.
    pub(crate) text_len: usize,
}

impl Cargo<'_> {
    /// The exact length of the envelope of the whole text, in bytes.
    pub(crate) fn envelope_len(&self) -> Result<usize, SendError> {
        let content = Content::text_len(self.me, self.conversation, self.text_len);
        self.sealed(content)
    }

    /// The exact length of the envelope of a piece of the text, in bytes.
    pub(crate) fn piece_len(&self, bytes: usize) -> Result<usize, SendError> {
        self.sealed(Content::part_len(self.me, self.conversation, bytes))
    }

    /// The longest piece whose envelope has at most `limit` bytes, in bytes.
    pub(crate) fn longest_piece(&self, limit: usize) -> usize {
        let fits = |bytes| self.piece_len(bytes).is_ok_and(|len| len <= limit);
        let (mut low, mut high) = (0, self.text_len + 1);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if fits(middle) { low = middle } else { high = middle }
        }
        low
    }

    fn sealed(&self, content: usize) -> Result<usize, SendError> {
        let too_long = SendError::TextTooLong { len: self.text_len, max: Content::MAX_TEXT };
        self.route.sealed_len(self.me, content).ok_or(too_long)
    }
}
