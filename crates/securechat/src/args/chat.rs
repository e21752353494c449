//! Arguments of `chat`.

use std::time::Duration;

use clap::{Args, Subcommand};

use crate::time::parse_duration;

#[derive(Debug, Subcommand)]
pub(crate) enum ChatCommand {
    /// Make a group, and invite people to it
    #[command(after_help = "Examples:
  securechat chat create ops bob carol
  securechat chat create 'night shift'
  securechat send --to '#ops' -m 'hello all'")]
    Create {
        /// What it is called
        #[arg(value_name = "NAME")]
        name: String,
        /// Who is in it from the beginning
        #[arg(value_name = "HANDLE")]
        handles: Vec<String>,
        #[command(flatten)]
        wait: Wait,
    },
    /// Show the groups of this profile
    #[command(after_help = "Examples:
  securechat chat list
  securechat chat list --json
  securechat --profile bob chat list")]
    List,
    /// Show who is in a group, and the code that its members compare
    #[command(after_help = "Examples:
  securechat chat show '#ops'
  securechat chat show '#ops' --json
  securechat chat show '#ops~1a2b'")]
    Show {
        /// The group
        #[arg(value_name = "#NAME")]
        group: String,
    },
    /// Bring people into a group
    #[command(after_help = "Examples:
  securechat chat invite '#ops' dave
  securechat chat invite '#ops' dave erin --no-wait
  securechat --profile bob chat invite '#ops' dave")]
    Invite(PeopleArgs),
    /// Put people out of a group: they read nothing of what is written after
    #[command(after_help = "Examples:
  securechat chat remove '#ops' dave
  securechat chat remove '#ops' dave erin
  securechat chat remove '#ops' dave --json")]
    Remove(PeopleArgs),
    /// Leave a group
    #[command(after_help = "Examples:
  securechat chat leave '#ops'
  securechat chat leave '#ops' --no-wait
  securechat chat leave '#ops~1a2b'")]
    Leave(GroupArgs),
    /// Call a group otherwise
    #[command(after_help = "Examples:
  securechat chat rename '#ops' 'night shift'
  securechat chat rename '#ops~1a2b' ops-berlin
  securechat chat rename '#ops' night --json")]
    Rename {
        /// The group
        #[arg(value_name = "#NAME")]
        group: String,
        /// Its new name
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        wait: Wait,
    },
    /// Show who may change a group, or let others do so
    #[command(after_help = "Examples:
  securechat chat admins '#ops'
  securechat chat admins '#ops' --add bob
  securechat chat admins '#ops' --add bob --remove alice")]
    Admins {
        /// The group
        #[arg(value_name = "#NAME")]
        group: String,
        /// Who may from now on
        #[arg(long, value_name = "HANDLE")]
        add: Vec<String>,
        /// Who may no more
        #[arg(long, value_name = "HANDLE")]
        remove: Vec<String>,
        #[command(flatten)]
        wait: Wait,
    },
    /// Show groups that strangers have invited to; accept or decline one
    #[command(after_help = "Examples:
  securechat chat requests
  securechat chat requests accept '#ops'
  securechat chat requests decline '#ops'")]
    Requests {
        #[command(subcommand)]
        what: Option<RequestCommand>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RequestCommand {
    /// Be in the group from now on, and see what was said in it
    #[command(after_help = "Examples:
  securechat chat requests accept '#ops'
  securechat chat requests accept '#ops~1a2b'
  securechat chat requests accept '#ops' --json")]
    Accept(GroupArgs),
    /// Leave the group; nothing of it is ever shown
    #[command(after_help = "Examples:
  securechat chat requests decline '#ops'
  securechat chat requests decline '#ops~1a2b'
  securechat chat requests decline '#ops' --json")]
    Decline(GroupArgs),
}

#[derive(Debug, Args)]
pub(crate) struct PeopleArgs {
    /// The group
    #[arg(value_name = "#NAME")]
    pub(crate) group: String,
    /// Who
    #[arg(value_name = "HANDLE", required = true)]
    pub(crate) handles: Vec<String>,
    #[command(flatten)]
    pub(crate) wait: Wait,
}

#[derive(Debug, Args)]
pub(crate) struct GroupArgs {
    /// The group
    #[arg(value_name = "#NAME")]
    pub(crate) group: String,
    #[command(flatten)]
    pub(crate) wait: Wait,
}

/// How long to wait for the broker.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Wait {
    /// How long to wait for a broker that answers slowly or not
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parse_duration, env = "SECURECHAT_TIMEOUT")]
    pub(crate) timeout: Duration,
    /// Keep it in the outbox; a later send or listen delivers it
    #[arg(long)]
    pub(crate) no_wait: bool,
}
