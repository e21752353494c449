//! The rows that OpenMLS reads and writes, and those that it never gets to write.

use openmls_traits::storage::{CURRENT_VERSION, StorageProvider, traits};

use super::{Kind, Room, StorageError};
use crate::mls::codec::{decode, encode};

const V: u16 = CURRENT_VERSION;

/// Writes, reads and deletes a row that each group has one of.
macro_rules! group_rows {
    ($($write:ident $read:ident $delete:ident: $kind:ident, $entity:ident;)*) => {$(
        fn $write<G: traits::GroupId<V>, T: traits::$entity<V>>(
            &self,
            group_id: &G,
            value: &T,
        ) -> Result<(), StorageError> {
            self.put(Kind::$kind, group_id, value)
        }

        fn $read<G: traits::GroupId<V>, T: traits::$entity<V>>(
            &self,
            group_id: &G,
        ) -> Result<Option<T>, StorageError> {
            self.read(Kind::$kind, group_id)
        }

        fn $delete<G: traits::GroupId<V>>(&self, group_id: &G) -> Result<(), StorageError> {
            self.delete(Kind::$kind, group_id)
        }
    )*};
}

impl StorageProvider<V> for Room<'_, '_> {
    type Error = StorageError;

    group_rows! {
        write_mls_join_config mls_group_join_config delete_group_config:
            JoinConfig, MlsGroupJoinConfig;
        write_tree tree delete_tree: Tree, TreeSync;
        write_interim_transcript_hash interim_transcript_hash delete_interim_transcript_hash:
            TranscriptHash, InterimTranscriptHash;
        write_context group_context delete_context: Context, GroupContext;
        write_confirmation_tag confirmation_tag delete_confirmation_tag:
            ConfirmationTag, ConfirmationTag;
        write_message_secrets message_secrets delete_message_secrets:
            MessageSecrets, MessageSecrets;
        write_resumption_psk_store resumption_psk_store delete_all_resumption_psk_secrets:
            ResumptionSecrets, ResumptionPskStore;
        write_own_leaf_index own_leaf_index delete_own_leaf_index: OwnLeaf, LeafNodeIndex;
        write_group_epoch_secrets group_epoch_secrets delete_group_epoch_secrets:
            EpochSecrets, GroupEpochSecrets;
    }

    fn write_group_state<T: traits::GroupState<V>, G: traits::GroupId<V>>(
        &self,
        group_id: &G,
        state: &T,
    ) -> Result<(), StorageError> {
        self.put(Kind::GroupState, group_id, state)
    }

    fn group_state<T: traits::GroupState<V>, G: traits::GroupId<V>>(
        &self,
        group_id: &G,
    ) -> Result<Option<T>, StorageError> {
        self.read(Kind::GroupState, group_id)
    }

    fn delete_group_state<G: traits::GroupId<V>>(&self, group_id: &G) -> Result<(), StorageError> {
        self.delete(Kind::GroupState, group_id)
    }

    fn write_encryption_key_pair<K: traits::EncryptionKey<V>, T: traits::HpkeKeyPair<V>>(
        &self,
        public_key: &K,
        key_pair: &T,
    ) -> Result<(), StorageError> {
        self.put(Kind::EncryptionKey, public_key, key_pair)
    }

    fn encryption_key_pair<T: traits::HpkeKeyPair<V>, K: traits::EncryptionKey<V>>(
        &self,
        public_key: &K,
    ) -> Result<Option<T>, StorageError> {
        self.read(Kind::EncryptionKey, public_key)
    }

    fn delete_encryption_key_pair<K: traits::EncryptionKey<V>>(
        &self,
        public_key: &K,
    ) -> Result<(), StorageError> {
        self.delete(Kind::EncryptionKey, public_key)
    }

    fn write_encryption_epoch_key_pairs<
        G: traits::GroupId<V>,
        K: traits::EpochKey<V>,
        T: traits::HpkeKeyPair<V>,
    >(
        &self,
        group_id: &G,
        epoch: &K,
        leaf_index: u32,
        key_pairs: &[T],
    ) -> Result<(), StorageError> {
        self.put(Kind::EpochKeys, &(group_id, epoch, leaf_index), &key_pairs)
    }

    fn encryption_epoch_key_pairs<
        G: traits::GroupId<V>,
        K: traits::EpochKey<V>,
        T: traits::HpkeKeyPair<V>,
    >(
        &self,
        group_id: &G,
        epoch: &K,
        leaf_index: u32,
    ) -> Result<Vec<T>, StorageError> {
        Ok(self.read(Kind::EpochKeys, &(group_id, epoch, leaf_index))?.unwrap_or_default())
    }

    fn delete_encryption_epoch_key_pairs<G: traits::GroupId<V>, K: traits::EpochKey<V>>(
        &self,
        group_id: &G,
        epoch: &K,
        leaf_index: u32,
    ) -> Result<(), StorageError> {
        self.delete(Kind::EpochKeys, &(group_id, epoch, leaf_index))
    }

    fn write_key_package<R: traits::HashReference<V>, T: traits::KeyPackage<V>>(
        &self,
        hash_ref: &R,
        key_package: &T,
    ) -> Result<(), StorageError> {
        self.put(Kind::KeyPackage, hash_ref, key_package)
    }

    fn key_package<R: traits::HashReference<V>, T: traits::KeyPackage<V>>(
        &self,
        hash_ref: &R,
    ) -> Result<Option<T>, StorageError> {
        self.read(Kind::KeyPackage, hash_ref)
    }

    fn delete_key_package<R: traits::HashReference<V>>(
        &self,
        hash_ref: &R,
    ) -> Result<(), StorageError> {
        self.delete(Kind::KeyPackage, hash_ref)
    }

    fn write_psk<I: traits::PskId<V>, T: traits::PskBundle<V>>(
        &self,
        psk_id: &I,
        psk: &T,
    ) -> Result<(), StorageError> {
        self.lent.borrow_mut().insert(encode(psk_id)?.to_vec(), encode(psk)?);
        Ok(())
    }

    fn psk<T: traits::PskBundle<V>, I: traits::PskId<V>>(
        &self,
        psk_id: &I,
    ) -> Result<Option<T>, StorageError> {
        if self.lent.borrow().is_empty() {
            self.overlay.join_secrets().iter().for_each(|secret| secret.lend(self));
        }
        let lent = self.lent.borrow();
        Ok(lent.get(encode(psk_id)?.as_slice()).map(|bytes| decode(bytes)).transpose()?)
    }

    fn delete_psk<I: traits::PskId<V>>(&self, _psk_id: &I) -> Result<(), StorageError> {
        Ok(())
    }

    fn queue_proposal<G, R, T>(&self, _: &G, _: &R, _: &T) -> Result<(), StorageError>
    where
        G: traits::GroupId<V>,
        R: traits::ProposalRef<V>,
        T: traits::QueuedProposal<V>,
    {
        Err(StorageError::NotStored)
    }

    fn queued_proposal_refs<G: traits::GroupId<V>, R: traits::ProposalRef<V>>(
        &self,
        _group_id: &G,
    ) -> Result<Vec<R>, StorageError> {
        Ok(Vec::new())
    }

    fn queued_proposals<G, R, T>(&self, _group_id: &G) -> Result<Vec<(R, T)>, StorageError>
    where
        G: traits::GroupId<V>,
        R: traits::ProposalRef<V>,
        T: traits::QueuedProposal<V>,
    {
        Ok(Vec::new())
    }

    fn remove_proposal<G: traits::GroupId<V>, R: traits::ProposalRef<V>>(
        &self,
        _group_id: &G,
        _proposal_ref: &R,
    ) -> Result<(), StorageError> {
        Ok(())
    }

    fn clear_proposal_queue<G: traits::GroupId<V>, R: traits::ProposalRef<V>>(
        &self,
        _group_id: &G,
    ) -> Result<(), StorageError> {
        Ok(())
    }

    fn append_own_leaf_node<G: traits::GroupId<V>, T: traits::LeafNode<V>>(
        &self,
        _group_id: &G,
        _leaf_node: &T,
    ) -> Result<(), StorageError> {
        Err(StorageError::NotStored)
    }

    fn own_leaf_nodes<G: traits::GroupId<V>, T: traits::LeafNode<V>>(
        &self,
        _group_id: &G,
    ) -> Result<Vec<T>, StorageError> {
        Ok(Vec::new())
    }

    fn delete_own_leaf_nodes<G: traits::GroupId<V>>(
        &self,
        _group_id: &G,
    ) -> Result<(), StorageError> {
        Ok(())
    }

    fn write_signature_key_pair<
        K: traits::SignaturePublicKey<V>,
        T: traits::SignatureKeyPair<V>,
    >(
        &self,
        _public_key: &K,
        _key_pair: &T,
    ) -> Result<(), StorageError> {
        Err(StorageError::NotStored)
    }

    fn signature_key_pair<K: traits::SignaturePublicKey<V>, T: traits::SignatureKeyPair<V>>(
        &self,
        _public_key: &K,
    ) -> Result<Option<T>, StorageError> {
        Ok(None)
    }

    fn delete_signature_key_pair<K: traits::SignaturePublicKey<V>>(
        &self,
        _public_key: &K,
    ) -> Result<(), StorageError> {
        Ok(())
    }
}
