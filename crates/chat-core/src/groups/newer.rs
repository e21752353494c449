//! Messages of a group that only a later version can read.

use chat_crypto::mls::{GroupId, LeafIndex, ReceivedContent};
use chat_store::ReadTxn;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

#[cfg(test)]
use super::payload::{Notes, Payload};
use super::ratchets::Ratchets;
use super::receive::Read;
use super::roster::MemberName;
use super::{GroupError, OwnLeaf};

/// What a member said that only a later version can read, decrypted: its key is gone. Secret.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(crate) struct NewerContent {
    group: [u8; 16],
    leaf: u32,
    epoch: u64,
    #[serde(with = "serde_bytes")]
    credential: Vec<u8>,
    #[serde(with = "serde_bytes")]
    content: Vec<u8>,
}

impl NewerContent {
    pub(super) fn of(group: GroupId, received: &ReceivedContent) -> Self {
        let ReceivedContent { leaf, epoch, credential, content } = received;
        let (leaf, credential, content) = (leaf.number(), credential.clone(), content.to_vec());
        Self { group: *group.as_bytes(), leaf, epoch: *epoch, credential, content }
    }

    /// What the first leaf of a group said, by a later version whose words this one knows.
    #[cfg(test)]
    pub(crate) fn said_by(group: GroupId, sender: &OwnLeaf, encoded: &[u8]) -> Self {
        let content = Payload::content(encoded, &Notes::default());
        let credential = sender.signer.certificate.as_bytes().to_vec();
        let leaf = LeafIndex::from_number(0);
        Self::of(group, &ReceivedContent { leaf, epoch: 1, credential, content })
    }

    pub(crate) fn group(&self) -> GroupId {
        GroupId::from_bytes(self.group)
    }

    /// Who said it; `None` if that is nobody who can be named.
    pub(crate) fn sender(&self, own: &OwnLeaf) -> Option<MemberName> {
        let certificate = own.check.certificate(&self.credential).ok()?;
        let handle = certificate.handle().parse().ok()?;
        Some(MemberName { handle, identity: *certificate.identity().as_bytes() })
    }
}

impl std::fmt::Debug for NewerContent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { group: _, leaf, epoch, credential: _, content } = self;
        write!(f, "NewerContent(leaf {leaf}, epoch {epoch}, {} bytes)", content.len())
    }
}

impl Ratchets {
    /// Reads again what was of a later version when it came.
    ///
    /// * `offset` - where its record lies
    pub(crate) fn reread(
        &mut self,
        tx: &ReadTxn<'_>,
        newer: &NewerContent,
        offset: u64,
    ) -> Result<Read, GroupError> {
        let received = ReceivedContent {
            leaf: LeafIndex::from_number(newer.leaf),
            epoch: newer.epoch,
            credential: newer.credential.clone(),
            content: Zeroizing::new(newer.content.clone()),
        };
        self.content(tx, newer.group(), (&received, offset))
    }
}
