//! What keeps the process's memory, and its secrets, its own.

use std::process::Command;

/// Lets no crash write the memory, with its keys and messages, to a file; on Linux nor lets other processes
/// of the same user look into it.
///
/// Programs that this one starts have the usual limits again, where they raise them.
pub(crate) fn leave_no_core_file() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = Rlimit { current: Some(0), ..getrlimit(Resource::Core) };
        if let Err(error) = setrlimit(Resource::Core, limit) {
            tracing::debug!(%error, "core files cannot be turned off");
        }
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
            tracing::debug!(%error, "the process cannot be made undumpable");
        }
    }
}

/// A command line for the shell. It does not get the secrets that this program was given in its environment.
pub(crate) fn shell(line: &str) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(line);
    let secret = |name: &str| {
        ["SECURECHAT_PASSPHRASE", "SECURECHAT_SASL"].iter().any(|prefix| name.starts_with(prefix))
    };
    for (name, _) in std::env::vars_os().filter(|(name, _)| secret(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command
}
