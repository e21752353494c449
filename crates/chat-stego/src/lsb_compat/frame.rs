//! The message around a payload: its length in decimal, a colon, the payload.

use zeroize::Zeroizing;

use super::units::Units;
use crate::codec::ExtractError;

/// Puts the length before a payload.
pub(crate) fn encode(payload: &[u8]) -> Zeroizing<Vec<u8>> {
    let prefix = format!("{}:", payload.len());
    let mut frame = Zeroizing::new(Vec::with_capacity(prefix.len() + payload.len()));
    frame.extend_from_slice(prefix.as_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// The longest payload that a picture of this size holds, in bytes.
pub(crate) fn longest_payload(width: u32, height: u32) -> usize {
    let units = units_of(width, height);
    // Taking a digit off can leave room for a payload that needs it no more: 99 and 100.
    (1..=MAX_DIGITS)
        .map(|digits| units.saturating_sub(digits + 1).min(largest_with(digits)))
        .max()
        .unwrap_or(0)
}

/// Whole bytes in the lowest bits of a picture of this size.
pub(crate) fn units_of(width: u32, height: u32) -> usize {
    let bytes = u64::from(width) * u64::from(height) * 3 / 8;
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

fn largest_with(digits: usize) -> usize {
    (0..digits).fold(0_usize, |largest, _| largest.saturating_mul(10).saturating_add(9))
}

/// A length prefix that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prefix {
    /// Bytes of the payload, as the prefix says; within the picture's capacity.
    pub(super) declared: usize,
    /// Bytes of the prefix itself, the colon included.
    pub(super) digits_and_colon: usize,
}

/// Reads the length; only a length that every writer would write is accepted.
pub(super) fn read_prefix(units: &mut Units<'_>) -> Result<Prefix, ExtractError> {
    let head = units.get(0, (MAX_DIGITS + 1).min(units.available()))?;
    let (declared, digits) = parse(head).ok_or(ExtractError::NoPayload)?;
    let digits_and_colon = digits + 1;
    if declared > units.available().saturating_sub(digits_and_colon) {
        return Err(ExtractError::NoPayload);
    }
    Ok(Prefix { declared, digits_and_colon })
}

fn parse(head: &[u8]) -> Option<(usize, usize)> {
    let digits = head.iter().position(|&byte| byte == b':')?;
    let text = head.get(..digits)?;
    let starts_well = text.first().is_some_and(|first| (b'1'..=b'9').contains(first));
    if !starts_well || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some((str::from_utf8(text).ok()?.parse().ok()?, digits))
}

/// Digits that a length may have.
const MAX_DIGITS: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longest_payload_agrees_with_stegano() {
        // Width, height, and the longest message that stegano 3.0.0 and 2.5.0 take.
        for (width, height, longest) in
            [(3, 3, 1), (4, 4, 4), (5, 3, 3), (8, 1, 1), (16, 1, 4), (10, 10, 34), (2, 2, 0)]
        {
            assert_eq!(longest_payload(width, height), longest, "{width} x {height}");
        }
    }

    #[test]
    fn longest_payload_is_the_longest_for_every_size() {
        for width in 1..4000 {
            let units = units_of(width, 1);
            let longest = longest_payload(width, 1);
            let fits = |n: usize| n == 0 || encode(&vec![0; n]).len() <= units;
            assert!(fits(longest) && !fits(longest + 1), "{width}");
        }
    }

    #[test]
    fn parse_takes_only_plain_decimal_lengths() {
        assert_eq!(parse(b"12:ab"), Some((12, 2)));
        assert_eq!(parse(b"9999999999:"), Some((9_999_999_999, 10)));
        for bad in [&b":"[..], b"", b"0:", b"012:", b"+1:", b" 1:", b"1 :", b"1", b"-1:", b"1a:"] {
            assert_eq!(parse(bad), None);
        }
    }
}
