//! What keeps the process's memory its own.

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
