//! Who talks with whom.

use crate::handle::Handle;
use crate::namespace::Namespace;
use crate::wire::{Reader, Writer};

/// The context that a message belongs to.
///
/// Its encoding is bound into every message, so that a holder of the network key cannot re-seal
/// somebody's message for somebody else.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Conversation {
    /// Two people of one network; `lower` sorts before `higher`, byte by byte.
    Pair { namespace: Namespace, lower: Handle, higher: Handle },
    /// A group of one network, by its id.
    Group { namespace: Namespace, group: Vec<u8> },
}

impl Conversation {
    /// The conversation of two different people; `None` for one person with themselves.
    pub(crate) fn pair(namespace: &Namespace, one: &Handle, other: &Handle) -> Option<Self> {
        let (lower, higher) = match one.cmp(other) {
            std::cmp::Ordering::Less => (one, other),
            std::cmp::Ordering::Greater => (other, one),
            std::cmp::Ordering::Equal => return None,
        };
        let (lower, higher) = (lower.clone(), higher.clone());
        Some(Self::Pair { namespace: namespace.clone(), lower, higher })
    }

    /// The conversation of a group.
    pub(crate) fn group(namespace: &Namespace, id: &[u8; 16]) -> Self {
        Self::Group { namespace: namespace.clone(), group: id.to_vec() }
    }

    /// The other one of a pair that `me` belongs to.
    pub(crate) fn peer_of(&self, me: &Handle) -> Option<&Handle> {
        match self {
            Self::Pair { lower, higher, .. } if lower == me => Some(higher),
            Self::Pair { lower, higher, .. } if higher == me => Some(lower),
            _ => None,
        }
    }

    pub(crate) fn namespace(&self) -> &Namespace {
        match self {
            Self::Pair { namespace, .. } | Self::Group { namespace, .. } => namespace,
        }
    }

    /// `1 | lp(namespace) | lp(lower) | lp(higher)` or `2 | lp(namespace) | lp(group)`.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        match self {
            Self::Pair { namespace, lower, higher } => writer
                .u8(PAIR)
                .lp(namespace.as_str().as_bytes())
                .lp(lower.as_str().as_bytes())
                .lp(higher.as_str().as_bytes()),
            Self::Group { namespace, group } => {
                writer.u8(GROUP).lp(namespace.as_str().as_bytes()).lp(group)
            }
        };
        writer.finish().to_vec()
    }

    /// Parses what [`encode`](Self::encode) writes, and nothing else.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let kind = reader.u8()?;
        let namespace: Namespace = reader.lp_str()?.parse().ok()?;
        let conversation = match kind {
            PAIR => {
                let lower: Handle = reader.lp_str()?.parse().ok()?;
                let higher: Handle = reader.lp_str()?.parse().ok()?;
                (lower < higher).then_some(Self::Pair { namespace, lower, higher })?
            }
            GROUP => Self::Group { namespace, group: reader.lp()?.to_vec() },
            _ => return None,
        };
        reader.is_empty().then_some(conversation)
    }
}

const PAIR: u8 = 1;
const GROUP: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(one: &str, other: &str) -> Option<Conversation> {
        Conversation::pair(&Namespace::default(), &one.parse().unwrap(), &other.parse().unwrap())
    }

    #[test]
    fn a_pair_is_the_same_from_both_sides_and_never_of_one() {
        let conversation = pair("bob", "alice").unwrap();
        assert_eq!(Some(&conversation), pair("alice", "bob").as_ref());
        assert_eq!(conversation.encode(), b"\x01\x00\x0asecurechat\x00\x05alice\x00\x03bob");
        assert_eq!(Conversation::decode(&conversation.encode()), Some(conversation.clone()));
        assert_eq!(conversation.peer_of(&"bob".parse().unwrap()).unwrap().as_str(), "alice");
        assert_eq!(conversation.peer_of(&"eve".parse().unwrap()), None);
        assert_eq!(pair("bob", "bob"), None);
    }

    #[test]
    fn decode_refuses_every_other_form() {
        let good = pair("bob", "alice").unwrap().encode();
        assert_eq!(Conversation::decode(&good[..good.len() - 1]), None);
        assert_eq!(Conversation::decode(&[good.clone(), vec![0]].concat()), None);
        assert_eq!(
            Conversation::decode(b"\x01\x00\x01n\x00\x03bob\x00\x05alice"),
            None,
            "wrong order"
        );
        assert_eq!(
            Conversation::decode(b"\x01\x00\x01n\x00\x03bob\x00\x03bob"),
            None,
            "one person"
        );
        assert_eq!(Conversation::decode(b"\x03\x00\x01n\x00\x03bob"), None, "unknown kind");
    }
}
