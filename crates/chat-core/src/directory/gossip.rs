//! What members tell each other about the directory, so that one that shows different people different keys is caught.

#![allow(dead_code, reason = "the parts that follow use it")]

use chat_crypto::{DirectoryHead, Relation};
use chat_store::{ReadTxn, WriteTxn};

use super::kept::{KeptEntry, KeptRecords};
use super::place::Place;
use super::take::note_fork;
use crate::error::DirectoryError;
use crate::handle::Handle;
use crate::trust::Standing;

/// How what somebody else has seen of a person lies to what we have seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gossip {
    /// Nothing is known here: nothing to compare.
    Unknown,
    /// They have seen what we have.
    Same,
    /// They have seen less.
    Behind,
    /// They have seen more, which may or may not continue what we have: read the directory again, and compare then.
    Ahead,
    /// The directory has two faces. The history says so from now on.
    Forked,
}

/// What is known of every contact whose identity counts and has published something.
pub(crate) fn heads(tx: &ReadTxn<'_>) -> Result<Vec<(Handle, DirectoryHead)>, DirectoryError> {
    let mut heads = Vec::new();
    for contact in tx.contacts()? {
        let Ok(handle) = contact.handle.parse::<Handle>() else { continue };
        if let Some(entry) = counting(tx, &handle)? {
            heads.push((handle, entry.head()));
        }
    }
    Ok(heads)
}

/// Compares what somebody else has seen of a person with what we have seen.
///
/// * `head` - of the identity that counts for `handle` here; that of another identity is nothing to compare
pub(crate) fn compare_head(
    tx: &mut WriteTxn<'_>,
    (place, me): (&Place, &Handle),
    handle: &Handle,
    head: &DirectoryHead,
) -> Result<Gossip, DirectoryError> {
    let Some(known) = counting(tx, handle)? else { return Ok(Gossip::Unknown) };
    if known.head() == *head {
        return Ok(Gossip::Same);
    }
    match known.parse(&place.namespace)?.follows_head(head) {
        Relation::Same => Ok(Gossip::Same),
        Relation::Newer => Ok(Gossip::Behind),
        Relation::Older => Ok(Gossip::Ahead),
        Relation::Unrelated => Ok(Gossip::Unknown),
        Relation::Forked => {
            note_fork(tx, (place, me), handle, known)?;
            Ok(Gossip::Forked)
        }
    }
}

fn counting(tx: &ReadTxn<'_>, handle: &Handle) -> Result<Option<KeptEntry>, DirectoryError> {
    let Some(pin) = Standing::of::<DirectoryError>(tx, handle)?.pin else { return Ok(None) };
    let kept = KeptRecords::of::<DirectoryError>(tx, handle)?;
    Ok(kept.entry(&pin.identity).cloned())
}
