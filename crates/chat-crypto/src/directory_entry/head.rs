//! How entries of one identity lie to each other.

use std::cmp::Ordering;
use std::fmt;

use super::DirectoryEntry;

/// The end of an entry's chain of changes: what members tell each other, and what is kept of an
/// entry.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DirectoryHead {
    /// The number of changes, at least 1.
    pub changes: u32,
    /// The chain's hash behind the last of them.
    pub hash: [u8; 32],
}

impl fmt::Debug for DirectoryHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DirectoryHead({} changes, ", self.changes)?;
        self.hash.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// How an entry lies to another, or to a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// They have the same changes. Of two entries the one that is valid longer was made later.
    Same,
    /// It continues the other's changes.
    Newer,
    /// It has fewer changes. Against an entry: the other continues it. Against a head: the other
    /// may continue it or not, which only that entry can tell; ask for it.
    Older,
    /// Neither continues the other: two faces were shown, or the identity is used in two places.
    /// Say so, and keep the one that was known first.
    Forked,
    /// They are of different identities, handles or networks: nothing to compare.
    Unrelated,
}

impl DirectoryEntry {
    /// The end of the chain of changes.
    pub fn head(&self) -> DirectoryHead {
        DirectoryHead {
            changes: self.state.next_number(),
            hash: self.hashes.last().copied().unwrap_or_default(),
        }
    }

    /// The chain's hash behind the first changes; `None` if there are fewer.
    pub fn hash_behind(&self, changes: u32) -> Option<[u8; 32]> {
        let at = usize::try_from(changes.checked_sub(1)?).ok()?;
        self.hashes.get(at).copied()
    }

    /// How this entry lies to one that was known before.
    pub fn follows(&self, known: &Self) -> Relation {
        let owner = |entry: &Self| (entry.identity, entry.namespace.clone());
        if owner(self) != owner(known) || self.handle() != known.handle() {
            return Relation::Unrelated;
        }
        match self.follows_head(&known.head()) {
            Relation::Older if known.follows_head(&self.head()) != Relation::Newer => {
                Relation::Forked
            }
            relation => relation,
        }
    }

    /// How this entry lies to a head that is said to be of the same identity, handle and network.
    pub fn follows_head(&self, known: &DirectoryHead) -> Relation {
        let own = self.hash_behind(known.changes);
        match known.changes.cmp(&self.head().changes) {
            Ordering::Greater => Relation::Older,
            _ if own != Some(known.hash) => Relation::Forked,
            Ordering::Equal => Relation::Same,
            Ordering::Less => Relation::Newer,
        }
    }
}
