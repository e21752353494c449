//! Arguments of `identity` and `contact`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::time::parse_duration;

#[derive(Debug, Subcommand)]
pub(crate) enum IdentityCommand {
    /// Show who this profile is: handle and fingerprint
    #[command(after_help = "Examples:
  securechat identity show
  securechat identity show --qr
  securechat --profile bob identity show --json")]
    Show {
        /// Draw the fingerprint as a QR code on stderr as well
        #[arg(long)]
        qr: bool,
    },
    /// Write a backup of the identity: sealed under a passphrase, or as 24 words
    #[command(after_help = "Examples:
  securechat identity export alice.identity
  securechat identity export alice.identity --passphrase-command 'pass securechat-backup'
  securechat identity export --words")]
    Export(ExportArgs),
    /// Become the person of a backup, in this profile
    #[command(after_help = "Examples:
  securechat identity import alice.identity
  securechat identity import --words < words.txt
  securechat init alice --profile new && securechat --profile new identity import alice.identity")]
    Import(ImportArgs),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct ExportArgs {
    /// Print 24 words for paper instead; they are the secret itself
    #[arg(long)]
    pub(crate) words: bool,
    /// The file to make; nothing is overwritten
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct ImportArgs {
    /// Read 24 words from stdin
    #[arg(long)]
    pub(crate) words: bool,
    /// The backup
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ContactCommand {
    /// Look somebody up in the directory: the key that they published counts, unless one counts already
    #[command(after_help = "Examples:
  securechat contact add bob
  securechat contact add bob --fingerprint '0001 0203 …'
  securechat contact add sensor-7 --shared-key")]
    Add(AddArgs),
    /// Show whom this profile knows, and how far their keys are trusted
    #[command(after_help = "Examples:
  securechat contact list
  securechat contact list --json
  securechat --profile bob contact list")]
    List,
    /// Show what is known of somebody
    #[command(after_help = "Examples:
  securechat contact show bob
  securechat contact show bob --json
  securechat --profile bob contact show alice")]
    Show {
        /// Who
        handle: String,
    },
    /// Compare keys: without options, show what the two of you compare; with one, check what they have shown you
    #[command(after_help = "Examples:
  securechat contact verify bob
  securechat contact verify bob --safety-number '12345 67890 …'
  securechat contact verify bob --qr photo-of-the-code.jpg")]
    Verify(VerifyArgs),
    /// Accept a changed key
    #[command(after_help = "Examples:
  securechat contact trust bob --safety-number '12345 67890 …'
  securechat contact trust bob --unseen
  securechat contact verify bob")]
    Trust(TrustArgs),
    /// Send nothing to somebody, and keep nothing of theirs
    #[command(after_help = "Examples:
  securechat contact block mallory
  securechat contact block mallory --undo
  securechat contact list")]
    Block {
        /// Who
        handle: String,
        /// Let them in again
        #[arg(long)]
        undo: bool,
    },
    /// Forget somebody's keys: the next one that comes counts. The history stays
    #[command(after_help = "Examples:
  securechat contact remove bob
  securechat contact list
  securechat history --with bob")]
    Remove {
        /// Who
        handle: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// Who
    pub(crate) handle: String,
    /// Which key, where several claim the handle: as they see it with `identity show`
    #[arg(long, value_name = "FINGERPRINT")]
    pub(crate) fingerprint: Option<String>,
    /// Write to them under the shared key: machines, and programs that keep no state, publish nothing
    #[arg(long, conflicts_with = "fingerprint")]
    pub(crate) shared_key: bool,
    /// How long to wait for the broker; what was known before counts then
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration, env = "SECURECHAT_TIMEOUT")]
    pub(crate) timeout: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Who
    pub(crate) handle: String,
    /// The 60 digits that they read to you
    #[arg(long, value_name = "DIGITS", conflicts_with = "qr")]
    pub(crate) safety_number: Option<String>,
    /// A picture of the QR code that they show you
    #[arg(long, value_name = "FILE")]
    pub(crate) qr: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[group(skip)]
#[command(group(clap::ArgGroup::new("how").required(true).args(["safety_number", "unseen"])))]
pub(crate) struct TrustArgs {
    /// Who
    pub(crate) handle: String,
    /// The 60 digits that they read to you
    #[arg(long, value_name = "DIGITS")]
    pub(crate) safety_number: Option<String>,
    /// Without comparing: whoever can write under this handle may be anybody
    #[arg(long)]
    pub(crate) unseen: bool,
}
