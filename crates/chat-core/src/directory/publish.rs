//! Publishing the own records, and watching that they stay published.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use chat_transport::{Partition, Record, Transport};
use tokio::time::Instant;

use super::gossip::Ahead;
use super::own::{Due, Owner, Under, is_published};
use super::place::Place;
use super::read::DirectoryReader;
use super::take::Taken;
use crate::client::Profile;
use crate::clock::now_ms;
use crate::error::DirectoryError;
use crate::handle::Handle;
use crate::meta_row::MetaRow;
use crate::network::Network;

/// Publishes what a profile says about itself.
#[derive(Clone)]
pub(crate) struct Publisher {
    pub(crate) reader: DirectoryReader,
    network: Network,
}

impl Publisher {
    pub(crate) fn new(
        profile: Arc<Profile>,
        transport: Arc<dyn Transport>,
        network: Network,
    ) -> Self {
        let place = Arc::new(Place::new(&network));
        Self { reader: DirectoryReader { profile, transport, place }, network }
    }

    /// Publishes, and watches the own records and those of all contacts, for as long as it is polled.
    pub(crate) async fn keep_up(self) -> Infallible {
        let mut pause = FIRST_PAUSE;
        loop {
            let (due_at, may_wait) = match tokio::time::timeout(LONGEST_STEP, self.step()).await {
                Ok(Ok(())) => {
                    pause = FIRST_PAUSE;
                    (Instant::now() + WATCH_EVERY, true)
                }
                failed => {
                    if let Ok(Err(error)) = failed {
                        tracing::debug!(%error, "the directory is not up to date; trying again");
                    }
                    pause = (pause * 2).min(WATCH_EVERY);
                    // A broker that does not answer is asked less and less often, whatever waits.
                    (Instant::now() + pause, false)
                }
            };
            loop {
                let left = due_at.saturating_duration_since(Instant::now());
                tokio::time::sleep(LOOK_AT_STORE.min(left)).await;
                if Instant::now() >= due_at || (may_wait && self.is_waiting().await) {
                    break;
                }
            }
        }
    }

    async fn step(&self) -> Result<(), DirectoryError> {
        self.publish().await?;
        let ahead =
            |reader: &DirectoryReader| reader.profile.store.read(Ahead::of::<DirectoryError>);
        let looked_for = self.reader.with_profile(ahead).await?;
        let partitions = self.reader.with_profile(Self::watched).await?;
        self.reader.read(&partitions).await?;
        if looked_for.handles().next().is_none() {
            return Ok(());
        }
        self.reader
            .with_profile(move |reader| {
                let of = (&*reader.place, &reader.profile.handle);
                reader.profile.store.write(|tx| Ahead::settle(tx, of, &looked_for))
            })
            .await
    }

    /// Whether the own records should be looked at before it is time.
    async fn is_waiting(&self) -> bool {
        let look = |reader: &DirectoryReader| {
            let DirectoryReader { profile, place, .. } = reader;
            let signer = profile.signer(&place.namespace)?;
            let owner = Owner { place, handle: &profile.handle, signer: &signer };
            profile.store.read(|tx| {
                Ok(owner.is_waiting(tx, now_ms())? || Ahead::of::<DirectoryError>(tx)?.is_due())
            })
        };
        self.reader.with_profile(look).await.unwrap_or(false)
    }

    /// Publishes if nothing of this profile was ever published, within a short time. It never fails: whoever listens
    /// publishes later.
    ///
    /// * `deadline` - an earlier end
    pub(crate) async fn publish_first(self, deadline: Instant) {
        let published = self.reader.profile.store.read(is_published);
        if !matches!(published, Ok(false)) {
            return;
        }
        let deadline = deadline.min(Instant::now() + FIRST_PUBLISHING);
        match tokio::time::timeout_at(deadline, self.publish()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "nothing could be published yet"),
            Err(_) => tracing::debug!("nothing could be published in time"),
        }
    }

    /// Reads what the log shows under the own handle, and appends what is missing, old, or not what it should be.
    ///
    /// # Errors
    /// When the broker or the store fails.
    pub(crate) async fn publish(&self) -> Result<(), DirectoryError> {
        self.read_own().await?;
        let publisher = self.clone();
        let mut due = self.reader.with_profile(move |_| publisher.upkeep()).await?;
        for under in [Under::Newest, Under::Widest] {
            let (now, later) = due.into_iter().partition(|due: &Due| due.under == under);
            due = later;
            self.append(under, now).await?;
        }
        Ok(())
    }

    /// Appends records under one of the network keys.
    async fn append(&self, under: Under, due: Vec<Due>) -> Result<(), DirectoryError> {
        let place = &self.reader.place;
        let handle = self.reader.profile.handle.as_str();
        let partition = match under {
            Under::Newest => Some(place.partition(handle)),
            Under::Widest => place.widest_partition(handle),
        };
        let Some(partition) = partition.filter(|_| !due.is_empty()) else { return Ok(()) };
        let seal = |due: &Due| place.seal((partition, under), (due.key, due.kind), &due.body);
        let records = due.iter().map(seal).collect::<Result<Vec<Record>, _>>()?;
        let transport = &self.reader.transport;
        let (acked, failed) = match transport.append(&place.topic, partition, records).await {
            Ok(acks) => (acks.len(), None),
            Err(error) => (error.acked.len(), Some(error.error)),
        };
        self.reader
            .with_profile(move |reader| {
                let DirectoryReader { profile, place, .. } = reader;
                let signer = profile.signer(&place.namespace)?;
                let owner = Owner { place, handle: &profile.handle, signer: &signer };
                let acked = due.get(..acked).unwrap_or(&due);
                profile.store.write(|tx| owner.acked(tx, acked, now_ms()))
            })
            .await?;
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Reads the partition of the own handle.
    pub(crate) async fn read_own(&self) -> Result<Taken, DirectoryError> {
        // Another device of ours may lack the newest network key, and publish under an older one.
        let place = &self.reader.place;
        let mut partitions: Vec<Partition> =
            place.partitions(self.reader.profile.handle.as_str()).collect();
        partitions.sort_unstable();
        partitions.dedup();
        self.reader.read(&partitions).await
    }

    fn upkeep(&self) -> Result<Vec<Due>, DirectoryError> {
        let DirectoryReader { profile, place, .. } = &self.reader;
        let signer = profile.signer(&place.namespace)?;
        let owner = Owner { place, handle: &profile.handle, signer: &signer };
        let (mail, inboxes) = (self.network.mail_topic(), self.network.inboxes(&profile.handle));
        profile.store.write(|tx| owner.upkeep(tx, (mail.as_str(), &inboxes), now_ms()))
    }

    /// The partitions of all contacts.
    fn watched(reader: &DirectoryReader) -> Result<Vec<Partition>, DirectoryError> {
        let (contacts, ahead) = reader.profile.store.read::<_, DirectoryError>(|tx| {
            Ok((tx.contacts()?, Ahead::of::<DirectoryError>(tx)?))
        })?;
        let own = reader.place.partition(reader.profile.handle.as_str());
        let partitions: BTreeSet<Partition> = contacts
            .iter()
            .map(|contact| contact.handle.as_str())
            .chain(ahead.handles().map(Handle::as_str))
            .flat_map(|handle| reader.place.partitions(handle))
            .collect();
        Ok(partitions.into_iter().filter(|partition| *partition != own).collect())
    }
}

/// How often the directory is looked at.
const WATCH_EVERY: Duration = Duration::from_mins(5);
/// How often the store is asked whether something has to be published earlier.
const LOOK_AT_STORE: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// A look that takes longer is given up, and goes on where it was.
const LONGEST_STEP: Duration = Duration::from_secs(60);
/// How long a message may be held up by the first publishing.
const FIRST_PUBLISHING: Duration = Duration::from_secs(3);
