//! Our own messages on their way through the log: recognised by their hash, before MLS sees them.

use chat_crypto::mls::GroupId;
use chat_store::ReadTxn;

use super::GroupError;
use super::ratchets::Ratchets;
use crate::history_row::{decode, encode};

impl Ratchets {
    /// A message of ours was encrypted in an epoch.
    pub(super) fn expect_own(
        &mut self,
        id: GroupId,
        (epoch, message): (u64, &[u8; 32]),
    ) -> Result<(), GroupError> {
        self.changes.insert(key(id, message), Some(encode(&epoch)?));
        Ok(())
    }

    /// The epoch that a message was encrypted in, if it is ours and was not read back before.
    pub(super) fn take_own(
        &mut self,
        tx: &ReadTxn<'_>,
        id: GroupId,
        message: &[u8; 32],
    ) -> Result<Option<u64>, GroupError> {
        let key = key(id, message);
        let stored = match self.changes.get(&key) {
            Some(changed) => changed.clone(),
            None => tx.session_get(&key)?,
        };
        let Some(stored) = stored else { return Ok(None) };
        self.changes.insert(key, None);
        Ok(Some(decode(&stored)?))
    }
}

fn key(id: GroupId, message: &[u8; 32]) -> Vec<u8> {
    [b"own".as_slice(), id.as_bytes(), message].concat()
}
