//! One message for every line of stdin: lines are accepted with one hand and delivered with the other.

use std::sync::Arc;
use std::time::Duration;

use chat_core::{Client, Delivery, Error, Note, Queued, Routes};
use tokio::task::JoinHandle;

use super::Sender;
use super::lines::{End, Lines};
use crate::failure::{Exit, Failure};
use crate::output::progress::Progress;

/// Accepts lines in order and delivers them in order. While the broker is away lines are accepted all the
/// same, and tried again every few seconds.
pub(super) struct LineSender<'a> {
    sender: &'a Sender,
    client: Client,
    /// How they travel.
    routes: Arc<Routes>,
    counts: Counts,
    /// Lines that are being accepted.
    accepting: Option<JoinHandle<Result<Vec<Queued>, Error>>>,
    /// Accepted, and in no delivery yet.
    accepted: Vec<Queued>,
    /// What the running delivery was begun for; while the broker is away, all that waits for it.
    in_flight: Vec<Queued>,
    delivery: Option<JoinHandle<Result<Delivery, Error>>>,
    /// Whether somebody was told that a cover hides more than one message.
    told_reuse: bool,
    /// Why lines wait, once a delivery has failed and until one succeeds.
    away: Option<String>,
}

/// What became of lines.
#[derive(Default)]
struct Counts {
    accepted: usize,
    acked: usize,
    waiting: usize,
    failed: usize,
}

impl Counts {
    fn add(&mut self, delivery: &Delivery) {
        self.acked += delivery.delivered;
        self.waiting += delivery.waiting;
        self.failed += delivery.closed.len() + delivery.withdrawn.len();
    }
}

impl<'a> LineSender<'a> {
    pub(super) fn new(sender: &'a Sender, client: Client, routes: Routes) -> Self {
        let (accepted, in_flight, counts) = (Vec::new(), Vec::new(), Counts::default());
        let (accepting, delivery, told_reuse, away) = (None, None, false, None);
        let routes = Arc::new(routes);
        Self {
            sender,
            client,
            routes,
            counts,
            accepting,
            accepted,
            in_flight,
            delivery,
            told_reuse,
            away,
        }
    }

    /// Sends lines until the input ends, a line is unfit, or somebody interrupts; then says what became
    /// of them.
    pub(super) async fn run(mut self) -> Result<Exit, Failure> {
        let progress = Progress::new(self.sender.console);
        let mut lines = Lines::start();
        let end = tokio::select! {
            biased;
            () = super::super::interrupted() => Ok(Exit::Interrupted),
            end = self.send(&mut lines, &progress) => end.map(|()| Exit::Done),
        };
        progress.clear();
        // What was being accepted when somebody interrupted is accepted.
        let end = match self.accepting.is_some() {
            true => match ended(&mut self.accepting).await {
                Ok(Ok(queued)) => self.note_accepted(queued).and(end),
                Ok(Err(error)) => end.and(Err(error.into())),
                Err(failure) => end.and(Err(failure)),
            },
            false => end,
        };
        if let Some(delivery) = self.delivery.take() {
            delivery.abort();
        }
        let unsettled = self.in_flight.iter().chain(&self.accepted).cloned().collect::<Vec<_>>();
        self.counts.add(&self.client.progress_of(&unsettled)?);
        self.sum_up(lines.skipped)?;
        match end {
            Ok(Exit::Done) if self.counts.waiting > 0 && !self.sender.args.no_wait => {
                let reason = self.away.as_deref().unwrap_or("no answer in time");
                Err(Failure::new(
                    Exit::Broker,
                    "not_sent",
                    format!(
                        "{} lines are in the outbox and not yet sent: {reason}",
                        self.counts.waiting
                    ),
                )
                .hint("any later send or listen delivers them; see: securechat outbox list"))
            }
            Ok(Exit::Done) if self.counts.failed > 0 => Err(Failure::new(
                Exit::Cover,
                "too_large",
                format!("{} lines can never be sent", self.counts.failed),
            )
            .hint("see which: securechat history")),
            end => end,
        }
    }

    /// What was accepted before a bad line is delivered all the same.
    async fn send(&mut self, lines: &mut Lines, progress: &Progress) -> Result<(), Failure> {
        let mut end = End::More;
        while matches!(end, End::More) || self.accepting.is_some() {
            self.begin_delivery(Pause::WhileAway);
            let room = self.away.is_some() || self.accepted.len() < MOST_AHEAD;
            let more = room && self.accepting.is_none() && matches!(end, End::More);
            tokio::select! {
                biased;
                ended = ended(&mut self.delivery), if self.delivery.is_some() => {
                    self.delivered(ended??)?;
                }
                queued = ended(&mut self.accepting), if self.accepting.is_some() => {
                    self.note_accepted(queued??)?;
                    progress.say(format!("{} lines", self.counts.accepted));
                }
                (texts, next) = lines.batch(), if more => {
                    end = next;
                    self.accept(texts);
                }
            }
        }
        self.deliver_rest().await?;
        match end {
            End::Bad(failure) => Err(failure),
            _ => Ok(()),
        }
    }

    /// Begins to accept lines: the store works beside the network.
    fn accept(&mut self, texts: Vec<String>) {
        if texts.is_empty() {
            return;
        }
        let drafts = texts.into_iter().map(|text| self.sender.draft(text)).collect();
        let (client, routes) = (self.client.clone(), Arc::clone(&self.routes));
        self.accepting =
            Some(tokio::task::spawn_blocking(move || client.enqueue_by(drafts, &routes)));
    }

    /// Counts lines that were accepted.
    fn note_accepted(&mut self, queued: Vec<Queued>) -> Result<(), Failure> {
        let reused = |queued: &Queued| queued.notes.contains(&Note::CoverReused);
        if let (0, Some(first)) = (self.counts.accepted, queued.first()) {
            self.sender.tell(first)?;
            self.told_reuse = reused(first);
        }
        if !self.told_reuse && queued.iter().any(reused) {
            self.told_reuse = true;
            self.sender.console.warn(super::COVER_REUSED);
        }
        self.counts.accepted += queued.len();
        if self.sender.args.no_wait {
            self.counts.waiting += queued.len();
        } else {
            self.accepted.extend(queued);
        }
        Ok(())
    }

    /// Begins a delivery of what was accepted, unless one runs or there is nothing to deliver.
    fn begin_delivery(&mut self, pause: Pause) {
        if self.delivery.is_some() || self.sender.args.no_wait {
            return;
        }
        self.in_flight.append(&mut self.accepted);
        // A delivery empties the whole mailbox: while the broker is away it is enough to name one row.
        let named = if self.away.is_some() { 1 } else { usize::MAX };
        let wanted: Vec<Queued> = self.in_flight.iter().take(named).cloned().collect();
        if wanted.is_empty() {
            return;
        }
        let (client, timeout) = (self.client.clone(), self.sender.args.timeout);
        let pause = if self.away.is_some() { pause.duration() } else { Duration::ZERO };
        self.delivery = Some(tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            client.deliver(&wanted, timeout).await
        }));
    }

    /// Takes note of how a delivery ended.
    fn delivered(&mut self, mut delivery: Delivery) -> Result<(), Failure> {
        // A delivery takes along what was accepted while it ran.
        let before = self.accepted.len();
        self.accepted.retain(|queued| !delivery.brought(queued));
        self.counts.acked += before - self.accepted.len();
        if self.away.is_some() {
            self.in_flight.append(&mut self.accepted);
            if delivery.waiting == 0 {
                let failure = delivery.failure.take();
                delivery = self.client.progress_of(&self.in_flight)?;
                delivery.failure = failure;
            }
        }
        if delivery.waiting == 0 {
            self.counts.add(&delivery);
            self.in_flight.clear();
            if self.away.take().is_some() {
                self.sender.console.note("the broker answers again: what waited is sent");
            }
            return Ok(());
        }
        let reason =
            delivery.failure.map_or("no answer in time".to_owned(), |e| Failure::from(e).message);
        if self.away.replace(reason.clone()).is_none() {
            self.sender.console.note(&format!(
                "lines wait in the outbox until the broker answers; trying again: {reason}"
            ));
        }
        Ok(())
    }

    /// Delivers what is left at the end of the input: one try within the time that was given.
    async fn deliver_rest(&mut self) -> Result<(), Failure> {
        if self.away.is_some()
            && let Some(delivery) = self.delivery.take()
        {
            delivery.abort();
        }
        loop {
            self.begin_delivery(Pause::None);
            if self.delivery.is_none() {
                return Ok(());
            }
            let delivery = ended(&mut self.delivery).await;
            self.delivered(delivery??)?;
            if self.away.is_some() {
                return Ok(());
            }
        }
    }

    fn sum_up(&self, skipped: usize) -> Result<(), Failure> {
        let Counts { accepted, acked, waiting, failed } = &self.counts;
        let console = self.sender.console;
        if console.json {
            console.print_json(&serde_json::json!({
                "v": 1, "type": "lines", "to": self.sender.to.to_text().expose(), "accepted": accepted, "acked": acked,
                "outbox": waiting, "failed": failed, "empty": skipped,
            }))?;
        }
        let mut said = format!("{acked} lines are sent, {waiting} are in the outbox");
        if *failed > 0 {
            said.push_str(&format!(", {failed} can never be sent"));
        }
        if skipped > 0 {
            said.push_str(&format!(", {skipped} were empty"));
        }
        if let (Some(reason), true) = (&self.away, *waiting > 0) {
            said.push_str(&format!(": {reason}"));
        }
        console.note(&said);
        Ok(())
    }
}

/// Whether a delivery waits a moment before it tries a broker that was away.
#[derive(Clone, Copy)]
enum Pause {
    WhileAway,
    None,
}

impl Pause {
    fn duration(self) -> Duration {
        match self {
            Self::WhileAway => RETRY_EVERY,
            Self::None => Duration::ZERO,
        }
    }
}

/// Waits for work to end. Dropping the future leaves it running.
async fn ended<T>(work: &mut Option<JoinHandle<T>>) -> Result<T, Failure> {
    let Some(running) = work else { return std::future::pending().await };
    let ended = running.await;
    *work = None;
    ended.map_err(|error| {
        Failure::new(Exit::Internal, "internal", format!("the work stopped: {error}"))
    })
}

/// Lines that may be accepted ahead of a delivery.
const MOST_AHEAD: usize = 8192;
/// How often a broker that is away is tried again.
const RETRY_EVERY: Duration = Duration::from_secs(5);
