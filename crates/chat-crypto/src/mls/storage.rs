//! OpenMLS's storage over an overlay: one row for each kind of thing and its key.
//!
//! The row of a key is `"mls" | version u8 = 1 | kind u8 | SHA-256(CBOR(key))`.

mod provider;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use openmls_rust_crypto::RustCrypto;
use openmls_traits::OpenMlsProvider;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::codec::{CodecError, decode, encode};
use super::state::{MlsStateError, Overlay};

/// What OpenMLS sees of an overlay while one operation runs.
pub(super) struct Room<'a, 's> {
    overlay: &'a Overlay<'s>,
    /// Pre-shared keys that the operation may use; never written.
    lent: RefCell<BTreeMap<Vec<u8>, Zeroizing<Vec<u8>>>>,
    /// Whether the message secrets are written later, by whoever goes on with the group.
    later: Cell<bool>,
}

/// Why OpenMLS could not read or write a row.
#[derive(Debug, thiserror::Error)]
pub(super) enum StorageError {
    #[error(transparent)]
    State(#[from] MlsStateError),
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// Standalone proposals and signature keys never reach the store.
    #[error("this is never stored")]
    NotStored,
}

/// What a row holds. The numbers are on disk: never reuse one.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    JoinConfig = 1,
    Tree = 2,
    TranscriptHash = 3,
    Context = 4,
    ConfirmationTag = 5,
    GroupState = 6,
    MessageSecrets = 7,
    ResumptionSecrets = 8,
    OwnLeaf = 9,
    EpochSecrets = 10,
    EncryptionKey = 11,
    EpochKeys = 12,
    KeyPackage = 13,
    /// Ours: changes whenever the group's state does.
    Stamp = 14,
    /// Ours: the hash of the pending Commit.
    Pending = 15,
}

impl<'a, 's> Room<'a, 's> {
    pub(super) fn new(overlay: &'a Overlay<'s>) -> Self {
        Self { overlay, lent: RefCell::default(), later: Cell::new(false) }
    }

    pub(super) fn overlay(&self) -> &'a Overlay<'s> {
        self.overlay
    }

    /// The message secrets are not encoded: an empty row, which no group can be loaded from, stands in for them.
    ///
    /// Should it be written as it is, the group is lost; older secrets in its place would encrypt twice with one key.
    pub(super) fn owe_message_secrets(&self) {
        self.later.set(true);
    }

    pub(super) fn put(
        &self,
        kind: Kind,
        key: &impl Serialize,
        value: &impl Serialize,
    ) -> Result<(), StorageError> {
        let is_owed = self.later.get() && matches!(kind, Kind::MessageSecrets);
        let value = if is_owed { Zeroizing::default() } else { encode(value)? };
        self.overlay.put(row(kind, key)?, Some(value));
        Ok(())
    }

    pub(super) fn read<T: DeserializeOwned>(
        &self,
        kind: Kind,
        key: &impl Serialize,
    ) -> Result<Option<T>, StorageError> {
        let value = self.overlay.get(&row(kind, key)?)?;
        Ok(value.map(|bytes| decode(&bytes)).transpose()?)
    }

    pub(super) fn delete(&self, kind: Kind, key: &impl Serialize) -> Result<(), StorageError> {
        self.overlay.put(row(kind, key)?, None);
        Ok(())
    }
}

fn row(kind: Kind, key: &impl Serialize) -> Result<Vec<u8>, CodecError> {
    let hash = Sha256::digest(&*encode(key)?);
    Ok([b"mls\x01".as_slice(), &[kind as u8], &hash].concat())
}

impl<'s> OpenMlsProvider for Room<'_, 's> {
    type CryptoProvider = RustCrypto;
    type RandProvider = RustCrypto;
    type StorageProvider = Self;

    fn storage(&self) -> &Self {
        self
    }

    fn crypto(&self) -> &RustCrypto {
        self.overlay.crypto()
    }

    fn rand(&self) -> &RustCrypto {
        self.overlay.crypto()
    }
}
