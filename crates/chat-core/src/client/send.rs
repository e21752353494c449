//! Sending: accept, then deliver.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use chat_store::{OutboxRow as Stored, ReadTxn};
use chat_transport::Partition;
use tokio::time::Instant;

use super::Client;
use crate::content::Body;
use crate::directory::Publisher;
use crate::error::{Error, SendError};
use crate::handle::Handle;
use crate::item::MessageState;
use crate::mailbox::Mailbox;
use crate::network::Network;
use crate::outbox::deliver::Drain;
use crate::outbox::delivery::{Delivery, Landed};
use crate::outbox::enqueue::{Draft, Queued, Routes};
use crate::outbox::fate::Wanted;
use crate::outbox::ground::Ground;
use crate::outbox::{
    OutboxItem, OutboxRow, OutboxState, Resealer, Sealer, close_message, take_back,
};
use crate::peer::Peer;

/// What became of a message that was sent.
#[derive(Debug)]
#[non_exhaustive]
pub struct Sent {
    /// The message as it was accepted.
    pub queued: Queued,
    /// How far it came.
    pub outcome: SendOutcome,
}

/// How far a message came.
#[derive(Debug)]
#[non_exhaustive]
pub enum SendOutcome {
    /// It is on the log.
    Acked(Landed),
    /// Another process of this profile has brought it onto the log.
    ByOther,
    /// It waits in the outbox: any later `send` or `listen` delivers it.
    InOutbox {
        /// Why it waits.
        reason: Error,
    },
    /// It was taken back before it was sent.
    Withdrawn,
    /// It can never be sent, and was closed.
    Closed {
        /// Why, for people; may quote the broker, so escape it.
        reason: String,
    },
}

impl Client {
    /// Accepts messages, in order, all or none: into the history and the outbox, on disk.
    ///
    /// Needs no connection. Covers are read, chosen and scaled here.
    ///
    /// # Errors
    /// When a text, handle or cover is not fit, no network is joined, or the store fails; then
    /// nothing was accepted.
    pub fn enqueue(&self, drafts: Vec<Draft>) -> Result<Vec<Queued>, Error> {
        self.enqueue_by(drafts, &Routes::default())
    }

    /// As [`enqueue`](Self::enqueue), by what [`prepare`](Self::prepare) has found out.
    ///
    /// # Errors
    /// As [`enqueue`](Self::enqueue).
    pub fn enqueue_by(&self, drafts: Vec<Draft>, routes: &Routes) -> Result<Vec<Queued>, Error> {
        Ok(self.profile.enqueue(drafts, routes)?)
    }

    /// Finds out how messages to somebody travel, before they are accepted: who is written to for the first time is
    /// looked up in the directory, and a group is read to its end.
    ///
    /// A broker that does not answer is no error: what is known counts. It is waited for no longer than a few seconds,
    /// and `timeout`.
    ///
    /// # Errors
    /// When several identities claim the handle and none of them counts, no network is joined, or the store fails.
    pub async fn prepare(&self, to: &Peer, timeout: Duration) -> Result<Routes, Error> {
        let network = self.profile.joined_network()?;
        let mut ground = Ground::new(Arc::clone(&self.profile), self.transport()?, network.clone());
        let deadline = Instant::now() + timeout;
        let route = self.find_route(&mut ground, (&network, to), deadline).await?;
        Ok(Routes::one(to.clone(), route))
    }

    /// Delivers what waits in the outbox: the mailboxes of `wanted` first, older messages of each
    /// before newer ones, then all others within the same time.
    ///
    /// A broker that does not answer is no error: [`Delivery`] says what still waits, and why.
    ///
    /// # Errors
    /// When the store fails or no network is joined.
    pub async fn deliver(&self, wanted: &[Queued], timeout: Duration) -> Result<Delivery, Error> {
        let deadline = Instant::now() + timeout;
        let network = self.profile.joined_network()?;
        let mut first: Vec<Mailbox> = Vec::new();
        // What invites to a group goes ahead of what is said in it.
        for mailbox in wanted.iter().flat_map(Queued::mailboxes) {
            if !first.contains(&mailbox) {
                first.push(mailbox);
            }
        }
        let publisher = self.publisher(&network)?;
        let ground = Ground::new(Arc::clone(&self.profile), self.transport()?, network);
        let delivering = Drain::new(ground).waited_for(wanted).run(&first, deadline);
        Ok(tokio::join!(delivering, publisher.publish_first(deadline)).0?)
    }

    /// What has become of accepted messages by now, whichever process brought them that far.
    ///
    /// Needs no connection. [`Delivery::failure`] and [`Delivery::others`] stay empty.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn progress_of(&self, queued: &[Queued]) -> Result<Delivery, Error> {
        Ok(self.profile.progress_of(queued.iter().map(Wanted::from), Delivery::default())?)
    }

    /// Where an accepted message lies on the log, whichever process brought it there; `None` while it waits,
    /// and once thousands of younger messages of this profile lie on its partition.
    ///
    /// Needs no connection.
    ///
    /// # Errors
    /// When no network is joined or the store cannot be read.
    pub fn landed(&self, queued: &Queued) -> Result<Option<Landed>, Error> {
        let topic = self.profile.joined_network()?.mail_topic();
        let partition = queued.mailbox.partition;
        let offset = self.profile.own_offset(&topic, partition, queued.id)?;
        Ok(offset.map(|offset| Landed { partition: partition.0, offset: Some(offset) }))
    }

    /// Sends one message: accepts it and waits until it is on the log, for `timeout` at most.
    ///
    /// The broker is asked what must be known before an append while the message is written to disk. A future
    /// that is dropped leaves a message that was accepted in the outbox.
    ///
    /// # Errors
    /// As [`enqueue`](Self::enqueue): then nothing was accepted. Whatever fails later is the reason of
    /// [`SendOutcome::InOutbox`].
    pub async fn send(&self, draft: Draft, timeout: Duration) -> Result<Sent, Error> {
        let deadline = Instant::now() + timeout;
        let (profile, network) = (Arc::clone(&self.profile), self.profile.joined_network()?);
        let mut ground = Ground::new(Arc::clone(&self.profile), self.transport()?, network.clone());
        let route = self.find_route(&mut ground, (&network, &draft.to), deadline).await?;
        let mailbox = route.mailbox();
        let publisher = self.publisher(&network)?;
        let mut accepting =
            tokio::task::spawn_blocking(move || profile.accept_and_attempt(draft, route));
        let (queued, looked) = {
            let looking = look(&mut ground, mailbox.partition);
            let mut looking = pin!(tokio::time::timeout_at(deadline, looking));
            let (queued, looked) = tokio::select! {
                accepted = &mut accepting => (accepted, None),
                looked = &mut looking => (accepting.await, Some(looked)),
            };
            // What cannot be accepted waits for no broker.
            let queued = queued.map_err(|_| SendError::Stopped)??;
            let looked = match looked {
                Some(looked) => looked,
                None => looking.await,
            };
            (queued, looked.unwrap_or(Err(SendError::NoAnswerInTime)))
        };
        let drain = Drain::new(ground).waited_for([&queued]);
        let delivery = match looked {
            Ok(()) => {
                let first: Vec<Mailbox> = queued.mailboxes().collect();
                let delivering = drain.run(&first, deadline);
                tokio::join!(delivering, publisher.publish_first(deadline)).0
            }
            Err(error) => drain.finish(Some(error)),
        };
        // It is accepted: from here on nothing may read as if it were not.
        let outcome = match delivery {
            Ok(delivery) => delivery.into(),
            Err(error) => SendOutcome::InOutbox { reason: error.into() },
        };
        Ok(Sent { queued, outcome })
    }

    fn publisher(&self, network: &Network) -> Result<Publisher, Error> {
        Ok(Publisher::new(Arc::clone(&self.profile), self.transport()?, network.clone()))
    }

    /// What waits in the outbox, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn outbox(&self) -> Result<Vec<OutboxItem>, Error> {
        Ok(self.profile.store.read::<_, SendError>(|tx| {
            let mut items = Vec::new();
            tx.outbox_each(|stored| {
                items.extend(outbox_item(tx, &stored)?);
                Ok::<_, SendError>(())
            })?;
            items.sort_unstable_by_key(|item| item.id);
            Ok(items)
        })?)
    }

    /// Takes a message out of the outbox, by its number there; of a message in several pictures, all that still
    /// wait.
    ///
    /// What waits from then on is a note that takes its place, so that receivers see "withdrawn"
    /// instead of a hole. If the message itself had reached the log already, it stands.
    ///
    /// # Errors
    /// When there is no such message, another process is sending it right now, or the store fails.
    pub fn withdraw(&self, id: u64) -> Result<(), Error> {
        let network = self.profile.joined_network()?;
        let stored = self.profile.store.read::<_, SendError>(|tx| Ok(tx.outbox_get(id.into())?))?;
        let stored = stored.ok_or(SendError::NotInOutbox { id })?;
        let waits = |tx: &ReadTxn<'_>| tx.outbox_waits(&stored.mailbox, id.into());
        if !self.profile.store.read::<_, SendError>(|tx| Ok(waits(tx)?))? {
            return Err(SendError::NotInOutbox { id }.into());
        }
        let mailbox = Mailbox::from_bytes(&stored.mailbox);
        let signer = self.profile.signer(network.namespace())?;
        let own = self.profile.own_leaf(&network)?;
        let sealer = Resealer { sealer: Sealer { network: &network, signer: &signer }, own: &own };
        let _lock = self.profile.drain_lock(&mailbox)?.ok_or(SendError::BeingSent { id })?;
        self.profile.store.write::<_, SendError>(|tx| {
            let stored = tx.outbox_get(id.into())?.ok_or(SendError::NotInOutbox { id })?;
            let row = OutboxRow::decode(&stored)?;
            if row.is_void || row.is_letter() || !tx.outbox_waits(&stored.mailbox, id.into())? {
                return Err(SendError::NotInOutbox { id });
            }
            take_back(tx, (&sealer, &mailbox), id, &row)?;
            close_message(tx, row.history.into(), MessageState::Withdrawn)
        })?;
        Ok(())
    }

    /// The handles that this profile has heard from or written to.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn known_handles(&self) -> Result<Vec<Handle>, Error> {
        let contacts = self.profile.store.read::<_, SendError>(|tx| Ok(tx.contacts()?))?;
        Ok(contacts.iter().filter_map(|contact| contact.handle.parse().ok()).collect())
    }
}

/// Asks what must be known of a partition before the first append to it, unless it was asked just now.
async fn look(ground: &mut Ground, partition: Partition) -> Result<(), SendError> {
    if ground.stands(partition).is_some() {
        return Ok(());
    }
    ground.look_ahead(partition).await
}

/// A row of the outbox as people see it.
fn outbox_item(tx: &ReadTxn<'_>, stored: &Stored) -> Result<Option<OutboxItem>, SendError> {
    let row = OutboxRow::decode(stored)?;
    if row.is_letter() {
        return Ok(None);
    }
    let mark = tx.outbox_attempted(&stored.mailbox)?;
    let attempted = mark.is_some_and(|mark| mark >= stored.id);
    let content = row.content()?;
    let piece = match &content.body {
        Body::Part(part) => Some((u32::from(part.index) + 1, u32::from(part.count))),
        _ => None,
    };
    Ok(Some(OutboxItem {
        id: stored.id.get(),
        seq: row.history.into(),
        message_id: content.message_id,
        piece,
        withdrawn: row.is_void,
        to: row.to,
        carrier: row.carrier,
        state: if attempted { OutboxState::Attempted } else { OutboxState::Queued },
        queued_at_ms: row.queued_at_ms,
    }))
}

impl From<Delivery> for SendOutcome {
    /// How far a delivery that waited for one message came.
    fn from(delivery: Delivery) -> Self {
        let Delivery { waiting, closed, withdrawn, last, failure, .. } = delivery;
        if !withdrawn.is_empty() {
            return Self::Withdrawn;
        }
        if let Some((_, reason)) = closed.into_iter().next() {
            return Self::Closed { reason };
        }
        match (waiting, last, failure) {
            (0, Some(landed), _) => Self::Acked(landed),
            (0, None, _) => Self::ByOther,
            (_, _, failure) => {
                Self::InOutbox { reason: failure.unwrap_or(SendError::NoAnswerInTime.into()) }
            }
        }
    }
}
