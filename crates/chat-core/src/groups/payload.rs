//! What an MLS message carries: a content, and notes beside it.
//!
//! ```text
//! kind u8 = 1 | lp(notes) | content
//! kind u8 = 2 | departure 68: leaf u32 | signature 64
//! note = type u8 | lp(value), types ascending
//! 1: where the sender's chain of the log stands, epoch u64 | offset u64 | hash 32
//! 3: the end of the sender's own list of changes in the directory, changes u32 | hash 16
//! ```
//! Notes of a type that is not known are skipped, so that later versions can say more beside a message.

use chat_crypto::mls::Departure;
use zeroize::Zeroizing;

use super::chain::ChainMark;
use crate::directory::SeenHead;
use crate::wire::{Reader, Writer};

/// What an MLS message carries.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Payload<'a> {
    /// A content, encoded, and what its sender says beside it.
    Content(&'a [u8], Notes),
    /// That its sender leaves the group.
    Departure(Departure),
    /// Something that a later version says.
    Newer,
}

/// What is said beside a content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Notes {
    /// Where its sender's chain stood.
    pub(super) mark: Option<ChainMark>,
    /// The end of its sender's own list of changes.
    pub(super) head: Option<SeenHead>,
}

impl<'a> Payload<'a> {
    /// How many bytes there are beside the content.
    pub(super) const OVERHEAD: usize = 3 + 3 + ChainMark::LEN + 3 + SeenHead::LEN;

    /// The payload of a content. It is as long without notes: its length says nothing of them.
    pub(super) fn content(encoded: &[u8], beside: &Notes) -> Zeroizing<Vec<u8>> {
        let (kind, value) = match &beside.mark {
            Some(mark) => (CHAIN, mark.encode()),
            None => (NOTHING, Zeroizing::new(vec![0; ChainMark::LEN])),
        };
        let head = beside.head.map_or_else(|| vec![0; SeenHead::LEN], |head| head.encode());
        let mut notes = Writer::with_capacity(Self::OVERHEAD);
        notes.u8(kind).lp(&value).u8(HEAD).lp(&head);
        let mut writer = Writer::with_capacity(Self::OVERHEAD + encoded.len());
        writer.u8(CONTENT).lp(&notes.finish()).raw(encoded);
        writer.finish()
    }

    /// The payload that says that we leave.
    pub(super) fn departure(departure: &Departure) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::with_capacity(1 + Departure::LEN);
        writer.u8(DEPARTURE).raw(&departure.to_bytes());
        writer.finish()
    }

    /// Parses a payload; `None` if it is none.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        match reader.u8()? {
            CONTENT => {}
            DEPARTURE => {
                let bytes = reader.rest().try_into().ok()?;
                return Some(Self::Departure(Departure::from_bytes(bytes)));
            }
            kind if kind > DEPARTURE => return Some(Self::Newer),
            _ => return None,
        }
        let notes = Notes::parse(reader.lp()?)?;
        Some(Self::Content(reader.rest(), notes))
    }
}

impl Notes {
    /// Parses notes, each with its length, in order; `None` if they are none.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (mut reader, mut last, mut notes) = (Reader::new(bytes), None, Self::default());
        while !reader.is_empty() {
            let kind = reader.u8();
            let value = reader.lp().filter(|_| kind > last)?;
            match kind {
                Some(CHAIN) => notes.mark = Some(ChainMark::decode(value)?),
                Some(HEAD) => notes.head = SeenHead::decode(value)?,
                _ => {}
            }
            last = kind;
        }
        Some(notes)
    }
}

const CONTENT: u8 = 1;
const DEPARTURE: u8 = 2;
const CHAIN: u8 = 1;
/// A note that says nothing: it stands where another one would.
const NOTHING: u8 = 2;
const HEAD: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_returns_and_unknown_notes_are_skipped() {
        let payload = Payload::content(b"content", &Notes::default());
        assert_eq!(payload.len(), Payload::OVERHEAD + 7);
        let parsed = Payload::parse(&payload);
        assert_eq!(parsed, Some(Payload::Content(b"content", Notes::default())));
        let mark = ChainMark::decode(&[7; ChainMark::LEN]);
        let head = Some(SeenHead { changes: 2, hash: [9; 16] });
        let notes = Notes { mark, head };
        let marked = Payload::content(b"content", &notes);
        assert_eq!(marked.len(), payload.len());
        assert_eq!(Payload::parse(&marked), Some(Payload::Content(b"content", notes)));
        let noted = b"\x01\x00\x09\x07\x00\x01a\x09\x00\x02bcrest";
        assert_eq!(Payload::parse(noted), Some(Payload::Content(b"rest", Notes::default())));
        assert_eq!(Payload::parse(b"\x03"), Some(Payload::Newer));
    }

    #[test]
    fn a_departure_returns() {
        let departure = Departure::from_bytes(&[7; Departure::LEN]);
        let payload = Payload::departure(&departure);
        assert_eq!(payload.as_slice(), [[2].as_slice(), &[7; 68]].concat());
        assert_eq!(Payload::parse(&payload), Some(Payload::Departure(departure)));
        assert_eq!(Payload::parse(&[2; 68]), None);
        assert_eq!(Payload::parse(&[2; 70]), None);
    }

    #[test]
    fn every_other_form_is_refused() {
        for bad in [
            &b""[..],
            b"\x00",
            b"\x01\x00",
            b"\x01\x00\x05ab",
            b"\x01\x00\x03\x01\x00\x01rest",
            b"\x01\x00\x04\x01\x00\x01arest",
            b"\x01\x00\x06\x01\x00\x00\x01\x00\x00rest",
        ] {
            assert_eq!(Payload::parse(bad), None, "{bad:?}");
        }
    }
}
