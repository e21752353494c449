//! Signed histories: C2PA in JUMBF boxes of APP11 segments, or named in XMP.
//!
//! ISO/IEC 19566-5 (JUMBF), annex D of its 2023 edition (in JPEG); C2PA specification 2.1,
//! sections 11.1.4 and 11.5.

use std::collections::BTreeSet;
use std::ops::Range;

use super::xmp::{XMP, position};
use super::{APP1, APP11};

/// What a segment has to do with a signed history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Nothing.
    None,
    /// It is a part of one.
    Part,
    /// Its XMP says where one lies.
    Link,
}

/// The role of each of a file's segments, given as marker and contents.
///
/// A JUMBF box whose description cannot be read counts as a signed history.
pub(super) fn roles<'a>(segments: impl Iterator<Item = (u8, &'a [u8])> + Clone) -> Vec<Role> {
    let parts = segments.clone().map(|(marker, bytes)| Jumbf::of(marker, bytes));
    // A box is told apart from others by its number; only the first of its segments describes it.
    let described = parts.clone().flatten().filter(|part| part.is_first);
    let harmless: BTreeSet<u16> =
        described.clone().filter(|part| !part.is_c2pa).map(|part| part.number).collect();
    let signed: BTreeSet<u16> =
        described.filter(|part| part.is_c2pa).map(|part| part.number).collect();
    let role = |(segment, part): ((u8, &[u8]), Option<Jumbf>)| match part {
        Some(part) if harmless.contains(&part.number) && !signed.contains(&part.number) => {
            Role::None
        }
        Some(_) => Role::Part,
        None if links(segment.0, segment.1).next().is_some() => Role::Link,
        None => Role::None,
    };
    segments.zip(parts).map(role).collect()
}

/// Where in a segment of XMP a signed history is named.
pub(super) fn links(marker: u8, bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let is_xmp = marker == APP1 && bytes.starts_with(XMP);
    let mut from = if is_xmp { 0 } else { bytes.len() };
    std::iter::from_fn(move || {
        let rest = bytes.get(from..)?;
        let at = position(rest, LINK)?;
        let element = at.checked_sub(1).filter(|&before| rest.get(before) == Some(&b'<'));
        let found = match element {
            Some(start) => start..end_of_element(rest, at),
            None => at..end_of_attribute(rest, at + LINK.len()),
        };
        let found = from + found.start..from + found.end;
        from = found.end;
        Some(found)
    })
}

/// Behind the closing tag; else behind all.
fn end_of_element(text: &[u8], at: usize) -> usize {
    let closing = [b"</", LINK, b">"].concat();
    let rest = text.get(at..).unwrap_or_default();
    position(rest, &closing).map_or(text.len(), |found| at + found + closing.len())
}

/// Behind the closing quotation mark; else behind all.
fn end_of_attribute(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let quote = rest.iter().enumerate().find(|(_, byte)| matches!(byte, b'"' | b'\''));
    let end = quote.and_then(|(open, quote)| {
        let value = rest.get(open + 1..)?;
        Some(at + open + 2 + value.iter().position(|byte| byte == quote)?)
    });
    end.unwrap_or(text.len())
}

/// A segment with a part of a JUMBF box.
#[derive(Clone, Copy)]
struct Jumbf {
    number: u16,
    is_first: bool,
    /// Of first segments; true also if the description cannot be read.
    is_c2pa: bool,
}

impl Jumbf {
    fn of(marker: u8, bytes: &[u8]) -> Option<Self> {
        if marker != APP11 {
            return None;
        }
        let rest = bytes.strip_prefix(b"JP")?;
        let Some((&[n1, n0, s3, s2, s1, s0, l3, l2, l1, l0], rest)) = rest.split_first_chunk()
        else {
            return Some(Self { number: 0, is_first: true, is_c2pa: true });
        };
        // Other boxes than `jumb` belong to other standards (JPEG XT).
        let inside = rest.strip_prefix(b"jumb")?;
        let length = u32::from_be_bytes([l3, l2, l1, l0]);
        let long = if length == 1 { 8 } else { 0 };
        let description = inside.get(long..).unwrap_or_default();
        Some(Self {
            number: u16::from_be_bytes([n1, n0]),
            is_first: u32::from_be_bytes([s3, s2, s1, s0]) == 1,
            is_c2pa: is_c2pa(description).unwrap_or(true),
        })
    }
}

/// Whether a description box is that of a C2PA manifest store; `None` if it cannot be read.
fn is_c2pa(description: &[u8]) -> Option<bool> {
    let (_length, rest) = description.split_first_chunk::<4>()?;
    let (kind, rest) = rest.strip_prefix(b"jumd")?.split_first_chunk::<16>()?;
    let (_toggles, label) = rest.split_first()?;
    Some(kind == C2PA || label.starts_with(b"c2pa"))
}

/// The type of a C2PA manifest store.
const C2PA: &[u8; 16] = b"c2pa\x00\x11\x00\x10\x80\x00\x00\xaa\x00\x38\x9b\x71";
/// Points to a manifest that is not in the file (C2PA, 11.5).
const LINK: &[u8] = b"dcterms:provenance";
