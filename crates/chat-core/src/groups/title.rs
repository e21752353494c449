//! What a group is called.

use crate::error::GroupError;

/// A name that we give to a group: 1 to 255 bytes of printable text, no space at its ends.
///
/// Names that others give come as any text of that length: they are [`RemoteText`](crate::RemoteText).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupTitle(String);

impl GroupTitle {
    /// Takes a name, without the `#` that it may be written with.
    pub(crate) fn parse(text: &str) -> Result<Self, GroupError> {
        let text = text.strip_prefix('#').unwrap_or(text);
        let bad = |why| Err(GroupError::BadName { why });
        if text.is_empty() {
            return bad("it is empty");
        }
        if text.len() > chat_crypto::mls::GroupFacts::MAX_NAME {
            return bad("it is longer than 255 bytes");
        }
        if text.trim() != text {
            return bad("it begins or ends with a space");
        }
        if text.starts_with('#') || text.chars().any(is_unprintable) {
            return bad("it holds a character that cannot be printed, or begins with '##'");
        }
        Ok(Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Controls, and characters that are invisible or turn the direction of writing.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_can_be_printed_and_nothing_else() {
        for good in ["ops", "a", "two words", "caf\u{e9} \u{1f980}", &"x".repeat(255)] {
            assert_eq!(GroupTitle::parse(good).unwrap().as_str(), good);
        }
        assert_eq!(GroupTitle::parse("#ops").unwrap().as_str(), "ops");
        for bad in
            ["", "#", "##ops", " ops", "ops ", "a\nb", "a\u{1b}[2J", "a\u{202e}b", &"x".repeat(256)]
        {
            assert!(GroupTitle::parse(bad).is_err(), "{bad:?}");
        }
    }
}
