//! What all members of a group agree on: a private extension of the GroupContext.
//!
//! ```text
//! version u8 = 1 | suite u16 | tag 16 | partition u32 | generation u32
//! admins u16 | admin 32 ... (strictly ascending) | name lp
//! ```

use std::collections::BTreeSet;

use openmls::prelude::{
    CredentialType, Extension, ExtensionType, Extensions, GroupContext,
    RequiredCapabilitiesExtension, UnknownExtension,
};

use super::SUITE_ID;
use super::refusal::Refusal;
use crate::encoding::push_lp;
use crate::mailbox_tag::MailboxTag;

/// What all members of a group agree on. It changes only by a Commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupFacts {
    /// Where the group's records go.
    pub mailbox: GroupMailbox,
    /// Grows when a pair's group is replaced: of two groups for one pair the higher one holds.
    pub generation: u32,
    /// Identities who may add, remove and change facts; 1 to [`MAX_ADMINS`](Self::MAX_ADMINS).
    pub admins: BTreeSet<[u8; 32]>,
    /// What the group is called; at most [`MAX_NAME`](Self::MAX_NAME) bytes, empty for a pair.
    pub name: String,
}

/// Where a group's records go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupMailbox {
    /// The records' key; random, and new after every removal.
    pub tag: MailboxTag,
    /// The records' partition; it never changes.
    pub partition: u32,
}

impl GroupFacts {
    /// The most admins.
    pub const MAX_ADMINS: usize = 256;

    /// The longest name, in bytes.
    pub const MAX_NAME: usize = 255;

    /// The extension that carries them, and the one that asks for it, as OpenMLS wants it before it
    /// lets a Commit change extensions.
    pub(super) fn to_extensions(&self) -> Result<Extensions<GroupContext>, Refusal> {
        let bytes = self.encode().ok_or(Refusal::Facts)?;
        let facts = Extension::Unknown(EXTENSION, UnknownExtension(bytes));
        let required = Extension::RequiredCapabilities(required());
        Extensions::from_vec(vec![required, facts]).map_err(|_| Refusal::Facts)
    }

    /// Reads them from a GroupContext that holds these two extensions in this order and no other.
    pub(super) fn from_extensions(extensions: &Extensions<GroupContext>) -> Result<Self, Refusal> {
        let mut all = extensions.iter();
        let (Some(Extension::RequiredCapabilities(asked)), Some(facts), None) =
            (all.next(), all.next(), all.next())
        else {
            return Err(Refusal::Facts);
        };
        match facts {
            Extension::Unknown(EXTENSION, UnknownExtension(bytes)) if *asked == required() => {
                Self::decode(bytes).ok_or(Refusal::Facts)
            }
            _ => Err(Refusal::Facts),
        }
    }

    fn encode(&self) -> Option<Vec<u8>> {
        let Self { mailbox: GroupMailbox { tag, partition }, generation, admins, name } = self;
        if admins.is_empty() || admins.len() > Self::MAX_ADMINS || name.len() > Self::MAX_NAME {
            return None;
        }
        let mut out = vec![VERSION];
        out.extend_from_slice(&SUITE_ID.to_be_bytes());
        out.extend_from_slice(tag.as_bytes());
        out.extend_from_slice(&partition.to_be_bytes());
        out.extend_from_slice(&generation.to_be_bytes());
        out.extend_from_slice(&u16::try_from(admins.len()).ok()?.to_be_bytes());
        admins.iter().for_each(|admin| out.extend_from_slice(admin));
        push_lp(&mut out, name.as_bytes());
        Some(out)
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (&[VERSION], rest) = bytes.split_first_chunk()? else { return None };
        let (suite, rest) = rest.split_first_chunk()?;
        let (tag, rest) = rest.split_first_chunk()?;
        let (partition, rest) = rest.split_first_chunk()?;
        let (generation, rest) = rest.split_first_chunk()?;
        let (count, rest) = rest.split_first_chunk()?;
        let count = usize::from(u16::from_be_bytes(*count));
        let (admins, rest) = rest.split_at_checked(count.checked_mul(32)?)?;
        let (name_len, name) = rest.split_first_chunk()?;
        let facts = Self {
            mailbox: GroupMailbox {
                tag: MailboxTag::from_bytes(*tag),
                partition: u32::from_be_bytes(*partition),
            },
            generation: u32::from_be_bytes(*generation),
            admins: admins.as_chunks().0.iter().copied().collect(),
            name: str::from_utf8(name).ok()?.to_owned(),
        };
        let sized = usize::from(u16::from_be_bytes(*name_len)) == name.len();
        // One value has one encoding: order, number and bounds hold if it encodes to itself.
        let canonical = sized && facts.encode()? == bytes;
        (canonical && u16::from_be_bytes(*suite) == SUITE_ID).then_some(facts)
    }
}

/// What every leaf must be able to do.
fn required() -> RequiredCapabilitiesExtension {
    RequiredCapabilitiesExtension::new(&[EXTENSION_TYPE], &[], &[CredentialType::Basic])
}

/// The number of our extension, of RFC 9420's range for private use.
const EXTENSION: u16 = 0xf5ec;

/// The type that every leaf lists among its capabilities.
pub(super) const EXTENSION_TYPE: ExtensionType = ExtensionType::Unknown(EXTENSION);

const VERSION: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(admins: usize, name: &str) -> GroupFacts {
        let admins = (0..admins).map(|n| {
            let mut admin = [7; 32];
            admin[..2].copy_from_slice(&u16::try_from(n).unwrap().to_be_bytes());
            admin
        });
        GroupFacts {
            mailbox: GroupMailbox { tag: MailboxTag::from_bytes([9; 16]), partition: 5 },
            generation: 3,
            admins: admins.collect(),
            name: name.to_owned(),
        }
    }

    #[test]
    fn facts_return_and_their_bounds_hold() {
        for good in [facts(1, ""), facts(256, &"n".repeat(255)), facts(3, "caf\u{e9}")] {
            assert_eq!(GroupFacts::from_extensions(&good.to_extensions().unwrap()), Ok(good));
        }
        for bad in [facts(0, ""), facts(257, ""), facts(1, &"n".repeat(256))] {
            assert_eq!(bad.to_extensions().unwrap_err(), Refusal::Facts);
        }
    }

    #[test]
    fn every_other_encoding_is_refused() {
        let bytes = facts(2, "ops").encode().unwrap();
        assert_eq!(bytes.len(), 1 + 2 + 16 + 4 + 4 + 2 + 64 + 2 + 3);
        for end in 0..bytes.len() {
            assert_eq!(GroupFacts::decode(&bytes[..end]), None, "{end} bytes");
        }
        assert_eq!(GroupFacts::decode(&[bytes.as_slice(), &[0]].concat()), None);
        let mut swapped = bytes.clone();
        swapped[29..61].copy_from_slice(&bytes[61..93]);
        swapped[61..93].copy_from_slice(&bytes[29..61]);
        assert_eq!(GroupFacts::decode(&swapped), None, "admins out of order");
        let mut twice = bytes.clone();
        twice[29..61].copy_from_slice(&bytes[61..93]);
        assert_eq!(GroupFacts::decode(&twice), None, "an admin twice");
        for (at, what) in [(0, "version"), (2, "suite"), (94, "length of the name")] {
            let mut wrong = bytes.clone();
            wrong[at] ^= 1;
            assert_eq!(GroupFacts::decode(&wrong), None, "{what}");
        }
        let mut latin1 = bytes.clone();
        latin1[95] = 0xe9;
        assert_eq!(GroupFacts::decode(&latin1), None, "not UTF-8");
    }
}
