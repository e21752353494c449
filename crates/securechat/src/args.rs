//! The command line.

mod chat;
mod cover;
mod device;
mod network;
mod parse;
mod people;

use std::path::PathBuf;
use std::time::Duration;

use chat_core::EngineKind;
use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use self::chat::{ChatCommand, RequestCommand, Wait};
pub(crate) use self::cover::{CoverCommand, InspectArgs, MapArgs, MapKind, PrepareArgs};
pub(crate) use self::device::{DeviceAddArgs, DeviceCommand, DeviceLinkArgs, DeviceRemoveArgs};
pub(crate) use self::network::{
    NetworkCommand, NetworkCreateArgs, NetworkRotateArgs, NetworkShareKeyArgs,
};
pub(crate) use self::parse::parse;
pub(crate) use self::people::{
    AddArgs, ContactCommand, ExportArgs, IdentityCommand, ImportArgs, TrustArgs, VerifyArgs,
};
use crate::time::{parse_duration, parse_moment};

/// End-to-end encrypted chat whose only server is an Apache Kafka cluster.
#[derive(Debug, Parser)]
#[command(
    name = "securechat",
    version,
    arg_required_else_help = true,
    after_help = "\
Examples:
  securechat demo                                   watch people talk, all in one process
  securechat init alice                             make a profile
  securechat send --to bob -m 'lunch at noon?'      send a message"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Globals {
    /// Keep everything in this folder instead of the XDG places
    #[arg(long, global = true, value_name = "DIR", env = "SECURECHAT_HOME")]
    pub(crate) home: Option<PathBuf>,
    /// The profile to use; not needed if there is only one
    #[arg(long, global = true, value_name = "NAME", env = "SECURECHAT_PROFILE")]
    pub(crate) profile: Option<String>,
    /// The configuration file
    #[arg(long, global = true, value_name = "FILE", env = "SECURECHAT_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Print JSON lines
    #[arg(long, global = true, env = "SECURECHAT_JSON", value_parser = FalseyValueParser::new())]
    pub(crate) json: bool,
    /// Print no notes and no progress
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say more on stderr; twice for still more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// When to use colours
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        env = "SECURECHAT_COLOR"
    )]
    pub(crate) color: Color,
    /// Never ask; what would be asked ends with exit code 2
    #[arg(long, global = true, env = "SECURECHAT_NO_INPUT", value_parser = FalseyValueParser::new())]
    pub(crate) no_input: bool,
    /// A shell command that prints the profile's passphrase
    #[arg(
        long,
        global = true,
        value_name = "COMMAND",
        env = "SECURECHAT_PASSPHRASE_COMMAND",
        hide_env_values = true
    )]
    pub(crate) passphrase_command: Option<String>,
    /// An open file descriptor to read the profile's passphrase from
    #[arg(long, global = true, value_name = "N")]
    pub(crate) passphrase_fd: Option<u32>,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a profile: a name, its keys and its store
    Init(InitArgs),
    /// Show who this profile is; back it up
    #[command(subcommand)]
    Identity(IdentityCommand),
    /// Use several devices as one person: link a new one, show them, remove one
    #[command(subcommand)]
    Device(DeviceCommand),
    /// Whom this profile knows, and how far their keys are trusted
    #[command(subcommand)]
    Contact(ContactCommand),
    /// Make groups, and change who is in them
    #[command(subcommand)]
    Chat(ChatCommand),
    /// Make or show the network of a profile
    #[command(subcommand)]
    Network(NetworkCommand),
    /// Print an invite to the profile's network; it is a secret
    Invite(InviteArgs),
    /// Join the network of an invite
    Join(JoinArgs),
    /// Send a message
    Send(SendArgs),
    /// Print messages as they arrive
    Listen(ListenArgs),
    /// Print messages of the past
    History(HistoryArgs),
    /// Show or drop messages that wait to be sent
    #[command(subcommand)]
    Outbox(OutboxCommand),
    /// Look after a profile's store
    #[command(subcommand)]
    Store(StoreCommand),
    /// Make and judge pictures that are to carry messages
    #[command(subcommand)]
    Cover(CoverCommand),
    /// Run the embedded Kafka-protocol broker
    Broker(BrokerArgs),
    /// Watch people talk: broker, pictures, histories and a group, in one process
    Demo(DemoArgs),
    /// Check everything that a conversation needs
    #[command(
        after_help = "Examples:\n  securechat doctor\n  securechat doctor --repair\n  securechat --profile alice doctor --json"
    )]
    Doctor {
        /// Make a damaged store anew from what is whole of it; the damaged one is kept
        #[arg(long)]
        repair: bool,
    },
    /// Show the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print a completion script for a shell
    #[command(
        after_help = "Examples:\n  securechat completions bash > ~/.local/share/bash-completion/completions/securechat\n  securechat completions zsh > _securechat\n  securechat completions fish > securechat.fish"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write manual pages
    #[command(
        after_help = "Examples:\n  securechat man man1/\n  securechat man | man -l -\n  securechat man ~/.local/share/man/man1"
    )]
    Man {
        /// A folder for one page a command; without it, the main page goes to stdout
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  securechat init alice
  securechat init bot --no-passphrase
  securechat --home ./here init bob")]
pub(crate) struct InitArgs {
    /// Your name on the network: a-z, 0-9, '.', '_' and '-', at most 64 characters
    pub(crate) handle: String,
    /// Protect the profile by file permissions alone, for machines
    #[arg(long)]
    pub(crate) no_passphrase: bool,
    /// The engine of the profile's store: sqlite, or sled where this program was built with it
    #[arg(long, value_name = "ENGINE", default_value = "sqlite")]
    pub(crate) store: EngineKind,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  securechat invite > invite.txt
  securechat invite --qr
  securechat invite --expires 2d")]
pub(crate) struct InviteArgs {
    /// Draw it as a QR code on stderr as well
    #[arg(long)]
    pub(crate) qr: bool,
    /// Refuse it after this time
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) expires: Option<Duration>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  securechat join invite.txt
  securechat join -
  securechat --profile bob join -")]
pub(crate) struct JoinArgs {
    /// A file with the invite, or - for stdin; without it you are asked
    #[arg(value_name = "FILE|-")]
    pub(crate) from: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  securechat send --to bob -m 'lunch at noon?'
  securechat send --to bob -m 'look closely' --image holiday.jpg
  tail -f alerts.log | securechat send --to '#ops' --lines")]
pub(crate) struct SendArgs {
    /// Who it is for: a handle, or a group as '#name'
    #[arg(long, value_name = "HANDLE|#NAME")]
    pub(crate) to: String,
    /// The text; without it, stdin is read
    #[arg(short, long, value_name = "TEXT", conflicts_with = "lines")]
    pub(crate) message: Option<String>,
    /// Send every line of stdin as a message of its own
    #[arg(long)]
    pub(crate) lines: bool,
    /// Hide the message in this picture, or in an unused one of this folder; a long one in several
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) image: Option<PathBuf>,
    /// How it is hidden [default: the best that the picture allows]
    #[arg(long, value_name = "CODEC", requires = "image", value_parser = parse::codec())]
    pub(crate) codec: Option<chat_core::CodecId>,
    /// Take a picture, or put so much into it, that a detector would find the message
    #[arg(long, requires = "image")]
    pub(crate) accept_detectable: bool,
    /// Send a phone's JPEG as it is, with its further pictures, gain map or film [default: the picture alone]
    #[arg(long, requires = "image")]
    pub(crate) keep_extras: bool,
    /// Leave the signed history (C2PA) out of a picture, for which it is refused otherwise
    #[arg(long, requires = "image")]
    pub(crate) strip_provenance: bool,
    /// How long to wait for a broker that answers slowly or not; one that refuses the connection is not waited for
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parse_duration, env = "SECURECHAT_TIMEOUT")]
    pub(crate) timeout: Duration,
    /// Wait until the broker has acknowledged it; this is what happens anyway
    #[arg(long, conflicts_with = "no_wait")]
    pub(crate) wait_ack: bool,
    /// Keep it in the outbox; a later send or listen delivers it
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// Your own name for the message: under one name it is sent once, however often this runs
    #[arg(long, value_name = "KEY", conflicts_with = "lines", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) id: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  securechat listen
  securechat listen --json --max 1 --timeout 30s
  securechat listen --after 120 --json")]
pub(crate) struct ListenArgs {
    /// End after so many messages
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) max: Option<u64>,
    /// End when nothing has happened for so long
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) timeout: Option<Duration>,
    /// Where to go on is remembered under this name
    #[arg(long, value_name = "NAME", default_value = "default", conflicts_with = "after")]
    pub(crate) name: String,
    /// Print everything behind this seq, and remember nothing
    #[arg(long, value_name = "SEQ")]
    pub(crate) after: Option<u64>,
    /// Run this shell command for each message, its JSON line on stdin; the mark moves when it succeeds
    #[arg(long, value_name = "CMD", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) exec: Option<String>,
    /// Give up a message after so many failures of --exec [default: try again for ever]
    #[arg(long, value_name = "N", requires = "exec", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) exec_tries: Option<u32>,
    /// Write the pictures of messages into this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) save_images: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  securechat history
  securechat history --with '#ops' --since 2h
  securechat history --grep 'deploy(ed)?' --json")]
pub(crate) struct HistoryArgs {
    /// Only the conversation with this person, or in this group as '#name'
    #[arg(long, value_name = "HANDLE|#NAME")]
    pub(crate) with: Option<String>,
    /// The newest so many
    #[arg(long, value_name = "N", default_value = "50")]
    pub(crate) limit: usize,
    /// Only what came at or after this time: 2026-01-31T12:00:00Z, or 2h or 3d ago
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub(crate) since: Option<i64>,
    /// Only what came before this time
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub(crate) until: Option<i64>,
    /// Only messages whose text this regular expression finds
    #[arg(long, value_name = "REGEX")]
    pub(crate) grep: Option<String>,
}

/// What to do with a profile's store.
#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Move the store to another engine; the profile must be open nowhere else
    #[command(
        after_help = "Examples:\n  securechat store migrate --to sled\n  securechat store migrate --to sqlite"
    )]
    Migrate {
        /// The engine: sqlite, or sled where this program was built with it
        #[arg(long, value_name = "ENGINE")]
        to: EngineKind,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum OutboxCommand {
    /// List the messages that wait
    #[command(
        after_help = "Examples:\n  securechat outbox list\n  securechat outbox list --json\n  securechat --profile bob outbox list"
    )]
    List,
    /// Take a message back before it is sent
    #[command(
        after_help = "Examples:\n  securechat outbox list\n  securechat outbox drop 3\n  securechat --profile bob outbox drop 1"
    )]
    Drop {
        /// Its number, as `outbox list` shows it, or its id, as `outbox list --json` does
        #[arg(value_name = "NUMBER")]
        which: String,
    },
    /// Send all that waits, now
    #[command(
        after_help = "Examples:\n  securechat outbox retry\n  securechat outbox retry --timeout 5s\n  securechat --profile bob outbox retry --json"
    )]
    Retry {
        /// How long to wait for the broker
        #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parse_duration, env = "SECURECHAT_TIMEOUT")]
        timeout: Duration,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  securechat broker
  securechat broker --listen 0.0.0.0:9092
  securechat broker --data ./broker-data")]
pub(crate) struct BrokerArgs {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9092", env = "SECURECHAT_LISTEN",
          value_parser = parse::listen_address)]
    pub(crate) listen: std::net::SocketAddr,
    /// The folder of its data [default: broker/ in the data folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  securechat demo
  securechat demo --dir ./demo
  securechat demo --json")]
pub(crate) struct DemoArgs {
    /// A missing or empty folder for everything that the demo makes [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print where the configuration file and the data lie
    #[command(
        after_help = "Examples:\n  securechat config path\n  \"$EDITOR\" \"$(securechat config path | head -1)\"\n  securechat config path --json"
    )]
    Path,
    /// Print what is set, and for which profile; passwords are never shown
    #[command(
        after_help = "Examples:\n  securechat config show\n  securechat --profile bob config show\n  securechat config show --json"
    )]
    Show,
    /// Check the configuration file
    #[command(
        after_help = "Examples:\n  securechat config check\n  securechat --config other.toml config check\n  securechat config check --json"
    )]
    Check,
}
