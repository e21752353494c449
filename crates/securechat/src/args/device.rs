//! Arguments of `device`.

use std::path::PathBuf;
use std::time::Duration;

use chat_core::EngineKind;
use clap::{Args, Subcommand};

use crate::time::parse_duration;

#[derive(Debug, Subcommand)]
pub(crate) enum DeviceCommand {
    /// Print a code that makes one new profile a device of yours, and wait until it is one; the code is a secret
    #[command(after_help = "Examples:
  securechat device add
  securechat device add --qr --expires 30m
  securechat device add --no-wait > code.txt")]
    Add(DeviceAddArgs),
    /// Make a new profile here, as a device of whoever has made the code
    #[command(after_help = "Examples:
  securechat device link
  securechat device link --qr photo-of-the-code.jpg --label phone
  securechat --profile phone device link - --no-passphrase")]
    Link(DeviceLinkArgs),
    /// Show your devices
    #[command(after_help = "Examples:
  securechat device list
  securechat device list --json
  securechat --profile phone device list")]
    List,
    /// Remove a device of yours, for ever: it reads nothing of what is written after
    #[command(after_help = "Examples:
  securechat device remove 4f0c
  securechat device remove 4f0c --timeout 30s
  securechat device list")]
    Remove(DeviceRemoveArgs),
}

#[derive(Debug, Args)]
pub(crate) struct DeviceAddArgs {
    /// Draw the code as a QR code on stderr as well
    #[arg(long)]
    pub(crate) qr: bool,
    /// Refuse it after this time
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = parse_duration)]
    pub(crate) expires: Duration,
    /// Print the code and end; a `listen` that runs meanwhile answers the new device
    #[arg(long)]
    pub(crate) no_wait: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DeviceLinkArgs {
    /// A file with the code, or - for stdin; without it you are asked, or a profile that waits is linked further
    #[arg(value_name = "FILE|-")]
    pub(crate) from: Option<String>,
    /// A picture of the QR code that the first device shows
    #[arg(long, value_name = "PICTURE", conflicts_with = "from")]
    pub(crate) qr: Option<PathBuf>,
    /// What you call this device, seen on the first device alone; without it, the profile's name
    #[arg(long, value_name = "TEXT")]
    pub(crate) label: Option<String>,
    /// Protect the profile by file permissions alone, for machines
    #[arg(long)]
    pub(crate) no_passphrase: bool,
    /// The engine of the profile's store: sqlite, or sled where this program was built with it
    #[arg(long, value_name = "ENGINE", default_value = "sqlite")]
    pub(crate) store: EngineKind,
    /// How long to wait for the device that has made the code
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = parse_duration, env = "SECURECHAT_TIMEOUT")]
    pub(crate) timeout: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct DeviceRemoveArgs {
    /// Its name, as `device list` shows it, or the first digits of it
    pub(crate) id: String,
    /// How long to wait for the broker; the next `listen` does what is left
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration, env = "SECURECHAT_TIMEOUT")]
    pub(crate) timeout: Duration,
}
