//! What members say of their own entries in their messages, so that a directory that shows different people different
//! lists of changes, or withholds some, is caught.

use chat_crypto::DirectoryHead;
use chat_store::WriteTxn;
use serde::{Deserialize, Serialize};

use super::kept::{KeptEntry, KeptRecords};
use super::place::Place;
use super::take::{note_fork, note_withheld};
use crate::error::DirectoryError;
use crate::handle::Handle;
use crate::meta_row::MetaRow;
use crate::mutant::{Mutant, breaks};
use crate::wire::{Reader, Writer};

/// The end of somebody's list of changes, as they have published it: how many there are, and half of the chain's hash
/// behind the last. Only who holds the identity's secret could make two lists that it does not tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct SeenHead {
    pub(crate) changes: u32,
    pub(crate) hash: [u8; 16],
}

/// What somebody has said of their own entry that lies ahead of what was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ahead(Vec<Claim>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Claim {
    handle: Handle,
    identity: [u8; 32],
    head: SeenHead,
    /// How often the directory was read since without showing it.
    looks: u8,
}

/// How what somebody has said lies to what was read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fit {
    /// It is what was read, or was before.
    Fits,
    /// It is later than what was read.
    Ahead,
    /// It is of another list.
    Forked,
}

impl SeenHead {
    /// Length of its encoding, in bytes.
    pub(crate) const LEN: usize = 4 + 16;

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(Self::LEN);
        writer.u32(self.changes).raw(&self.hash);
        writer.finish().to_vec()
    }

    /// Parses a head. Of none, all bytes are zero.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Option<Self>> {
        let mut reader = Reader::new(bytes);
        let (changes, hash) = (reader.u32()?, reader.array()?);
        reader.is_empty().then_some((changes > 0).then_some(Self { changes, hash }))
    }

    /// How it lies to an entry.
    fn fits(&self, kept: &KeptEntry, place: &Place) -> Result<Fit, DirectoryError> {
        if *self == kept.seen_head() {
            return Ok(Fit::Fits);
        }
        if self.changes > kept.changes {
            return Ok(Fit::Ahead);
        }
        let known = kept.parse(&place.namespace)?.hash_behind(self.changes);
        let is_ours = known.is_some_and(|hash| hash.starts_with(&self.hash));
        Ok(if is_ours { Fit::Fits } else { Fit::Forked })
    }
}

impl From<DirectoryHead> for SeenHead {
    fn from(head: DirectoryHead) -> Self {
        let [a, ..] = *head.hash.as_chunks::<16>().0 else {
            return Self { changes: 0, hash: [0; 16] };
        };
        Self { changes: head.changes, hash: a }
    }
}

impl MetaRow for Ahead {
    const NAME: &'static str = "heads ahead";
}

impl Ahead {
    /// Whether something waits to be looked for.
    pub(super) fn is_due(&self) -> bool {
        self.0.iter().any(|claim| claim.looks == 0)
    }

    /// Whose entries are to be looked for.
    pub(super) fn handles(&self) -> impl Iterator<Item = &Handle> {
        self.0.iter().map(|claim| &claim.handle)
    }

    /// Compares what somebody says of their own entry with what was read of it; what lies ahead is looked for.
    ///
    /// * `says` - by a message that they have signed
    pub(crate) fn hear(
        tx: &mut WriteTxn<'_>,
        (place, me): (&Place, &Handle),
        (handle, identity): (&Handle, &[u8; 32]),
        says: SeenHead,
    ) -> Result<(), DirectoryError> {
        let records = KeptRecords::of::<DirectoryError>(tx, handle)?;
        let Some(kept) = records.entry(identity) else { return Ok(()) };
        match says.fits(kept, place)? {
            _ if breaks(Mutant::IgnoreHeads) => Ok(()),
            Fit::Fits => Ok(()),
            Fit::Forked => note_fork(tx, (place, me), handle, kept.clone()),
            Fit::Ahead => {
                let mut ahead = Self::of::<DirectoryError>(tx)?;
                // The first one stands until it is settled: whoever says more and more puts nothing off.
                if ahead.0.iter().any(|claim| claim.identity == *identity) {
                    return Ok(());
                }
                ahead.0.drain(..ahead.0.len().saturating_sub(MOST_CLAIMS - 1));
                let (handle, identity) = (handle.clone(), *identity);
                ahead.0.push(Claim { handle, identity, head: says, looks: 0 });
                ahead.put(tx)
            }
        }
    }

    /// The directory was read to its end: what lay ahead is there now, or it is withheld.
    ///
    /// * `looked_for` - what lay ahead before it was read
    pub(super) fn settle(
        tx: &mut WriteTxn<'_>,
        (place, me): (&Place, &Handle),
        looked_for: &Self,
    ) -> Result<(), DirectoryError> {
        let before = Self::of::<DirectoryError>(tx)?;
        let mut after = Self::default();
        for claim in &before.0 {
            if !looked_for.0.contains(claim) {
                after.0.push(claim.clone());
                continue;
            }
            let records = KeptRecords::of::<DirectoryError>(tx, &claim.handle)?;
            let Some(kept) = records.entry(&claim.identity) else { continue };
            match claim.head.fits(kept, place)? {
                Fit::Fits => continue,
                Fit::Ahead if claim.looks + 1 < MOST_LOOKS => {
                    after.0.push(Claim { looks: claim.looks + 1, ..claim.clone() });
                }
                Fit::Ahead => note_withheld(tx, (place, me), &claim.handle, kept.clone())?,
                Fit::Forked => note_fork(tx, (place, me), &claim.handle, kept.clone())?,
            }
        }
        if after == before { Ok(()) } else { after.put(tx) }
    }
}

/// The most people of whom something lies ahead.
const MOST_CLAIMS: usize = 64;
/// How often the directory is read to its end before what somebody has published counts as withheld.
const MOST_LOOKS: u8 = 3;
