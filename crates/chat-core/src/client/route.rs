//! Finding out how a message travels, with a broker at hand.

use std::sync::Arc;
use std::time::Duration;

use chat_transport::{LeaderEpoch, Partition, TopicId};
use tokio::time::Instant;

use super::Client;
use crate::clock::now_ms;
use crate::devices::OwnDevices;
use crate::directory::Publisher;
use crate::error::SendError;
use crate::handle::Handle;
use crate::inbound::read_to_end;
use crate::mailbox::Mailbox;
use crate::meta_row::MetaRow;
use crate::network::Network;
use crate::outbox::ground::Ground;
use crate::outbox::own_record::OwnRecord;
use crate::outbox::route::Route;
use crate::peer::Peer;
use crate::trust::Standing;

impl Client {
    /// How a message to somebody travels. Who is written to for the first time is looked up; a group is read to its
    /// end, so that nothing is encrypted in an epoch that is over.
    ///
    /// A broker that does not answer is no error: what is known counts.
    pub(super) async fn find_route(
        &self,
        ground: &mut Ground,
        (network, to): (&Network, &Peer),
        deadline: Instant,
    ) -> Result<Route, SendError> {
        let mut route = self.profile.route(network, to)?;
        let is_first = matches!(route, Route::SharedKey(_)) || route.is_founding();
        if let (true, Peer::Person(handle)) = (is_first, to)
            && (route.is_founding() || self.may_have_published(handle)?)
        {
            let time = deadline.saturating_duration_since(Instant::now()).min(LOOKUP);
            match self.refresh(handle, time).await {
                Ok(()) => self.profile.note_lookup(handle)?,
                Err(error) => tracing::debug!(%handle, %error, "the directory was not read"),
            }
            self.profile.pin_published(network, handle)?;
            route = self.profile.route(network, to)?;
        }
        if route.is_founding() {
            self.look_at_own_devices(network, deadline).await?;
            // Their invitation may lie there: whoever founds another group then splits what is said over two.
            for inbox in network.inboxes(&self.profile.handle) {
                if self.profile.has_read_of(network, &inbox)? {
                    self.catch_up(ground, (network, &inbox), deadline).await?;
                    route = self.profile.route(network, to)?;
                }
            }
        }
        if route.is_founding() {
            let partition = route.mailbox().partition;
            if let Some(end) = look_at(ground, partition, deadline).await {
                route.begin_at(end);
            }
            return Ok(route);
        }
        if matches!(route, Route::SharedKey(_)) {
            return Ok(route);
        }
        self.catch_up(ground, (network, &route.mailbox()), deadline).await?;
        self.profile.route(network, to)
    }

    /// Whoever begins a conversation from a device that others can remove looks whether they have.
    async fn look_at_own_devices(
        &self,
        network: &Network,
        deadline: Instant,
    ) -> Result<(), SendError> {
        let ours = self.profile.store.read(OwnDevices::of::<SendError>)?;
        if ours.devices.len() < 2 {
            return Ok(());
        }
        let transport = self.transport().map_err(|_| SendError::Stopped)?;
        let publisher = Publisher::new(Arc::clone(&self.profile), transport, network.clone());
        let until = deadline.min(Instant::now() + LOOKUP);
        match tokio::time::timeout_at(until, publisher.publish()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the directory was not read"),
            Err(_) => tracing::debug!("the directory was not read in time"),
        }
        Ok(self.profile.check_is_device()?)
    }

    /// Reads the partition of a mailbox to its end, where a broker answers in time.
    async fn catch_up(
        &self,
        ground: &mut Ground,
        (network, mailbox): (&Network, &Mailbox),
        deadline: Instant,
    ) -> Result<(), SendError> {
        let partition = mailbox.partition;
        let until = deadline.min(Instant::now() + LOOK);
        let Some(end) = look_at(ground, partition, until).await else { return Ok(()) };
        let leader = ground.epoch(partition);
        if self.profile.has_read(network, (mailbox, leader), end)? {
            return Ok(());
        }
        let (of, transport) = ((&self.profile, network), ground.transport());
        if let Err(error) = read_to_end(of, transport, mailbox, until).await {
            tracing::debug!(%error, "a mailbox was not read to its end");
        }
        Ok(())
    }

    /// Whether somebody may have published what was not known when they were last looked up.
    fn may_have_published(&self, to: &Handle) -> Result<bool, SendError> {
        let (standing, looked) = self.profile.store.read::<_, SendError>(|tx| {
            Ok((Standing::of::<SendError>(tx, to)?, tx.meta_get(&looked(to))?))
        })?;
        let at = looked.and_then(|row| row.as_slice().try_into().ok().map(i64::from_be_bytes));
        let recently = at.is_some_and(|at| (0..LOOKUP_AGAIN_MS).contains(&(now_ms() - at)));
        Ok(!standing.shared_key && !recently)
    }
}

/// Where the log of a partition ends, if a broker answers in time.
async fn look_at(
    ground: &mut Ground,
    partition: Partition,
    deadline: Instant,
) -> Option<(TopicId, u64)> {
    let until = deadline.min(Instant::now() + LOOK);
    let looked = tokio::time::timeout_at(until, ground.look_ahead(partition)).await;
    looked.ok()?.ok()?;
    ground.end_of(partition)
}

impl super::Profile {
    /// Whether anything of a mailbox's partition was ever read.
    fn has_read_of(&self, network: &Network, mailbox: &Mailbox) -> Result<bool, SendError> {
        let (name, partition) = (network.mail_topic(), mailbox.partition);
        Ok(self.store.read(|tx| tx.cursor(name.as_str(), partition.0, None))?.is_some())
    }

    fn note_lookup(&self, to: &Handle) -> Result<(), SendError> {
        let now = now_ms().to_be_bytes();
        self.store.write::<_, SendError>(|tx| Ok(tx.meta_put(&looked(to), &now)?))
    }

    /// Whether a partition was read as far as this, or holds only messages of our own from there on: these say nothing
    /// new, and are read with whatever comes behind them.
    ///
    /// * `leader` - under which the log ends there: of what it has acknowledged itself nothing is lost
    fn has_read(
        &self,
        network: &Network,
        (mailbox, leader): (&Mailbox, Option<LeaderEpoch>),
        (topic, end): (TopicId, u64),
    ) -> Result<bool, SendError> {
        let (name, partition) = (network.mail_topic(), mailbox.partition);
        let (cursor, lags) = self.store.read::<_, SendError>(|tx| {
            let of = |tag| tx.cursor(name.as_str(), partition.0, tag);
            Ok((of(None)?, of(Some(mailbox.tag.as_bytes()))?.is_some()))
        })?;
        // It was joined behind what was read of its partition.
        if lags {
            return Ok(false);
        }
        let Some(cursor) = cursor.filter(|cursor| cursor.topic_id == topic.0) else {
            return Ok(false);
        };
        let unread = end.saturating_sub(cursor.next);
        if unread == 0 {
            return Ok(true);
        }
        let (Some(leader), true) = (leader, unread <= MOST_OWN) else { return Ok(false) };
        let is_message = |(offset, own): &(u64, OwnRecord)| {
            let stands = own.topic_id == topic.0 && own.leader_epoch == Some(leader.0);
            // What has no place in the history changes a group, or may.
            *offset >= cursor.next && own.history != 0 && stands
        };
        let own = self.own_below(&name, partition, end, usize::try_from(unread).unwrap_or(0))?;
        Ok(own.len() as u64 == unread && own.iter().all(is_message))
    }
}

/// When somebody was last looked up.
fn looked(to: &Handle) -> String {
    format!("looked up/{to}")
}

/// How long a lookup, and a look at a group, may hold up a message.
const LOOKUP: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_secs(2);
/// Messages of our own that a group may hold unread when it is written to.
const MOST_OWN: u64 = 64;
/// Who had published nothing is not looked up again for as long as this.
const LOOKUP_AGAIN_MS: i64 = 10 * 60 * 1000;
