//! The name that a network has on its cluster.

use std::fmt;
use std::str::FromStr;

use chat_transport::TopicName;
use serde::{Deserialize, Serialize};

use crate::handle::is_name;

/// The prefix of a network's two topics, such as `securechat`.
///
/// 1 to 64 characters of `a-z`, `0-9` and `-`, beginning with a letter or a digit. The broker
/// sees it: it is part of the topics' names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Namespace(String);

impl Namespace {
    /// The longest namespace, in bytes.
    pub const MAX_LEN: usize = 64;

    /// The namespace as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The topic that carries messages.
    pub fn mail_topic(&self) -> TopicName {
        self.topic("mail")
    }

    /// The topic that carries what people publish about themselves.
    pub fn directory_topic(&self) -> TopicName {
        self.topic("directory")
    }

    #[expect(
        clippy::expect_used,
        reason = "a namespace has at most 64 characters that topics allow"
    )]
    fn topic(&self, suffix: &str) -> TopicName {
        TopicName::new(&format!("{}.{suffix}", self.0)).expect("namespace and suffix name a topic")
    }
}

impl Default for Namespace {
    fn default() -> Self {
        Self("securechat".to_owned())
    }
}

impl FromStr for Namespace {
    type Err = NamespaceError;

    fn from_str(text: &str) -> Result<Self, NamespaceError> {
        if is_name(text, Self::MAX_LEN, b"-") {
            Ok(Self(text.to_owned()))
        } else {
            Err(NamespaceError)
        }
    }
}

impl TryFrom<String> for Namespace {
    type Error = NamespaceError;

    fn try_from(text: String) -> Result<Self, NamespaceError> {
        text.parse()
    }
}

impl From<Namespace> for String {
    fn from(namespace: Namespace) -> Self {
        namespace.0
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A text is not a namespace: it is empty, too long, or holds another character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a namespace has 1 to 64 characters of a-z, 0-9 and '-', and begins with a letter or digit"
)]
pub struct NamespaceError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_its_topics() {
        let namespace: Namespace = "ops-1".parse().unwrap();
        assert_eq!(namespace.mail_topic().as_str(), "ops-1.mail");
        assert_eq!(namespace.directory_topic().as_str(), "ops-1.directory");
        assert_eq!(Namespace::default().as_str(), "securechat");
        assert!("a.b".parse::<Namespace>().is_err() && "".parse::<Namespace>().is_err());
    }
}
