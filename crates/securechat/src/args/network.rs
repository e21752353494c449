//! `network`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::parse;
use crate::time::parse_duration;

#[derive(Debug, Subcommand)]
pub(crate) enum NetworkCommand {
    /// Make a network: its key, and its topics on the cluster
    Create(NetworkCreateArgs),
    /// Show the profile's network
    #[command(
        after_help = "Examples:\n  securechat network show\n  securechat network show --json\n  securechat --profile bob network show"
    )]
    Show,
    /// Make a new network key, use it from here on, and hand it to verified contacts; everybody else needs a new invite
    #[command(after_help = "Examples:
  securechat network rotate
  securechat network rotate --to carol --to deploy-bot
  securechat network rotate --json")]
    Rotate(NetworkRotateArgs),
    /// Hand the present network key to contacts who lack it
    #[command(after_help = "Examples:
  securechat network share-key carol
  securechat network share-key carol deploy-bot --timeout 30s
  securechat network share-key carol --json")]
    ShareKey(NetworkShareKeyArgs),
}

#[derive(Debug, Args)]
pub(crate) struct NetworkRotateArgs {
    /// Hand it to this contact too, though their key was never compared
    #[arg(long, value_name = "HANDLE")]
    pub(crate) to: Vec<String>,
    #[command(flatten)]
    pub(crate) spread: SpreadArgs,
}

#[derive(Debug, Args)]
pub(crate) struct NetworkShareKeyArgs {
    /// Whom to hand it to
    #[arg(required = true, value_name = "HANDLE")]
    pub(crate) to: Vec<String>,
    #[command(flatten)]
    pub(crate) spread: SpreadArgs,
}

#[derive(Debug, Args)]
pub(crate) struct SpreadArgs {
    /// How long to wait for the broker; the next `listen` does what is left
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration, env = "SECURECHAT_TIMEOUT")]
    pub(crate) timeout: Duration,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  securechat network create --brokers localhost:9092
  securechat network create --brokers a:9093,b:9093 --security tls --replication 3
  securechat network create --brokers localhost:9092 --key secret.key --namespace team")]
pub(crate) struct NetworkCreateArgs {
    /// Bootstrap servers, with commas [default: as configured]
    #[arg(long, value_name = "A,B")]
    pub(crate) brokers: Option<String>,
    /// What the topics' names begin with [default: securechat]
    #[arg(long, value_name = "NAME", env = "SECURECHAT_NAMESPACE")]
    pub(crate) namespace: Option<String>,
    /// Use this key: our key file, 32 raw bytes, or an old secret.key
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// Partitions of the mail topic; they can never be changed [default: as begun, or 16]
    #[arg(long, value_name = "N")]
    pub(crate) partitions: Option<std::num::NonZeroU32>,
    /// How long the cluster keeps messages [default: as begun, or 30d]
    #[arg(long, value_name = "TIME", value_parser = parse::retention)]
    pub(crate) retention: Option<Duration>,
    /// Copies that the cluster keeps [default: as begun, or 3 with three brokers, else the cluster's own number]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) replication: Option<u16>,
    /// plaintext, tls, sasl-tls or sasl-plaintext [default: plaintext to this machine, refused to others]
    #[arg(long, value_name = "KIND")]
    pub(crate) security: Option<String>,
}
