//! `demo`: three people, one broker, one process; every stage is shown.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chat_broker::{Broker, BrokerConfig};
use chat_core::chat_transport::{KafkaConfig, KafkaTransport, Security};
use chat_core::{
    Client, ConnectionHints, CoverSource, Draft, Error, Event, Explained, HistoryItem,
    HistoryQuery, Item, Landed, ListenFrom, Listener, NetworkOutcome, NewNetwork, SendOutcome, Seq,
    explain,
};

use self::teller::Teller;
use super::handle;
use crate::args::DemoArgs;
use crate::failure::{Exit, Failure};
use crate::output::{Console, human, shell_word};

mod people;
mod record;
mod teller;

/// A public photograph; see `images/README.md` for its source. Good for a demo, and only for that.
const COVER: &[u8] = include_bytes!("../../../../images/smile.jpg");
/// Bytes of the envelope of a short message: what is hidden.
const SHORTEST_ENVELOPE: usize = 328;
/// How long a message may take inside one process before something is wrong.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn run(args: &DemoArgs, console: Console) -> Result<Exit, Failure> {
    let folder = folder(args.dir.as_deref())?;
    let mut demo = Demo::start(folder, console).await?;
    demo.talk().await?;
    demo.picture().await?;
    demo.histories()?;
    demo.people().await?;
    demo.next_steps()?;
    demo.broker.shutdown().await;
    Ok(Exit::Done)
}

struct Demo {
    console: Console,
    folder: PathBuf,
    broker: Broker,
    transport: Arc<KafkaTransport>,
    alice: Client,
    bob: Client,
    read_by_bob: Seq,
    read_by_alice: Seq,
}

impl Demo {
    async fn start(folder: PathBuf, console: Console) -> Result<Self, Failure> {
        let tell = Teller(console);
        tell.title("1. A broker starts, inside this process")?;
        let config = BrokerConfig::new(folder.join("broker")).listen(([127, 0, 0, 1], 0).into());
        let broker = Broker::start(config).await.map_err(|error| super::broker::failure(&error))?;
        let address = broker.address().to_string();
        tell.row(
            "address",
            &format!("{address} (speaks the Kafka protocol; any Kafka client can connect)"),
        )?;
        tell.row("everything is in", &folder.display().to_string())?;

        tell.title("2. Alice makes a network and invites Bob")?;
        let profile = |name: &str| -> Result<Client, Failure> {
            Ok(Client::create(&folder.join("profiles").join(name), &handle(name)?, None)?)
        };
        let (alice, bob) = (profile("alice")?, profile("bob")?);
        let config = KafkaConfig::new(std::slice::from_ref(&address), Security::LoopbackOnly);
        let config =
            config.map_err(|error| Failure::new(Exit::Internal, "internal", error.to_string()))?;
        let transport = Arc::new(KafkaTransport::new(config));
        make_network(&alice, &transport, address).await?;
        let invite = alice.invite(None)?;
        let line = invite.to_line();
        let shown: String = line.chars().take(24).collect();
        tell.row(
            "invite",
            &format!(
                "{shown}… ({} characters; it holds the key, so only its beginning is shown)",
                line.len()
            ),
        )?;
        bob.join(&line.parse().map_err(Error::from)?)?;
        if let Some(network) = bob.network()? {
            tell.row(
                "Bob joined",
                &format!("network {}, key {}", network.namespace(), network.key_id()),
            )?;
        }
        let (alice, bob) = (alice.connect(transport.clone()), bob.connect(transport.clone()));
        let none = Seq::ZERO;
        Ok(Self {
            console,
            folder,
            broker,
            transport,
            alice,
            bob,
            read_by_bob: none,
            read_by_alice: none,
        })
    }

    async fn talk(&mut self) -> Result<(), Failure> {
        let tell = Teller(self.console);
        tell.title("3. Alice writes to Bob")?;
        let text = "Hello Bob! The broker has this message, and cannot read it.";
        let landed = send(&self.alice, Draft::text(self.bob.handle().clone(), text)).await?;
        tell.row("Alice typed", text)?;
        self.show_record(landed).await?;
        let arrived = receive(&self.bob, self.read_by_bob).await?;
        self.read_by_bob = arrived.seq;
        tell.row("Bob reads", &human::row(&arrived, self.console.color))?;

        tell.title("4. Bob answers")?;
        let text = "Hello Alice! Same to you: sealed with AES-256-GCM, stored before it is sent.";
        let landed = send(&self.bob, Draft::text(self.alice.handle().clone(), text)).await?;
        tell.row("Bob typed", text)?;
        self.show_record(landed).await?;
        let arrived = receive(&self.alice, self.read_by_alice).await?;
        self.read_by_alice = arrived.seq;
        tell.row("Alice reads", &human::row(&arrived, self.console.color))
    }

    async fn picture(&mut self) -> Result<(), Failure> {
        let tell = Teller(self.console);
        tell.title("5. Alice hides a message in a picture")?;
        let (before, after) = (self.folder.join("before.jpg"), self.folder.join("after.jpg"));
        write(&before, COVER)?;
        let text = "And this one travels inside a photograph.";
        let draft = Draft::text(self.bob.handle().clone(), text)
            .in_picture(CoverSource::Bytes(COVER.to_vec()));
        let landed = send(&self.alice, draft).await?;
        tell.row("Alice typed", text)?;
        self.show_record(landed).await?;
        let arrived = receive(&self.bob, self.read_by_bob).await?;
        self.read_by_bob = arrived.seq;
        let picture = self.bob.picture(arrived.seq).await?;
        write(&after, &picture)?;
        tell.row("Bob reads", &human::row(&arrived, self.console.color))?;
        tell.row("the cover", &before.display().to_string())?;
        tell.row("what was sent", &after.display().to_string())?;
        let page = self.explain_picture(&picture)?;
        tell.row("why nobody sees it", &page.display().to_string())?;
        tell.row("to be honest", "this photograph is public: whoever has it compares the two")
    }

    /// Leaves maps and a page that explain what was hidden where.
    fn explain_picture(&self, picture: &[u8]) -> Result<PathBuf, Failure> {
        let Explained { page, changes, costs, lowest_bits, .. } =
            explain((COVER, "before.jpg"), picture, SHORTEST_ENVELOPE)?;
        write(&self.folder.join("changes.png"), &changes)?;
        write(&self.folder.join("costs.png"), &costs)?;
        write(&self.folder.join("lowest-bits.png"), &lowest_bits)?;
        let path = self.folder.join("report.html");
        write(&path, page.as_bytes())?;
        Ok(path)
    }

    fn histories(&self) -> Result<(), Failure> {
        let tell = Teller(self.console);
        tell.title("6. What both of them keep, sealed on disk")?;
        for client in [&self.alice, &self.bob] {
            for item in client.history(&HistoryQuery::default(), |_| true)? {
                tell.row(
                    &format!("{}'s history", client.handle()),
                    &human::row(&item, self.console.color),
                )?;
            }
        }
        Ok(())
    }

    fn next_steps(&self) -> Result<(), Failure> {
        let tell = Teller(self.console);
        let cargo = std::env::var_os("CARGO").is_some();
        let program = if cargo { "cargo run -q -p securechat --".to_owned() } else { program() };
        let home = shell_word(&self.folder.display().to_string());
        let run = format!("{program} --home {home}");
        tell.title("What to type next")?;
        tell.line(&format!("  {run} --profile bob history"))?;
        tell.line(&format!("  {run} --profile alice chat show '#trip'"))?;
        tell.line(&format!(
            "  {run} broker --listen {}     # and then, in two more terminals:",
            self.broker.address()
        ))?;
        tell.line(&format!("  {run} --profile bob listen"))?;
        tell.line(&format!("  {run} --profile alice send --to bob -m 'still there?'"))
    }
}

async fn make_network(
    alice: &Client,
    transport: &KafkaTransport,
    address: String,
) -> Result<(), Failure> {
    let new = NewNetwork {
        namespace: "securechat".parse().map_err(|_| internal("the namespace"))?,
        brokers: vec![address],
        key: None,
        partitions: None,
        retention: None,
        replication: None,
        hints: ConnectionHints::default(),
    };
    match alice.create_network(transport, new).await? {
        NetworkOutcome::Ready { .. } => Ok(()),
        _ => Err(internal("the network")),
    }
}

async fn send(from: &Client, draft: Draft) -> Result<Landed, Failure> {
    let sent = from.send(draft, PATIENCE).await?;
    match sent.outcome {
        SendOutcome::Acked(landed) => Ok(landed),
        SendOutcome::InOutbox { reason } => Err(reason.into()),
        // A listener of the same profile was faster.
        _ => from.landed(&sent.queued)?.ok_or_else(|| internal("the message")),
    }
}

/// The next message behind `after`.
async fn receive(client: &Client, after: Seq) -> Result<HistoryItem, Failure> {
    message(&mut client.listen(ListenFrom::After(after))?, client.handle().as_str()).await
}

/// The next message that somebody's listener gives out.
async fn message(listener: &mut Listener, whose: &str) -> Result<HistoryItem, Failure> {
    let what = format!("the message to {whose}");
    item(listener, &what, |item| matches!(item, Item::Message(_))).await
}

/// The next row of a kind that a listener gives out; `what` it is, for the error if it does not come.
async fn item(
    listener: &mut Listener,
    what: &str,
    is_wanted: impl Fn(&Item) -> bool,
) -> Result<HistoryItem, Failure> {
    let arrived = async {
        loop {
            match listener.next().await? {
                Event::Item(item) if is_wanted(&item.what) => return Ok(item),
                _ => {}
            }
        }
    };
    in_time(what, arrived).await
}

async fn in_time<T>(
    what: &str,
    waited_for: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let timed = tokio::time::timeout(PATIENCE, waited_for).await;
    let late = |_| Failure::new(Exit::Broker, "timed_out", format!("{what} did not arrive"));
    timed.map_err(late)?
}

fn internal(what: &str) -> Failure {
    Failure::new(Exit::Internal, "internal", format!("{what} could not be made"))
}

/// A folder that is missing or empty, or a new temporary one. Nothing in it is ever deleted.
fn folder(wanted: Option<&Path>) -> Result<PathBuf, Failure> {
    let Some(folder) = wanted else {
        let made = tempfile::Builder::new().prefix("securechat-demo-").tempdir();
        return made
            .map(tempfile::TempDir::keep)
            .map_err(|error| Failure::file(&std::env::temp_dir(), &error));
    };
    const ANOTHER: &str = "name a folder that is missing or empty: securechat demo --dir DIR";
    let unusable = |error| Failure::file(folder, &error).hint(ANOTHER);
    std::fs::create_dir_all(folder).map_err(unusable)?;
    let mut entries = std::fs::read_dir(folder).map_err(unusable)?;
    if entries.next().is_some() {
        return Err(Failure::usage(format!("{} is not empty", folder.display())).hint(ANOTHER));
    }
    std::path::absolute(folder).map_err(|error| Failure::file(folder, &error))
}

/// How this program is started: by its name where a shell finds it.
fn program() -> String {
    const NAME: &str = "securechat";
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|folder| folder.join(NAME).is_file()) {
        return NAME.to_owned();
    }
    let here = std::env::current_exe();
    here.map_or_else(|_| NAME.to_owned(), |here| shell_word(&here.display().to_string()))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, bytes).map_err(|error| Failure::file(path, &error))
}
