//! What this profile is in groups.

use std::sync::Arc;

use chat_crypto::KeyId;
use chat_crypto::mls::{JoinSecret, MlsMember};
use zeroize::Zeroizing;

use super::GroupError;
use super::credential::DeviceCheck;
use crate::client::Signer;
use crate::clock::now_ms;
use crate::handle::Handle;
use crate::namespace::Namespace;
use crate::network::Network;
use crate::network::keys::KeyGeneration;

/// What this profile is in groups: one leaf, and what it checks others by.
pub(crate) struct OwnLeaf {
    pub(crate) namespace: Namespace,
    pub(crate) member: MlsMember,
    pub(crate) check: DeviceCheck,
    pub(crate) signer: Arc<Signer>,
    /// Of the network's keys, the newest first.
    pub(crate) join_secrets: Vec<JoinSecret>,
    /// The network keys that those are of.
    keys: Vec<KeyId>,
}

impl OwnLeaf {
    pub(crate) fn new(signer: Arc<Signer>, network: &Network) -> Self {
        Self {
            namespace: network.namespace().clone(),
            member: own_member(&signer),
            check: DeviceCheck::new(network.namespace()),
            join_secrets: join_secrets(network),
            keys: widest_first(network).map(|of| of.key.id()).collect(),
            signer,
        }
    }

    /// Whether it is what this profile is in a network, as that is by now.
    pub(crate) fn is_of(&self, network: &Network) -> bool {
        let keys = widest_first(network).map(|of| of.key.id());
        self.namespace == *network.namespace() && keys.eq(self.keys.iter().copied())
    }

    /// The handle that our device writes under.
    pub(crate) fn handle(&self) -> Result<Handle, GroupError> {
        self.signer.certificate.handle().parse().map_err(|_| GroupError::NoGroup)
    }

    /// The identity that our device belongs to.
    pub(crate) fn identity(&self) -> [u8; 32] {
        *self.signer.certificate.identity().as_bytes()
    }
}

/// The secrets that Commits mix in: the first goes into ours, which those are to follow as well who lack the newest
/// network key.
fn join_secrets(network: &Network) -> Vec<JoinSecret> {
    widest_first(network).map(|of| JoinSecret::new(&of.key)).collect()
}

fn widest_first(network: &Network) -> impl Iterator<Item = &KeyGeneration> {
    let keys = network.keys();
    let widest = keys.widest(now_ms());
    std::iter::once(widest).chain(keys.iter().filter(|of| of.key.id() != widest.key.id()))
}

/// Ourselves as a leaf: the device's key, and its certificate.
pub(crate) fn own_member(signer: &Signer) -> MlsMember {
    let seed = Zeroizing::new(*signer.key.expose_bytes());
    let public = *signer.key.public().as_bytes();
    MlsMember::new(seed, public, signer.certificate.as_bytes().to_vec())
}
