//! Whether all members of a group read the same log.
//!
//! For each epoch `H0` is the epoch's authenticator and `Hi = SHA-256(Hi-1 | offset u64 | SHA-256(MLS message))`, over
//! the records that MLS accepted, our own included, in the chain of the epoch that they were encrypted in. A message
//! says where its sender's chain stood; whoever has followed this epoch from its start compares.

use chat_crypto::mls::GroupId;
use chat_store::ReadTxn;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::GroupError;
use super::ratchets::Ratchets;
use crate::hash::sha256;
use crate::history_row::{decode, encode};
use crate::mutant::{Mutant, breaks};
use crate::wire::{Reader, Writer};

/// Where a chain stands: behind the record at an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChainMark {
    epoch: u64,
    offset: u64,
    hash: [u8; 32],
}

/// The chain of one epoch, as far as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Chain {
    pub(super) epoch: u64,
    /// `Hi`; at first the epoch's authenticator.
    head: Vec<u8>,
    /// The newest record in it.
    newest: Option<u64>,
    /// Records in it.
    count: u64,
    /// Whether we have read all of it, from the epoch's start.
    followed: bool,
    /// Whether it was told already that a member has read another log.
    told: bool,
}

impl ChainMark {
    /// Bytes of its encoding.
    pub(super) const LEN: usize = 48;

    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::with_capacity(Self::LEN);
        writer.u64(self.epoch).u64(self.offset).raw(&self.hash);
        writer.finish()
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let (epoch, offset, hash) = (reader.u64()?, reader.u64()?, reader.array()?);
        reader.is_empty().then_some(Self { epoch, offset, hash })
    }
}

impl Chain {
    pub(super) fn new(epoch: u64, authenticator: &[u8]) -> Self {
        let head = authenticator.to_vec();
        Self { epoch, head, newest: None, count: 0, followed: true, told: false }
    }

    /// What it held may have been passed over: it proves nothing any more.
    pub(super) fn lose(&mut self) {
        self.followed = false;
    }

    /// Whether all of it was read.
    pub(super) fn is_followed(&self) -> bool {
        self.followed
    }

    fn add(&mut self, offset: u64, message: &[u8; 32]) -> Option<ChainMark> {
        // Each record counts once; what was read before is not accepted again.
        if self.newest.is_some_and(|newest| newest >= offset) {
            return None;
        }
        let hash = sha256(&[&self.head, &offset.to_be_bytes(), message]);
        (self.head, self.newest) = (hash.to_vec(), Some(offset));
        self.count = self.count.saturating_add(1);
        Some(ChainMark { epoch: self.epoch, offset, hash })
    }

    fn mark(&self) -> Option<ChainMark> {
        let hash = self.head.as_slice().try_into().ok()?;
        Some(ChainMark { epoch: self.epoch, offset: self.newest?, hash })
    }
}

impl Ratchets {
    /// Where our chain of the present epoch stands; `None` if nothing was read in it, or not all of it.
    pub(super) fn chain_mark(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
    ) -> Result<Option<ChainMark>, GroupError> {
        let chain = self.row(tx, id)?.chains().first();
        Ok(chain.filter(|chain| chain.followed).and_then(Chain::mark))
    }

    /// A record of an epoch was accepted.
    pub(super) fn follow(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        (epoch, offset, message): (u64, u64, &[u8; 32]),
    ) -> Result<(), GroupError> {
        let added = self.change(tx, id, |row| {
            let chain = row.chains_mut().iter_mut().find(|chain| chain.epoch == epoch)?;
            let slot = chain.count % KEPT;
            chain.add(offset, message).map(|mark| (mark, slot))
        })?;
        let Some((mark, slot)) = added else { return Ok(()) };
        // The oldest of those that are kept makes room.
        if let Some(old) = self.stored(tx, &slot_key(id, epoch, slot))? {
            let old: u64 = decode(&old)?;
            self.changes.insert(mark_key(id, epoch, old), None);
        }
        self.changes.insert(slot_key(id, epoch, slot), Some(encode(&offset)?));
        self.changes.insert(mark_key(id, epoch, offset), Some(encode(&mark)?));
        Ok(())
    }

    /// An epoch is out of reach: nothing of its chain is kept.
    pub(super) fn forget_chain(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        chain: &Chain,
    ) -> Result<(), GroupError> {
        for slot in 0..chain.count.min(KEPT) {
            let key = slot_key(id, chain.epoch, slot);
            if let Some(offset) = self.stored(tx, &key)? {
                self.changes.insert(mark_key(id, chain.epoch, decode(&offset)?), None);
                self.changes.insert(key, None);
            }
        }
        Ok(())
    }

    /// Whether a member's mark, in a record at `at`, shows that the member has read another log than we have.
    pub(super) fn is_fork(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        (mark, at): (&ChainMark, u64),
    ) -> Result<bool, GroupError> {
        let chains = self.row(tx, id)?.chains();
        let chain = chains.iter().find(|chain| chain.epoch == mark.epoch && chain.followed);
        let Some((count, newest)) = chain.map(|chain| (chain.count, chain.newest)) else {
            return Ok(false);
        };
        if breaks(Mutant::IgnoreForks) {
            return Ok(false);
        }
        let is_fork = match self.stored(tx, &mark_key(id, mark.epoch, mark.offset))? {
            Some(ours) => decode::<ChainMark>(&ours)? != *mark,
            // It names a record that we have not read, although we have read on behind it.
            None => mark.offset >= at || count < KEPT || newest < Some(mark.offset),
        };
        // It is told once for an epoch, whoever says so again.
        let is_news = self.change(tx, id, |row| {
            let chain = row.chains_mut().iter_mut().find(|chain| chain.epoch == mark.epoch);
            chain.is_some_and(|chain| is_fork && !std::mem::replace(&mut chain.told, is_fork))
        })?;
        Ok(is_news)
    }

    /// What is kept under a name among the state of MLS, as this transaction has it.
    pub(super) fn stored(
        &self,
        tx: &ReadTxn<'_>,
        key: &[u8],
    ) -> Result<Option<Zeroizing<Vec<u8>>>, GroupError> {
        match self.changes.get(key) {
            Some(changed) => Ok(changed.clone()),
            None => Ok(tx.session_get(key)?),
        }
    }
}

fn mark_key(id: GroupId, epoch: u64, offset: u64) -> Vec<u8> {
    [b"chain".as_slice(), id.as_bytes(), &epoch.to_be_bytes(), &offset.to_be_bytes()].concat()
}

fn slot_key(id: GroupId, epoch: u64, slot: u64) -> Vec<u8> {
    [b"chain slot".as_slice(), id.as_bytes(), &epoch.to_be_bytes(), &slot.to_be_bytes()].concat()
}

/// Marks of one epoch that are kept for comparison.
const KEPT: u64 = 1024;
