//! `listen`: messages as they arrive.

use std::io::{BufWriter, Stdout, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chat_core::failpoint::{Place, reach};
use chat_core::{Client, Event, HistoryItem, Item, ListenFrom, Listener, Message, Seq};
use tokio::time::Instant;

use self::exec::{Exec, Handled};
use crate::args::ListenArgs;
use crate::context::Context;
use crate::failure::{Exit, Failure, printed};
use crate::output::progress::{self, Progress};
use crate::output::{Console, console, human, json};

mod exec;

/// How long printed lines may be without a stored mark.
const MARK_AFTER: Duration = Duration::from_millis(200);
/// How many printed lines may be without a stored mark.
const MARK_LINES: u64 = 4096;

pub(crate) async fn run(context: &Context, args: &ListenArgs) -> Result<Exit, Failure> {
    if let Some(folder) = &args.save_images {
        std::fs::create_dir_all(folder).map_err(|error| Failure::file(folder, &error))?;
    }
    let opened = context.open()?;
    super::end_at_last();
    let client = opened.connect(context.console)?;
    let from = match args.after {
        Some(seq) => ListenFrom::After(Seq::from(seq)),
        None => ListenFrom::Mark(args.name.clone()),
    };
    let listener = client.listen(from)?;
    context.console.note(
        "each message says what protected it; under the network's shared key there is no forward secrecy",
    );
    let printer =
        Printer { out: BufWriter::new(std::io::stdout()), console: context.console, dirty: false };
    let mut session = Session {
        client,
        listener,
        printer,
        progress: Progress::new(context.console),
        max: args.max,
        save_images: args.save_images.clone(),
        exec: args.exec.clone().map(|command| Exec::new(command, args.exec_tries, context.console)),
        idle: Idle::new(args.timeout),
        messages: 0,
        unmarked: None,
        shown: None,
        failure: None,
    };
    let end = session.run().await;
    // Whatever happened: what was written whole is the user's.
    let flushed = session.settle();
    let exit = end?;
    flushed?;
    Ok(exit)
}

struct Session {
    client: Client,
    listener: Listener,
    printer: Printer,
    progress: Progress,
    max: Option<u64>,
    save_images: Option<PathBuf>,
    exec: Option<Exec>,
    idle: Idle,
    messages: u64,
    unmarked: Option<Unmarked>,
    /// The last row that has left this process, if the mark does not stand there yet.
    shown: Option<Seq>,
    failure: Option<Failure>,
}

/// Rows that were printed and are not behind the stored mark yet.
struct Unmarked {
    last: Seq,
    lines: u64,
    due: Instant,
}

impl Session {
    async fn run(&mut self) -> Result<Exit, Failure> {
        let mut interrupted = std::pin::pin!(super::interrupted());
        loop {
            let due = self.unmarked.as_ref().map(|unmarked| unmarked.due);
            tokio::select! {
                biased;
                () = &mut interrupted => return Ok(Exit::Interrupted),
                event = self.listener.next() => {
                    if let Handled::Interrupted = self.event(event?).await? {
                        return Ok(Exit::Interrupted);
                    }
                    if self.max.is_some_and(|max| self.messages >= max) {
                        return Ok(Exit::Done);
                    }
                }
                // Nothing is waiting: what was written is shown at once.
                () = std::future::ready(()), if self.printer.dirty => self.flush()?,
                () = sleep_until(due), if due.is_some() => self.settle()?,
                () = sleep_until(self.idle.deadline) , if self.idle.deadline.is_some() => return self.timed_out(),
            }
            if self.unmarked.as_ref().is_some_and(|unmarked| unmarked.lines >= MARK_LINES) {
                self.settle()?;
            }
        }
    }

    async fn event(&mut self, event: Event) -> Result<Handled, Failure> {
        match event {
            Event::Item(item) => return self.item(&item).await,
            Event::Connected => self.idle.connected(),
            Event::Disconnected { error } => {
                let failure = Failure::from(error);
                if self.idle.disconnected() || self.failure.is_none() {
                    self.printer
                        .console
                        .note(&format!("no connection: {}; trying again", failure.message));
                }
                self.failure = Some(failure);
            }
            Event::CaughtUp => {
                self.progress.clear();
                self.idle.caught_up();
                self.failure = None;
                self.printer.event("caught_up", "caught up", &serde_json::json!({}))?;
            }
            Event::Skipped(skipped) => {
                let total = skipped.unreadable
                    + skipped.malformed
                    + skipped.wrong_context
                    + skipped.forged
                    + skipped.blocked
                    + skipped.dropped;
                let said = format!(
                    "{total} records at this mailbox were refused: damaged, copied from elsewhere, or by somebody without the key"
                );
                let detail = serde_json::json!({
                    "unreadable": skipped.unreadable, "malformed": skipped.malformed,
                    "wrong_context": skipped.wrong_context, "forged": skipped.forged, "blocked": skipped.blocked, "dropped": skipped.dropped,
                });
                self.printer.event("skipped", &said, &detail)?;
            }
            Event::Behind(records) => {
                self.idle.behind(records);
                self.progress.say(format!("{records} records to read"));
            }
            _ => {}
        }
        Ok(Handled::Done)
    }

    async fn item(&mut self, item: &HistoryItem) -> Result<Handled, Failure> {
        let image = self.save_image(item).await;
        if let (Some(exec), Item::Message(message)) = (&self.exec, &item.what)
            && is_received(message)
            && let Handled::Interrupted = exec.handle(&json::row(item, image.as_deref())?).await?
        {
            return Ok(Handled::Interrupted);
        }
        self.printer.row(item, image.as_deref())?;
        if matches!(&item.what, Item::Message(message) if is_received(message)) {
            self.messages += 1;
            self.idle.message();
        }
        let due = Instant::now() + MARK_AFTER;
        let unmarked = self.unmarked.get_or_insert(Unmarked { last: item.seq, lines: 0, due });
        unmarked.last = item.seq;
        unmarked.lines += 1;
        if self.exec.is_some() {
            self.settle()?;
        }
        Ok(Handled::Done)
    }

    /// Writes the picture of a picture message; the text counts more, so a failure is a warning.
    async fn save_image(&self, item: &HistoryItem) -> Option<PathBuf> {
        let folder = self.save_images.as_ref()?;
        let Item::Message(message) = &item.what else { return None };
        if message.carrier != chat_core::CarrierKind::Image {
            return None;
        }
        let named = |end| folder.join(format!("{}-{}.{end}", item.seq, message.id));
        if let Some(path) = ["png", "jpg"].map(named).into_iter().find(|path| path.exists()) {
            return Some(path);
        }
        let saved = match self.client.picture(item.seq).await {
            Ok(picture) => {
                let path = named(if picture.starts_with(b"\x89PNG") { "png" } else { "jpg" });
                let written = write_whole(&path, &picture);
                written.map(|()| path).map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        match saved {
            Ok(path) => Some(path),
            Err(error) => {
                self.printer
                    .console
                    .warn(&format!("the picture of message {} was not saved: {error}", item.seq));
                None
            }
        }
    }

    /// Shows what was written and moves the mark behind it; behind what was shown before, if the
    /// reader has gone.
    fn settle(&mut self) -> Result<(), Failure> {
        let flushed = self.flush();
        self.unmarked = None;
        if let Some(shown) = self.shown.take() {
            reach(Place::AfterPrint);
            self.listener.move_mark(shown)?;
        }
        flushed
    }

    fn flush(&mut self) -> Result<(), Failure> {
        self.printer.flush()?;
        self.shown = self.unmarked.as_ref().map(|unmarked| unmarked.last).or(self.shown);
        Ok(())
    }

    /// The time is over: 3 if the broker was never reached or lets nobody read, else 0 if there were
    /// messages, else 8.
    fn timed_out(&mut self) -> Result<Exit, Failure> {
        let refused = self.messages == 0
            && self.failure.as_ref().is_some_and(|failure| failure.code == "denied");
        if !self.idle.reached || refused {
            let failure = self.failure.take().unwrap_or_else(|| {
                Failure::new(Exit::Broker, "timed_out", "the broker did not answer in time")
                    .hint("look at each step of the connection: securechat doctor")
            });
            return Err(Failure { exit: Exit::Broker, ..failure });
        }
        Ok(if self.messages > 0 { Exit::Done } else { Exit::Nothing })
    }
}

/// Whether it is somebody else's message: own ones come from other devices, and are shown only.
fn is_received(message: &Message) -> bool {
    !message.outgoing && !human::taken_back(message)
}

/// Whether there is anything to do, and since when there is not.
struct Idle {
    timeout: Option<Duration>,
    deadline: Option<Instant>,
    reached: bool,
    waiting: bool,
    /// Whether anything has come since the deadline was last set.
    progress: bool,
    /// Records that were to be read when it was last said.
    behind: Option<u64>,
}

impl Idle {
    fn new(timeout: Option<Duration>) -> Self {
        let (reached, waiting, progress, behind) = (false, true, false, None);
        let mut idle = Self { timeout, deadline: None, reached, waiting, progress, behind };
        idle.restart();
        idle
    }

    fn restart(&mut self) {
        self.progress = false;
        self.deadline = self.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    }

    fn connected(&mut self) {
        if !std::mem::replace(&mut self.reached, true) {
            self.busy();
        }
    }

    /// Returns whether this is news: a broker that answers and gives nothing is no better each time.
    fn disconnected(&mut self) -> bool {
        // A broker that was never reached is waited for from the start.
        let news = self.progress && self.reached;
        if news {
            self.waiting = true;
            self.restart();
        }
        news
    }

    fn caught_up(&mut self) {
        (self.waiting, self.behind) = (true, None);
        self.restart();
        self.progress = true;
    }

    fn message(&mut self) {
        if self.waiting {
            self.restart();
        }
        self.progress = true;
    }

    fn behind(&mut self, records: u64) {
        if self.behind.replace(records).is_none_or(|before| records < before) {
            self.busy();
        }
    }

    fn busy(&mut self) {
        (self.waiting, self.deadline, self.progress) = (false, None, true);
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

struct Printer {
    out: BufWriter<Stdout>,
    console: Console,
    dirty: bool,
}

impl Printer {
    fn row(&mut self, item: &HistoryItem, image: Option<&Path>) -> Result<(), Failure> {
        let line = if self.console.json {
            json::row(item, image)?
        } else {
            human::row(item, self.console.color)
        };
        self.line(&line)?;
        if let (Some(path), false) = (image, self.console.json) {
            self.line(&format!(
                "    picture: {}",
                crate::output::one_line(&path.display().to_string())
            ))?;
        }
        Ok(())
    }

    /// Something beside the rows: JSON on stdout, a note for people.
    fn event(&mut self, kind: &str, said: &str, detail: &serde_json::Value) -> Result<(), Failure> {
        if !self.console.json {
            self.flush()?;
            self.console.note(said);
            return Ok(());
        }
        let mut line = serde_json::json!({"v": 1, "type": kind});
        if let (Some(line), Some(detail)) = (line.as_object_mut(), detail.as_object()) {
            line.extend(detail.clone());
        }
        self.line(&console::to_line(&line)?)
    }

    fn line(&mut self, line: &str) -> Result<(), Failure> {
        self.dirty = true;
        printed(writeln!(self.out, "{line}"))
    }

    fn flush(&mut self) -> Result<(), Failure> {
        self.dirty = false;
        printed(progress::aside(|| self.out.flush()))
    }
}

/// A file that is there whole, or not at all.
fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}
