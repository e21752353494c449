//! Text that somebody else wrote.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Text from outside: a message, for example.
///
/// It may hold terminal escapes, direction marks and line breaks, so it has no `Display`: whoever
/// prints it must say how it is made safe.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RemoteText(String);

impl RemoteText {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The raw text. Escape it before it reaches a terminal.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RemoteText {
    /// Shows the length only: message text never reaches a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RemoteText({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_length_only() {
        assert_eq!(format!("{:?}", RemoteText::new("secret")), "RemoteText(6 bytes)");
    }
}
