//! The secret that binds a group's joins to the network.

use std::fmt;

use openmls::prelude::PreSharedKeyProposal;
use openmls::prelude::tls_codec::{DeserializeBytes, Serialize};
use openmls::schedule::{ExternalPsk, PreSharedKeyId, Psk};
use openmls_traits::OpenMlsProvider;

use super::SUITE;
use super::storage::Room;
use crate::network_key::{KeyId, NetworkKey, SubkeyLabel};
use crate::subkey::Subkey;

/// A network key's subkey that is mixed into every join as an external pre-shared key (RFC 9420,
/// section 8.4). Secret.
///
/// # Security
/// Who does not hold the network key cannot make a Welcome that a member would take, even with a
/// KeyPackage in hand.
#[derive(Clone)]
pub struct JoinSecret {
    id: KeyId,
    key: Subkey,
}

impl JoinSecret {
    /// The secret of one generation of the network key.
    pub fn new(network: &NetworkKey) -> Self {
        Self { id: network.id(), key: network.subkey(SubkeyLabel::MlsPsk) }
    }

    /// Takes another secret's name.
    #[cfg(test)]
    pub(super) fn rename_to(&mut self, other: &Self) {
        self.id = other.id;
    }

    /// `"securechat/v1/mls-psk" | key id 8`
    fn psk(&self) -> Psk {
        Psk::External(ExternalPsk::new([LABEL, self.id.as_bytes()].concat()))
    }

    /// Makes the secret known to the operation that runs; it is never written. One that could not
    /// be lent is missed where it is used.
    pub(super) fn lend(&self, room: &Room<'_, '_>) {
        if let Ok(id) = PreSharedKeyId::new(SUITE, room.crypto(), self.psk()) {
            let _missed_where_used = id.store(room, self.key.expose_bytes());
        }
    }

    /// The proposal that mixes the secret in, with a nonce of its own.
    pub(super) fn proposal(&self, room: &Room<'_, '_>) -> Option<PreSharedKeyProposal> {
        PreSharedKeyId::new(SUITE, room.crypto(), self.psk()).ok().map(PreSharedKeyProposal::new)
    }

    /// Whether the proposal mixes in some network key's secret.
    pub(super) fn is_proposed(proposal: &PreSharedKeyProposal) -> bool {
        // The proposal is nothing but the id (RFC 9420, section 12.1.4), and does not give it out.
        let Ok(bytes) = proposal.tls_serialize_detached() else { return false };
        PreSharedKeyId::tls_deserialize_exact_bytes(&bytes).is_ok_and(|id| Self::is_id(&id))
    }

    /// Whether this is the id of some network key's secret, of ours or of another's.
    pub(super) fn is_id(id: &PreSharedKeyId) -> bool {
        let Psk::External(external) = id.psk() else { return false };
        external.psk_id().strip_prefix(LABEL).is_some_and(|key_id| key_id.len() == 8)
    }
}

impl fmt::Debug for JoinSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, key: _ } = self;
        write!(f, "JoinSecret(id {id})")
    }
}

const LABEL: &[u8] = b"securechat/v1/mls-psk";
