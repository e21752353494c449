//! Who a message is with: a person, or a group.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::handle::{Handle, HandleError};
use crate::remote_text::RemoteText;

/// Who a message is with.
///
/// Stored as one text: a handle, or `#`, the group's id in 32 lower-case hex digits, `/`, and its name. No handle
/// begins with `#`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum Peer {
    /// One person.
    Person(Handle),
    /// The members of a group.
    Group(GroupName),
}

/// A group, and what it was called when this was noted.
///
/// Two of them are equal if they are of one group, whatever it was called.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Peer", into = "Peer")]
pub struct GroupName {
    id: [u8; 16],
    name: RemoteText,
}

impl Peer {
    /// The person, if it is one.
    pub fn person(&self) -> Option<&Handle> {
        match self {
            Self::Person(handle) => Some(handle),
            Self::Group(_) => None,
        }
    }

    /// The group, if it is one.
    pub fn group(&self) -> Option<&GroupName> {
        match self {
            Self::Person(_) => None,
            Self::Group(group) => Some(group),
        }
    }

    /// Names it in the store, whatever a group is called.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Person(handle) => handle.as_str().to_owned(),
            Self::Group(group) => format!("#{}", group.id()),
        }
    }

    /// The handle, or `#` and the group's name: text of others, to be escaped before it reaches a terminal.
    pub fn to_text(&self) -> RemoteText {
        match self {
            Self::Person(handle) => RemoteText::new(handle.as_str()),
            Self::Group(group) => group.to_text(),
        }
    }
}

impl GroupName {
    pub(crate) fn new(id: [u8; 16], name: impl Into<String>) -> Self {
        Self { id, name: RemoteText::new(name) }
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 16] {
        &self.id
    }

    /// The group's own name, made at random by its founder: 32 lower-case hex digits.
    pub fn id(&self) -> String {
        self.id.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What people call it. Members may have given it any text.
    pub fn name(&self) -> &RemoteText {
        &self.name
    }

    /// `#` and its name.
    pub fn to_text(&self) -> RemoteText {
        RemoteText::new(format!("#{}", self.name.expose()))
    }
}

impl PartialEq for GroupName {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for GroupName {}

impl std::hash::Hash for GroupName {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl fmt::Debug for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id: _, name } = self;
        write!(f, "GroupName({}, {name:?})", self.id())
    }
}

impl From<Handle> for Peer {
    fn from(handle: Handle) -> Self {
        Self::Person(handle)
    }
}

impl From<GroupName> for Peer {
    fn from(group: GroupName) -> Self {
        Self::Group(group)
    }
}

impl TryFrom<Peer> for GroupName {
    type Error = HandleError;

    fn try_from(peer: Peer) -> Result<Self, HandleError> {
        match peer {
            Peer::Group(group) => Ok(group),
            Peer::Person(_) => Err(HandleError),
        }
    }
}

impl From<Peer> for String {
    fn from(peer: Peer) -> Self {
        match peer {
            Peer::Person(handle) => handle.into(),
            Peer::Group(group) => format!("#{}/{}", group.id(), group.name.expose()),
        }
    }
}

impl TryFrom<String> for Peer {
    type Error = HandleError;

    fn try_from(text: String) -> Result<Self, HandleError> {
        let Some(group) = text.strip_prefix('#') else { return text.parse().map(Self::Person) };
        let (id, name) = group.split_once('/').ok_or(HandleError)?;
        let is_hex = id.len() == 32 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let id = u128::from_str_radix(id, 16).map_err(|_| HandleError)?;
        is_hex.then_some(()).ok_or(HandleError)?;
        Ok(Self::Group(GroupName::new(id.to_be_bytes(), name)))
    }
}

impl FromStr for Peer {
    type Err = HandleError;

    /// Takes the stored form; what people type is looked up with [`Client::find_group`](crate::Client::find_group).
    fn from_str(text: &str) -> Result<Self, HandleError> {
        text.to_owned().try_into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_stored_as_their_handle_and_a_group_with_its_id() {
        let bob = Peer::Person("bob".parse().unwrap());
        assert_eq!(postcard::to_extend(&bob, Vec::new()).unwrap(), b"\x03bob");
        assert_eq!(postcard::from_bytes::<Peer>(b"\x03bob").unwrap(), bob);
        let ops = Peer::Group(GroupName::new([0xab; 16], "the / ops"));
        let stored = format!("\x2b#{}/the / ops", "ab".repeat(16));
        assert_eq!(postcard::to_extend(&ops, Vec::new()).unwrap(), stored.as_bytes());
        let read: Peer = postcard::from_bytes(stored.as_bytes()).unwrap();
        assert_eq!(read.group().unwrap().name().expose(), "the / ops");
        assert_eq!((read.to_text().expose(), &read), ("#the / ops", &ops));
        assert_eq!(read, Peer::Group(GroupName::new([0xab; 16], "another name")));
    }

    #[test]
    fn every_other_text_is_refused() {
        let id = "ab".repeat(16);
        for bad in ["", "#", "#/", "#ops", "Bob", &format!("#{id}"), &format!("#+{}/x", &id[1..])] {
            assert!(bad.parse::<Peer>().is_err(), "{bad:?}");
        }
        assert!(format!("#{}/x", id.to_uppercase()).parse::<Peer>().is_err());
        assert!(format!("#{id}/").parse::<Peer>().is_ok(), "a group that lost its name");
    }
}
