//! Belonging to a network: making one, inviting, joining.

use std::time::SystemTime;

use chat_transport::Transport;

use super::{Client, META_NETWORK, put_network};
use crate::clock::now_ms;
use crate::error::{ContactError, Error, NetworkError, SendError};
use crate::history_row::HistoryRow;
use crate::item::{Item, KeyOffer, NetworkKeyChanged};
use crate::network::Network;
use crate::network::create::{self, NetworkOutcome, NewNetwork};
use crate::network::fields::Inviter;
use crate::network::invite::Invite;
use crate::network::keys::KeyGeneration;
use crate::network::rotation::take_keys;
use crate::trust::Standing;

/// What `join` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Joined {
    /// The profile belongs to the network now.
    New,
    /// It did already.
    Already,
    /// It did already, and has a new key of it now.
    NewKey,
}

impl Client {
    /// Makes a network: its key, and its topics on the cluster that `transport` reaches.
    ///
    /// Run again after [`NetworkOutcome::NeedsAdministrator`], it finishes with the key that it
    /// made before. Run by a member of the same network, it makes topics again that are gone, with the
    /// network's own number of partitions.
    ///
    /// # Errors
    /// When the profile belongs to another network, the topics hold records or are not set as a
    /// network's must be, or the broker does not answer.
    pub async fn create_network(
        &self,
        transport: &dyn Transport,
        new: NewNetwork,
    ) -> Result<NetworkOutcome, Error> {
        let begun = self.profile.network()?;
        let pending = match begun.clone() {
            None => create::draft(new)?,
            Some(network) if network.is_pending() => create::resume(network, new)?,
            Some(network) if create::is_same(&network, &new) => {
                return match create::remake_topics(transport, &network, &new).await? {
                    Some(outcome) => Ok(outcome),
                    None => {
                        Err(NetworkError::AlreadyMember { namespace: network.namespace().clone() }
                            .into())
                    }
                };
            }
            Some(network) => {
                return Err(
                    NetworkError::AlreadyMember { namespace: network.namespace().clone() }.into()
                );
            }
        };
        self.keep_network(&pending)?;
        match create::make_topics(transport, pending.clone()).await {
            Ok(outcome) => {
                if let NetworkOutcome::Ready { network, .. } = &outcome {
                    self.keep_network(network)?;
                }
                Ok(outcome)
            }
            Err(error) => {
                if error.topics_unusable() {
                    // What was begun before, with its key, waits as it was.
                    self.put_back(&pending, begun.as_ref())?;
                }
                Err(error.into())
            }
        }
    }

    /// An invite to the profile's network. It is a secret: it holds the network key.
    ///
    /// # Errors
    /// When no network is joined, and where this profile is no device of its identity, or not yet.
    pub fn invite(&self, expires: Option<SystemTime>) -> Result<Invite, Error> {
        self.profile.check_is_device()?;
        let network = self.profile.joined_network()?;
        let inviter = Inviter { handle: self.profile.handle.clone(), identity: self.identity()? };
        Ok(Invite::new(network.fields, expires, inviter))
    }

    /// Joins the network of an invite. Needs no connection. Whoever has made the invite is introduced: their key
    /// counts from now on, and nobody has compared it.
    ///
    /// # Errors
    /// When the invite has expired, or the profile belongs to another network.
    pub fn join(&self, invite: &Invite) -> Result<Joined, Error> {
        invite.check_time(now_ms())?;
        let joining = Network { fields: invite.network.clone(), pending: None };
        match self.profile.network()? {
            Some(network) if !network.is_pending() => {
                if !Self::is_same_network(&network, invite) {
                    let namespace = network.namespace().clone();
                    return Err(NetworkError::AlreadyMember { namespace }.into());
                }
                let taken = self.take_keys_of(invite)?;
                self.introduce(invite)?;
                return Ok(if taken { Joined::NewKey } else { Joined::Already });
            }
            _ => {}
        }
        self.keep_network(&joining)?;
        self.introduce(invite)?;
        Ok(Joined::New)
    }

    /// The key that came with an invite counts, if none does yet.
    /// Whether an invite is one to the network that this profile belongs to: it has one of our keys.
    fn is_same_network(network: &Network, invite: &Invite) -> bool {
        if network.namespace() != &invite.network.namespace {
            return false;
        }
        invite.network.keys.iter().any(|of| network.keys().has(of.key.id()))
    }

    /// Takes over keys of the network that an invite has and this profile lacks; whether there were any.
    fn take_keys_of(&self, invite: &Invite) -> Result<bool, Error> {
        let (me, offered) = (&self.profile.handle, &invite.network.keys);
        let offered: Vec<KeyGeneration> = offered.iter().cloned().collect();
        Ok(self.profile.store.write::<_, SendError>(|tx| {
            let Some(network) = take_keys::<SendError>(tx, me, &offered)? else {
                return Ok(false);
            };
            let newest = network.keys().newest();
            let (by, key, number) = (me.clone(), newest.key.id().to_string(), newest.number);
            let changed = NetworkKeyChanged { by, key, number, offer: KeyOffer::Taken };
            HistoryRow::now(Item::NetworkKeyChanged(changed)).append::<SendError>(tx, &[])?;
            Ok(true)
        })?)
    }

    fn introduce(&self, invite: &Invite) -> Result<(), Error> {
        let Some((handle, identity)) = invite.inviter() else { return Ok(()) };
        if *handle == self.profile.handle {
            return Ok(());
        }
        Ok(self.profile.store.write::<_, ContactError>(|tx| {
            let mut standing = Standing::of::<ContactError>(tx, handle)?;
            standing.introduce(*identity.as_bytes(), now_ms());
            standing.put::<ContactError>(tx, handle)
        })?)
    }

    fn keep_network(&self, network: &Network) -> Result<(), NetworkError> {
        self.profile.store.write(|tx| put_network(tx, network))
    }

    /// Undoes [`keep_network`](Self::keep_network), unless another process has joined a network meanwhile.
    fn put_back(&self, kept: &Network, before: Option<&Network>) -> Result<(), NetworkError> {
        let kept = kept.to_row()?;
        let before = before.map(Network::to_row).transpose()?;
        self.profile.store.write::<_, NetworkError>(|tx| {
            if tx.meta_get(META_NETWORK)?.is_none_or(|row| *row != *kept) {
                return Ok(());
            }
            match &before {
                Some(row) => tx.meta_put(META_NETWORK, row)?,
                None => tx.meta_delete(META_NETWORK)?,
            }
            Ok(())
        })?;
        Ok(())
    }
}
