//! What an MLS message carries: a content, and notes beside it.
//!
//! ```text
//! kind u8 = 1 | lp(notes) | content
//! kind u8 = 2 | departure 68: leaf u32 | signature 64
//! note = type u8 | lp(value), types ascending
//! 1: where the sender's chain of the log stands, epoch u64 | offset u64 | hash 32
//! ```
//! Notes of a type that is not known are skipped, so that later versions can say more beside a message.

use chat_crypto::mls::Departure;
use zeroize::Zeroizing;

use super::chain::ChainMark;
use crate::wire::{Reader, Writer};

/// What an MLS message carries.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Payload<'a> {
    /// A content, encoded, and where its sender's chain stood.
    Content(&'a [u8], Option<ChainMark>),
    /// That its sender leaves the group.
    Departure(Departure),
    /// Something that a later version says.
    Newer,
}

impl<'a> Payload<'a> {
    /// How many bytes there are beside the content.
    pub(super) const OVERHEAD: usize = 3 + 3 + ChainMark::LEN;

    /// The payload of a content. It is as long without a mark: its length says nothing of it.
    pub(super) fn content(encoded: &[u8], mark: Option<&ChainMark>) -> Zeroizing<Vec<u8>> {
        let (kind, value) = match mark {
            Some(mark) => (CHAIN, mark.encode()),
            None => (NOTHING, Zeroizing::new(vec![0; ChainMark::LEN])),
        };
        let mut notes = Writer::with_capacity(3 + ChainMark::LEN);
        notes.u8(kind).lp(&value);
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
        let mark = notes(reader.lp()?)?;
        Some(Self::Content(reader.rest(), mark))
    }
}

/// The mark among notes, each with its length, in order; `None` if they are none.
fn notes(bytes: &[u8]) -> Option<Option<ChainMark>> {
    let (mut reader, mut last, mut mark) = (Reader::new(bytes), None, None);
    while !reader.is_empty() {
        let kind = reader.u8();
        let value = reader.lp().filter(|_| kind > last)?;
        if kind == Some(CHAIN) {
            mark = Some(ChainMark::decode(value)?);
        }
        last = kind;
    }
    Some(mark)
}

const CONTENT: u8 = 1;
const DEPARTURE: u8 = 2;
const CHAIN: u8 = 1;
/// A note that says nothing: it stands where another one would.
const NOTHING: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_returns_and_unknown_notes_are_skipped() {
        let payload = Payload::content(b"content", None);
        assert_eq!(payload.len(), Payload::OVERHEAD + 7);
        assert_eq!(Payload::parse(&payload), Some(Payload::Content(b"content", None)));
        let mark = ChainMark::decode(&[7; ChainMark::LEN]).unwrap();
        let marked = Payload::content(b"content", Some(&mark));
        assert_eq!(marked.len(), payload.len());
        assert_eq!(Payload::parse(&marked), Some(Payload::Content(b"content", Some(mark))));
        let noted = b"\x01\x00\x09\x07\x00\x01a\x09\x00\x02bcrest";
        assert_eq!(Payload::parse(noted), Some(Payload::Content(b"rest", None)));
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
