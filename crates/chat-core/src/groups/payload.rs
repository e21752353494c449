//! What an MLS message carries: a content, and notes beside it.
//!
//! ```text
//! kind u8 = 1 | lp(notes) | content
//! kind u8 = 2 | departure 68: leaf u32 | signature 64
//! note = type u8 | lp(value), types ascending
//! ```
//! Notes of a type that is not known are skipped, so that later versions can say more beside a message.

use chat_crypto::mls::Departure;
use zeroize::Zeroizing;

use crate::wire::{Reader, Writer};

/// What an MLS message carries.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Payload<'a> {
    /// A content, encoded.
    Content(&'a [u8]),
    /// That its sender leaves the group.
    Departure(Departure),
    /// Something that a later version says.
    Newer,
}

impl<'a> Payload<'a> {
    /// How many bytes there are beside the content.
    pub(super) const OVERHEAD: usize = 3;

    /// The payload of a content.
    pub(super) fn content(encoded: &[u8]) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::with_capacity(Self::OVERHEAD + encoded.len());
        writer.u8(CONTENT).lp(&[]).raw(encoded);
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
        are_notes(reader.lp()?).then_some(())?;
        Some(Self::Content(reader.rest()))
    }
}

/// Whether these are notes, each with its length, in order.
fn are_notes(bytes: &[u8]) -> bool {
    let (mut reader, mut last) = (Reader::new(bytes), None);
    while !reader.is_empty() {
        let kind = reader.u8();
        if kind <= last || reader.lp().is_none() {
            return false;
        }
        last = kind;
    }
    true
}

const CONTENT: u8 = 1;
const DEPARTURE: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_returns_and_unknown_notes_are_skipped() {
        let payload = Payload::content(b"content");
        assert_eq!(payload.len(), Payload::OVERHEAD + 7);
        assert_eq!(Payload::parse(&payload), Some(Payload::Content(b"content")));
        let noted = b"\x01\x00\x09\x01\x00\x01a\x09\x00\x02bcrest";
        assert_eq!(Payload::parse(noted), Some(Payload::Content(b"rest")));
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
            b"\x01\x00\x06\x01\x00\x00\x01\x00\x00rest",
        ] {
            assert_eq!(Payload::parse(bad), None, "{bad:?}");
        }
    }
}
