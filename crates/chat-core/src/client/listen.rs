//! Listening: background reading, and events from the history.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use chat_store::{Generation, Seq};
use chat_transport::Transport;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use super::{Client, Profile};
use crate::clock::now_ms;
use crate::directory::{Publisher, refresh};
use crate::error::{Error, HistoryError, ProfileError, ReceiveError, SendError};
use crate::history_row::HistoryRow;
use crate::inbound::{Live, Mail, Outcome, Readers, SharedLive, Skipped};
use crate::item::{HistoryItem, Item};
use crate::lock::Lock;
use crate::mutant::{Mutant, breaks};
use crate::network::Network;
use crate::network::rotation::close_keys;
use crate::outbox::deliver::Drain;
use crate::outbox::ground::Ground;
use crate::trust::SenderTrust;

/// Where `listen` begins.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListenFrom {
    /// Behind the stored mark of the consumer of this name; one process at a time may use a name.
    Mark(String),
    /// Behind this row; reads and moves no mark, so any number may run.
    After(Seq),
}

/// What `listen` tells.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A row of the history: a message from somebody else, or something about messages.
    Item(HistoryItem),
    /// The broker answers.
    Connected,
    /// The broker does not answer; it is tried again.
    Disconnected {
        /// What happened.
        error: Error,
    },
    /// Everything that is on the log has been read.
    CaughtUp,
    /// Records at our own tag were refused since the last such event.
    Skipped(Skipped),
    /// Records on the log that are still to be read.
    Behind(u64),
}

/// A running `listen`: reads the log in the background and gives out events in order.
///
/// Dropping it stops the background work; what was stored stays stored.
pub struct Listener {
    profile: Arc<Profile>,
    live: Arc<SharedLive>,
    work: JoinHandle<()>,
    /// The last row that was given out, or that was passed over.
    position: Seq,
    waiting: VecDeque<HistoryItem>,
    told_caught_up: bool,
    told_behind: u64,
    generation: Option<Generation>,
    mark: Option<(String, Lock)>,
}

impl Client {
    /// Starts to listen, on the current tokio runtime.
    ///
    /// Rows above the starting point come first, then whatever arrives, whichever process of this
    /// profile stores it. What waits in the outbox is delivered as well.
    ///
    /// # Errors
    /// When no network is joined, this profile waits to be linked, another process listens under the same name, or
    /// the store fails.
    pub fn listen(&self, from: ListenFrom) -> Result<Listener, Error> {
        if self.is_linking()? {
            return Err(ProfileError::Linking.into());
        }
        self.listen_anyway(from)
    }

    /// As [`listen`](Self::listen), also while this profile waits to be linked.
    pub(super) fn listen_anyway(&self, from: ListenFrom) -> Result<Listener, Error> {
        let transport = self.transport()?;
        let (position, mark) = self.profile.start_of(from)?;
        let live = Arc::new(SharedLive::default());
        let reading = Reading { profile: Arc::clone(&self.profile), transport, live };
        let live = Arc::clone(&reading.live);
        let readers = reading.readers()?;
        Ok(Listener {
            profile: Arc::clone(&self.profile),
            live,
            work: tokio::spawn(reading.go_on(readers)),
            position,
            waiting: VecDeque::new(),
            told_caught_up: false,
            told_behind: 0,
            generation: None,
            mark,
        })
    }
}

/// What a listener does in the background: it reads, delivers what waits and keeps what is published up to date.
struct Reading {
    profile: Arc<Profile>,
    transport: Arc<dyn Transport>,
    live: Arc<SharedLive>,
}

impl Reading {
    fn readers(&self) -> Result<(Network, Readers), Error> {
        loop {
            let network = self.profile.joined_network()?;
            let mail = Mail::new(&self.profile, &network, Arc::clone(&self.transport))?;
            match Readers::new(mail, Arc::clone(&self.live)) {
                Ok(readers) => return Ok((network, readers)),
                // Another process was quicker.
                Err(ReceiveError::OtherKeys) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Forgets network keys whose time is over, once everything that lies under them was read.
    async fn close_keys(&self) -> Infallible {
        loop {
            tokio::time::sleep(LOOK_AT_STORE).await;
            let is_over = self
                .profile
                .network()
                .ok()
                .flatten()
                .is_some_and(|network| !network.keys().over_at(now_ms()).is_empty());
            if is_over && self.live.take(|live| live.caught_up) {
                let closed = self.profile.store.write::<_, ReceiveError>(close_keys);
                if let Err(error) = closed {
                    tracing::warn!(%error, "an older key of the network is still read");
                }
            }
        }
    }

    /// Goes on until the store fails; that is told. Whenever the network has other keys, all of it begins anew.
    async fn go_on(self, first: (Network, Readers)) {
        let mut next = Ok(first);
        loop {
            let (network, readers) = match next {
                Ok(next) => next,
                Err(error) => return self.live.fail(error),
            };
            let of = || (Arc::clone(&self.profile), Arc::clone(&self.transport));
            let (profile, transport) = of();
            let publisher = Publisher::new(profile, transport, network.clone());
            let (profile, transport) = of();
            let sender = deliver_in_background(profile, transport, network, Arc::clone(&self.live));
            // Apart from the readers, which need not wait for them.
            let mut beside = JoinSet::new();
            beside.spawn(async { tokio::join!(sender, publisher.keep_up()).0 });
            let outcome = tokio::select! {
                outcome = readers.run() => outcome,
                never = self.close_keys() => match never {},
            };
            if outcome == Outcome::Failed {
                // What waits is still delivered.
                while beside.join_next().await.is_some() {}
                return;
            }
            next = self.readers();
        }
    }
}

impl Profile {
    fn start_of(&self, from: ListenFrom) -> Result<(Seq, Option<(String, Lock)>), Error> {
        match from {
            ListenFrom::After(seq) => Ok((seq, None)),
            ListenFrom::Mark(name) => {
                let lock = Lock::try_take(&self.locks, "listen", name.as_bytes())
                    .map_err(|source| ReceiveError::Lock { path: self.locks.clone(), source })?
                    .ok_or_else(|| ReceiveError::NameTaken { name: name.clone() })?;
                let mark = self.store.read::<_, HistoryError>(|tx| Ok(tx.mark(&name)?))?;
                Ok((mark.unwrap_or(Seq::ZERO), Some((name, lock))))
            }
        }
    }
}

impl Listener {
    /// The next event; waits for it. Dropping the future loses nothing.
    ///
    /// # Errors
    /// When the store fails: nothing was lost, but listening has ended.
    pub async fn next(&mut self) -> Result<Event, Error> {
        loop {
            if let Some(item) = self.waiting.pop_front() {
                self.position = item.seq;
                return Ok(Event::Item(item));
            }
            // What is said about the connection counts only once the rows from before it are out.
            let said = self.live.take(Said::peek);
            if self.load_rows()? {
                continue;
            }
            if let Some(event) = self.tell(&said)? {
                return Ok(event);
            }
            drop(tokio::time::timeout(LOOK_AT_STORE, self.live.changed()).await);
        }
    }

    /// Moves the mark of this consumer: everything up to `to` is in the user's hands.
    ///
    /// Does nothing for [`ListenFrom::After`]. The mark never moves back.
    ///
    /// # Errors
    /// When the store fails.
    pub fn move_mark(&self, to: Seq) -> Result<(), Error> {
        let Some((name, _)) = &self.mark else { return Ok(()) };
        if breaks(Mutant::ForgetMark) {
            return Ok(());
        }
        self.profile.store.write::<_, HistoryError>(|tx| {
            if tx.mark(name)?.is_none_or(|mark| mark < to) {
                tx.set_mark(name, to)?;
            }
            Ok(())
        })?;
        Ok(())
    }

    /// Loads rows behind the position; returns whether there are any to give out.
    fn load_rows(&mut self) -> Result<bool, Error> {
        let generation = self.profile.store.generation()?;
        if self.generation == Some(generation) {
            return Ok(false);
        }
        let rows = self
            .profile
            .store
            .read::<_, HistoryError>(|tx| Ok(tx.history_after(self.position, PAGE)?))?;
        if rows.len() < PAGE {
            self.generation = Some(generation);
        }
        for stored in &rows {
            let item =
                HistoryRow::decode(stored).map_err(HistoryError::from)?.into_item(stored.seq);
            if !is_own(&item) && !item.what.is_settled() {
                self.waiting.push_back(item);
            } else if self.waiting.is_empty() {
                self.position = item.seq;
            }
        }
        Ok(!rows.is_empty())
    }

    /// Turns what the background work said into the next event.
    fn tell(&mut self, said: &Said) -> Result<Option<Event>, Error> {
        if said.failed {
            let error = self.live.take(|live| live.failed.take());
            return Err(error.unwrap_or(ReceiveError::Stopped.into()));
        }
        if said.disconnected {
            self.told_caught_up = false;
            let error = self.live.take(|live| live.disconnected.take());
            return Ok(error.map(|error| Event::Disconnected { error }));
        }
        if said.connected {
            self.live.take(|live| live.connected = false);
            return Ok(Some(Event::Connected));
        }
        if said.skipped {
            let skipped = self.live.take(|live| std::mem::take(&mut live.skipped));
            return Ok(Some(Event::Skipped(skipped)));
        }
        if said.caught_up && !self.told_caught_up {
            self.told_caught_up = true;
            return Ok(Some(Event::CaughtUp));
        }
        match said.behind {
            Some(behind) if behind > 0 && behind != self.told_behind => {
                (self.told_behind, self.told_caught_up) = (behind, false);
                Ok(Some(Event::Behind(behind)))
            }
            _ => Ok(None),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.work.abort();
    }
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").field("position", &self.position).finish_non_exhaustive()
    }
}

/// What the background work had said when the history was looked at.
struct Said {
    failed: bool,
    disconnected: bool,
    connected: bool,
    skipped: bool,
    caught_up: bool,
    behind: Option<u64>,
}

impl Said {
    fn peek(live: &mut Live) -> Self {
        Self {
            failed: live.failed.is_some(),
            disconnected: live.disconnected.is_some(),
            connected: live.connected,
            skipped: !live.skipped.is_empty(),
            caught_up: live.caught_up,
            behind: live.behind,
        }
    }
}

/// Own messages are in the history, and no events: their sender knows them. Those from other devices are.
fn is_own(item: &HistoryItem) -> bool {
    matches!(&item.what, Item::Message(message) if message.outgoing && message.sender != SenderTrust::OwnDevice)
}

/// Delivers what is or gets into the outbox, for as long as it is polled; puts back what the log has
/// lost, at the start, with every new connection and from time to time.
async fn deliver_in_background(
    profile: Arc<Profile>,
    transport: Arc<dyn Transport>,
    network: Network,
    live: Arc<SharedLive>,
) {
    let (mut generation, mut checked) = (None, None);
    let mut pause = LOOK_AT_STORE;
    let mut is_left = false;
    loop {
        let (now, sessions) = (profile.store.generation().ok(), live.sessions());
        let due = checked.is_none_or(|(at, then): (Instant, u64)| {
            then != sessions || at.elapsed() >= CHECK_OWN_EVERY
        });
        if now != generation || due || is_left {
            generation = now;
            let kept = keep_groups(&profile, &transport, &network).await;
            is_left = matches!(kept, Ok(true));
            let (profile, transport) = (Arc::clone(&profile), Arc::clone(&transport));
            let mut ground = Ground::new(profile, transport, network.clone());
            let mut failed = kept.err().map(Error::from);
            if due {
                match ground.check_all_own().await {
                    Ok(()) => checked = Some((Instant::now(), sessions)),
                    Err(error) => failed = failed.or(Some(Error::from(error))),
                }
            }
            // A partition that cannot be checked holds up no other.
            let delivered = Drain::new(ground).run(&[], Instant::now() + DELIVERY_TIME).await;
            failed = failed.or(match delivered {
                Ok(delivery) => {
                    if delivery.passed_over {
                        // Whoever holds that lock may end without having sent anything.
                        generation = None;
                    }
                    delivery.failure
                }
                Err(error) => Some(error.into()),
            });
            if let Some(error) = failed {
                tracing::debug!(%error, "the outbox could not be emptied; trying again");
                generation = None;
                pause = (pause * 2).min(LAST_PAUSE);
            } else {
                pause = LOOK_AT_STORE;
            }
        }
        tokio::time::sleep(pause).await;
    }
}

/// Puts on its way what is due in groups, apart from the runtime's own threads; whether something is left.
async fn keep_groups(
    profile: &Arc<Profile>,
    transport: &Arc<dyn Transport>,
    network: &Network,
) -> Result<bool, SendError> {
    match profile.check_is_device() {
        Ok(()) => {}
        // Whoever is no device, or not yet, changes nothing.
        Err(ProfileError::Linking | ProfileError::DeviceRemoved) => return Ok(false),
        Err(error) => return Err(error.into()),
    }
    let helpers = apart(profile, network, Profile::who_helps_back).await?;
    if let Some(helpers) = helpers {
        let of = (Arc::clone(profile), Arc::clone(transport));
        match refresh(of, network, (&helpers, LOOKUP_TIME)).await {
            Ok(()) => apart(profile, network, Profile::get_back).await?,
            // Nobody would hear it now.
            Err(error) => tracing::debug!(%error, "the directory was not read"),
        }
    }
    apart(profile, network, Profile::ask_for_inbox_key).await?;
    apart(profile, network, Profile::keep_groups).await
}

/// Runs what works on the store apart from the runtime's own threads.
async fn apart<T: Send + 'static>(
    profile: &Arc<Profile>,
    network: &Network,
    work: fn(&Profile, &Network) -> Result<T, SendError>,
) -> Result<T, SendError> {
    let (profile, network) = (Arc::clone(profile), network.clone());
    let working = tokio::task::spawn_blocking(move || work(&profile, &network));
    working.await.map_err(|_| SendError::Stopped)?
}

/// How often a running listener looks whether the log still holds what it acknowledged.
const CHECK_OWN_EVERY: Duration = Duration::from_mins(10);
/// How often the store is asked what other processes of the profile have done.
const LOOK_AT_STORE: Duration = Duration::from_millis(500);
const LAST_PAUSE: Duration = Duration::from_secs(5);
/// How long a look at the directory may hold up what is due in groups.
const LOOKUP_TIME: Duration = Duration::from_secs(5);
/// How long one delivery from the background may take.
const DELIVERY_TIME: Duration = Duration::from_secs(60);
/// Rows that are loaded at once; each may hold a text of 1 MiB.
const PAGE: usize = 64;
