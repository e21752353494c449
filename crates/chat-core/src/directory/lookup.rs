//! Looking people up, and letting what they have published count.

use std::sync::Arc;
use std::time::Duration;

use chat_crypto::Fingerprint;
use chat_store::{ReadTxn, WriteTxn};
use chat_transport::Transport;

use super::kept::KeptRecords;
use super::own::{OwnPublication, Owner};
use super::place::Place;
use super::publish::Publisher;
use super::published::{Published, Wanted};
use super::read::DirectoryReader;
use crate::client::{Client, Profile};
use crate::clock::now_ms;
use crate::conversation::Conversation;
use crate::error::{DirectoryError, Error};
use crate::handle::Handle;
use crate::history_row::HistoryRow;
use crate::item::{Item, KeyChanged, Protection};
use crate::namespace::Namespace;
use crate::network::Network;
use crate::trust::{Contact, Met, Standing, meet};

impl Client {
    /// What somebody has published by now: reads what is new in the directory, for `timeout` at most, and answers as
    /// [`published`](Self::published) does.
    ///
    /// # Errors
    /// As [`published`](Self::published). If the directory cannot be read, what is known counts; if nothing is known,
    /// the reason is the error.
    pub async fn lookup(&self, handle: &Handle, timeout: Duration) -> Result<Published, Error> {
        let read = self.refresh(handle, timeout).await;
        match (self.published(handle), read) {
            (Err(Error::Directory(DirectoryError::NotPublished { .. })), Err(error)) => Err(error),
            (published, _) => published,
        }
    }

    /// Reads what is new in the directory about somebody, for `timeout` at most.
    ///
    /// # Errors
    /// When the broker or the store fails, or there was no time.
    pub async fn refresh(&self, handle: &Handle, timeout: Duration) -> Result<(), Error> {
        let network = self.profile.joined_network()?;
        let of = (Arc::clone(&self.profile), self.transport()?);
        Ok(refresh(of, &network, (std::slice::from_ref(handle), timeout)).await?)
    }

    /// What is known of what somebody has published, without asking anybody: of the identity that counts for the
    /// handle, or, where none counts yet, of the only one that claims it.
    ///
    /// # Errors
    /// [`DirectoryError::NotPublished`]; [`DirectoryError::Conflict`] if several claim the handle and none counts;
    /// [`DirectoryError::OtherIdentity`] if the one that counts is not among them; or when the store fails.
    pub fn published(&self, handle: &Handle) -> Result<Published, Error> {
        let network = self.profile.joined_network()?;
        Ok(self.profile.published_by(&network, handle)?)
    }

    /// Makes somebody a contact: whoever has published under the handle counts from now on, if nobody did before.
    ///
    /// Asks nobody: [`refresh`](Self::refresh) first.
    ///
    /// * `fingerprint` - which of several. If another key counts already, this one is noted as any other that comes
    ///   under the handle: nothing is sent until somebody decides
    ///
    /// # Errors
    /// As [`published`](Self::published); [`DirectoryError::NoSuchFingerprint`]; [`DirectoryError::Own`].
    pub fn add_contact(
        &self,
        handle: &Handle,
        fingerprint: Option<&Fingerprint>,
    ) -> Result<Contact, Error> {
        if *handle == self.profile.handle {
            return Err(DirectoryError::Own { handle: handle.clone() }.into());
        }
        let network = self.profile.joined_network()?;
        let add = |tx: &mut WriteTxn<'_>| {
            let wanted = match fingerprint {
                Some(fingerprint) => Wanted::Named(*fingerprint),
                None => counting(tx, handle)?,
            };
            let records = KeptRecords::of::<DirectoryError>(tx, handle)?;
            let chosen = records.choose(handle, wanted)?;
            self.profile.meet_published(tx, (network.namespace(), handle), chosen.identity)
        };
        self.profile.store.write(add)?;
        self.contact(handle)
    }

    /// Reads what the log shows of this profile itself, for `timeout` at most, and says what that is; `None` if it
    /// has never published anything.
    ///
    /// # Errors
    /// When the broker or the store fails, or there was no time.
    pub async fn own_publication(
        &self,
        timeout: Duration,
    ) -> Result<Option<OwnPublication>, Error> {
        let network = self.profile.joined_network()?;
        let publisher =
            Publisher::new(Arc::clone(&self.profile), self.transport()?, network.clone());
        let read = tokio::time::timeout(timeout, publisher.read_own()).await;
        read.map_err(|_| DirectoryError::NoAnswerInTime)??;
        let signer = self.profile.signer(network.namespace())?;
        let place = Place::new(&network);
        let owner = Owner { place: &place, handle: &self.profile.handle, signer: &signer };
        Ok(self.profile.store.read(|tx| owner.publication(tx))?)
    }
}

/// Reads what is new in the directory about people, for a time at most.
pub(crate) async fn refresh(
    (profile, transport): (Arc<Profile>, Arc<dyn Transport>),
    network: &Network,
    (handles, time): (&[Handle], Duration),
) -> Result<(), DirectoryError> {
    let place = Arc::new(Place::new(network));
    let reader = DirectoryReader { profile, transport, place };
    let mut partitions: Vec<_> =
        handles.iter().flat_map(|handle| reader.place.partitions(handle.as_str())).collect();
    partitions.sort_unstable();
    partitions.dedup();
    let read = tokio::time::timeout(time, reader.read(&partitions)).await;
    read.map_err(|_| DirectoryError::NoAnswerInTime)?.map(drop)
}

impl Profile {
    /// See [`Client::published`].
    pub(crate) fn published_by(
        &self,
        network: &Network,
        handle: &Handle,
    ) -> Result<Published, DirectoryError> {
        self.store.read(|tx| find(tx, handle, network.namespace()))
    }

    /// What is known of what this profile's own identity has published; `None` if that is nothing.
    pub(crate) fn published_by_us(
        &self,
        network: &Network,
        identity: &[u8; 32],
    ) -> Result<Option<Published>, DirectoryError> {
        self.store.read(|tx| {
            let records = KeptRecords::of::<DirectoryError>(tx, &self.handle)?;
            let Some(entry) = records.entry(identity) else { return Ok(None) };
            records.published(&self.handle, entry, network.namespace()).map(Some)
        })
    }

    /// Whoever writes to somebody for the first time lets the only identity count that claims the handle, if one does
    /// and none counts yet.
    pub(crate) fn pin_published(
        &self,
        network: &Network,
        handle: &Handle,
    ) -> Result<(), DirectoryError> {
        let only = |tx: &ReadTxn<'_>| {
            if Standing::of::<DirectoryError>(tx, handle)?.pin.is_some() {
                return Ok(None);
            }
            let records = KeptRecords::of::<DirectoryError>(tx, handle)?;
            let chosen = records.choose(handle, Wanted::Counting(None));
            Ok::<_, DirectoryError>(chosen.ok().map(|entry| entry.identity))
        };
        let Some(identity) = self.store.read(only)? else { return Ok(()) };
        let namespace = network.namespace();
        let pin = |tx: &mut WriteTxn<'_>| self.meet_published(tx, (namespace, handle), identity);
        self.store.write(pin)
    }

    /// Somebody has chosen what an identity published under a handle: as if it had signed a message under it.
    fn meet_published(
        &self,
        tx: &mut WriteTxn<'_>,
        (namespace, handle): (&Namespace, &Handle),
        identity: [u8; 32],
    ) -> Result<(), DirectoryError> {
        let shown = (identity, Protection::SharedKey);
        let (standing, met) = meet::<DirectoryError>(tx, handle, shown, now_ms())?;
        if let (Met::OtherNew, Some(pin)) = (met, standing.pin) {
            let changed = KeyChanged { handle: handle.clone(), old: pin.identity, new: identity };
            let pair = Conversation::pair(namespace, &self.handle, handle);
            let conversation = pair.map(|pair| pair.encode()).unwrap_or_default();
            let row = HistoryRow::now(Item::KeyChanged(changed));
            row.append::<DirectoryError>(tx, &conversation)?;
        }
        Ok(())
    }
}

fn find(
    tx: &ReadTxn<'_>,
    handle: &Handle,
    namespace: &Namespace,
) -> Result<Published, DirectoryError> {
    let records = KeptRecords::of::<DirectoryError>(tx, handle)?;
    let chosen = records.choose(handle, counting(tx, handle)?)?;
    records.published(handle, chosen, namespace)
}

/// The identity that counts for a handle.
fn counting(tx: &ReadTxn<'_>, handle: &Handle) -> Result<Wanted, DirectoryError> {
    let pin = Standing::of::<DirectoryError>(tx, handle)?.pin;
    Ok(Wanted::Counting(pin.map(|pin| pin.identity)))
}
