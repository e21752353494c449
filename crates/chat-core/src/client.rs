//! The facade: one profile, its network, its messages.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError, RwLock};

use chat_store::{ReadTxn, Store, StoreError, WriteTxn};
use chat_transport::Transport;
use zeroize::Zeroizing;

use crate::clock::now_ms;
use crate::error::{Error, NetworkError, ProfileError, StoredValueError};
use crate::groups::OwnLeaf;
use crate::handle::Handle;
use crate::lock::Lock;
use crate::mailbox::Mailbox;
use crate::network::Network;

mod contacts;
mod devices;
pub(crate) mod folder;
mod groups;
mod history;
mod identity;
mod listen;
mod membership;
mod migrate;
mod picture;
mod profile;
mod repair;
mod rotation;
mod route;
mod send;

pub use self::contacts::{Compared, TrustPolicy};
pub use self::devices::{Device, LinkOutcome, OfferState};
pub use self::groups::{Group, GroupChange, GroupDetail, GroupMember, GroupStanding};
pub use self::history::HistoryQuery;
pub(crate) use self::identity::{
    Signer, held_identity, inbox_key, put_identity, put_inbox_key, take_identity,
};
pub use self::listen::{Event, ListenFrom, Listener};
pub use self::membership::Joined;
pub use self::repair::Repair;
pub use self::rotation::{KeyRotation, LeftOut, WhyLeftOut};
pub use self::send::{SendOutcome, Sent};

/// One person's profile, open: sends, listens, and remembers.
///
/// Cheap to clone; clones share the store. Several processes may open one profile at once.
/// Nothing touches the network until [`connect`](Self::connect) has named a transport.
#[derive(Clone)]
pub struct Client {
    pub(crate) profile: Arc<Profile>,
    transport: Option<Arc<dyn Transport>>,
}

/// The open parts of a profile.
pub(crate) struct Profile {
    pub(crate) handle: Handle,
    pub(crate) store: Store,
    pub(crate) locks: PathBuf,
    /// The network as last read, and the row that it was read from: another process may change that in the meantime.
    network: RwLock<Option<(Zeroizing<Vec<u8>>, Network)>>,
    /// What it signs with, once it was needed.
    signer: RwLock<Option<Arc<Signer>>>,
    /// What it is in groups, once it was needed.
    own_leaf: RwLock<Option<Arc<OwnLeaf>>>,
    /// Whom it writes to.
    pub(crate) policy: RwLock<TrustPolicy>,
    /// Whether opening has found a restored copy.
    was_restored: bool,
    /// Whether the last delivery found a broker that answers.
    pub(crate) broker_answers: AtomicBool,
    /// Keeps away whoever wants the profile alone.
    _share: Lock,
}

impl Client {
    /// The same profile, connected: `deliver`, `send`, `listen` and `picture` use this transport.
    #[must_use]
    pub fn connect(&self, transport: Arc<dyn Transport>) -> Self {
        Self { profile: Arc::clone(&self.profile), transport: Some(transport) }
    }

    /// Whose profile it is.
    pub fn handle(&self) -> &Handle {
        &self.profile.handle
    }

    /// The network that the profile belongs to, joined or waiting for its topics.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn network(&self) -> Result<Option<Network>, Error> {
        Ok(self.profile.network()?)
    }

    /// Whether opening found data that was put back from an older copy, cut off at its end, or copied. It was
    /// accepted then: own messages go on as a new stream, and the history has a row of it.
    pub fn was_restored(&self) -> bool {
        self.profile.was_restored
    }

    /// Walks the whole store and names what is damaged.
    ///
    /// # Errors
    /// When the store cannot be read at all.
    pub fn verify(&self) -> Result<chat_store::VerifyReport, Error> {
        Ok(self.profile.store.verify()?)
    }

    /// The transport that [`connect`](Self::connect) named.
    pub(crate) fn transport(&self) -> Result<Arc<dyn Transport>, Error> {
        self.transport.clone().ok_or(Error::NotConnected)
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let connected = self.transport.is_some();
        f.debug_struct("Client")
            .field("handle", &self.profile.handle)
            .field("connected", &connected)
            .finish()
    }
}

/// The network as it is stored.
pub(crate) fn stored_network<E>(tx: &ReadTxn<'_>) -> Result<Option<Network>, E>
where
    E: From<StoreError> + From<StoredValueError>,
{
    Ok(tx.meta_get(META_NETWORK)?.map(|row| Network::from_row(&row)).transpose()?)
}

/// Keeps a network in the place of the one that is stored.
pub(crate) fn put_network<E>(tx: &mut WriteTxn<'_>, network: &Network) -> Result<(), E>
where
    E: From<StoreError> + From<StoredValueError>,
{
    Ok(tx.meta_put(META_NETWORK, &network.by_now(now_ms()).to_row()?)?)
}

impl Profile {
    /// The network, decoded anew only where its row has changed.
    pub(crate) fn network(&self) -> Result<Option<Network>, NetworkError> {
        let row = self.store.read::<_, NetworkError>(|tx| Ok(tx.meta_get(META_NETWORK)?))?;
        let Some(row) = row else { return Ok(None) };
        let known = self.network.read().unwrap_or_else(PoisonError::into_inner).clone();
        let network = match known {
            Some((of, network)) if of == row => network,
            _ => {
                let network = Network::from_row(&row)?;
                let mut known = self.network.write().unwrap_or_else(PoisonError::into_inner);
                *known = Some((row, network.clone()));
                network
            }
        };
        Ok(Some(network))
    }

    /// The network, joined and with its topics made.
    pub(crate) fn joined_network(&self) -> Result<Network, NetworkError> {
        match self.network()? {
            Some(network) if network.is_pending() => {
                Err(NetworkError::Pending { namespace: network.namespace().clone() })
            }
            Some(network) => Ok(network),
            None => Err(NetworkError::None { handle: self.handle.clone() }),
        }
    }

    /// The stream that this profile's messages are numbered in; made with the store.
    pub(crate) fn stream_id(&self) -> Result<[u8; 16], ProfileError> {
        let stored = self.store.read::<_, ProfileError>(|tx| Ok(tx.meta_get(META_STREAM)?))?;
        let stored = stored.ok_or(ProfileError::Incomplete { part: META_STREAM })?;
        stored.as_slice().try_into().map_err(|_| ProfileError::Incomplete { part: META_STREAM })
    }

    /// The lock of whoever sends the rows of a mailbox; `None` while another process does.
    pub(crate) fn drain_lock(&self, mailbox: &Mailbox) -> Result<Option<Lock>, ProfileError> {
        Lock::try_take(&self.locks, "drain", &mailbox.to_bytes())
            .map_err(|source| ProfileError::Io { path: self.locks.clone(), source })
    }
}

const META_HANDLE: &str = "handle";
const META_STREAM: &str = "stream";
const META_NETWORK: &str = "network";
