//! A folder with profiles, a broker, and the program to run in it.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use chat_broker::{Broker, BrokerConfig};
use serde_json::Value;

/// What a command said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    fn new(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn exit(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.out, self.err);
        self
    }

    /// Asserts that stderr holds a text.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.err.contains(text), "{text:?} is not in: {}", self.err);
        self
    }

    /// Asserts a hint.
    #[track_caller]
    pub(crate) fn hints(self, command: &str) -> Self {
        let found =
            self.err.lines().any(|line| line.starts_with("hint: ") && line.contains(command));
        assert!(found, "no hint with {command:?} in: {}", self.err);
        self
    }

    /// Stdout as JSON lines; anything else on it fails.
    #[track_caller]
    pub(crate) fn json(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The messages among the JSON lines.
    #[track_caller]
    pub(crate) fn messages(&self) -> Vec<Value> {
        self.json().into_iter().filter(|line| line["type"] == "message").collect()
    }

    /// Their texts.
    #[track_caller]
    pub(crate) fn texts(&self) -> Vec<String> {
        self.messages().iter().map(|message| message["text"].as_str().unwrap().to_owned()).collect()
    }
}

/// A temporary home of profiles.
pub(crate) struct House {
    folder: tempfile::TempDir,
    namespace: String,
}

impl House {
    pub(crate) fn new() -> Self {
        static HOUSES: AtomicUsize = AtomicUsize::new(0);
        let number = HOUSES.fetch_add(1, Ordering::Relaxed);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let namespace = format!("cli-{now}-{}-{number}", std::process::id());
        Self { folder: tempfile::tempdir().unwrap(), namespace }
    }

    /// A namespace that no other house uses: a real cluster keeps topics from run to run.
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// A house with the profiles alice and bob on one network.
    pub(crate) fn with_network(address: SocketAddr) -> Self {
        Self::made(address, "sqlite")
    }

    /// The same, where each message is one record in an inbox: what these two write to one another travels under the
    /// shared key.
    pub(crate) fn on_shared_key(address: SocketAddr) -> Self {
        Self::with_stores(address, "sqlite")
    }

    /// The same, with stores of an engine.
    pub(crate) fn with_stores(address: SocketAddr, engine: &str) -> Self {
        let house = Self::made(address, engine);
        for (name, other) in [("alice", "bob"), ("bob", "alice")] {
            house.run_as(name, &["contact", "add", other, "--shared-key"]).exit(0);
        }
        house
    }

    fn made(address: SocketAddr, engine: &str) -> Self {
        let house = Self::new();
        for name in ["alice", "bob"] {
            house.run(&["init", name, "--no-passphrase", "--store", engine]).exit(0);
        }
        house.create_network("alice", &address.to_string(), &["--partitions", "4"]).exit(0);
        let invite = house.run_as("alice", &["invite"]).exit(0).out;
        house.feed("bob", &["join", "-"], invite.as_bytes()).exit(0);
        house
    }

    /// `network create` in this house's namespace.
    pub(crate) fn create_network(&self, profile: &str, brokers: &str, more: &[&str]) -> Said {
        let args = ["network", "create", "--brokers", brokers, "--namespace", &self.namespace];
        self.run_as(profile, &[&args[..], more].concat())
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn profile(&self, name: &str) -> PathBuf {
        self.path().join("profiles").join(name)
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_securechat"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("SECURECHAT_") {
                command.env_remove(name);
            }
        }
        command.env("SECURECHAT_HOME", self.path()).env("SECURECHAT_NO_INPUT", "1").args(args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Said {
        Said::new(self.command(args).output().unwrap())
    }

    pub(crate) fn run_as(&self, profile: &str, args: &[&str]) -> Said {
        Said::new(self.command(args).env("SECURECHAT_PROFILE", profile).output().unwrap())
    }

    /// Runs with something on stdin.
    pub(crate) fn feed(&self, profile: &str, args: &[&str], input: &[u8]) -> Said {
        self.feed_with(profile, args, input, &[]).1
    }

    /// Runs with something on stdin and in the environment.
    pub(crate) fn feed_with(
        &self,
        profile: &str,
        args: &[&str],
        input: &[u8],
        environment: &[(&str, &str)],
    ) -> (ExitStatus, Said) {
        let mut command = self.command(args);
        command.envs(environment.iter().copied());
        let mut child =
            command.env("SECURECHAT_PROFILE", profile).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        (output.status, Said::new(output))
    }

    pub(crate) fn start(&self, profile: &str, args: &[&str]) -> Child {
        self.command(args).env("SECURECHAT_PROFILE", profile).spawn().unwrap()
    }

    pub(crate) fn send(&self, from: &str, to: &str, text: &str) -> Said {
        self.run_as(from, &["send", "--to", to, "-m", text])
    }

    /// Everything new for a profile, as JSON.
    pub(crate) fn receive(&self, profile: &str, count: usize) -> Said {
        self.run_as(profile, &["listen", "--json", "--max", &count.to_string(), "--timeout", "20s"])
    }
}

/// Waits for a child and takes what it said.
pub(crate) fn finish(child: Child) -> Said {
    Said::new(child.wait_with_output().unwrap())
}

/// Reads stderr of a child until a line holds `text`.
#[track_caller]
pub(crate) fn wait_for(child: &mut Child, text: &str) {
    read_until(&mut BufReader::new(child.stderr.take().unwrap()), text);
}

/// Reads what a child says until a line holds `text`.
#[track_caller]
pub(crate) fn read_until(said: &mut impl BufRead, text: &str) {
    let found = said.lines().map_while(Result::ok).any(|line| line.contains(text));
    assert!(found, "the child ended without saying {text:?}");
}

/// A broker for a test.
pub(crate) enum BrokerHouse {
    /// In this process.
    Embedded(Box<EmbeddedHouse>),
    /// Apache Kafka, started by somebody else; its nodes.
    Apache(Vec<SocketAddr>),
}

impl BrokerHouse {
    /// Apache Kafka where SECURECHAT_TEST_BROKERS names one, else a broker in this process.
    pub(crate) fn start() -> Self {
        match std::env::var("SECURECHAT_TEST_BROKERS") {
            Ok(nodes) => Self::Apache(nodes.split(',').map(|node| node.parse().unwrap()).collect()),
            Err(_) => Self::Embedded(Box::new(EmbeddedHouse::start())),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        match self {
            Self::Embedded(house) => house.address,
            Self::Apache(nodes) => nodes[0],
        }
    }

    pub(crate) fn nodes(&self) -> Vec<SocketAddr> {
        match self {
            Self::Embedded(house) => vec![house.address],
            Self::Apache(nodes) => nodes.clone(),
        }
    }
}

/// A broker in this process, on a runtime of its own: it can be stopped and looked into.
pub(crate) struct EmbeddedHouse {
    runtime: tokio::runtime::Runtime,
    broker: Option<Broker>,
    folder: tempfile::TempDir,
    address: SocketAddr,
}

impl EmbeddedHouse {
    pub(crate) fn start() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        // Below the ports that outgoing connections get: nobody takes it while the broker is away.
        // Each is tried once in this process, so that no other test takes it either.
        static TRIED: AtomicUsize = AtomicUsize::new(0);
        let first = 20_000 + std::process::id() % 10_000;
        let broker =
            std::iter::repeat_with(|| TRIED.fetch_add(1, Ordering::Relaxed)).find_map(|tried| {
                let port = u16::try_from(usize::try_from(first).unwrap() + tried).unwrap();
                let config = BrokerConfig::new(folder.path()).listen(([127, 0, 0, 1], port).into());
                runtime.block_on(Broker::start(config)).ok()
            });
        let broker = broker.unwrap();
        let address = broker.address();
        Self { runtime, broker: Some(broker), folder, address }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn data(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn stop(&mut self) {
        if let Some(broker) = self.broker.take() {
            self.runtime.block_on(broker.shutdown());
        }
    }

    pub(crate) fn restart(&mut self) {
        self.stop();
        let config = BrokerConfig::new(self.folder.path()).listen(self.address);
        self.broker = Some(self.runtime.block_on(Broker::start(config)).unwrap());
    }
}

/// A picture of the repository.
pub(crate) fn picture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../images").join(name)
}
