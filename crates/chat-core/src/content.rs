//! Content v1: what a person wrote, with everything that puts it in its place.

mod part;

use zeroize::Zeroizing;

pub(crate) use self::part::Part;
use crate::conversation::Conversation;
use crate::handle::Handle;
use crate::hash::sha256;
use crate::message_id::{MessageId, StreamId};
use crate::wire::{Reader, Writer};

/// A message as its sender made it; the innermost layer.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) message_id: MessageId,
    pub(crate) conversation: Conversation,
    pub(crate) sender: Handle,
    pub(crate) stream_id: StreamId,
    /// Position in (sender, stream, conversation), from 0.
    pub(crate) number: u64,
    /// Hash of the whole content before this one in its stream; zeros for the first.
    pub(crate) previous: ContentHash,
    /// The sender's clock, milliseconds since 1970.
    pub(crate) sent_at_ms: u64,
    pub(crate) body: Body,
}

/// What a message carries.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Body {
    /// Stands in for a message that was withdrawn; holds the hash of the content that it replaces.
    Void(ContentHash),
    /// UTF-8 text of 1 byte to [`Content::MAX_TEXT`].
    Text(String),
    /// A piece of a text that travels in several records, under one name and with numbers in a row.
    Part(Part),
}

/// SHA-256 over the encoding of a whole content.
pub(crate) type ContentHash = [u8; 32];

/// What bytes that were opened turned out to be.
#[derive(Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "lives for one call, never in a collection")]
pub(crate) enum Decoded {
    Content(Content),
    /// A later version of this program wrote it: kept, and shown as such.
    Newer,
}

/// Bytes that were opened are not a content: a key holder's program is wrong, or hostile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("content is malformed at its {field}")]
pub(crate) struct ContentError {
    /// The field where decoding stopped.
    pub(crate) field: &'static str,
}

impl Content {
    /// The longest text, in bytes.
    pub(crate) const MAX_TEXT: usize = 1024 * 1024;

    /// How long the content of a text of `text` bytes is, in bytes.
    pub(crate) fn text_len(sender: &Handle, conversation: &Conversation, text: usize) -> usize {
        FIXED_LEN + conversation.encode().len() + sender.as_str().len() + text
    }

    /// How long the content of a piece of `piece` bytes of a text is, in bytes.
    pub(crate) fn part_len(sender: &Handle, conversation: &Conversation, piece: usize) -> usize {
        Self::text_len(sender, conversation, Part::HEAD + piece)
    }

    /// The deterministic encoding; see `docs/wire-format.md`.
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let conversation = self.conversation.encode();
        let part;
        let body: &[u8] = match &self.body {
            Body::Void(hash) => hash,
            Body::Text(text) => text.as_bytes(),
            Body::Part(piece) => {
                part = piece.encode();
                &part
            }
        };
        let mut writer =
            Writer::with_capacity(FIXED_LEN + conversation.len() + Handle::MAX_LEN + body.len());
        writer
            .u8(VERSION)
            .raw(self.message_id.as_bytes())
            .lp(&conversation)
            .lp(self.sender.as_str().as_bytes())
            .raw(&self.stream_id.0)
            .u64(self.number)
            .raw(&self.previous)
            .u64(self.sent_at_ms)
            .u8(self.body.kind())
            .u32(u32::try_from(body.len()).unwrap_or(u32::MAX))
            .raw(body);
        writer.finish()
    }

    /// Parses one content and nothing behind it.
    ///
    /// # Errors
    /// [`ContentError`] names the field that is not as version 1 has it.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Decoded, ContentError> {
        let mut reader = Reader::new(bytes);
        match reader.u8() {
            Some(VERSION) => Self::decode_v1(&mut reader),
            Some(version) if version > VERSION => Ok(Decoded::Newer),
            _ => Err(ContentError { field: "version" }),
        }
    }

    fn decode_v1(reader: &mut Reader<'_>) -> Result<Decoded, ContentError> {
        let at = |field| ContentError { field };
        let message_id = MessageId::from_bytes(reader.array().ok_or(at("message id"))?);
        let conversation = reader.lp().and_then(Conversation::decode).ok_or(at("conversation"))?;
        let sender = reader.lp_str().and_then(|s| s.parse().ok()).ok_or(at("sender"))?;
        let stream_id = StreamId(reader.array().ok_or(at("stream id"))?);
        let number = reader.u64().ok_or(at("sequence number"))?;
        let previous = reader.array().ok_or(at("previous hash"))?;
        let sent_at_ms = reader.u64().ok_or(at("time"))?;
        if number == 0 && previous != [0; 32] {
            return Err(at("previous hash"));
        }
        let Some(body) = Body::decode(reader)? else { return Ok(Decoded::Newer) };
        if matches!(&body, Body::Part(part) if u64::from(part.index) > number) {
            return Err(at("part"));
        }
        let content = Self {
            message_id,
            conversation,
            sender,
            stream_id,
            number,
            previous,
            sent_at_ms,
            body,
        };
        Ok(Decoded::Content(content))
    }

    /// The hash that the next content of the stream names as its `previous`.
    ///
    /// For a void it is the hash of what the void replaces, so that the chain goes on unbroken.
    pub(crate) fn chain_hash(&self, encoded: &[u8]) -> ContentHash {
        match &self.body {
            Body::Void(replaced) => *replaced,
            Body::Text(_) | Body::Part(_) => sha256(&[encoded]),
        }
    }

    /// The void that takes this content's place in its stream.
    pub(crate) fn withdrawn(&self, encoded: &[u8]) -> Self {
        Self { body: Body::Void(self.chain_hash(encoded)), ..self.clone() }
    }
}

impl Body {
    fn kind(&self) -> u8 {
        match self {
            Self::Void(_) => KIND_VOID,
            Self::Text(_) => KIND_TEXT,
            Self::Part(_) => KIND_PART,
        }
    }

    /// Parses kind, length and body to the very end; `None` for a kind of a later version.
    fn decode(reader: &mut Reader<'_>) -> Result<Option<Self>, ContentError> {
        let at = |field| ContentError { field };
        let kind = reader.u8().ok_or(at("body kind"))?;
        let len =
            reader.u32().and_then(|len| usize::try_from(len).ok()).ok_or(at("body length"))?;
        let body = reader.take(len).ok_or(at("body length"))?;
        if !reader.is_empty() {
            return Err(at("end"));
        }
        match kind {
            KIND_VOID => Ok(Some(Self::Void(body.try_into().map_err(|_| at("body"))?))),
            KIND_TEXT if (1..=Content::MAX_TEXT).contains(&len) => {
                let text = std::str::from_utf8(body).map_err(|_| at("text"))?;
                Ok(Some(Self::Text(text.to_owned())))
            }
            KIND_TEXT => Err(at("text length")),
            KIND_PART => Ok(Some(Self::Part(Part::decode(body).ok_or(at("part"))?))),
            _ => Ok(None),
        }
    }
}

impl std::fmt::Debug for Content {
    /// Shows the place of the message, never its text.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { message_id, sender, number, body, .. } = self;
        write!(f, "Content({message_id}, from {sender}, number {number}, kind {})", body.kind())
    }
}

const VERSION: u8 = 1;
const KIND_VOID: u8 = 0;
const KIND_TEXT: u8 = 1;
const KIND_PART: u8 = 2;

/// Bytes of the fields whose length never changes, with all length prefixes.
const FIXED_LEN: usize = 1 + 16 + 2 + 2 + 16 + 8 + 32 + 8 + 1 + 4;

#[cfg(test)]
mod tests;
