//! Names of people.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

mod lookalike;

/// A person's name in a network, such as `bob`.
///
/// 1 to 64 characters of `a-z`, `0-9`, `.`, `_` and `-`, beginning with a letter or a digit; so a
/// handle can be printed anywhere without escaping. Public among the members of a network.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Handle(String);

impl Handle {
    /// The longest handle, in bytes.
    pub const MAX_LEN: usize = 64;

    /// The handle as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Handle {
    type Err = HandleError;

    fn from_str(text: &str) -> Result<Self, HandleError> {
        if is_name(text, Self::MAX_LEN, b"._-") {
            Ok(Self(text.to_owned()))
        } else {
            Err(HandleError)
        }
    }
}

impl TryFrom<String> for Handle {
    type Error = HandleError;

    fn try_from(text: String) -> Result<Self, HandleError> {
        text.parse()
    }
}

impl From<Handle> for String {
    fn from(handle: Handle) -> Self {
        handle.0
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A text is not a handle: it is empty, too long, or holds another character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a handle has 1 to 64 characters of a-z, 0-9, '.', '_' and '-', and begins with a letter or digit"
)]
pub struct HandleError;

/// Whether `text` has 1 to `max` characters of `a-z`, `0-9` and `more`, the first of them alphanumeric.
pub(crate) fn is_name(text: &str, max: usize, more: &[u8]) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    text.len() <= max
        && text.bytes().next().is_some_and(plain)
        && text.bytes().all(|b| plain(b) || more.contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_exactly_the_documented_alphabet() {
        for good in ["a", "0", "bob", "b.o_b-1", &"x".repeat(64)] {
            assert_eq!(good.parse::<Handle>().unwrap().as_str(), good);
        }
        for bad in
            ["", ".bob", "-bob", "_b", "Bob", "b b", "b\u{1b}[2J", "b\u{fc}", &"x".repeat(65)]
        {
            assert_eq!(bad.parse::<Handle>(), Err(HandleError), "{bad:?}");
        }
    }
}
