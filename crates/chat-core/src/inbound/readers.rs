//! Readers of all partitions in which a profile has a mailbox.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chat_store::Generation;
use chat_transport::{Partition, Transport};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use super::live::SharedLive;
use super::reader::Ended;
use super::{Mail, Mailboxes};
use crate::client::Profile;
use crate::error::{Error, ReceiveError};
use crate::mailbox::Mailbox;
use crate::network::Network;

/// One reader for each partition that holds a mailbox of ours, for as long as they are polled.
pub(crate) struct Readers {
    mail: Mail,
    live: Arc<SharedLive>,
    running: JoinSet<(Partition, Ended)>,
    reads: BTreeSet<Partition>,
    nudge: watch::Sender<()>,
    /// The mailboxes as they were last looked at, and the store's generation then.
    known: BTreeMap<Partition, Mailboxes>,
    looked: Option<Generation>,
}

/// Why reading has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The network has other keys by now: read anew, with those.
    OtherKeys,
    /// The store has failed, as was told.
    Failed,
}

impl Readers {
    /// Readers that have yet to run; `live` knows from now on which partitions they will read.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) fn new(mail: Mail, live: Arc<SharedLive>) -> Result<Self, ReceiveError> {
        let known = mail.mailboxes()?;
        live.begin(&known.keys().copied().collect());
        let (nudge, _) = watch::channel(());
        let (running, reads) = (JoinSet::new(), BTreeSet::new());
        Ok(Self { mail, live, running, reads, nudge, known, looked: None })
    }

    /// Reads until a store fails; that is told.
    pub(crate) async fn run(mut self) -> Outcome {
        let failed = loop {
            match self.look() {
                Ok(()) => {}
                Err(ReceiveError::OtherKeys) => return Outcome::OtherKeys,
                Err(error) => break Some(error),
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_AT_STORE) => {}
                () = self.live.wanted() => {}
                ended = self.running.join_next(), if !self.running.is_empty() => {
                    match ended {
                        None => {}
                        Some(Ok((partition, Ended::NoMailboxes))) => self.is_over(partition),
                        Some(Ok((_, Ended::OtherKeys))) => return Outcome::OtherKeys,
                        Some(Ok((_, Ended::Failed))) => break None,
                        Some(Err(stopped)) => break Some(stopped_by(&stopped)),
                    }
                }
            }
        };
        if let Some(error) = failed {
            self.live.fail(error);
        }
        Outcome::Failed
    }

    /// Looks at the mailboxes, if anything was stored since, and starts the readers that are missing.
    fn look(&mut self) -> Result<(), ReceiveError> {
        let generation = self.mail.store.generation()?;
        if self.looked != Some(generation) {
            let now = self.mail.mailboxes()?;
            self.mail.forget_unread(&now)?;
            if self.looked.is_some() && !are_same(&self.known, &now) {
                self.nudge.send_replace(());
            }
            (self.known, self.looked) = (now, Some(generation));
            self.live.expect(&self.known.keys().copied().collect());
        }
        for partition in self.known.keys() {
            if self.reads.insert(*partition) {
                let (partition, live) = (*partition, self.live.part(*partition));
                let reader = self.mail.reader(partition, live, self.nudge.subscribe());
                self.running.spawn(async move { (partition, reader.run().await) });
            }
        }
        Ok(())
    }

    /// Nothing of a partition is ours any more.
    fn is_over(&mut self, partition: Partition) {
        self.reads.remove(&partition);
        self.live.forget(partition);
        self.looked = None;
    }
}

/// Reads the partition of a mailbox to where its log ends now, as `listen` does, which may read it as well.
///
/// Returns whether it got there before the deadline. What it finds is stored, whichever mailbox it is for.
///
/// # Errors
/// When the broker cannot be reached or the store fails. What was read until then is stored.
pub(crate) async fn read_to_end(
    (profile, network): (&Arc<Profile>, &Network),
    transport: Arc<dyn Transport>,
    mailbox: &Mailbox,
    deadline: Instant,
) -> Result<bool, Error> {
    let partition = mailbox.partition;
    let mail = Mail::new(profile, network, Arc::clone(&transport))?;
    match mail.read_to_end(partition, deadline).await {
        Err(ReceiveError::OtherKeys) => {
            let mail = Mail::new(profile, &profile.joined_network()?, transport)?;
            Ok(mail.read_to_end(partition, deadline).await?)
        }
        read => Ok(read?),
    }
}

impl Mail {
    /// See [`read_to_end`].
    pub(super) async fn read_to_end(
        &self,
        partition: Partition,
        deadline: Instant,
    ) -> Result<bool, ReceiveError> {
        let live = Arc::new(SharedLive::default()).part(partition);
        let (_nudge, nudged) = watch::channel(());
        self.reader(partition, live, nudged).read_to_end(deadline).await
    }
}

fn are_same(one: &BTreeMap<Partition, Mailboxes>, other: &BTreeMap<Partition, Mailboxes>) -> bool {
    one.len() == other.len()
        && one
            .iter()
            .zip(other)
            .all(|((at, one), (other_at, other))| at == other_at && one.covers(other))
}

/// A reader that has panicked or was stopped from outside.
fn stopped_by(error: &JoinError) -> ReceiveError {
    tracing::error!(%error, "a reader was stopped");
    ReceiveError::Stopped
}

/// How often the store is asked what other processes of the profile have done.
const LOOK_AT_STORE: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests;
