//! The one length in XMP that goes with the primary picture: that of the first item of Google's
//! container ("Ultra HDR Image Format 1.1", "Motion Photo format 1.0").
//!
//! Usually it is 0 or left out. All other items count from where the item before them ends.

use std::ops::Range;

use super::ExtrasFault;

/// What an XMP segment begins with.
pub(super) const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

/// A length that is stated for the primary picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PrimaryLength {
    /// Where its digits lie in the segment.
    digits: Range<usize>,
    /// Bytes; not 0.
    length: u64,
}

impl PrimaryLength {
    /// Reads a segment's contents; `None` if no length is stated.
    pub(super) fn read(segment: &[u8]) -> Result<Option<Self>, ExtrasFault> {
        if contains(segment, b"Semantic>Primary") {
            return Err(ExtrasFault("its XMP describes a container in elements"));
        }
        let mut found = None;
        let mut start = 0;
        for tag in segment.split(|&byte| byte == b'>') {
            let items = [&b":Semantic=\"Primary\""[..], b":Semantic='Primary'"];
            if items.iter().any(|item| contains(tag, item))
                && let Some(length) = Self::in_tag(tag, start)?
                && found.replace(length).is_some()
            {
                return Err(ExtrasFault("its XMP describes a container twice"));
            }
            start += tag.len() + 1;
        }
        Ok(found)
    }

    fn in_tag(tag: &[u8], start: usize) -> Result<Option<Self>, ExtrasFault> {
        let Some(at) = position(tag, b":Length=") else { return Ok(None) };
        let first = at + b":Length=".len() + 1;
        let digits = tag.get(first..).unwrap_or_default();
        let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let text = digits.get(..count).and_then(|digits| std::str::from_utf8(digits).ok());
        let length: u64 = text.and_then(|text| text.parse().ok()).ok_or(ODD)?;
        let digits = start + first..start + first + count;
        Ok((length != 0).then_some(Self { digits, length }))
    }

    /// Writes the length of a picture that ended at one byte of its file and now at another.
    pub(super) fn write(
        &self,
        (from, to): (usize, usize),
        segment: &mut [u8],
    ) -> Result<(), ExtrasFault> {
        let length =
            self.length.checked_add(to as u64).and_then(|sum| sum.checked_sub(from as u64));
        let length = length.ok_or(ODD)?;
        let digits = segment.get_mut(self.digits.clone()).ok_or(ODD)?;
        let text = length.to_string();
        if text.len() != digits.len() {
            return Err(ExtrasFault("its XMP has no room for the picture's new length"));
        }
        digits.copy_from_slice(text.as_bytes());
        Ok(())
    }
}

pub(super) fn contains(text: &[u8], part: &[u8]) -> bool {
    position(text, part).is_some()
}

pub(super) fn position(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

const ODD: ExtrasFault = ExtrasFault("its XMP states a length that is no number");

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<PrimaryLength>, ExtrasFault> {
        PrimaryLength::read(text.as_bytes())
    }

    #[test]
    fn the_primary_items_length_is_found_and_rewritten() {
        let text = "<a:Item Item:Semantic=\"GainMap\" Item:Length=\"77\"/>\
                    <a:Item Item:Length='1000' Item:Semantic='Primary'/>";
        let length = read(text).unwrap().unwrap();
        let mut segment = text.as_bytes().to_vec();
        length.write((1_020, 1_006), &mut segment).unwrap_err();
        length.write((1_020, 1_026), &mut segment).unwrap();
        assert_eq!(String::from_utf8(segment).unwrap(), text.replace("1000", "1006"));
    }

    #[test]
    fn containers_without_that_length_need_nothing() {
        let text = "<Item Item:Semantic=\"Primary\" Item:Length=\"0\"/>\
                    <Item Item:Semantic=\"MotionPhoto\" Item:Length=\"5\"/> GCamera:MicroVideo";
        assert_eq!(read(text), Ok(None));
        assert_eq!(read(""), Ok(None));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        assert!(read("<I:Item><I:Semantic>Primary</I:Semantic></I:Item>").is_err());
        assert!(read("<I I:Semantic=\"Primary\" I:Length=\"x\"/>").is_err());
        assert!(read("<I I:Semantic=\"Primary\" I:Length=").is_err());
        let huge = format!("<I I:Semantic=\"Primary\" I:Length=\"{}\"/>", u64::MAX);
        let length = read(&huge).unwrap().unwrap();
        assert!(length.write((1, 9), &mut huge.into_bytes()).is_err());
        assert!(read(&"<I I:Semantic=\"Primary\" I:Length=\"7\"/>".repeat(2)).is_err());
    }
}
