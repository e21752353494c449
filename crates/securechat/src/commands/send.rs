//! `send`: one message, or one for every line.

use std::io::{self, Read};
use std::path::Path;

use chat_core::{
    Client, CodecId, CoverSource, Doubt, Draft, Handle, Hiding, Landed, MemberDoubt, Note, Peer,
    Queued, Repeated, Routes, SendOutcome,
};

use self::line_sender::LineSender;
use super::{block_on, block_on_several, handle, peer};
use crate::args::SendArgs;
use crate::context::{Context, Opened};
use crate::failure::{Exit, Failure};
use crate::nearest::nearest;
use crate::output::progress::Progress;
use crate::output::{Console, human};

mod line_sender;
mod lines;

/// The longest text, in bytes.
const MAX_TEXT: usize = 1024 * 1024;

pub(crate) fn run(context: &Context, args: SendArgs) -> Result<Exit, Failure> {
    if !args.to.starts_with('#') {
        handle(&args.to)?;
    }
    if let Some(text) = &args.message {
        check(text.as_bytes(), Text::Message)?;
    }
    if args.keep_extras && args.codec.is_some_and(|codec| codec != CodecId::JpegJuniward) {
        let said = "--keep-extras is for a JPEG that is sent as it is: --codec jpeg-juniward";
        return Err(Failure::usage(said.to_owned()));
    }
    let opened = context.open()?;
    if opened.client.network()?.is_none() {
        return Err(opened.no_network());
    }
    let to = peer(&opened.client, &args.to)?;
    let sender = Sender { console: context.console, opened, to, args };
    if sender.args.lines {
        // Accepting, delivering and reading go on side by side.
        return block_on_several(sender.lines());
    }
    let text = match &sender.args.message {
        Some(text) => text.clone(),
        None => read_stdin()?,
    };
    if sender.args.no_wait { sender.keep(text) } else { block_on(sender.one(text)) }
}

struct Sender {
    console: Console,
    opened: Opened,
    to: Peer,
    args: SendArgs,
}

impl Sender {
    /// Accepts the message and leaves it in the outbox.
    fn keep(&self, text: String) -> Result<Exit, Failure> {
        let client = &self.opened.client;
        for queued in client.enqueue(vec![self.draft(text)])? {
            self.tell(&queued)?;
            // Under an --id that was used before it may be anywhere by now.
            match SendOutcome::from(client.progress_of(std::slice::from_ref(&queued))?) {
                SendOutcome::Withdrawn => return self.withdrawn(&queued),
                SendOutcome::InOutbox { .. } => {
                    self.report(&queued, "outbox", None)?;
                    let what = match queued.repeated {
                        Some(Repeated::OtherText) => "the first message of this --id",
                        _ => "the message",
                    };
                    self.console.note(&format!(
                        "{what} is in the outbox; any later send or listen delivers it"
                    ));
                }
                SendOutcome::Closed { reason } => {
                    self.report(&queued, "failed", None)?;
                    return Err(never_sent(&reason));
                }
                _ => self.report(&queued, "acked", client.landed(&queued)?)?,
            }
        }
        Ok(Exit::Done)
    }

    /// A message that was taken back: it is not sent, now or later.
    fn withdrawn(&self, queued: &Queued) -> Result<Exit, Failure> {
        self.report(queued, "withdrawn", None)?;
        let said = "the message was taken back, and is not sent; what an earlier attempt has brought onto the log stands";
        let failure = Failure::new(Exit::Usage, "withdrawn", said.to_owned());
        Err(match self.args.id {
            Some(_) => failure
                .hint("another message needs another name: securechat send --to HANDLE --id OTHER"),
            None => failure,
        })
    }

    /// Sends one message and waits until it is on the log.
    async fn one(&self, text: String) -> Result<Exit, Failure> {
        let client = self.opened.connect(self.console)?;
        let progress = Progress::new(self.console);
        if self.args.image.is_some() {
            progress.say("hiding the message in the picture");
        }
        let routes = client.prepare(&self.to, self.args.timeout).await?;
        let queued = client.enqueue_by(vec![self.draft(text)], &routes)?;
        for queued in &queued {
            self.tell(queued)?;
        }
        tokio::select! {
            sent = self.deliver(&client, &queued) => { progress.clear(); sent }
            () = super::interrupted() => {
                for queued in &queued {
                    self.report(queued, "outbox", None)?;
                }
                self.console.note("the message is in the outbox; any later send or listen delivers it");
                Ok(Exit::Interrupted)
            }
        }
    }

    async fn deliver(&self, client: &Client, queued: &[Queued]) -> Result<Exit, Failure> {
        let delivery = client.deliver(queued, self.args.timeout).await?;
        if delivery.others > 0 {
            self.console.note(&format!(
                "{} older messages of the outbox were delivered as well",
                delivery.others
            ));
        }
        let outcome = SendOutcome::from(delivery);
        for queued in queued {
            match &outcome {
                SendOutcome::Acked(landed) => self.report(queued, "acked", Some(*landed))?,
                SendOutcome::InOutbox { .. } => self.report(queued, "outbox", None)?,
                SendOutcome::Closed { .. } => self.report(queued, "failed", None)?,
                SendOutcome::Withdrawn => return self.withdrawn(queued),
                _ => self.report(queued, "acked", client.landed(queued)?)?,
            }
        }
        match outcome {
            SendOutcome::InOutbox { reason } => {
                let failure = Failure::from(reason);
                let message =
                    format!("the message is in the outbox and not yet sent: {}", failure.message);
                let exit = if failure.exit == Exit::Store { Exit::Store } else { Exit::Broker };
                Err(Failure { exit, message, ..failure }
                    .hint("any later send or listen delivers it; see: securechat outbox list"))
            }
            SendOutcome::Closed { reason } => Err(never_sent(&reason)),
            _ => Ok(Exit::Done),
        }
    }

    /// Sends every line of stdin, in order, as soon as it is there.
    async fn lines(&self) -> Result<Exit, Failure> {
        let client = if self.args.no_wait {
            self.opened.client.clone()
        } else {
            self.opened.connect(self.console)?
        };
        let routes = match self.args.no_wait {
            true => Routes::default(),
            false => client.prepare(&self.to, self.args.timeout).await?,
        };
        LineSender::new(self, client, routes).run().await
    }

    fn draft(&self, text: String) -> Draft {
        let mut draft = Draft::text_to(self.to.clone(), text);
        if let Some(name) = &self.args.id {
            draft = draft.once(name);
        }
        match &self.args.image {
            None => draft,
            Some(path) => draft.hidden(self.hiding(cover_source(path))),
        }
    }

    fn hiding(&self, cover: CoverSource) -> Hiding {
        let mut hiding = Hiding::in_cover(cover);
        if let Some(codec) = self.args.codec {
            hiding = hiding.with_codec(codec);
        }
        if self.args.keep_extras {
            hiding = hiding.keep_extras();
        }
        if self.args.strip_provenance {
            hiding = hiding.strip_provenance();
        }
        if self.args.accept_detectable { hiding.insist() } else { hiding }
    }

    /// Says what the sender should know: a name never heard from, a cover that was changed.
    fn tell(&self, queued: &Queued) -> Result<(), Failure> {
        if let (true, Some(to)) = (queued.first_contact, queued.to.person()) {
            let known = self.opened.client.known_handles()?;
            let others = known.iter().filter(|known| *known != to).map(Handle::as_str);
            match nearest(to.as_str(), others) {
                Some(near) => self
                    .console
                    .note(&format!("nothing was ever heard from {to}; did you mean {near}?")),
                None => self.console.note(&format!("nothing was ever heard from {to}")),
            }
        }
        for MemberDoubt { handle, why, .. } in &queued.doubts {
            self.console.warn(&match why {
                Doubt::Blocked => {
                    format!("{handle} is blocked, and reads this in the group all the same")
                }
                _ => format!(
                    "the key of {handle} has changed, and whoever has it reads this in the group: \
                     securechat contact verify {handle}"
                ),
            });
        }
        match queued.repeated {
            Some(Repeated::SameText) => {
                self.console.note("a message was accepted under this --id before: it is the same one");
            }
            Some(_) => self.console.warn(
                "another text was accepted under this --id before: that one stands, and this one is not sent",
            ),
            None => {}
        }
        for note in &queued.notes {
            self.tell_of_cover(note);
        }
        Ok(())
    }

    fn tell_of_cover(&self, note: &Note) {
        match note {
            Note::CoverScaled { from, to } => self.console.note(&format!(
                "the picture was scaled from {}x{} to {}x{}, so that it fits the topic's limit",
                from.0, from.1, to.0, to.1
            )),
            Note::CoverPrepared { from, to } => self.console.note(&format!(
                "the picture of {}x{} became a JPEG of {}x{} without names and places",
                from.0, from.1, to.0, to.1
            )),
            Note::Shared { pictures } => self.console.note(&format!(
                "the message is too long for one picture and travels in {pictures}"
            )),
            Note::ProvenanceStripped => {
                self.console.note("the signed history (C2PA) was left out of the picture")
            }
            Note::CoverReused => self.console.warn(COVER_REUSED),
            Note::CoverDoubtful(finding) => self.console.warn(&finding.to_string()),
            Note::BeyondComfort { hidden, comfort } => self.console.warn(&format!(
                "{hidden} bytes are hidden in this picture, where {comfort} are prudent after what \
                 this conversation's pictures have carried before: a good detector gains a little"
            )),
            _ => {}
        }
    }

    fn report(&self, queued: &Queued, state: &str, landed: Option<Landed>) -> Result<(), Failure> {
        if !self.console.json {
            if state == "acked" {
                let what = match queued.repeated {
                    Some(Repeated::OtherText) => "the first message of this --id was sent",
                    _ => "sent",
                };
                self.console.note(&format!("{what} to {}", human::peer(&queued.to)));
            }
            return Ok(());
        }
        let mut line = serde_json::json!({
            "v": 1, "type": "sent", "seq": queued.seq.get(), "id": queued.message_id.to_string(),
            "to": queued.to.to_text().expose(), "state": state, "partition": landed.map(|landed| landed.partition),
            "offset": landed.and_then(|landed| landed.offset),
            "protection": queued.protection.as_str(),
        });
        if let (Some(group), Some(fields)) = (queued.to.group(), line.as_object_mut()) {
            fields.insert("group".to_owned(), group.id().into());
        }
        if let (Some(repeated), Some(fields)) = (queued.repeated, line.as_object_mut()) {
            let text = if repeated == Repeated::SameText { "same_text" } else { "other_text" };
            fields.insert("repeated".to_owned(), text.into());
        }
        self.console.print_json(&line)
    }
}

fn never_sent(reason: &str) -> Failure {
    let said = format!("the message can never be sent: {reason}");
    Failure::new(Exit::Cover, "too_large", said)
        .hint("send it in parts: securechat send --to HANDLE --lines < FILE")
}

const COVER_REUSED: &str = "this picture was used before: whoever sees both can compare them and knows that something is hidden";

fn read_stdin() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_TEXT + 2).unwrap_or(u64::MAX);
    let read = io::stdin().lock().take(limit).read_to_end(&mut bytes);
    read.map_err(|error| Failure::file("stdin".as_ref(), &error))?;
    check(bytes.strip_suffix(b"\n").unwrap_or(&bytes), Text::Message)
}

/// Which text it is.
#[derive(Clone, Copy)]
enum Text {
    /// The only one.
    Message,
    /// A line of the input, counted from 1.
    Line(u64),
}

impl std::fmt::Display for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Message => f.write_str("the message"),
            Self::Line(number) => write!(f, "line {number}"),
        }
    }
}

/// A text that a message can hold.
fn check(bytes: &[u8], text: Text) -> Result<String, Failure> {
    let send = match text {
        Text::Message => "securechat send --to HANDLE",
        Text::Line(_) => "securechat send --to HANDLE --lines",
    };
    if bytes.is_empty() {
        return Err(Failure::new(Exit::Usage, "empty_text", format!("{text} is empty"))
            .hint("give it a text: securechat send --to HANDLE -m TEXT"));
    }
    if bytes.len() > MAX_TEXT {
        let said = format!("{text} is longer than {MAX_TEXT} bytes");
        let failure = Failure::new(Exit::Cover, "too_large", said);
        return Err(match text {
            Text::Message => failure.hint(format!("send it in parts: {send} --lines < FILE")),
            Text::Line(_) => failure.hint(format!(
                "break that line, and send from there on: fold -b -w {MAX_TEXT} FILE | {send}"
            )),
        });
    }
    let fits = std::str::from_utf8(bytes).map_err(|error| {
        let said = format!("{text} is not UTF-8: byte {} is wrong", error.valid_up_to());
        Failure::new(Exit::Usage, "not_utf8", said)
            .hint(format!("turn it into UTF-8: iconv -t utf-8 FILE | {send}"))
    })?;
    Ok(fits.to_owned())
}

fn cover_source(path: &Path) -> CoverSource {
    if path.is_dir() {
        CoverSource::Folder(path.to_owned())
    } else {
        CoverSource::File(path.to_owned())
    }
}
