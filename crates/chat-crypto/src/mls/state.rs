//! The state of MLS: read from the caller's store, changed in an overlay, written by the caller.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use openmls_rust_crypto::RustCrypto;
use zeroize::Zeroizing;

use super::join_secret::JoinSecret;
use super::storage::Room;

/// Reads what an earlier [`Overlay`] changed and the caller wrote. Implemented by the store.
pub trait MlsState {
    /// The value of `key`; `None` if there is none.
    ///
    /// Keys are 37 bytes, end in a hash, and are not secret. Values are secret.
    ///
    /// # Errors
    /// Whatever kept the store from answering. "Not there" is no error.
    fn get(&self, key: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, MlsStateError>;
}

/// The store could not be read. Nothing was changed; try again.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the MLS state cannot be read")]
pub struct MlsStateError(#[source] Arc<dyn std::error::Error + Send + Sync>);

impl MlsStateError {
    /// Keeps the store's own error as the source.
    pub fn new(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self(Arc::new(source))
    }
}

/// What to write, in one transaction together with all that depends on it; `None` deletes.
pub type MlsChanges = BTreeMap<Vec<u8>, Option<Zeroizing<Vec<u8>>>>;

/// Changes to the state of MLS that are not written yet.
///
/// Every operation on a group takes one. An operation that fails leaves it as it was, so that one
/// bad record of a batch undoes only itself. The caller writes
/// [`into_changes`](Self::into_changes) in **one** transaction with the plaintext, the cursor and
/// the outbox row: a message whose keys are gone while its text is not kept is lost, and a ratchet
/// that goes back encrypts twice with one key.
///
/// If that write fails the overlay is lost and nothing else has to be done: groups notice that
/// they are ahead of the store, and load themselves again.
pub struct Overlay<'s> {
    state: &'s dyn MlsState,
    layers: RefCell<Layers>,
    fault: RefCell<Option<MlsStateError>>,
    join_secrets: &'s [JoinSecret],
    crypto: RustCrypto,
}

/// Changes of the operations that succeeded, and of the one that runs.
#[derive(Default)]
struct Layers {
    kept: MlsChanges,
    open: MlsChanges,
}

impl<'s> Overlay<'s> {
    /// An overlay without changes.
    ///
    /// * `state` - what is written; it must not change while the overlay lives
    /// * `join_secrets` - those of the network's open keys, the newest first
    pub fn new(state: &'s dyn MlsState, join_secrets: &'s [JoinSecret]) -> Self {
        Self {
            state,
            layers: RefCell::default(),
            fault: RefCell::default(),
            join_secrets,
            crypto: RustCrypto::default(),
        }
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.layers.borrow().kept.is_empty()
    }

    /// The changes, to be written in one transaction.
    pub fn into_changes(self) -> MlsChanges {
        self.layers.into_inner().kept
    }

    /// Takes the changes and goes on: for a batch whose records are kept one by one. They must be
    /// visible in the state before the next operation.
    pub fn take_changes(&mut self) -> MlsChanges {
        std::mem::take(&mut self.layers.get_mut().kept)
    }

    /// Runs an operation; its changes are kept if it succeeds.
    ///
    /// A fault of the store counts even where OpenMLS took it for something else: a key that could
    /// not be read must never look like a Commit that is not valid.
    pub(super) fn step<T, E: From<MlsStateError>>(
        &mut self,
        operation: impl FnOnce(&Room<'_, '_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let result = operation(&Room::new(self));
        let result = match self.fault.get_mut().take() {
            Some(fault) => Err(fault.into()),
            None => result,
        };
        let Layers { kept, open } = self.layers.get_mut();
        let mut open = std::mem::take(open);
        if result.is_ok() {
            kept.append(&mut open);
        }
        result
    }

    pub(super) fn crypto(&self) -> &RustCrypto {
        &self.crypto
    }

    pub(super) fn join_secrets(&self) -> &[JoinSecret] {
        self.join_secrets
    }

    /// Whether the running operation has changed anything.
    pub(super) fn is_open_changed(&self) -> bool {
        !self.layers.borrow().open.is_empty()
    }

    pub(super) fn put(&self, key: Vec<u8>, value: Option<Zeroizing<Vec<u8>>>) {
        self.layers.borrow_mut().open.insert(key, value);
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, MlsStateError> {
        let layers = self.layers.borrow();
        match layers.open.get(key).or_else(|| layers.kept.get(key)) {
            Some(value) => Ok(value.clone()),
            None => self.state.get(key).inspect_err(|fault| {
                self.fault.borrow_mut().get_or_insert_with(|| fault.clone());
            }),
        }
    }
}

impl fmt::Debug for Overlay<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { state: _, layers, fault: _, join_secrets: _, crypto: _ } = self;
        write!(f, "Overlay({} changes)", layers.borrow().kept.len())
    }
}
